import { Type } from "typebox";
import { limit, nullable, oneOf, page, time } from "../schemas.ts";

/**
 * A backtest as it is asked for over HTTP: the settings of `ballast backtest --config`, without what would name a place
 * on the server. Data sets go by the names they were configured under, models by their ids.
 */

const closed = { additionalProperties: false } as const;
const ticker = "^[A-Z0-9]{1,16}$";
const fraction = Type.Number({ minimum: 0, maximum: 1 });
const rate = Type.Number({ minimum: 0, exclusiveMaximum: 1 });
const positive = Type.Number({ exclusiveMinimum: 0 });
const atLeastZero = Type.Number({ minimum: 0 });
const whole = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });
const shares = Type.Record(
  Type.String({ pattern: ticker }),
  Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
  { ...closed, maxProperties: 64, description: "A share for each ticker" },
);
const band = Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 });
const label = (description: string) =>
  Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description, examples: ["threshold"] });
const utc = (description: string) =>
  Type.String({
    pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?Z)?$",
    description: `${description}, in UTC, such as 2022-01-01 or 2022-01-01T12:00Z`,
  });
const RATES = {
  fee: Type.Optional(rate),
  spread: Type.Optional(rate),
  mev: Type.Optional(rate),
  depth: Type.Optional(positive),
  reserve: Type.Optional(positive),
};

