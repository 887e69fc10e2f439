// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IUniswapV3SwapCallback} from "@uniswap/v3-core/contracts/interfaces/callback/IUniswapV3SwapCallback.sol";
import {IVaultPay} from "../IVenue.sol";
import {TickMathLib} from "../lib/TickMathLib.sol";
import {Venue} from "./Venue.sol";

/// @title Uniswap v3, through one pool or several
/// @notice A route is fee tiers with the tokens between them, packed:  | fee: 3 bytes | token: 20 | fee: 3 | …
contract UniswapV3Venue is Venue, IUniswapV3SwapCallback {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    error NotThePool(address caller);
    error PoolRanDry(address pool, uint256 taken, uint256 amountIn);

    uint256 private constant FEE_BYTES = 3;
    uint256 private constant HOP_BYTES = 23;

    // The payment that the pool under way may ask for, once; zero otherwise.
    address private transient _pool;
    address private transient _payer;
    address private transient _token;

    constructor(address factory_, bytes32 poolCodeHash_) Venue(factory_, poolCodeHash_) {}

    function _swap(address tokenIn, address tokenOut, uint256 amountIn, bytes calldata route, address recipient)
        internal
        override
    {
        if (route.length % HOP_BYTES != FEE_BYTES) revert WrongRouteLength(route.length);
        address payer = msg.sender;
        while (route.length > FEE_BYTES) {
            address hop = address(bytes20(route[FEE_BYTES:HOP_BYTES]));
            _checkHop(hop);
            uint256 balanceBefore = IERC20(hop).balanceOf(address(this));
            _swapOne(payer, tokenIn, hop, uint24(bytes3(route)), amountIn, address(this));
            amountIn = IERC20(hop).balanceOf(address(this)) - balanceBefore;
            (payer, tokenIn, route) = (address(this), hop, route[HOP_BYTES:]);
        }
        _swapOne(payer, tokenIn, tokenOut, uint24(bytes3(route)), amountIn, recipient);
    }

    function _swapOne(address payer, address tokenIn, address tokenOut, uint24 fee, uint256 amountIn, address recipient)
        private
    {
        bool isZeroForOne = tokenIn < tokenOut;
        (address token0, address token1) = isZeroForOne ? (tokenIn, tokenOut) : (tokenOut, tokenIn);
        address pool = _poolOf(keccak256(abi.encode(token0, token1, fee)));
        // The outermost prices: no limit but what the pool holds.
        uint160 limit = isZeroForOne ? TickMathLib.MIN_SQRT_PRICE + 1 : TickMathLib.MAX_SQRT_PRICE - 1;
        (_pool, _payer, _token) = (pool, payer, tokenIn);
        // A negative amount would ask for an exact output, at any price.
        (int256 amount0, int256 amount1) =
            IUniswapV3Pool(pool).swap(recipient, isZeroForOne, amountIn.toInt256(), limit, "");
        uint256 taken = uint256(isZeroForOne ? amount0 : amount1);
        if (taken != amountIn) revert PoolRanDry(pool, taken, amountIn);
    }

    /// @notice For the pool under way alone, which asks to be paid: by the caller of `swap` in the first hop, then
    /// out of what the hop before brought.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        if (msg.sender != _pool) revert NotThePool(msg.sender);
        (address payer, address token) = (_payer, _token);
        (_pool, _payer, _token) = (address(0), address(0), address(0));
        uint256 owed = uint256(amount0Delta > 0 ? amount0Delta : amount1Delta);
        if (payer == address(this)) IERC20(token).safeTransfer(msg.sender, owed);
        else IVaultPay(payer).pay(token, msg.sender, owed);
    }
}
