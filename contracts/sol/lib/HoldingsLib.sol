// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Holding} from "../Types.sol";

/// @title Fixed data as the code of a contract: one cold account (2,600 gas) however much there is to read
/// @dev The first byte of the code is STOP, so that it can never run.
library HoldingsLib {
    // Returns as code whatever follows these eleven bytes of creation code (0xSequence's SSTORE2).
    bytes11 private constant CREATION = hex"600b5981380380925939f3";

    function write(Holding[] memory holdings) internal returns (address store) {
        bytes memory code = abi.encodePacked(CREATION, hex"00", abi.encode(holdings));
        assembly ("memory-safe") {
            store := create(0, add(code, 0x20), mload(code))
        }
        // Creation can fail for want of gas alone.
        assert(store != address(0));
    }

    function read(address store) internal view returns (Holding[] memory holdings) {
        return abi.decode(_data(store), (Holding[]));
    }

    function isHeld(address store, address token) internal view returns (bool) {
        Holding[] memory held = read(store);
        for (uint256 i; i < held.length; ++i) {
            if (address(held[i].token) == token) return true;
        }
        return false;
    }

    function _data(address store) private view returns (bytes memory data) {
        assembly ("memory-safe") {
            let size := sub(extcodesize(store), 1)
            data := mload(0x40)
            mstore(data, size)
            extcodecopy(store, add(data, 0x20), 1, size)
            mstore(0x40, add(data, and(add(size, 0x3f), not(0x1f))))
        }
    }
}
