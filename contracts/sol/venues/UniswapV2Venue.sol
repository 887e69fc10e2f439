// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IUniswapV2Pair} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Pair.sol";
import {IVaultPay} from "../IVenue.sol";
import {Venue} from "./Venue.sol";

/// @title Uniswap v2, through one pair or several, at its fee of 0.3 %
/// @notice A route is the tokens between tokenIn and tokenOut, packed:  | token: 20 bytes | …  Empty: one pair.
contract UniswapV2Venue is Venue {
    uint256 private constant TOKEN_BYTES = 20;

    constructor(address factory_, bytes32 pairCodeHash) Venue(factory_, pairCodeHash) {}

    function _swap(address tokenIn, address tokenOut, uint256 amountIn, bytes calldata route, address recipient)
        internal
        override
    {
        if (route.length % TOKEN_BYTES != 0) revert WrongRouteLength(route.length);
        address next = route.length > 0 ? address(bytes20(route)) : tokenOut;
        address pair = _pairOf(tokenIn, next);
        IVaultPay(msg.sender).pay(tokenIn, pair, amountIn);
        // Each pair sends to the one behind it.
        while (route.length > 0) {
            _checkHop(next);
            route = route[TOKEN_BYTES:];
            address last = next;
            next = route.length > 0 ? address(bytes20(route)) : tokenOut;
            address nextPair = _pairOf(last, next);
            _swapOne(pair, tokenIn, last, nextPair);
            (tokenIn, pair) = (last, nextPair);
        }
        _swapOne(pair, tokenIn, next, recipient);
    }

    /// @dev What the pair was given is measured too: a token may have taken a fee on the way.
    function _swapOne(address pair, address tokenIn, address tokenOut, address to) private {
        bool isZeroForOne = tokenIn < tokenOut;
        (uint256 reserve0, uint256 reserve1,) = IUniswapV2Pair(pair).getReserves();
        (uint256 reserveIn, uint256 reserveOut) = isZeroForOne ? (reserve0, reserve1) : (reserve1, reserve0);
        // x·y = k after 0.3 % off the input, rounded down as the pair demands (whitepaper, section 3.2.1).
        uint256 input = (IERC20(tokenIn).balanceOf(pair) - reserveIn) * 997;
        uint256 output = input * reserveOut / (reserveIn * 1000 + input);
        (uint256 out0, uint256 out1) = isZeroForOne ? (uint256(0), output) : (output, uint256(0));
        IUniswapV2Pair(pair).swap(out0, out1, to, "");
    }

    function _pairOf(address tokenA, address tokenB) private view returns (address) {
        (address token0, address token1) = tokenA < tokenB ? (tokenA, tokenB) : (tokenB, tokenA);
        return _poolOf(keccak256(abi.encodePacked(token0, token1)));
    }
}
