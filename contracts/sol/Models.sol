// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVault} from "./IVault.sol";
import {Roles} from "./Roles.sol";
import {Model} from "./Types.sol";
import {IVaultLens} from "./VaultLens.sol";
import {StateLib} from "./lib/StateLib.sol";

/// @title The networks whose score may justify a trade
/// @notice A model is its bytes: `modelId` is their hash, and the bytes are the code of `holder`. It is registered
/// behind the timelock, begins on probation, and is deactivated at once.
/// @dev Absence: no check of the attestation it names. That is for an auditor to follow, to the model's training and
/// its data; here it is what every decision with the model has to refer to.
abstract contract Models is Roles {
    /// @inheritdoc IVault
    address public immutable lens;

    constructor(address lens_) {
        lens = lens_;
    }

    /// @inheritdoc IVault
    function registerModel(bytes32 modelId, address holder, bytes32 attestationUid) external timelocked {
        IVaultLens(lens).checkModel(modelId, holder);
        StateLib.load().models[modelId] = Model(holder, uint40(block.timestamp), true, attestationUid);
        emit ModelRegistered(modelId, holder, attestationUid);
    }

    /// @inheritdoc IVault
    function deactivateModel(bytes32 modelId) external onlyOwnerOrGuardian {
        Model storage found = StateLib.load().models[modelId];
        if (!found.isActive) revert ModelNotActive(modelId);
        found.isActive = false;
        emit ModelDeactivated(msg.sender, modelId);
    }

    /// @inheritdoc IVault
    function model(bytes32 modelId) external view returns (Model memory) {
        return StateLib.load().models[modelId];
    }
}
