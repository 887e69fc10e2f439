// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IVault} from "../IVault.sol";

/// @title Who signed, from signatures of 65 bytes (r, s, v) laid end to end
/// @dev Not accepted: compact signatures, a high s (each signature would have a twin), contracts' (ERC-1271).
library SignerLib {
    uint256 internal constant SIGNATURE_BYTES = 65;

    /// @param index Of the signature, from 0.
    function recover(bytes32 digest, bytes calldata signatures, uint256 index) internal pure returns (address signer) {
        bytes calldata signature = signatures[index * SIGNATURE_BYTES:(index + 1) * SIGNATURE_BYTES];
        ECDSA.RecoverError fault;
        (signer, fault,) =
            ECDSA.tryRecover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        if (fault != ECDSA.RecoverError.NoError) revert IVault.InvalidSignature(index);
    }
}
