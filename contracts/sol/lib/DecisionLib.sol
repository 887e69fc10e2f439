// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Attestation} from "@ethereum-attestation-service/eas-contracts/contracts/Common.sol";
import {IEAS} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IVault} from "../IVault.sol";
import {Decision, Evidence, Progress, Trade} from "../Types.sol";
import {SignerLib} from "./SignerLib.sol";

/// Who said a decision, in memory only.
struct Attested {
    bytes32 uid;
    address attester;
    bytes32 decisionHash;
}

/// @title What an attested decision is, byte for byte, and when it is due
library DecisionLib {
    uint8 internal constant REBALANCE = 1;

    /// @dev The fields of `struct Decision`, in order.
    string internal constant SCHEMA = "uint256 chainId,address vault,uint64 sequence,uint8 action,uint8 reason,uint64 decidedAt,uint64 expiresAt,"
        "bytes32 inputRoot,bytes32 stateHash,bytes32 modelId,bytes32 forecastHash,bytes32 policyId,uint32 breachPpm,"
        "uint8 holding,bytes32 tradesHash";

    /// @dev As SchemaRegistry computes it: schema, no resolver, revocable.
    bytes32 internal constant SCHEMA_UID = keccak256(abi.encodePacked(SCHEMA, address(0), true));

    /// @dev Of an attestation off chain, as the EAS SDK has it.
    uint16 internal constant OFFCHAIN_VERSION = 2;
    bytes32 internal constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 internal constant DOMAIN_NAME = keccak256("EAS Attestation");
    bytes32 internal constant ATTEST_TYPE = keccak256(
        "Attest(uint16 version,bytes32 schema,address recipient,uint64 time,uint64 expirationTime,bool revocable,"
        "bytes32 refUID,bytes data,bytes32 salt)"
    );

    function hash(Decision calldata decision) internal pure returns (bytes32) {
        return keccak256(abi.encode(decision));
    }

    function hash(Trade[] calldata trades) internal pure returns (bytes32) {
        return keccak256(abi.encode(trades));
    }

    /// @dev EAS has said its version in two ways: `VERSION()` up to 0.26 (Ethereum, Arbitrum), `version()` since.
    /// @return keccak256 of the version, as it stands in the domain of attestations off chain.
    function versionHashOf(IEAS eas) internal view returns (bytes32) {
        string[2] memory getters = ["version()", "VERSION()"];
        for (uint256 i; i < getters.length; ++i) {
            (bool isKnown, bytes memory answer) = address(eas).staticcall(abi.encodeWithSignature(getters[i]));
            if (isKnown && answer.length >= 64) return keccak256(bytes(abi.decode(answer, (string))));
        }
        revert IVault.EasVersionUnknown(address(eas));
    }

    /// @notice Reverts unless `decision` is this vault's next, at this moment.
    function checkIsDue(Decision calldata decision, Progress memory progress, uint256 cooldown, uint256 maxAge)
        internal
        view
    {
        if (progress.isPaused) revert IVault.VaultPaused();
        if (decision.chainId != block.chainid) revert IVault.ForeignChain(decision.chainId, block.chainid);
        if (decision.vault != address(this)) revert IVault.ForeignVault(decision.vault, address(this));
        if (decision.action != REBALANCE) revert IVault.NotARebalance(decision.action);
        // Exactly the next one: a decision that was never executed blocks nothing, the next one takes its number.
        uint64 expected = uint64(progress.sequence) + 1;
        if (decision.sequence != expected) revert IVault.WrongSequence(decision.sequence, expected);
        if (decision.decidedAt > block.timestamp) revert IVault.DecidedInFuture(decision.decidedAt, block.timestamp);
        if (decision.decidedAt <= progress.lastDecidedAt) {
            revert IVault.OlderThanLastDecision(decision.decidedAt, progress.lastDecidedAt);
        }
        if (block.timestamp - decision.decidedAt > maxAge) {
            revert IVault.DecisionTooOld(decision.decidedAt, block.timestamp, maxAge);
        }
        if (decision.expiresAt < block.timestamp) revert IVault.DecisionExpired(decision.expiresAt, block.timestamp);
        uint256 readyAt = uint256(progress.lastRebalanceAt) + cooldown;
        if (block.timestamp < readyAt) revert IVault.CoolingDown(readyAt, block.timestamp);
    }

    /// @notice Reverts unless an allowed attester said exactly `decision`, on chain or off, and has not revoked it.
    /// @param refUid Of the model's attestation; zero where the decision has no model.
    function checkIsAttested(
        Decision calldata decision,
        Evidence calldata evidence,
        bytes32 refUid,
        IEAS eas,
        bytes32 easVersionHash,
        mapping(address => bool) storage isAttester
    ) internal view returns (Attested memory by) {
        bytes memory data = abi.encode(decision);
        by.decisionHash = keccak256(data);
        by.uid = evidence.uid;
        if (by.uid != 0) {
            Attestation memory attestation = eas.getAttestation(by.uid);
            _checkOnchain(attestation, by.uid, decision, by.decisionHash, refUid, isAttester);
            by.attester = attestation.attester;
            return by;
        }
        if (evidence.signature.length != SignerLib.SIGNATURE_BYTES) {
            revert IVault.WrongSignatureLength(evidence.signature.length, SignerLib.SIGNATURE_BYTES);
        }
        // Not kept from the deployment: a fork of the chain has another.
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPE, DOMAIN_NAME, easVersionHash, block.chainid, eas));
        bytes32 digest = _offchainDigest(decision, by.decisionHash, refUid, domain);
        by.attester = SignerLib.recover(digest, evidence.signature, 0);
        if (!isAttester[by.attester]) revert IVault.AttesterNotAllowed(by.attester);
        by.uid = _offchainUid(decision, data, by.decisionHash, refUid);
        uint64 revokedAt = eas.getRevokeOffchain(by.attester, by.uid);
        if (revokedAt != 0) revert IVault.AttestationRevoked(by.uid, revokedAt);
    }

    /// @dev EAS's own `isAttestationValid` only tests that the UID exists. Not checked: `revocable`, since a signer who
    /// forgoes revocation can still be struck off the list.
    function _checkOnchain(
        Attestation memory attestation,
        bytes32 uid,
        Decision calldata decision,
        bytes32 decisionHash,
        bytes32 refUid,
        mapping(address => bool) storage isAttester
    ) private view {
        if (attestation.uid != uid) revert IVault.AttestationNotFound(uid);
        if (attestation.schema != SCHEMA_UID) revert IVault.WrongSchema(attestation.schema, SCHEMA_UID);
        if (!isAttester[attestation.attester]) revert IVault.AttesterNotAllowed(attestation.attester);
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
        if (attestation.refUID != refUid) revert IVault.WrongReference(attestation.refUID, refUid);
        bytes32 attestedHash = keccak256(attestation.data);
        if (attestedHash != decisionHash) revert IVault.DecisionNotAttested(attestedHash, decisionHash);
    }

    /// @dev Every field is rebuilt from the decision, so that a signature over anything else recovers a stranger.
    function _offchainDigest(Decision calldata decision, bytes32 salt, bytes32 refUid, bytes32 domain)
        private
        view
        returns (bytes32)
    {
        bytes32 attest = keccak256(
            abi.encode(
                ATTEST_TYPE,
                OFFCHAIN_VERSION,
                SCHEMA_UID,
                address(this),
                decision.decidedAt,
                decision.expiresAt,
                true,
                refUid,
                // EIP-712 hashes the data, and the salt is that very hash.
                salt,
                salt
            )
        );
        return MessageHashUtils.toTypedDataHash(domain, attest);
    }

    /// @dev The SDK's `getOffchainUID`, version 2: the schema goes in as the 66 characters of its hexadecimal form.
    function _offchainUid(Decision calldata decision, bytes memory data, bytes32 salt, bytes32 refUid)
        private
        view
        returns (bytes32)
    {
        bytes memory head = abi.encodePacked(OFFCHAIN_VERSION, SCHEMA_UID_TEXT, address(this), address(0));
        return
            keccak256(
                abi.encodePacked(head, decision.decidedAt, decision.expiresAt, true, refUid, data, salt, uint32(0))
            );
    }

    /// @dev SCHEMA_UID in hexadecimal.
    string internal constant SCHEMA_UID_TEXT = "0x27e1090eb788d30eb5c584f91a50ea8cf9b68e1c55b68f3207f693e9b382c590";
}
