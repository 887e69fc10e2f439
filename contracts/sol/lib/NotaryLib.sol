// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IVault} from "../IVault.sol";
import {SignerLib} from "./SignerLib.sol";

/// @title What notaries sign: that this was the market, and these its features, at that time
/// @dev The EIP-712 domain has neither chain nor contract: the statement is about the world, and serves every vault.
library NotaryLib {
    bytes32 internal constant DOMAIN_SEPARATOR = keccak256(
        abi.encode(keccak256("EIP712Domain(string name,string version)"), keccak256("Ballast Notary"), keccak256("1"))
    );
    bytes32 internal constant STATEMENT_TYPE =
        keccak256("MarketStatement(bytes32 inputRoot,bytes32 featuresRoot,uint64 at)");

    function digest(bytes32 inputRoot, bytes32 featuresRoot, uint64 time) internal pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(
            DOMAIN_SEPARATOR, keccak256(abi.encode(STATEMENT_TYPE, inputRoot, featuresRoot, time))
        );
    }

    /// @notice Reverts unless at least `threshold` notaries signed, all of them known and no one twice.
    /// @param signatures 65 bytes each, in strictly ascending order of their signers.
    function check(
        bytes32 statement,
        bytes calldata signatures,
        uint256 threshold,
        mapping(address => bool) storage isNotary
    ) internal view {
        if (signatures.length % SignerLib.SIGNATURE_BYTES != 0) {
            revert IVault.WrongSignatureLength(signatures.length, threshold * SignerLib.SIGNATURE_BYTES);
        }
        uint256 count = signatures.length / SignerLib.SIGNATURE_BYTES;
        if (count < threshold) revert IVault.NotariesMissing(count, threshold);
        address previous;
        for (uint256 i; i < count; ++i) {
            address signer = SignerLib.recover(statement, signatures, i);
            if (!isNotary[signer]) revert IVault.NotaryNotAllowed(signer);
            if (signer <= previous) revert IVault.NotariesNotAscending(signer, previous);
            previous = signer;
        }
    }
}
