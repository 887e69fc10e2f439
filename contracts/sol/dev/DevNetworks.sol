// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IntegerNetworkLib} from "../lib/IntegerNetworkLib.sol";
import {PlainNetworkLib} from "./PlainNetworkLib.sol";

/// @title Integer networks from outside a vault: for tests, benchmarks and a look at what a network says
contract DevNetworks {
    error HolderNotDeployed();

    function check(address holder) external view returns (uint256 inputs, uint256 outputs) {
        return IntegerNetworkLib.check(holder);
    }

    function run(address holder, int16[] memory input) external view returns (int16[] memory) {
        return IntegerNetworkLib.run(holder, input);
    }

    function runPlain(address holder, int16[] memory input) external view returns (int16[] memory) {
        return PlainNetworkLib.run(holder, input);
    }

    function unpack(bytes calldata packed, uint256 length) external pure returns (int16[] memory) {
        return IntegerNetworkLib.unpack(packed, length);
    }

    /// @return used the gas of one run: `holder` is cold when this is the first thing a transaction does.
    function gasOfRun(address holder, int16[] memory input) external view returns (uint256 used) {
        used = gasleft();
        IntegerNetworkLib.run(holder, input);
        used -= gasleft();
    }

    function gasOfRunPlain(address holder, int16[] memory input) external view returns (uint256 used) {
        used = gasleft();
        PlainNetworkLib.run(holder, input);
        used -= gasleft();
    }

    /// @notice Deploys each creation code, then checks and runs what it holds.
    /// @param inputs per network, big-endian int16 numbers.
    /// @return results per network, its outputs in a word each, or the error that `check` or `run` reverted with.
    function examine(bytes[] calldata creationCodes, bytes[] calldata inputs)
        external
        returns (bytes[] memory results)
    {
        results = new bytes[](creationCodes.length);
        for (uint256 n = 0; n < creationCodes.length; ++n) {
            address holder = deploy(creationCodes[n]);
            try this.checkAndRun(holder, inputs[n]) returns (int16[] memory output) {
                results[n] = abi.encodePacked(output);
            } catch (bytes memory reason) {
                results[n] = reason;
            }
        }
    }

    function checkAndRun(address holder, bytes calldata input) external view returns (int16[] memory) {
        IntegerNetworkLib.check(holder);
        return IntegerNetworkLib.run(holder, IntegerNetworkLib.unpack(input, input.length / 2));
    }

    function deploy(bytes memory creationCode) public returns (address holder) {
        assembly ("memory-safe") {
            holder := create(0, add(creationCode, 0x20), mload(creationCode))
        }
        if (holder == address(0)) revert HolderNotDeployed();
    }
}
