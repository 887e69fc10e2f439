// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Runs a feed-forward network of integers whose bytes are the code of another contract
/// @notice y = clamp((bias + sum of weight * x) >> shift) a layer; hidden layers clamp to [0, 32767], the last one to
/// int16. docs/integer-network.md describes the bytes; the same bits come from `toRunner` in TypeScript.
/// @dev A word holds the weights of one input for 16 outputs. It splits into two words of eight 32-bit lanes, and one
/// MUL by the input adds to eight sums:
///
///     word   | w0 | w1 | w2 | w3 | ...  | w14 | w15 |      16 bits each, weight + 2^15
///     even   |    w0   |    w2   | ...  |    w14    |      32 bits each
///     odd    |    w1   |    w3   | ...  |    w15    |
///
/// Lanes have no sign: what 2^15 adds to each weight, 2^15 * (sum of x), is taken off all lanes at once, and the 2^31
/// added to each bias stays until the sum is read. All this is arithmetic modulo 2^256, so that a lane may overflow on
/// the way; `check` makes sure that none does in the end.
library IntegerNetworkLib {
    error NetworkTooShort(uint256 size);
    error NetworkTooLong(uint256 size);
    error NetworkFormat(uint256 firstBytes);
    error NetworkFractionBits(uint256 found);
    error NetworkLayerCount(uint256 found);
    error NetworkWidth(uint256 index, uint256 found);
    error NetworkShift(uint256 layer, uint256 found);
    error NetworkHeaderPadding(uint256 offset);
    error NetworkWrongSize(uint256 found, uint256 expected);
    error NetworkPadding(uint256 offset);
    error NetworkOverflow(uint256 layer, uint256 output);
    error NetworkInput(uint256 found, uint256 expected);
    error NetworkPacked(uint256 bytesFound, uint256 inputs);

    /// @dev STOP, so that the holder does nothing when called; "BIN"; version 1.
    uint256 private constant FORMAT = 0x0042494e01;
    uint256 private constant MAX_LAYERS = 11;

    /// @notice The outputs of the network that `holder` holds.
    /// @dev Trusts that `check(holder)` has passed for the code that is there now: look at its hash before each run. Code
    /// that begins with STOP never changes itself, but its constructor may have had it destroyed at the end of its
    /// transaction (EIP-6780), and then the address takes other code. Trusts that each element of `input` is
    /// sign-extended, as Solidity keeps it.
    function run(address holder, int16[] memory input) internal view returns (int16[] memory output) {
        uint256 start;
        uint256 size;
        uint256 inputs;
        assembly ("memory-safe") {
            start := mload(0x40)
            size := extcodesize(holder)
            extcodecopy(holder, start, 0, size)
            inputs := byte(8, mload(start))
        }
        if (input.length != inputs) revert NetworkInput(input.length, inputs);
        assembly ("memory-safe") {
            // The sums of 16 outputs, plus 2^31 each, in lanes: outputs 0, 2, ... from the top in `even`.
            function sums(w, x, count, correction) -> even, odd {
                let mask := 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff
                even := sub(mload(w), correction)
                odd := sub(mload(add(w, 0x20)), correction)
                w := add(w, 0x40)
                // Eight inputs at a time: those beyond the last one are zero, whatever their weights.
                for { let end := add(w, shl(5, count)) } lt(w, end) {
                    w := add(w, 0x100)
                    x := add(x, 0x100)
                } {
                    even := add(
                        add(even, mul(mload(x), and(shr(16, mload(w)), mask))),
                        mul(mload(add(x, 0x20)), and(shr(16, mload(add(w, 0x20))), mask))
                    )
                    odd := add(
                        add(odd, mul(mload(x), and(mload(w), mask))),
                        mul(mload(add(x, 0x20)), and(mload(add(w, 0x20)), mask))
                    )
                    even := add(
                        add(even, mul(mload(add(x, 0x40)), and(shr(16, mload(add(w, 0x40))), mask))),
                        mul(mload(add(x, 0x60)), and(shr(16, mload(add(w, 0x60))), mask))
                    )
                    odd := add(
                        add(odd, mul(mload(add(x, 0x40)), and(mload(add(w, 0x40)), mask))),
                        mul(mload(add(x, 0x60)), and(mload(add(w, 0x60)), mask))
                    )
                    even := add(
                        add(even, mul(mload(add(x, 0x80)), and(shr(16, mload(add(w, 0x80))), mask))),
                        mul(mload(add(x, 0xa0)), and(shr(16, mload(add(w, 0xa0))), mask))
                    )
                    odd := add(
                        add(odd, mul(mload(add(x, 0x80)), and(mload(add(w, 0x80)), mask))),
                        mul(mload(add(x, 0xa0)), and(mload(add(w, 0xa0)), mask))
                    )
                    even := add(
                        add(even, mul(mload(add(x, 0xc0)), and(shr(16, mload(add(w, 0xc0))), mask))),
                        mul(mload(add(x, 0xe0)), and(shr(16, mload(add(w, 0xe0))), mask))
                    )
                    odd := add(
                        add(odd, mul(mload(add(x, 0xc0)), and(mload(add(w, 0xc0)), mask))),
                        mul(mload(add(x, 0xe0)), and(mload(add(w, 0xe0)), mask))
                    )
                }
            }

            // 2^15 * (sum of x) in every lane.
            function toCorrection(sum) -> correction {
                correction := mul(shl(15, sum), 0x0000000100000001000000010000000100000001000000010000000100000001)
            }

            // Eight sums to eight activations: min(max(0, sum) >> shift, 32767) in every lane.
            function rectify(lanes, shift) -> y {
                let ones := 0x0000000100000001000000010000000100000001000000010000000100000001
                let tops := shl(31, ones)
                // The top bit is set where the sum is not negative: 0x7fffffff there, else 0.
                let sign := and(lanes, tops)
                y := and(lanes, sub(sign, shr(31, sign)))
                y := and(shr(shift, y), mul(ones, shr(shift, 0x7fffffff)))
                // Adding 2^31 - 2^15 sets the top bit of what exceeds 32767: 0x7fff there, else 0.
                let over := and(add(y, mul(ones, 0x7fff8000)), tops)
                y := and(or(y, sub(shr(16, over), shr(31, over))), mul(ones, 0x7fff))
            }

            // Eight lanes to every other word from `to`.
            function scatter(lanes, to) {
                mstore(to, shr(224, lanes))
                mstore(add(to, 0x040), and(shr(192, lanes), 0xffff))
                mstore(add(to, 0x080), and(shr(160, lanes), 0xffff))
                mstore(add(to, 0x0c0), and(shr(128, lanes), 0xffff))
                mstore(add(to, 0x100), and(shr(96, lanes), 0xffff))
                mstore(add(to, 0x140), and(shr(64, lanes), 0xffff))
                mstore(add(to, 0x180), and(shr(32, lanes), 0xffff))
                mstore(add(to, 0x1c0), and(lanes, 0xffff))
            }

            // One hidden layer from the words at `x` to those at `y`; returns the sum of its activations, and where
            // the weights of the next layer begin.
            function hidden(w, x, y, count, shape, sum) -> nextSum, nextW {
                let correction := toCorrection(sum)
                let shift := and(shape, 0xff)
                for { let end := add(y, shl(5, shr(8, shape))) } lt(y, end) { y := add(y, 0x200) } {
                    let even, odd := sums(w, x, count, correction)
                    even := rectify(even, shift)
                    odd := rectify(odd, shift)
                    // 2^32 is 1 modulo 2^32 - 1, so that the remainder is the sum of the lanes.
                    nextSum := add(nextSum, mod(add(even, odd), 0xffffffff))
                    scatter(even, y)
                    scatter(odd, add(y, 0x20))
                    w := add(add(w, 0x40), shl(5, count))
                }
                nextW := w
            }

            // The last layer, to as many words at `y` as it has outputs.
            function last(w, x, y, count, shape, sum) {
                let correction := toCorrection(sum)
                let shift := and(shape, 0xff)
                for { let end := add(y, shl(5, shr(8, shape))) } lt(y, end) {} {
                    let even, odd := sums(w, x, count, correction)
                    mstore(0x00, even)
                    mstore(0x20, odd)
                    for { let lane := 0 } and(lt(lane, 0x20), lt(y, end)) { lane := add(lane, 4) } {
                        mstore(y, clamp(mload(lane), shift))
                        if lt(add(y, 0x20), end) { mstore(add(y, 0x20), clamp(mload(add(lane, 0x20)), shift)) }
                        y := add(y, 0x40)
                    }
                    w := add(add(w, 0x40), shl(5, count))
                }
            }

            // The lane at the top of `word`, to int16.
            function clamp(word, shift) -> value {
                value := sar(shift, sub(shr(224, word), 0x80000000))
                if sgt(value, 32767) { value := 32767 }
                if slt(value, not(32767)) { value := not(32767) }
            }

            // Activations lie behind the code, one to a word, those of each layer behind those of the one before.
            let x := add(start, size)
            let sum := 0
            {
                let bytesOfInputs := shl(5, inputs)
                mcopy(x, add(input, 0x20), bytesOfInputs)
                calldatacopy(add(x, bytesOfInputs), calldatasize(), 0x100)
                for { let offset := x } lt(offset, add(x, bytesOfInputs)) { offset := add(offset, 0x100) } {
                    sum := add(add(sum, mload(offset)), mload(add(offset, 0x20)))
                    sum := add(add(sum, mload(add(offset, 0x40))), mload(add(offset, 0x60)))
                    sum := add(add(sum, mload(add(offset, 0x80))), mload(add(offset, 0xa0)))
                    sum := add(add(sum, mload(add(offset, 0xc0))), mload(add(offset, 0xe0)))
                }
            }
            let header := mload(start)
            let w := add(start, 0x20)
            // Outputs and shift of the layer are bytes 9 and 10, and the header moves on by two bytes a layer.
            for { let left := byte(7, header) } gt(left, 1) { left := sub(left, 1) } {
                let shape := and(shr(168, header), 0xffff)
                let y := add(x, shl(5, and(add(inputs, 7), not(7))))
                sum, w := hidden(w, x, y, inputs, shape, sum)
                x := y
                inputs := shr(8, shape)
                header := shl(16, header)
            }
            let outputs := byte(9, header)
            let y := add(x, shl(5, and(add(inputs, 7), not(7))))
            last(w, x, y, inputs, and(shr(168, header), 0xffff), sum)
            // The code is no longer needed: the result takes its place.
            output := start
            mstore(output, outputs)
            mcopy(add(output, 0x20), y, shl(5, outputs))
            mstore(0x40, add(add(output, 0x20), shl(5, outputs)))
        }
    }

    /// @notice The input that begins with the big-endian int16 numbers in `packed`, the rest of its `length` zero.
    function unpack(bytes calldata packed, uint256 length) internal pure returns (int16[] memory input) {
        if (packed.length % 2 != 0 || packed.length / 2 > length) revert NetworkPacked(packed.length, length);
        input = new int16[](length);
        assembly ("memory-safe") {
            let to := add(input, 0x20)
            for { let from := packed.offset } lt(from, add(packed.offset, packed.length)) { from := add(from, 2) } {
                mstore(to, signextend(1, shr(240, calldataload(from))))
                to := add(to, 0x20)
            }
        }
    }

    /// @notice Reverts unless the code of `holder` is a network that `run` runs exactly, whatever its inputs: every byte
    /// in its place, none to spare, and no sum that can leave int32. The first fault is told, in the order of the bytes.
    /// @dev About 300 gas a weight: meant for the registration of a model, not for each run.
    function check(address holder) internal view returns (uint256 inputs, uint256 outputs) {
        bytes memory code = holder.code;
        uint256 layers = checkHeader(code);
        uint256 offset = 32;
        inputs = uint8(code[8]);
        uint256 width = inputs;
        for (uint256 l = 0; l < layers; ++l) {
            outputs = uint8(code[9 + 2 * l]);
            for (uint256 o = 0; o < outputs; o += 16) {
                for (uint256 lane = 0; lane < 16; ++lane) {
                    checkOutput(code, offset, l, o + lane, width, outputs);
                }
                offset += 64 + 32 * width;
            }
            width = outputs;
        }
    }

    /// @notice The scale of the numbers that go into the network that `holder` holds, and of those that come out.
    function fractionBits(address holder) internal view returns (uint256 inputBits, uint256 outputBits) {
        bytes memory code = holder.code;
        return (uint8(code[5]), uint8(code[6]));
    }

    function checkHeader(bytes memory code) private pure returns (uint256 layers) {
        if (code.length < 32) revert NetworkTooShort(code.length);
        if (code.length > 24_576) revert NetworkTooLong(code.length);
        uint256 header = uint256(bytes32(code));
        if (header >> 216 != FORMAT) revert NetworkFormat(header >> 216);
        for (uint256 i = 5; i < 7; ++i) {
            if (uint8(code[i]) > 15) revert NetworkFractionBits(uint8(code[i]));
        }
        layers = uint8(code[7]);
        if (layers == 0 || layers > MAX_LAYERS) revert NetworkLayerCount(layers);
        uint256 width = uint8(code[8]);
        if (width == 0) revert NetworkWidth(0, 0);
        uint256 expected = 32;
        for (uint256 l = 0; l < layers; ++l) {
            uint256 outputs = uint8(code[9 + 2 * l]);
            uint256 shift = uint8(code[10 + 2 * l]);
            if (outputs == 0) revert NetworkWidth(l + 1, 0);
            if (shift > 31) revert NetworkShift(l, shift);
            expected += (outputs + 15) / 16 * (64 + 32 * width);
            width = outputs;
        }
        for (uint256 i = 9 + 2 * layers; i < 32; ++i) {
            if (code[i] != 0) revert NetworkHeaderPadding(i);
        }
        if (code.length != expected) revert NetworkWrongSize(code.length, expected);
    }

    /// @param group where the sixteen outputs begin of which `output` is one.
    function checkOutput(
        bytes memory code,
        uint256 group,
        uint256 layer,
        uint256 output,
        uint256 inputs,
        uint256 outputs
    ) private pure {
        unchecked {
            uint256 offset = group + (output % 2) * 32 + (output % 16) / 2 * 4;
            int256 bias = int256(load(code, offset) >> 224) - 2 ** 31;
            if (output >= outputs && bias != 0) revert NetworkPadding(offset);
            int256 lowest = layer == 0 ? type(int16).min : int256(0);
            int256 least = bias;
            int256 most = bias;
            offset = group + 64 + (output % 16) * 2;
            for (uint256 i = 0; i < inputs; ++i) {
                int256 weight = int256(load(code, offset) >> 240) - 2 ** 15;
                if (output >= outputs && weight != 0) revert NetworkPadding(offset);
                least += weight * (weight > 0 ? lowest : int256(type(int16).max));
                most += weight * (weight > 0 ? int256(type(int16).max) : lowest);
                offset += 32;
            }
            if (least < type(int32).min || most > type(int32).max) revert NetworkOverflow(layer, output);
        }
    }

    /// @dev The 32 bytes from `offset`; those beyond the end are whatever lies there, and the callers shift them out.
    function load(bytes memory code, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(code, 0x20), offset))
        }
    }
}
