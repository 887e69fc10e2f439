// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IUniswapV3Pool} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";
import {IVault} from "../IVault.sol";
import {FixedPointLib, WAD} from "./FixedPointLib.sol";

/// @title The time-weighted average price of a Uniswap v3 pool, to hold an oracle against
library TwapLib {
    using FixedPointLib for uint256;

    uint256 private constant PPM = 1e6;

    /// @notice Geometric mean over the last `window` seconds (Uniswap v3 whitepaper, section 5.2).
    /// @dev Reverts with the pool's own `OLD` where its observations do not reach back so far.
    /// @return One whole token in the base asset, WAD, rounded down.
    function priceWad(address pool, bool isToken0, uint8 decimals, uint8 baseDecimals, uint32 window)
        internal
        view
        returns (uint256)
    {
        uint32[] memory ages = new uint32[](2);
        ages[0] = window;
        (int56[] memory cumulatives,) = IUniswapV3Pool(pool).observe(ages);
        int56 change = cumulatives[1] - cumulatives[0];
        int56 elapsed = int56(uint56(window));
        int24 tick = int24(change / elapsed);
        // Towards minus infinity, as Uniswap's OracleLibrary rounds.
        if (change < 0 && change % elapsed != 0) --tick;
        // The pool's price is token1 for token0, smallest units. Of the inverse price the tick is the negative.
        uint256 sqrtPrice = sqrtRatioX96(isToken0 ? tick : -tick);
        uint256 priceX128 = Math.mulDiv(sqrtPrice, sqrtPrice, 1 << 64);
        return Math.mulDiv(priceX128, WAD * 10 ** decimals, (10 ** baseDecimals) << 128);
    }

    function checkAgrees(address pool, uint256 oraclePrice, uint256 averagePrice, uint256 maxDisagreementPpm)
        internal
        pure
    {
        if (oraclePrice.distance(averagePrice) * PPM > oraclePrice * maxDisagreementPpm) {
            revert IVault.PriceDisagreement(pool, oraclePrice, averagePrice, maxDisagreementPpm);
        }
    }

    /// @dev sqrt(1.0001^tick) * 2^96, rounded up: Uniswap v3's TickMath, whose package does not compile with this
    /// compiler.
    function sqrtRatioX96(int24 tick) internal pure returns (uint256) {
        uint256 absTick = uint256(tick < 0 ? -int256(tick) : int256(tick));
        uint256 ratio = absTick & 0x1 != 0 ? 0xfffcb933bd6fad37aa2d162d1a594001 : 0x100000000000000000000000000000000;
        unchecked {
            if (absTick & 0x2 != 0) ratio = (ratio * 0xfff97272373d413259a46990580e213a) >> 128;
            if (absTick & 0x4 != 0) ratio = (ratio * 0xfff2e50f5f656932ef12357cf3c7fdcc) >> 128;
            if (absTick & 0x8 != 0) ratio = (ratio * 0xffe5caca7e10e4e61c3624eaa0941cd0) >> 128;
            if (absTick & 0x10 != 0) ratio = (ratio * 0xffcb9843d60f6159c9db58835c926644) >> 128;
            if (absTick & 0x20 != 0) ratio = (ratio * 0xff973b41fa98c081472e6896dfb254c0) >> 128;
            if (absTick & 0x40 != 0) ratio = (ratio * 0xff2ea16466c96a3843ec78b326b52861) >> 128;
            if (absTick & 0x80 != 0) ratio = (ratio * 0xfe5dee046a99a2a811c461f1969c3053) >> 128;
            if (absTick & 0x100 != 0) ratio = (ratio * 0xfcbe86c7900a88aedcffc83b479aa3a4) >> 128;
            if (absTick & 0x200 != 0) ratio = (ratio * 0xf987a7253ac413176f2b074cf7815e54) >> 128;
            if (absTick & 0x400 != 0) ratio = (ratio * 0xf3392b0822b70005940c7a398e4b70f3) >> 128;
            if (absTick & 0x800 != 0) ratio = (ratio * 0xe7159475a2c29b7443b29c7fa6e889d9) >> 128;
            if (absTick & 0x1000 != 0) ratio = (ratio * 0xd097f3bdfd2022b8845ad8f792aa5825) >> 128;
            if (absTick & 0x2000 != 0) ratio = (ratio * 0xa9f746462d870fdf8a65dc1f90e061e5) >> 128;
            if (absTick & 0x4000 != 0) ratio = (ratio * 0x70d869a156d2a1b890bb3df62baf32f7) >> 128;
            if (absTick & 0x8000 != 0) ratio = (ratio * 0x31be135f97d08fd981231505542fcfa6) >> 128;
            if (absTick & 0x10000 != 0) ratio = (ratio * 0x9aa508b5b7a84e1c677de54f3e99bc9) >> 128;
            if (absTick & 0x20000 != 0) ratio = (ratio * 0x5d6af8dedb81196699c329225ee604) >> 128;
            if (absTick & 0x40000 != 0) ratio = (ratio * 0x2216e584f5fa1ea926041bedfe98) >> 128;
            if (absTick & 0x80000 != 0) ratio = (ratio * 0x48a170391f7dc42444e8fa2) >> 128;
        }
        if (tick > 0) ratio = type(uint256).max / ratio;
        return (ratio >> 32) + (ratio % (1 << 32) == 0 ? 0 : 1);
    }
}
