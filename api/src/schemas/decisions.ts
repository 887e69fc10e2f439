import { REASONS, STAGES } from "@ballast/agent";
import { Type } from "typebox";
import {
  anyCase,
  digits,
  hash,
  hex,
  levels,
  limit,
  nullable,
  oneOf,
  Paging,
  page,
  quantiles,
  RunName,
  time,
} from "../schemas.ts";
import { Alternatives } from "./alternatives.ts";
import { Forecast } from "./forecasts.ts";

export const HashParams = Type.Object({ hash: anyCase("Decision hash: 0x and 64 hexadecimal digits") });

export const DecisionsQuery = Type.Object(
  {
    run: Type.Optional(RunName),
    action: Type.Optional(oneOf(["hold", "rebalance"], "What was decided")),
    stage: Type.Optional(oneOf(STAGES, "How far the decision has come")),
    ...Paging,
    limit: limit("50"),
  },
  { additionalProperties: false },
);

export const DecisionQuery = Type.Object(
  {
    run: Type.Optional({
      ...RunName,
      description: "Where several runs made the same decision; default: the one recorded last",
    }),
  },
  { additionalProperties: false },
);

export const Trade = Type.Object({
  venue: hex(20, "Contract that swaps"),
  tokenIn: hex(20, "Token sold"),
  tokenOut: hex(20, "Token bought"),
  amountIn: digits("In tokenIn's smallest unit"),
  minAmountOut: digits("In tokenOut's smallest unit"),
  route: Type.String({ pattern: "^0x([0-9a-f]{2})*$", description: "Pools, in the venue's own encoding" }),
});

/** As signed, by field name; see DECISION_FIELDS of @ballast/attest. */
export const SignedDecision = Type.Object({
  chainId: digits("EIP-155 chain id"),
  vault: hex(20, "Vault"),
  sequence: digits("Sequence it would consume"),
  action: Type.Integer({ description: "0 hold, 1 rebalance" }),
  reason: Type.Integer({ description: "Index into the reasons" }),
  decidedAt: digits("Bar close, Unix seconds"),
  expiresAt: digits("Last second of validity, Unix seconds"),
  inputRoot: hash("Merkle root of the market data it read"),
  stateHash: hash("Hash of the vault state it read"),
  modelId: hash("Breach network that the vault runs; zero where none was used"),
  forecastHash: hash("Zero where no forecast was used"),
  policyId: hash("Hash of the policy and its parameters"),
  breachPpm: Type.Integer({ description: "Breach probability, parts per million" }),
  holding: Type.Integer({
    description: "Index of the weight that is about to leave its band; 0 is the base asset's",
  }),
  tradesHash: hash("keccak256 of the ABI-encoded trades"),
});

const Execution = Type.Object({
  txHash: hash("Transaction"),
  blockNumber: Type.Integer(),
  gasUsed: digits("Gas"),
  gasPrice: digits("Wei"),
  minedAt: time("Of its block"),
  navBefore: digits("The vault's value before in the base asset, 18 decimals"),
  navAfter: digits("The same after, at the same prices"),
  outcome: nullable(Type.Unknown({ description: "Off-chain attestation of what it came to" })),
  amountsOut: Type.Array(digits("Received, in the tokenOut's smallest unit"), {
    description: "In the order of the trades",
  }),
});

export const Decision = Type.Object({
  hash: hash("Hash of the signed decision"),
  run: Type.String(),
  at: time("Bar close it was made for"),
  stage: oneOf(STAGES),
  action: oneOf(["hold", "rebalance"]),
  reason: oneOf(REASONS),
  policy: Type.String(),
  isBreached: Type.Boolean({ description: "A weight was outside its band" }),
  breachProbability: nullable(
    Type.Number({ description: "Highest of any holding within the policy's horizon, 0..1" }),
  ),
  weights: Type.Array(nullable(Type.Number()), {
    description: "Before the decision, in the order of the holdings, 0..1",
  }),
  numbers: Type.Record(Type.String(), nullable(Type.Number()), {
    description: "What weighed in the choice; null where not finite",
  }),
  decision: SignedDecision,
  trades: Type.Array(Trade),
  offchainUid: nullable(hash("Uid of the off-chain attestation")),
  uid: nullable(hash("Uid of the on-chain attestation")),
  txHash: nullable(hash("Transaction handed to the node")),
  execution: nullable(Execution),
  rejection: nullable(Type.Object({ code: Type.String(), message: Type.String() })),
});

/** Where one weight goes if nobody trades, by the decision's own forecast. */
const HoldingOutlook = Type.Object({
  asset: Type.String(),
  weight: Type.Number({ description: "When the decision was made, 0..1" }),
  target: Type.Number(),
  band: Type.Number({ description: "Half-width: the weight shall stay within target ± band" }),
  horizons: Type.Array(
    Type.Object({
      hours: Type.Number(),
      mean: Type.Number({ description: "Of the weight at the horizon, 0..1" }),
      deviation: Type.Number({ description: "Its standard deviation" }),
      levels,
      quantiles: quantiles("Of the weight at the horizon"),
      breachProbability: Type.Number({
        description: "Calibrated probability that the weight is seen outside its band by then, 0..1",
      }),
      hoursInside: Type.Number({ description: "Expected hours inside until it leaves or the horizon ends" }),
      hoursToBreach: nullable(
        Type.Number({
          description:
            "Expected hours until it leaves, at this horizon's volatility; null where it never need",
        }),
      ),
    }),
  ),
});

export const DecisionDetail = Type.Intersect([
  Decision,
  Type.Object({
    alternatives: Alternatives,
    verify: Type.String({ description: "Path of this API that decides again, when it is posted to" }),
    forecast: nullable(Forecast),
    outlook: nullable(
      Type.Array(HoldingOutlook, {
        description:
          "In the order of the holdings; null where the decision used no forecast or an older journal kept no bands",
      }),
    ),
  }),
]);

export const DecisionPage = page(Decision);
