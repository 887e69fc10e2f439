import { REASONS, STAGES } from "@ballast/agent";
import { Type } from "typebox";
import { digits, hash, hex, limit, nullable, oneOf, Paging, page, RunName, time } from "../schemas.ts";

export const VaultParams = Type.Object({
  address: Type.String({
    pattern: "^0x[0-9a-fA-F]{40}$",
    description: "Vault: 0x and 40 hexadecimal digits",
    examples: ["0x70e0ba845a1a0f2da3359c97e0285013525ffc49"],
  }),
});
const run = Type.Optional({ ...RunName, description: "Default: the one that decided last for this vault" });
export const VaultQuery = Type.Object({ run }, { additionalProperties: false });
export const WeightsQuery = Type.Object(
  { run, ...Paging, limit: limit("50") },
  { additionalProperties: false },
);

const Holding = Type.Object({
  asset: Type.String(),
  token: nullable(hex(20, "Token")),
  decimals: nullable(Type.Integer()),
  balance: nullable(digits("In the token's smallest unit")),
  price: nullable(digits("Of one whole token in the base asset, 18 decimals")),
  weight: nullable(Type.Number({ description: "0..1" })),
  target: Type.Number({ description: "0..1" }),
  band: Type.Number({ description: "Half-width: the weight shall stay within target ± band" }),
  bandUsed: nullable(
    Type.Number({ description: "Distance from the target over the band; above 1 is outside" }),
  ),
  isOutside: nullable(Type.Boolean()),
});

export const Vault = Type.Object({
  address: hex(20, "Vault"),
  chainId: digits("EIP-155 chain id"),
  run: Type.String({ description: "Run that decides for it" }),
  source: oneOf(["chain", "journal"], "Asked of the node now, or as the last decision knew it"),
  at: time("Of that block, or of that decision"),
  block: nullable(Type.Integer()),
  problem: nullable(
    Type.Object(
      { code: Type.String(), detail: Type.String() },
      { description: "Why the chain could not be asked, where it should have been" },
    ),
  ),
  sequence: digits("Last executed sequence"),
  value: nullable(digits("In the base asset, 18 decimals")),
  lastRebalanceAt: nullable(time("Null before the first")),
  holdings: Type.Array(Holding, { description: "The base asset first" }),
  guards: Type.Array(
    Type.Object({
      name: Type.String({ description: "As the vault's error is called" }),
      unit: oneOf(["flag", "seconds", "share"]),
      limit: Type.Number(),
      value: Type.Number(),
      used: nullable(Type.Number({ description: "Value over limit; null where nothing is left of it" })),
      isBinding: Type.Boolean(),
      meaning: Type.String(),
    }),
    {
      description:
        "What a rebalance back to all targets would meet; empty where an older journal kept no state",
    },
  ),
  nextGuard: nullable(
    Type.String({ description: "The guard that binds, else the one nearest to it; null where none is used" }),
  ),
  decision: Type.Object(
    {
      hash: hash("Decision"),
      at: time("Bar close it was made for"),
      action: oneOf(["hold", "rebalance"]),
      reason: oneOf(REASONS),
      stage: oneOf(STAGES),
    },
    { description: "The last one" },
  ),
  decisionGuards: nullable(
    Type.Array(
      Type.Object({
        name: Type.String(),
        index: Type.Integer({ description: "Of the trade or of the holding" }),
        limit: digits("In the guard's own unit"),
        value: digits("In the guard's own unit"),
        isBinding: Type.Boolean({ description: "The vault would refuse the last decision for this now" }),
      }),
      { description: "The vault's own view of the last decision; null where no node was asked" },
    ),
  ),
});
export const VaultsList = Type.Object({
  items: Type.Array(Vault, { description: "One for each run that decides for a vault, from the journal" }),
});

export const WeightsPage = page(
  Type.Object({
    at: time("Bar close"),
    decision: hash("Decision that read them"),
    assets: Type.Array(Type.String(), { description: "The base asset first; empty in older journals" }),
    weights: Type.Array(nullable(Type.Number()), { description: "Before the decision, 0..1" }),
    targets: Type.Array(Type.Number()),
    bands: Type.Array(Type.Number(), { description: "Half-widths" }),
    isBreached: Type.Boolean({ description: "A weight was outside its band" }),
    breachProbability: nullable(Type.Number({ description: "0..1" })),
    action: oneOf(["hold", "rebalance"]),
    stage: oneOf(STAGES),
  }),
);
