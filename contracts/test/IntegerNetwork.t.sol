// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DevNetworks} from "../sol/dev/DevNetworks.sol";
import {IntegerNetworkLib} from "../sol/lib/IntegerNetworkLib.sol";
import {Cheatcodes} from "./Cheatcodes.sol";

/// The library against plain loops. Its bits beside those of TypeScript, and the refusals of `check` one by one, are
/// tested in model/test/integer-network-evm.test.ts.
contract IntegerNetworkTest is Cheatcodes {
    DevNetworks private networks;

    function setUp() public {
        networks = new DevNetworks();
    }

    /// A network with weights of at most `range` either way, so small that no sum overflows.
    function holderOf(uint8[] memory widths, uint8 shift, uint256 range, uint256 seed) private returns (address) {
        bytes memory header = abi.encodePacked(hex"0042494e010a0a", uint8(widths.length - 1), widths[0]);
        uint256 size = 32;
        for (uint256 l = 1; l < widths.length; ++l) {
            header = abi.encodePacked(header, widths[l], shift);
            size += (uint256(widths[l]) + 15) / 16 * (64 + 32 * uint256(widths[l - 1]));
        }
        bytes memory code = new bytes(size);
        put(code, 0, 32, uint256(bytes32(header)));
        uint256 offset = 32;
        for (uint256 l = 1; l < widths.length; ++l) {
            seed = next(seed);
            offset = putLayer(code, offset, widths[l - 1], widths[l], range, seed);
        }
        return networks.deploy(bytes.concat(hex"61", bytes2(uint16(size)), hex"80600a5f395ff3", code));
    }

    /// @return where the next layer begins.
    function putLayer(bytes memory code, uint256 group, uint256 inputs, uint256 outputs, uint256 range, uint256 seed)
        private
        pure
        returns (uint256)
    {
        for (uint256 output = 0; output < (outputs + 15) / 16 * 16; ++output) {
            seed = next(seed);
            putOutput(code, group, output % 16, inputs, output < outputs ? range : 0, seed);
            if (output % 16 == 15) group += 64 + 32 * inputs;
        }
        return group;
    }

    function putOutput(bytes memory code, uint256 group, uint256 lane, uint256 inputs, uint256 range, uint256 seed)
        private
        pure
    {
        put(code, group + lane % 2 * 32 + lane / 2 * 4, 4, around(2 ** 31, 5000 * range, seed));
        for (uint256 i = 0; i < inputs; ++i) {
            put(code, group + 64 + 32 * i + 2 * lane, 2, around(2 ** 15, range, seed = next(seed)));
        }
    }

    /// Between zero - range and zero + range.
    function around(uint256 zero, uint256 range, uint256 seed) private pure returns (uint256) {
        return zero + seed % (2 * range + 1) - range;
    }

    /// Writes the lowest `length` bytes of `value` at `offset`, big-endian.
    function put(bytes memory code, uint256 offset, uint256 length, uint256 value) private pure {
        for (uint256 i = 0; i < length; ++i) {
            code[offset + i] = bytes1(uint8(value >> (8 * (length - 1 - i))));
        }
    }

    function next(uint256 seed) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed)));
    }

    function inputOf(uint256 length, uint256 seed) private pure returns (int16[] memory input) {
        input = new int16[](length);
        for (uint256 i = 0; i < length; ++i) {
            input[i] = int16(int256(seed = next(seed)));
        }
    }

    function widthsOf(uint8 a, uint8 b, uint8 c, uint8 d) private pure returns (uint8[] memory widths) {
        widths = new uint8[](4);
        (widths[0], widths[1], widths[2], widths[3]) = (a, b, c, d);
    }

    function snapshotGas(string memory name, uint8[] memory widths, uint256 limit) private {
        address holder = holderOf(widths, 12, 1500, 1);
        int16[] memory input = inputOf(widths[0], 2);
        uint256 cold = networks.gasOfRun(holder, input);
        vm.assertGe(limit, cold, "gas of a run");
        vm.snapshotValue("IntegerNetwork", string.concat("run ", name, ", cold holder"), cold);
        vm.snapshotValue("IntegerNetwork", string.concat("plain loops ", name), networks.gasOfRunPlain(holder, input));
        networks.check(holder);
        vm.snapshotGasLastCall("IntegerNetwork", string.concat("check ", name));
        assertSame(holder, input);
    }

    function assertSame(address holder, int16[] memory input) private view {
        int16[] memory fast = networks.run(holder, input);
        vm.assertEq(abi.encode(fast), abi.encode(networks.runPlain(holder, input)), "the library differs from its twin");
    }

    function test_fuzz_sameAsPlainLoops(uint256 seed, uint8 shift) public {
        uint8[] memory widths = widthsOf(
            uint8(bound(seed, 1, 40)),
            uint8(bound(seed >> 8, 1, 40)),
            uint8(bound(seed >> 16, 1, 40)),
            uint8(bound(seed >> 24, 1, 40))
        );
        // 40 inputs of 2^15 times weights of 1500, and a bias of 5000 * 1500, stay below 2^31.
        address holder = holderOf(widths, uint8(bound(shift, 0, 31)), 1500, seed);
        (uint256 inputs, uint256 outputs) = networks.check(holder);
        vm.assertEq(inputs, widths[0], "inputs");
        vm.assertEq(outputs, widths[3], "outputs");
        assertSame(holder, inputOf(widths[0], seed));
    }

    function test_gas() public {
        snapshotGas("24-32-16-4", widthsOf(24, 32, 16, 4), 30_000);
        snapshotGas("48-64-32-8", widthsOf(48, 64, 32, 8), 90_000);
    }

    /// What lies in memory beyond the input, or in the scratch space, must not matter; what lies before must stay.
    function test_memoryAroundIsLeftAlone() public {
        address holder = holderOf(widthsOf(3, 17, 5, 2), 8, 1500, 5);
        int16[] memory input = inputOf(3, 6);
        bytes32 expected = keccak256(abi.encode(networks.run(holder, input)));
        bytes memory before = abi.encode("before", input);
        bytes32 hashBefore = keccak256(before);
        assembly ("memory-safe") {
            let free := mload(0x40)
            for { let offset := 0 } lt(offset, 0x4000) { offset := add(offset, 0x20) } {
                mstore(add(free, offset), not(0))
            }
        }
        int16[] memory output = IntegerNetworkLib.run(holder, input);
        bytes memory after_ = new bytes(64);
        vm.assertEq(keccak256(abi.encode(output)), expected, "dirty memory changed the result");
        vm.assertEq(keccak256(before), hashBefore, "memory before was overwritten");
        vm.assertEq(keccak256(after_), keccak256(new bytes(64)), "the result is not followed by free memory");
        vm.assertEq(keccak256(abi.encode(output)), expected, "the result was overwritten by what came after it");
        vm.assertEq(keccak256(abi.encode(input)), keccak256(abi.encode(inputOf(3, 6))), "the input was changed");
    }

    function test_unpack() public view {
        int16[] memory input = networks.unpack(hex"7fff8000ffff0001", 6);
        int16[6] memory expected = [int16(32767), -32768, -1, 1, 0, 0];
        vm.assertEq(input.length, 6, "length");
        for (uint256 i = 0; i < 6; ++i) {
            vm.assertTrue(input[i] == expected[i], "element");
        }
    }

    function test_error_packedBytes() public {
        vm.expectRevert(abi.encodeWithSelector(IntegerNetworkLib.NetworkPacked.selector, 3, 6));
        networks.unpack(hex"000102", 6);
        vm.expectRevert(abi.encodeWithSelector(IntegerNetworkLib.NetworkPacked.selector, 4, 1));
        networks.unpack(hex"00010203", 1);
    }

    function test_error_noHolder() public {
        vm.expectRevert(abi.encodeWithSelector(IntegerNetworkLib.NetworkTooShort.selector, 0));
        networks.check(address(0xdead));
    }
}
