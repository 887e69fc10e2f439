// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IVault} from "../IVault.sol";
import {FixedParts, Holding, Market, TokenConfig} from "../Types.sol";
import {DecisionLib} from "./DecisionLib.sol";
import {HoldingsLib} from "./HoldingsLib.sol";

/// @title What a deployer describes, with what the contracts themselves say, or a refusal
library MarketLib {
    uint256 internal constant MAX_TOKENS = 32;

    /// @dev Deploys the store of the holdings.
    function fix(Market memory market) internal returns (FixedParts memory) {
        uint256 count = market.tokens.length;
        if (count < 2 || count > MAX_TOKENS) revert IVault.WrongTokenCount(count, MAX_TOKENS);
        return FixedParts({
            eas: market.eas,
            easVersionHash: DecisionLib.versionHashOf(market.eas),
            sequencerFeed: market.sequencerFeed,
            sequencerGrace: market.sequencerGrace,
            store: HoldingsLib.write(_holdings(market.tokens))
        });
    }

    /// @param configs The base asset first.
    function _holdings(TokenConfig[] memory configs) private view returns (Holding[] memory held) {
        held = new Holding[](configs.length);
        for (uint256 i; i < configs.length; ++i) {
            TokenConfig memory config = configs[i];
            address token = address(config.token);
            for (uint256 j; j < i; ++j) {
                if (address(configs[j].token) == token) revert IVault.DuplicateToken(token);
            }
            bool hasFeed = address(config.feed) != address(0);
            if (!hasFeed && i > 0) revert IVault.FeedMissing(token);
            if (config.minPrice > config.maxPrice) {
                revert IVault.PriceBoundsOutOfOrder(token, config.minPrice, config.maxPrice);
            }
            held[i] = Holding({
                token: config.token,
                decimals: IERC20Metadata(token).decimals(),
                feed: config.feed,
                feedDecimals: hasFeed ? config.feed.decimals() : 0,
                maxAge: config.maxAge,
                minPrice: config.minPrice,
                maxPrice: config.maxPrice,
                pool: config.pool,
                isToken0: _isToken0(config.pool, token, address(configs[0].token)),
                assetId: config.assetId
            });
        }
    }

    function _isToken0(address pool, address token, address base) private view returns (bool) {
        if (pool == address(0)) return false;
        (address token0, address token1) = (IUniswapV3Pool(pool).token0(), IUniswapV3Pool(pool).token1());
        if (token0 == token && token1 == base) return true;
        if (token0 != base || token1 != token) revert IVault.PoolNotOfToken(pool, token);
        return false;
    }
}
