import { REASONS, STAGES } from "@ballast/agent";
import { Type } from "typebox";
import { Alternatives } from "./schemas/alternatives.ts";

/**
 * The one definition of what comes in and goes out: it validates, serialises, types the handlers and is
 * printed as the OpenAPI document. Integers wider than 53 bits are strings of decimal digits, times ISO 8601
 * in UTC, hashes lower-case hexadecimal.
 */

/** A string that is one of `values`, with their union as its type. */
export const oneOf = <const T extends readonly string[]>(values: T, description?: string) =>
  Type.Unsafe<T[number]>({
    type: "string",
    enum: [...values],
    ...(description !== undefined && { description }),
  });
export const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);
export const hex = (bytes: number, description: string) =>
  Type.String({ pattern: `^0x[0-9a-f]{${2 * bytes}}$`, description });
export const hash = (description: string) => hex(32, description);
export const time = (description: string) => Type.String({ format: "date-time", description });
export const digits = (description: string) => Type.String({ pattern: "^[0-9]+$", description });

// In.

export const anyCase = (description: string) =>
  Type.String({ pattern: "^0x[0-9a-fA-F]{64}$", description, examples: [`0x${"5a".repeat(32)}`] });
export const HashParams = Type.Object({ hash: anyCase("Decision hash: 0x and 64 hexadecimal digits") });
export const UidParams = Type.Object({
  uid: anyCase("Uid of the off-chain or of the on-chain attestation: 0x and 64 hexadecimal digits"),
});
export const ModelParams = Type.Object({ modelId: anyCase("Model id: 0x and 64 hexadecimal digits") });

export const NetworkParams = Type.Object({
  networkId: anyCase("A decision's modelId: 0x and 64 hexadecimal digits"),
});

/** The format that `isPointInTime` checks. */
export const POINT_IN_TIME = "point-in-time";
export const pointInTime = (description: string) =>
  Type.Optional(
    Type.String({
      format: POINT_IN_TIME,
      maxLength: 40,
      examples: ["2022-10-11T00:00:00Z"],
      description: `${description}: Unix milliseconds or ISO 8601 with a zone, e.g. 2022-10-11T00:00:00Z; a date alone is its midnight in UTC`,
    }),
  );
export const Paging = {
  from: pointInTime("Earliest bar close, inclusive"),
  to: pointInTime("Latest bar close, exclusive"),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "nextCursor of the page before",
      examples: ["MTY2MDA0MjgwMDAwMC4xMg"],
    }),
  ),
};
export const limit = (fallback: string, maximum = 500) =>
  Type.Optional(
    Type.Integer({ minimum: 1, maximum, description: `Items a page; default: ${fallback}`, examples: [100] }),
  );
export const RunName = Type.String({
  minLength: 1,
  maxLength: 100,
  description: "Name of a run",
  examples: ["predictive"],
});

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
export const Ticker = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 40,
    description: "Ticker; leaves out the other assets",
    examples: ["BTC"],
  }),
);
export const Horizon = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 10_000,
    description: "Horizon in hours; leaves out the other horizons",
    examples: [24],
  }),
);
export const ForecastsQuery = Type.Object(
  {
    asset: Ticker,
    hours: Horizon,
    ...Paging,
    limit: limit("1, the latest; 50 where a period or a cursor is given"),
  },
  { additionalProperties: false },
);
export const NoQuery = Type.Object({}, { additionalProperties: false });

// Out.

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: "Stable, upper-case: for programs" }),
    requestId: Type.String(),
  },
  { description: "Problem details, RFC 9457" },
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

const levels = Type.Array(Type.Number(), { description: "Levels of the quantiles, ascending, in (0, 1)" });
export const quantiles = (of: string) =>
  Type.Array(Type.Number(), { description: `${of}, at the levels, ascending` });

const CostDistribution = (description: string) =>
  Type.Object({ mean: Type.Number(), quantiles: quantiles("In the series' unit") }, { description });

