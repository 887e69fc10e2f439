import { STAGES } from "@ballast/agent";
import { Type } from "typebox";
import { anyCase, hash, oneOf } from "../schemas.ts";
import { SignedDecision, Trade } from "./decisions.ts";

export const UidParams = Type.Object({
  uid: anyCase("Uid of the off-chain or of the on-chain attestation: 0x and 64 hexadecimal digits"),
});

/** The file that `ballast verify` reads; `offchain` is the EAS SDK's own format. */
export const EvidenceFile = Type.Object({
  format: Type.Literal("ballast-evidence/2"),
  decision: SignedDecision,
  trades: Type.Array(Trade),
  offchain: Type.Optional(Type.Unknown()),
  market: Type.Optional(
    Type.Object(
      {
        featuresRoot: hash("Root of the tree of all assets' features"),
        features: Type.String({ description: "Of the holding's asset, 40 bytes" }),
        path: Type.Array(hash("Node of the Merkle proof")),
        notarySignatures: Type.String({ description: "65 bytes each" }),
      },
      { description: "What the vault was given of the market; absent where a weight was outside its band" },
    ),
  ),
  references: Type.Optional(
    Type.Array(Type.Unknown(), { description: "Off-chain attestations of the model and its dataset" }),
  ),
  inputs: Type.Optional(Type.Unknown({ description: "What was decided on, for whoever decides again" })),
  uid: Type.Optional(hash("Uid of the on-chain attestation")),
  txHash: Type.Optional(hash("Transaction that executed it")),
});

export const Attestation = Type.Object({
  uid: hash("The uid that was asked for"),
  kind: oneOf(["offchain", "onchain"]),
  decisionHash: hash("Hash of the attested decision"),
  run: Type.String(),
  stage: oneOf(STAGES),
  evidence: EvidenceFile,
  verify: Type.Object({
    evidence: Type.String({ description: "Path of this API that serves the evidence alone, as a file" }),
    action: Type.String({ description: "Path of this API that decides again, when it is posted to" }),
    command: Type.String({ description: "Checks that file without trusting this server" }),
    checks: Type.Array(Type.String()),
  }),
});
