// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DevToken} from "../../sol/dev/DevToken.sol";

/// Burns a share of every transfer: out of what arrives, or on top of what the sender gives.
contract TollToken is DevToken {
    uint256 public receiverTollBps;
    uint256 public senderTollBps;

    constructor(uint8 decimals_) DevToken("Toll", "TOLL", decimals_) {}

    function setTolls(uint256 receiverBps, uint256 senderBps) external {
        (receiverTollBps, senderTollBps) = (receiverBps, senderBps);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from == address(0) || to == address(0)) return;
        if (receiverTollBps > 0) super._update(to, address(0), amount * receiverTollBps / 10_000);
        if (senderTollBps > 0) super._update(from, address(0), amount * senderTollBps / 10_000);
    }
}

/// Calls somebody during its next transfer and keeps the outcome.
contract CallingToken is DevToken {
    address private _target;
    bytes private _call;
    uint256 public calls;
    bool public hasSucceeded;
    bytes public answer;

    constructor() DevToken("Calling", "CALL", 18) {}

    function callDuringTransfer(address target, bytes calldata call_) external {
        (_target, _call) = (target, call_);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target == address(0)) return;
        address target = _target;
        _target = address(0);
        ++calls;
        (hasSucceeded, answer) = target.call(_call);
    }
}

/// Refuses to move to or from an address that is on its list, as USDC and USDT do.
contract BlocklistToken is DevToken {
    error Blocked(address account);

    mapping(address account => bool) public isBlocked;

    constructor(uint8 decimals_) DevToken("Blocklist", "BLOCK", decimals_) {}

    function setBlocked(address account, bool isBlocked_) external {
        isBlocked[account] = isBlocked_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (isBlocked[from]) revert Blocked(from);
        if (isBlocked[to]) revert Blocked(to);
        super._update(from, to, amount);
    }
}
