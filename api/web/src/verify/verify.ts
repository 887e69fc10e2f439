import { features, readInputs, stateHash, weightsOf } from "@ballast/agent";
import {
  readEvidence,
  recoverNotaries,
  toOffchainAttestation,
  verifyOffchain,
  verifyReferences,
} from "@ballast/attest";
import { networkId, readNetwork, toBreachScorer } from "@ballast/model";
export const x = [
  features,
  readInputs,
  stateHash,
  weightsOf,
  verifyOffchain,
  verifyReferences,
  readEvidence,
  recoverNotaries,
  toOffchainAttestation,
  networkId,
  readNetwork,
  toBreachScorer,
];
