// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Attestation} from "@ethereum-attestation-service/eas-contracts/contracts/Common.sol";
import {Decision, IVault, Trade} from "../IVault.sol";

/// @title What an attested decision is, byte for byte
library DecisionLib {
    uint8 internal constant REBALANCE = 1;

    /// @dev The fields of `struct Decision`, in order.
    string internal constant SCHEMA = "uint256 chainId,address vault,uint64 sequence,uint8 action,uint8 reason,uint64 decidedAt,uint64 expiresAt,"
        "bytes32 inputRoot,bytes32 stateHash,bytes32 modelId,bytes32 forecastHash,bytes32 policyId,uint32 breachPpm,"
        "bytes32 tradesHash";

    /// @dev As SchemaRegistry computes it: schema, no resolver, revocable.
    bytes32 internal constant SCHEMA_UID = keccak256(abi.encodePacked(SCHEMA, address(0), true));

    function hash(Decision calldata decision) internal pure returns (bytes32) {
        return keccak256(abi.encode(decision));
    }

    function hash(Trade[] calldata trades) internal pure returns (bytes32) {
        return keccak256(abi.encode(trades));
    }

    /// @notice Reverts unless `attestation` is alive, by an allowed attester, for this contract, and says exactly
    /// `decision`.
    /// @dev EAS's own `isAttestationValid` only tests that the UID exists. Not checked: `refUID`, which leads an
    /// auditor to the model and its data but gives the vault nothing to compare with; `revocable`, since a signer
    /// who forgoes revocation can still be struck off the allow-list.
    function checkAttests(
        Attestation memory attestation,
        bytes32 uid,
        Decision calldata decision,
        mapping(address => bool) storage isAttesterAllowed
    ) internal view {
        if (uid == 0 || attestation.uid != uid) revert IVault.AttestationNotFound(uid);
        if (attestation.schema != SCHEMA_UID) revert IVault.WrongSchema(attestation.schema, SCHEMA_UID);
        if (!isAttesterAllowed[attestation.attester]) revert IVault.AttesterNotAllowed(attestation.attester);
        if (attestation.recipient != address(this)) {
            revert IVault.WrongRecipient(attestation.recipient, address(this));
        }
        if (attestation.revocationTime != 0) revert IVault.AttestationRevoked(uid, attestation.revocationTime);
        if (attestation.expirationTime != decision.expiresAt) {
            revert IVault.WrongExpiration(attestation.expirationTime, decision.expiresAt);
        }
        if (attestation.time < decision.decidedAt) {
            revert IVault.AttestedBeforeDecision(attestation.time, decision.decidedAt);
        }
        bytes32 attestedHash = keccak256(attestation.data);
        bytes32 decisionHash = hash(decision);
        if (attestedHash != decisionHash) revert IVault.DecisionNotAttested(attestedHash, decisionHash);
    }
}
