// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Model, Progress, Settings, Target} from "../Types.sol";

/// What the vault and its rebalancer both read and write.
struct State {
    Settings settings;
    Progress progress;
    Target[] targets;
    mapping(address attester => bool) isAttester;
    mapping(address notary => bool) isNotary;
    mapping(address venue => bool) isVenue;
    mapping(bytes32 modelId => Model) models;
}

/// @title Where the state lies: at a slot of its own name (ERC-7201), the same in both contracts
library StateLib {
    /// @dev keccak256(abi.encode(uint256(keccak256("ballast.vault")) - 1)) & ~0xff
    bytes32 private constant SLOT = 0xa28ab8a27e6987c2646de257634245fac278ad0d0fdca1a426065dd63dcded00;

    function load() internal pure returns (State storage state) {
        assembly ("memory-safe") {
            state.slot := SLOT
        }
    }
}
