// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Fixed} from "./Fixed.sol";
import {IVault} from "./IVault.sol";
import {IVaultPay, IVenue} from "./IVenue.sol";
import {Trade} from "./Types.sol";
import {HoldingsLib} from "./lib/HoldingsLib.sol";

/// @title Swaps without allowances: a venue is paid when it calls back
/// @dev The only transient variables of the vault and of its rebalancer, hence in the same transient slots of both.
abstract contract Payments is Fixed, IVaultPay {
    using SafeERC20 for IERC20;

    // The swap under way; zero between swaps.
    address private transient _payee;
    address private transient _token;
    uint256 private transient _left;

    /// @inheritdoc IVaultPay
    function pay(address token, address to, uint256 amount) external {
        if (msg.sender != _payee || token != _token) revert IVault.NotSwapping(msg.sender, token);
        uint256 left = _left;
        if (amount > left) revert IVault.PaidTooMuch(amount, left);
        _left = left - amount;
        IERC20(token).safeTransfer(to, amount);
    }

    /// @inheritdoc IVaultPay
    function isHeld(address token) external view returns (bool) {
        return HoldingsLib.isHeld(_store, token);
    }

    /// @return received By this contract's own balance.
    function _swap(Trade calldata trade, uint256 index) internal returns (uint256 received) {
        IERC20 tokenOut = IERC20(trade.tokenOut);
        uint256 balanceBefore = tokenOut.balanceOf(address(this));
        (_payee, _token, _left) = (trade.venue, trade.tokenIn, trade.amountIn);
        IVenue(trade.venue)
            .swap(trade.tokenIn, trade.tokenOut, trade.amountIn, trade.minAmountOut, trade.route, address(this));
        (_payee, _token, _left) = (address(0), address(0), 0);
        received = tokenOut.balanceOf(address(this)) - balanceBefore;
        if (received < trade.minAmountOut) revert IVault.ReceivedTooLittle(index, received, trade.minAmountOut);
    }
}
