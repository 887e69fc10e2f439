// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A place where the vault swaps
interface IVenue {
    /// @notice Swaps exactly `amountIn`, or reverts. Pays by `IVaultPay(msg.sender).pay`, never by an allowance.
    /// @param route The venue's own encoding of pools.
    /// @param recipient Of tokenOut.
    function swap(
        address tokenIn,
        address tokenOut,
        uint256 amountIn,
        uint256 minAmountOut,
        bytes calldata route,
        address recipient
    ) external returns (uint256 amountOut);
}

/// @title What a venue may ask of the vault it swaps for
interface IVaultPay {
    /// @notice Sends tokens of the swap that is under way. For its venue alone, tokenIn alone, up to amountIn in all.
    function pay(address token, address to, uint256 amount) external;
    /// @notice Whether a route may pass through the token.
    function isHeld(address token) external view returns (bool);
}
