// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IVault} from "../IVault.sol";
import {TickMathLib} from "./TickMathLib.sol";

/// @title Time-weighted average price of a Uniswap v3 pool, and whether an oracle agrees with it
/// @dev The mean of the ticks is the logarithm of the geometric mean of the prices (v3 whitepaper, section 5.2).
/// Reverts with the pool's own Error("OLD") where its observations do not reach back `window` seconds.
library TwapLib {
    uint256 private constant PPM = 1e6;

    /// @param isToken0 Whether the token is the pool's token0, and the base asset its token1.
    /// @param window Seconds, above 0.
    /// @return Price of one whole token in the base asset, WAD, rounded down.
    function priceWad(address pool, bool isToken0, uint8 decimals, uint8 baseDecimals, uint32 window)
        internal
        view
        returns (uint256)
    {
        int24 tick = meanTick(pool, window);
        uint256 digits = uint256(decimals) + 18;
        if (digits >= baseDecimals) return quoteDown(tick, isToken0, 10 ** (digits - baseDecimals));
        return quoteDown(tick, isToken0, 1) / 10 ** (baseDecimals - digits);
    }

    /// @return Mean tick from `window` seconds ago until now, rounded towards minus infinity.
    function meanTick(address pool, uint32 window) internal view returns (int24) {
        uint32[] memory secondsAgos = new uint32[](2);
        secondsAgos[0] = window;
        (int56[] memory cumulatives,) = IUniswapV3Pool(pool).observe(secondsAgos);
        // The accumulator is made to wrap.
        unchecked {
            int56 sum = cumulatives[1] - cumulatives[0];
            int56 mean = sum / int56(uint56(window));
            if (sum < 0 && sum % int56(uint56(window)) != 0) --mean;
            return int24(mean);
        }
    }

    /// @param isToken0 Whether `amount` is of the pool's token0, and the answer of its token1.
    /// @return amount × 1.0001^±tick, rounded down. Panics where that exceeds 256 bits.
    function quoteDown(int24 tick, bool isToken0, uint256 amount) internal pure returns (uint256) {
        uint256 root = TickMathLib.sqrtPriceX96(tick);
        if (root <= type(uint128).max) {
            uint256 priceX192 = root * root;
            return isToken0 ? Math.mulDiv(priceX192, amount, 1 << 192) : Math.mulDiv(1 << 192, amount, priceX192);
        }
        // Beyond, the square has more than 256 bits; 64 of them are worth less than 2^-128 of it.
        uint256 priceX128 = Math.mulDiv(root, root, 1 << 64);
        return isToken0 ? Math.mulDiv(priceX128, amount, 1 << 128) : Math.mulDiv(1 << 128, amount, priceX128);
    }

    /// @notice Reverts unless the two prices agree.
    function checkAgrees(address pool, uint256 oraclePrice, uint256 averagePrice, uint256 maxDisagreementPpm)
        internal
        pure
    {
        if (!isAgreeing(oraclePrice, averagePrice, maxDisagreementPpm)) {
            revert IVault.PriceDisagreement(pool, oraclePrice, averagePrice, maxDisagreementPpm);
        }
    }

    /// @param maxDisagreementPpm Of the oracle's price.
    function isAgreeing(uint256 oraclePrice, uint256 averagePrice, uint256 maxDisagreementPpm)
        internal
        pure
        returns (bool)
    {
        uint256 distance = oraclePrice > averagePrice ? oraclePrice - averagePrice : averagePrice - oraclePrice;
        return distance <= Math.mulDiv(oraclePrice, maxDisagreementPpm, PPM);
    }
}
