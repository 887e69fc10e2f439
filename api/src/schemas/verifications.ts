import { Type } from "typebox";
import { hash, oneOf, time } from "../schemas.ts";

const Checks = (description: string) =>
  Type.Array(Type.Object({ name: Type.String(), passed: Type.Boolean(), detail: Type.String() }), {
    description,
  });

export const Verification = Type.Object({
  hash: hash("Of the decision"),
  run: Type.String(),
  verifiedAt: time("When it was followed"),
  isValid: Type.Boolean({ description: "Nothing that was checked failed" }),
  isCheckedOnChain: Type.Boolean({ description: "Whether a node was asked" }),
  market: Type.Object(
    {
      kind: oneOf(["snapshot", "bars", "none"]),
      detail: Type.String(),
    },
    { description: "Where the market came from that the decision was made again from" },
  ),
  offchain: Checks("Of the off-chain attestation: form, signature, signer, trades"),
  onchain: Checks("Of the chain: attestation, revocation, execution; empty where no node was asked"),
  links: Type.Array(
    Type.Object({
      name: Type.String({
        description: "data, data-time, features, notaries, score, manifest, forecast, state, policy, …",
      }),
      status: oneOf(["pass", "fail", "not checked"]),
      detail: Type.String(),
    }),
    { description: "From the market to the trades, each recomputed" },
  ),
  conclusion: Type.String({ description: "In a sentence, with what was left open" }),
});
