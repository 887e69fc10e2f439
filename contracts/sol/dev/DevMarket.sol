// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DevFeed} from "./DevFeed.sol";
import {DevToken} from "./DevToken.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";

/// @notice The rest of the world on the local devnet, in one transaction a bar: it reports the replayed prices to the
/// feeds, and as the arbitrageur it swaps every Uniswap v3 pool to its replayed price, for real, fees included.
/// It also provides the pools' liquidity. What it owes it mints, so it never runs dry.
contract DevMarket {
    struct Listing {
        DevFeed feed;
        IUniswapV3Pool pool; // zero for the base token, which has a feed alone
    }

    error NotOperator(address caller);
    error NotListedPool(address caller);
    error WrongLength(uint256 given, uint256 expected);

    address public immutable operator;
    Listing[] public listings;
    mapping(address pool => bool) public isListed;

    modifier onlyOperator() {
        if (msg.sender != operator) revert NotOperator(msg.sender);
        _;
    }

    constructor(address operator_) {
        operator = operator_;
    }

    function list(DevFeed feed, IUniswapV3Pool pool) external onlyOperator {
        listings.push(Listing(feed, pool));
        isListed[address(pool)] = true;
    }

    /// @notice Provides `liquidity` between two ticks, to stay for good.
    function provide(IUniswapV3Pool pool, int24 tickLower, int24 tickUpper, uint128 liquidity) external onlyOperator {
        pool.mint(address(this), tickLower, tickUpper, liquidity, "");
    }

    /// @notice Sets the whole market to one moment, in the order of `list`.
    /// @param answers US dollars for one whole token, 8 decimals.
    /// @param sqrtPricesX96 The pools' target, sqrt(token1 / token0) × 2^96 in smallest units; ignored where no pool is.
    function setMarket(int192[] calldata answers, uint160[] calldata sqrtPricesX96) external onlyOperator {
        uint256 count = listings.length;
        if (answers.length != count) revert WrongLength(answers.length, count);
        if (sqrtPricesX96.length != count) revert WrongLength(sqrtPricesX96.length, count);
        for (uint256 i = 0; i < count; ++i) {
            Listing memory listing = listings[i];
            listing.feed.report(answers[i]);
            if (address(listing.pool) != address(0)) _moveTo(listing.pool, sqrtPricesX96[i]);
        }
    }

    /// @notice Swaps every pool to its price, and reports nothing.
    function movePools(uint160[] calldata sqrtPricesX96) external onlyOperator {
        if (sqrtPricesX96.length != listings.length) revert WrongLength(sqrtPricesX96.length, listings.length);
        for (uint256 i = 0; i < listings.length; ++i) {
            IUniswapV3Pool pool = listings[i].pool;
            if (address(pool) != address(0)) _moveTo(pool, sqrtPricesX96[i]);
        }
    }

    function _moveTo(IUniswapV3Pool pool, uint160 target) private {
        (uint160 current,,,,,,) = pool.slot0();
        // The input is as good as unlimited; the price limit alone ends the swap, so the pool stops exactly there.
        if (target != current) pool.swap(address(this), target < current, type(int128).max, target, "");
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        if (!isListed[msg.sender]) revert NotListedPool(msg.sender);
        if (amount0 > 0) DevToken(IUniswapV3Pool(msg.sender).token0()).mint(msg.sender, uint256(amount0));
        if (amount1 > 0) DevToken(IUniswapV3Pool(msg.sender).token1()).mint(msg.sender, uint256(amount1));
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata) external {
        if (!isListed[msg.sender]) revert NotListedPool(msg.sender);
        DevToken(IUniswapV3Pool(msg.sender).token0()).mint(msg.sender, amount0);
        DevToken(IUniswapV3Pool(msg.sender).token1()).mint(msg.sender, amount1);
    }
}
