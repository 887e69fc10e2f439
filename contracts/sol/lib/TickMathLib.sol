// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Uniswap v3's square roots of prices, bit for bit
/// @dev Constants and order of operations as in Uniswap v4-core's `TickMath` (MIT), which agrees with v3-core's.
library TickMathLib {
    int24 internal constant MAX_TICK = 887_272;
    uint160 internal constant MIN_SQRT_PRICE = 4_295_128_739;
    uint160 internal constant MAX_SQRT_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342;

    /// @param tick From -887272 to 887272.
    /// @return sqrt(1.0001^tick) × 2^96, rounded up.
    function sqrtPriceX96(int24 tick) internal pure returns (uint160) {
        uint256 distance = uint256(int256(tick < 0 ? -int256(tick) : int256(tick)));
        // No pool has such a tick, nor a mean of its ticks.
        assert(distance <= uint256(int256(MAX_TICK)));
        // Both factors are at most 2^128: nothing overflows.
        unchecked {
            // Q128.128; bit i of the distance multiplies by sqrt(1.0001)^-(2^i).
            uint256 price = 1 << 128;
            if (distance & 0x1 != 0) price = 0xfffcb933bd6fad37aa2d162d1a594001;
            if (distance & 0x2 != 0) price = (price * 0xfff97272373d413259a46990580e213a) >> 128;
            if (distance & 0x4 != 0) price = (price * 0xfff2e50f5f656932ef12357cf3c7fdcc) >> 128;
            if (distance & 0x8 != 0) price = (price * 0xffe5caca7e10e4e61c3624eaa0941cd0) >> 128;
            if (distance & 0x10 != 0) price = (price * 0xffcb9843d60f6159c9db58835c926644) >> 128;
            if (distance & 0x20 != 0) price = (price * 0xff973b41fa98c081472e6896dfb254c0) >> 128;
            if (distance & 0x40 != 0) price = (price * 0xff2ea16466c96a3843ec78b326b52861) >> 128;
            if (distance & 0x80 != 0) price = (price * 0xfe5dee046a99a2a811c461f1969c3053) >> 128;
            if (distance & 0x100 != 0) price = (price * 0xfcbe86c7900a88aedcffc83b479aa3a4) >> 128;
            if (distance & 0x200 != 0) price = (price * 0xf987a7253ac413176f2b074cf7815e54) >> 128;
            if (distance & 0x400 != 0) price = (price * 0xf3392b0822b70005940c7a398e4b70f3) >> 128;
            if (distance & 0x800 != 0) price = (price * 0xe7159475a2c29b7443b29c7fa6e889d9) >> 128;
            if (distance & 0x1000 != 0) price = (price * 0xd097f3bdfd2022b8845ad8f792aa5825) >> 128;
            if (distance & 0x2000 != 0) price = (price * 0xa9f746462d870fdf8a65dc1f90e061e5) >> 128;
            if (distance & 0x4000 != 0) price = (price * 0x70d869a156d2a1b890bb3df62baf32f7) >> 128;
            if (distance & 0x8000 != 0) price = (price * 0x31be135f97d08fd981231505542fcfa6) >> 128;
            if (distance & 0x10000 != 0) price = (price * 0x9aa508b5b7a84e1c677de54f3e99bc9) >> 128;
            if (distance & 0x20000 != 0) price = (price * 0x5d6af8dedb81196699c329225ee604) >> 128;
            if (distance & 0x40000 != 0) price = (price * 0x2216e584f5fa1ea926041bedfe98) >> 128;
            if (distance & 0x80000 != 0) price = (price * 0x48a170391f7dc42444e8fa2) >> 128;
            if (tick > 0) price = type(uint256).max / price;
            return uint160((price + type(uint32).max) >> 32);
        }
    }
}