/** One series ahead; each target has one distribution per horizon, in the series' unit. */
const SeriesAhead = Type.Object({
  series: Type.String({
    description: "Name in the market data, e.g. base_fee_gwei; its numbers are in its own unit",
  }),
  now: Type.Number({ description: "In the hour before the forecast" }),
  horizons: Type.Array(
    Type.Object({
      hours: Type.Number(),
      last: CostDistribution("The value in the last hour of the horizon"),
      mean: CostDistribution("The mean of the hours until then, on the scale it is forecast on"),
      lowest: CostDistribution("The lowest of the hours until then"),
    }),
  ),
});

export const Forecast = Type.Object({
  hash: hash("keccak256 of the canonical bytes: a decision's forecastHash"),
  modelId: hash("Model"),
  at: time("Bar close it was made at"),
  assets: Type.Array(
    Type.Object({
      asset: Type.String(),
      horizons: Type.Array(
        Type.Object({
          hours: Type.Number(),
          variance: Type.Number({ description: "Expected sum of squared log returns over the horizon" }),
          volAnnual: Type.Number({ description: "sqrt(variance · 8760 / hours)" }),
          quantiles: Type.Optional(quantiles("Of the realised variance over the horizon")),
        }),
      ),
      correlation: Type.Record(Type.String(), Type.Number(), {
        description: "Of log returns, with each asset",
      }),
    }),
  ),
  levels: nullable(
    Type.Array(Type.Number(), { description: "Levels of the variance's quantiles; null without" }),
  ),
  breachCalibration: Type.Object(
    { a: Type.Number(), b: Type.Number() },
    { description: "p = logistic(a + b·logit(first-passage probability))" },
  ),
  costs: nullable(
    Type.Object(
      { levels, series: Type.Array(SeriesAhead) },
      { description: "Base fee and other series ahead; null where the model had none to go by" },
    ),
  ),
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

export const page = <T extends Parameters<typeof Type.Array>[0]>(item: T) =>
  Type.Object({
    items: Type.Array(item, { description: "Newest first" }),
    nextCursor: nullable(Type.String({ description: "Null on the last page" })),
  });
export const DecisionPage = page(Decision);
export const ForecastPage = page(Forecast);

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

export const Manifest = Type.Object(
  { modelId: hash("keccak256 of the model's bytes") },
  {
    additionalProperties: true,
    description: "As training wrote it: data root, configuration, seed, backend, versions, metrics",
  },
);
export const Models = Type.Object({ items: Type.Array(Manifest) });
export const Model = Type.Object({
  modelId: hash("Model"),
  manifest: Manifest,
  artefact: nullable(
    Type.Object(
      {
        bytes: Type.Integer(),
        features: Type.Array(Type.String()),
        horizonsHours: Type.Array(Type.Number()),
        members: Type.Array(Type.Array(Type.Integer()), {
          description: "Layer widths of each network, inputs first",
        }),
        parameters: Type.Integer({ description: "Weights and biases of all layers" }),
        costs: Type.Array(Type.String(), { description: "Series whose costs ahead it forecasts" }),
      },
      { description: "Null where the store has the manifest alone" },
    ),
  ),
});

export const Network = Type.Object({
  networkId: hash("keccak256 of the bytes, and the code hash of the contract that holds them"),
  modelId: hash("Model that brings it along"),
  bytes: Type.String({ pattern: "^0x([0-9a-f]{2})*$", description: "The network in canonical bytes" }),
});

export const Runs = Type.Object({
  items: Type.Array(
    Type.Object({
      run: Type.String(),
      holds: Type.Integer(),
      rebalances: Type.Integer(),
      stages: Type.Record(Type.String(), Type.Integer(), { description: "Decisions by stage" }),
      from: nullable(time("First decision")),
      to: nullable(time("Last decision")),
      meta: Type.Object(
        {},
        { additionalProperties: true, description: "What the run is made of and came to" },
      ),
    }),
    { description: "In the order of their start" },
  ),
});

export const Health = Type.Object({
  status: oneOf(["ok", "unavailable"]),
  version: Type.String(),
  journal: Type.Object({
    isReady: Type.Boolean(),
    lastForecastAt: nullable(time("Latest forecast in the journal")),
  }),
});
