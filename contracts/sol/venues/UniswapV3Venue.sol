// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IUniswapV3Factory} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IVaultPay, IVenue} from "../IVenue.sol";

/// @title Uniswap v3, through one pool or several
/// @notice A route is fee tiers with tokens between them:  | fee: 3 bytes | token: 20 | fee: 3 | …
/// @dev Serves any vault and holds nothing between calls. Only pools that the factory names are called.
contract UniswapV3Venue is IVenue {
    using SafeERC20 for IERC20;

    error BadRoute(uint256 length);
    error NoPool(address tokenIn, address tokenOut, uint24 fee);
    error HopNotHeld(address token);
    error PoolRanDry(address pool, uint256 taken, uint256 amountIn);
    error TooLittle(uint256 amountOut, uint256 minAmountOut);
    error NotThePool(address caller);

    uint256 private constant FEE_BYTES = 3;
    uint256 private constant HOP_BYTES = 23;
    // One inside TickMath's outermost prices: no limit but what the pool holds.
    uint160 private constant MIN_PRICE = 4_295_128_740;
    uint160 private constant MAX_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

    IUniswapV3Factory public immutable factory;

    // The hop under way; zero between hops.
    address private transient _pool;
    address private transient _payer;
    address private transient _token;

    constructor(IUniswapV3Factory factory_) {
        factory = factory_;
    }

    /// @inheritdoc IVenue
    function swap(
        address tokenIn,
        address tokenOut,
        uint256 amountIn,
        uint256 minAmountOut,
        bytes calldata route,
        address recipient
    ) external returns (uint256 amount) {
        if (route.length % HOP_BYTES != FEE_BYTES) revert BadRoute(route.length);
        amount = amountIn;
        address payer = msg.sender;
        while (route.length > FEE_BYTES) {
            address hop = address(bytes20(route[FEE_BYTES:HOP_BYTES]));
            // Also keeps out tokens that nobody has looked at.
            if (!IVaultPay(msg.sender).isHeld(hop)) revert HopNotHeld(hop);
            amount = _hop(payer, tokenIn, hop, uint24(bytes3(route[:FEE_BYTES])), amount, address(this));
            (payer, tokenIn, route) = (address(this), hop, route[HOP_BYTES:]);
        }
        amount = _hop(payer, tokenIn, tokenOut, uint24(bytes3(route[:FEE_BYTES])), amount, recipient);
        if (amount < minAmountOut) revert TooLittle(amount, minAmountOut);
    }

    function _hop(address payer, address tokenIn, address tokenOut, uint24 fee, uint256 amountIn, address recipient)
        private
        returns (uint256)
    {
        address pool = factory.getPool(tokenIn, tokenOut, fee);
        if (pool == address(0)) revert NoPool(tokenIn, tokenOut, fee);
        (_pool, _payer, _token) = (pool, payer, tokenIn);
        bool isZeroForOne = tokenIn < tokenOut;
        (int256 amount0, int256 amount1) = IUniswapV3Pool(pool)
            .swap(recipient, isZeroForOne, int256(amountIn), isZeroForOne ? MIN_PRICE : MAX_PRICE, "");
        (_pool, _payer, _token) = (address(0), address(0), address(0));
        (int256 taken, int256 given) = isZeroForOne ? (amount0, amount1) : (amount1, amount0);
        if (uint256(taken) != amountIn) revert PoolRanDry(pool, uint256(taken), amountIn);
        return uint256(-given);
    }

    /// @dev The pool asks to be paid: by the vault for the first hop, then out of what the hop before brought.
    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        if (msg.sender != _pool) revert NotThePool(msg.sender);
        uint256 owed = uint256(amount0 > 0 ? amount0 : amount1);
        if (_payer == address(this)) IERC20(_token).safeTransfer(msg.sender, owed);
        else IVaultPay(_payer).pay(_token, msg.sender, owed);
    }
}
