// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVaultPay, IVenue} from "../sol/IVenue.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {IPriceFeed} from "../sol/lib/OracleLib.sol";

/// A feed that answers what it is told, as wrong as that may be.
contract SetFeed is IPriceFeed {
    uint8 public immutable decimals;
    uint80 private _roundId = 1;
    int256 private _answer;
    uint256 private _updatedAt;

    constructor(uint8 decimals_, int256 answer) {
        decimals = decimals_;
        set(answer, block.timestamp);
    }

    function set(int256 answer, uint256 updatedAt) public {
        (_answer, _updatedAt) = (answer, updatedAt);
    }

    function setRound(uint80 roundId) external {
        _roundId = roundId;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (_roundId, _answer, _updatedAt, _updatedAt, _roundId);
    }
}

/// A venue that does as it is told: takes `taken` of tokenIn, and gives `given` of tokenOut to the recipient.
contract CrookedVenue is IVenue {
    uint256 private _taken;
    uint256 private _given;
    address private _token;

    /// @param token To be asked for instead of tokenIn; zero for tokenIn.
    function set(uint256 taken, uint256 given, address token) external {
        (_taken, _given, _token) = (taken, given, token);
    }

    function swap(address tokenIn, address tokenOut, uint256, uint256, bytes calldata, address recipient)
        external
        returns (uint256)
    {
        IVaultPay(msg.sender).pay(_token == address(0) ? tokenIn : _token, address(this), _taken);
        DevToken(tokenOut).mint(recipient, _given);
        return _given;
    }
}
