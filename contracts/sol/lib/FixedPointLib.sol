// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// 1.0 in fixed point with 18 decimals.
uint256 constant WAD = 1e18;

/// @title Products and quotients whose rounding is in their name
/// @dev The product must fit 256 bits, else the call reverts (panic 0x11) and with it the whole rebalance.
/// Amounts below 2^128 and WAD prices below 2^127 always fit.
library FixedPointLib {
    function mulDivDown(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return (x * y) / d;
    }

    function mulDivUp(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return (x * y + (d - 1)) / d;
    }

    function distance(uint256 x, uint256 y) internal pure returns (uint256) {
        return x > y ? x - y : y - x;
    }
}
