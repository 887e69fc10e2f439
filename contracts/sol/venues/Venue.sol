// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IVaultPay, IVenue} from "../IVenue.sol";

/// @title What the venues over pools of one factory share
/// @notice Serves any caller that can pay, and holds nothing between swaps.
///
/// - Nobody can name a pool: its address follows from the factory, the code it deploys and the pair (CREATE2).
/// - Nobody gives an allowance: the caller is asked to pay into the pool, once, the amount of its own swap.
/// - What arrived is measured at the recipient, not believed.
abstract contract Venue is IVenue, ReentrancyGuardTransient {
    error WrongRouteLength(uint256 length);
    error HopTokenNotHeld(address token);
    error PoolMissing(address pool);
    error OutputTooSmall(uint256 received, uint256 minAmountOut);

    address public immutable factory;
    /// @notice keccak256 of the creation code of the factory's pools.
    bytes32 public immutable poolCodeHash;

    constructor(address factory_, bytes32 poolCodeHash_) {
        factory = factory_;
        poolCodeHash = poolCodeHash_;
    }

    /// @inheritdoc IVenue
    function swap(
        address tokenIn,
        address tokenOut,
        uint256 amountIn,
        uint256 minAmountOut,
        bytes calldata route,
        address recipient
    ) external nonReentrant returns (uint256 amountOut) {
        uint256 balanceBefore = IERC20(tokenOut).balanceOf(recipient);
        _swap(tokenIn, tokenOut, amountIn, route, recipient);
        amountOut = IERC20(tokenOut).balanceOf(recipient) - balanceBefore;
        if (amountOut < minAmountOut) revert OutputTooSmall(amountOut, minAmountOut);
    }

    /// @dev Takes exactly `amountIn` from the caller or reverts.
    function _swap(address tokenIn, address tokenOut, uint256 amountIn, bytes calldata route, address recipient)
        internal
        virtual;

    /// @return pool That the factory deployed with this salt.
    function _poolOf(bytes32 salt) internal view returns (address pool) {
        pool = Create2.computeAddress(salt, poolCodeHash, factory);
        if (pool.code.length == 0) revert PoolMissing(pool);
    }

    /// @dev A hop through a token that the caller does not know could run that token's code in the middle of a swap.
    function _checkHop(address token) internal view {
        if (!IVaultPay(msg.sender).isHeld(token)) revert HopTokenNotHeld(token);
    }
}