export const BacktestRequest = Type.Object(
  {
    data: Type.Optional(
      label("Data set, one of /v1/backtests/data-sets; default: the only one where there is but one"),
    ),
    assets: Type.Optional(
      Type.Array(Type.String({ pattern: ticker }), {
        minItems: 1,
        maxItems: 64,
        uniqueItems: true,
        description: "What models learn from beside the portfolio's own",
      }),
    ),
    from: Type.Optional(utc("First bar close at which is decided; default: the earliest possible")),
    until: Type.Optional(utc("Last bar close at which is decided; default: the data's end")),
    portfolio: Type.Object(
      {
        nav: Type.Optional(positive),
        base: Type.Optional(Type.String({ pattern: ticker })),
        targets: shares,
        bands: Type.Optional(Type.Union([band, shares])),
      },
      closed,
    ),
    vault: Type.Optional(
      Type.Object(
        {
          cooldownSeconds: Type.Optional(whole(0, 10_000_000)),
          maxTurnover: Type.Optional(fraction),
          maxSlippage: Type.Optional(fraction),
          crossTolerance: Type.Optional(fraction),
          minScore: Type.Optional(whole(0, 1024)),
        },
        closed,
      ),
    ),
    latency: Type.Optional(whole(0, 10_000)),
    costs: Type.Optional(
      Type.Object(
        {
          kind: Type.Optional(oneOf(["constant", "pool", "market"])),
          ...RATES,
          route: Type.Optional(
            Type.Union([
              Type.Object(
                { kind: Type.Literal("public"), tolerance: rate, attackDollars: atLeastZero },
                closed,
              ),
              Type.Object({ kind: Type.Literal("private"), leak: rate }, closed),
              Type.Object({ kind: Type.Literal("batch"), surplus: rate }, closed),
            ]),
          ),
          windowDays: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 365 })),
          attestation: Type.Optional(oneOf(["off-chain", "on-chain"])),
          assets: Type.Optional(
            Type.Record(Type.String({ pattern: ticker }), Type.Object(RATES, closed), {
              ...closed,
              maxProperties: 64,
            }),
          ),
        },
        closed,
      ),
    ),
    gas: Type.Optional(
      Type.Object(
        {
          tipGwei: Type.Optional(atLeastZero),
          baseFeeGwei: Type.Optional(atLeastZero),
          etherDollars: Type.Optional(positive),
          perRebalance: Type.Optional(atLeastZero),
          perSwap: Type.Optional(atLeastZero),
          perAttestation: Type.Optional(atLeastZero),
        },
        closed,
      ),
    ),
    model: Type.Optional(
      Type.String({
        pattern: "^(none|linear|champion|0x[0-9a-fA-F]{64})$",
        description:
          "none, linear (fitted on the way), champion, or the id of a trained model; default: none",
      }),
    ),
    retraining: Type.Optional(
      Type.Object(
        {
          everyDays: Type.Optional(Type.Number({ minimum: 1 })),
          leastDays: Type.Optional(positive),
          training: Type.Optional(
            Type.Object(
              {
                maxRows: Type.Optional(whole(1_000, 100_000)),
                ridge: Type.Optional(atLeastZero),
                correlationHalfLifeHours: Type.Optional(positive),
              },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
    halts: Type.Optional(
      Type.Array(Type.Object({ from: utc("First moment"), until: utc("Last moment") }, closed), {
        maxItems: 100,
        description: "When nothing can be traded",
      }),
    ),
    policies: Type.Optional(
      Type.Array(
        Type.Object(
          {
            label: Type.Optional(label("Name in the result; default: the policy's")),
            name: label("One of `ballast policies`"),
            parameters: Type.Optional(
              Type.Record(Type.String(), Type.Unknown(), {
                maxProperties: 32,
                description: "What is absent has the policy's own default",
              }),
            ),
          },
          closed,
        ),
        { minItems: 1, maxItems: 32, description: "Run side by side; default: threshold alone" },
      ),
    ),
  },
  { ...closed, description: "See docs/backtest.yaml for the meaning and the default of each setting" },
);

export const BACKTEST_STATES = ["queued", "running", "done", "failed", "cancelled"] as const;

const JobId = Type.String({
  pattern: "^[0-9a-f]{24}$",
  description: "Id of a backtest",
  examples: ["0123456789abcdef01234567"],
});
export const BacktestParams = Type.Object({ id: JobId });
export const RecordParams = Type.Object({ id: JobId, label: label("Label of a policy") });

export const BacktestsQuery = Type.Object(
  { cursor: Type.Optional(JobId), limit: limit("50") },
  { additionalProperties: false },
);

export const Backtest = Type.Object({
  id: JobId,
  owner: Type.String({ description: "Name of the key that submitted it" }),
  state: oneOf(BACKTEST_STATES),
  submittedAt: time("When it was submitted"),
  startedAt: nullable(time("When it was first begun")),
  endedAt: nullable(time("When it came to its end")),
  progress: Type.Object({
    step: Type.String({
      description: "What is done now: the policy that runs, or what comes before and after",
    }),
    done: Type.Integer({ description: "Bars of all policies so far" }),
    total: Type.Integer({ description: "Bars of all policies" }),
  }),
  error: nullable(
    Type.Object({ code: Type.String(), detail: Type.String() }, { description: "Why it failed" }),
  ),
  request: Type.Unknown({ description: "As it was submitted" }),
  links: Type.Object({
    self: Type.String(),
    events: Type.String({ description: "Server-Sent Events: each change until the end" }),
    report: nullable(Type.String({ description: "A page that compares the policies; once it is done" })),
    records: Type.Record(Type.String(), Type.String(), {
      description: "By label: bars, weights and trades of that policy; once it is done",
    }),
  }),
});

const Estimate = Type.Object({
  estimate: nullable(Type.Number()),
  low: nullable(Type.Number({ description: "Of a 95 % interval by the stationary block bootstrap" })),
  high: nullable(Type.Number()),
});

export const BacktestResult = Type.Object({
  headline: Type.String({ description: "In a sentence" }),
  baseline: Type.String({ description: "Label of the policy that the others are set against" }),
  market: Type.Object({
    hash: Type.String(),
    from: Type.Number({ description: "First decision, ms UTC" }),
    to: Type.Number({ description: "Last decision, ms UTC" }),
    barMs: Type.Number(),
  }),
  metrics: Type.Array(
    Type.Object({
      id: Type.String(),
      label: Type.String(),
      unit: Type.String(),
      better: oneOf(["less", "more", "neither"]),
      meaning: Type.String(),
    }),
    { description: "What the figures of each policy mean" },
  ),
  policies: Type.Array(
    Type.Object({
      name: Type.String({ description: "Label" }),
      policy: Type.Unknown({ description: "Its name, parameters and id" }),
      decisionsDigest: Type.String({ description: "keccak256 over the decisions' hashes, in order" }),
      trades: Type.Integer(),
      notes: Type.Array(Type.String()),
      metrics: Type.Record(Type.String(), Estimate, { description: "By the id of the metric" }),
      versus: nullable(
        Type.Record(Type.String(), Type.Unknown(), {
          description: "Paired differences to the baseline; null for the baseline itself",
        }),
      ),
      costRatio: nullable(Type.Unknown({ description: "Cost at equal tracking error over the baseline's" })),
    }),
  ),
});

export const BacktestDetail = Type.Intersect([Backtest, Type.Object({ result: nullable(BacktestResult) })]);
export const BacktestPage = page(Backtest);
export const DataSets = Type.Object({
  items: Type.Array(
    Type.Object({
      name: Type.String(),
      assets: Type.Array(Type.String()),
      from: time("First bar's opening"),
      until: time("Last bar's close"),
      intervalMs: Type.Integer({ description: "Length of a bar, ms" }),
    }),
  ),
});
