// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVault} from "../sol/IVault.sol";
import {VaultLens} from "../sol/VaultLens.sol";
import {IntegerNetworkLib} from "../sol/lib/IntegerNetworkLib.sol";
import {Cheatcodes} from "./Cheatcodes.sol";

/// A good network of one layer, 24 to 4, spoilt in one byte at a time.
contract IntegerNetworkRefusalTest is Cheatcodes {
    address private constant HOLDER = address(0x4e7);
    bytes private good;

    function setUp() public {
        good = vm.parseJsonBytes(vm.readFile("test/fixtures/networks.json"), ".first");
    }

    function check() external view {
        IntegerNetworkLib.check(HOLDER);
    }

    function run(int16[] memory input) external view returns (int16[] memory) {
        return IntegerNetworkLib.run(HOLDER, input);
    }

    function _refuses(bytes memory code, bytes memory reason) private {
        vm.etch(HOLDER, code);
        vm.expectRevert(reason);
        this.check();
    }

    function _with(uint256 offset, uint8 value) private view returns (bytes memory code) {
        code = good;
        code[offset] = bytes1(value);
    }

    /// Without the last input's row, or with rows to spare.
    function _resized(uint256 size) private view returns (bytes memory code) {
        code = new bytes(size);
        for (uint256 i; i < size && i < good.length; ++i) {
            code[i] = good[i];
        }
    }

    function test_default_theNetworkIsGoodAsItIs() public {
        vm.etch(HOLDER, good);
        this.check();
    }

    function test_error_sizes() public {
        _refuses(_resized(31), abi.encodeWithSelector(IntegerNetworkLib.NetworkTooShort.selector, 31));
        _refuses(_resized(24_577), abi.encodeWithSelector(IntegerNetworkLib.NetworkTooLong.selector, 24_577));
        _refuses(_resized(865), abi.encodeWithSelector(IntegerNetworkLib.NetworkWrongSize.selector, 865, 864));
        _refuses(_resized(863), abi.encodeWithSelector(IntegerNetworkLib.NetworkWrongSize.selector, 863, 864));
    }

    function test_error_header() public {
        _refuses(_with(4, 2), abi.encodeWithSelector(IntegerNetworkLib.NetworkFormat.selector, 0x0042494e02));
        _refuses(_with(5, 16), abi.encodeWithSelector(IntegerNetworkLib.NetworkFractionBits.selector, 16));
        _refuses(_with(6, 17), abi.encodeWithSelector(IntegerNetworkLib.NetworkFractionBits.selector, 17));
        _refuses(_with(7, 0), abi.encodeWithSelector(IntegerNetworkLib.NetworkLayerCount.selector, 0));
        _refuses(_with(7, 12), abi.encodeWithSelector(IntegerNetworkLib.NetworkLayerCount.selector, 12));
        _refuses(_with(8, 0), abi.encodeWithSelector(IntegerNetworkLib.NetworkWidth.selector, 0, 0));
        _refuses(_with(9, 0), abi.encodeWithSelector(IntegerNetworkLib.NetworkWidth.selector, 1, 0));
        _refuses(_with(10, 32), abi.encodeWithSelector(IntegerNetworkLib.NetworkShift.selector, 0, 32));
        _refuses(_with(11, 1), abi.encodeWithSelector(IntegerNetworkLib.NetworkHeaderPadding.selector, 11));
        _refuses(_with(31, 1), abi.encodeWithSelector(IntegerNetworkLib.NetworkHeaderPadding.selector, 31));
    }

    /// Output 4 is the first that is not there: its bias lies 8 bytes into the even lanes, its weights likewise.
    function test_error_lanesOfOutputsThatAreNotThere() public {
        _refuses(_with(40, 0x81), abi.encodeWithSelector(IntegerNetworkLib.NetworkPadding.selector, 40));
        _refuses(_with(104, 0x81), abi.encodeWithSelector(IntegerNetworkLib.NetworkPadding.selector, 104));
    }

    function test_error_sumThatCouldOverflow() public {
        // Output 0 sums 1 · x + bias; a bias of 2^31 - 2^24 leaves no room for an input of 2^15 - 1 times 2^15 - 1.
        bytes memory code = _with(96, 0xff);
        (code[32], code[33]) = (0xff, 0xff);
        _refuses(code, abi.encodeWithSelector(IntegerNetworkLib.NetworkOverflow.selector, 0, 0));
    }

    function test_error_inputsOfWrongNumber() public {
        vm.etch(HOLDER, good);
        vm.expectRevert(abi.encodeWithSelector(IntegerNetworkLib.NetworkInput.selector, 23, 24));
        this.run(new int16[](23));
    }

    function test_error_shapeThatTheVaultCannotUse() public {
        VaultLens lens = new VaultLens();
        bytes memory wide = _with(9, 5);
        vm.etch(HOLDER, wide);
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongModelShape.selector, 24, 5));
        lens.checkModel(keccak256(wide), HOLDER);
        bytes memory short = _resized(832);
        short[8] = bytes1(uint8(23));
        vm.etch(HOLDER, short);
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongModelShape.selector, 23, 4));
        lens.checkModel(keccak256(short), HOLDER);
    }
}
