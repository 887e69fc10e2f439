// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The integer network as one would write it first: plain loops over weights, checked arithmetic
/// @dev The twin that `IntegerNetworkLib` is tested against, and the peer that its gas stands beside.
library PlainNetworkLib {
    function run(address holder, int16[] memory input) internal view returns (int16[] memory) {
        bytes memory code = holder.code;
        uint256 layers = uint8(code[7]);
        uint256 offset = 32;
        for (uint256 l = 0; l < layers; ++l) {
            int16[] memory output = new int16[](uint8(code[9 + 2 * l]));
            for (uint256 o = 0; o < output.length; ++o) {
                uint256 group = offset + (o / 16) * (64 + 32 * input.length);
                uint256 lane = o % 16;
                int256 sum = int256(read(code, group + (lane % 2) * 32 + (lane / 2) * 4, 4)) - 2 ** 31;
                for (uint256 i = 0; i < input.length; ++i) {
                    int256 weight = int256(read(code, group + 64 + 32 * i + 2 * lane, 2)) - 2 ** 15;
                    sum += weight * input[i];
                }
                int256 value = sum >> uint8(code[10 + 2 * l]);
                int256 lowest = l + 1 < layers ? int256(0) : type(int16).min;
                if (value < lowest) value = lowest;
                if (value > type(int16).max) value = type(int16).max;
                output[o] = int16(value);
            }
            offset += (output.length + 15) / 16 * (64 + 32 * input.length);
            input = output;
        }
        return input;
    }

    /// @dev The big-endian number in `length` bytes from `offset`.
    function read(bytes memory code, uint256 offset, uint256 length) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, length)), mload(add(add(code, 0x20), offset)))
        }
    }
}
