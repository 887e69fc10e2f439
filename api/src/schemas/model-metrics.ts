import { Type } from "typebox";
import { hash, nullable, oneOf, time } from "../schemas.ts";

const id = (description: string) =>
  Type.String({ pattern: "^0x[0-9a-fA-F]{64}$", description, examples: [`0x${"36".repeat(32)}`] });
export const CompareQuery = Type.Object(
  { a: id("Model id"), b: id("Model id of the other") },
  { additionalProperties: false },
);

const figure = nullable(Type.Number());
const PerForecaster = (description: string) =>
  Type.Object({ network: figure, linear: figure, logHar: figure, ewma: figure }, { description });
const Score = Type.Object({
  hours: Type.Number({ description: "Horizon" }),
  qlike: PerForecaster("Mean QLIKE of the model and of the baselines, out of sample; less is better"),
  ratioToLogHar: PerForecaster("The same relative to log-HAR's; below 1 is better"),
  tAgainstLogHar: nullable(Type.Number({ description: "Diebold-Mariano t; negative is better" })),
  tAgainstLinear: nullable(Type.Number({ description: "The same against the pooled linear forecast" })),
  coverage90: nullable(Type.Number({ description: "Share of outcomes within the 5 % and 95 % quantiles" })),
});
const Scored = Type.Object({
  modelId: hash("Model"),
  trainedUntil: time("Nothing at or after it was read"),
  testedFrom: nullable(time("First test block's begin; null without one")),
  testedUntil: nullable(time("Last test block's end")),
  dataset: Type.Object({ root: hash("Of its data set"), assets: Type.Array(Type.String()) }),
  scores: Type.Array(Score),
});
export const ModelMetrics = Type.Object({
  items: Type.Array(Scored, {
    description:
      "Oldest training first. Each is scored on its own test blocks: ratios compare, levels do not",
  }),
});

const ScoredSpan = Type.Object({
  from: time("First forecast time"),
  until: time("Last forecast time; what was forecast reaches further by the horizon"),
  trainedUntil: time("Nothing at or after it was known to the fit that forecast it"),
  hours: Type.Number({ description: "Horizon" }),
  rows: Type.Integer({ description: "Forecasts scored, times × assets" }),
  qlike: PerForecaster("Mean QLIKE, without a unit; less is better"),
  ratioToLogHar: PerForecaster("The same relative to log-HAR's in this span; below 1 is better"),
});
const spans = nullable(
  Type.Array(ScoredSpan, {
    description:
      "In time order, each horizon of a span after the other. Spans are equally long within a test block and none is in two",
  }),
);
export const OverTime = Type.Object({
  modelId: hash("Model"),
  spans,
});

const bins = (description: string) =>
  Type.Array(
    Type.Object({
      forecast: Type.Number({ description: "Mean probability said, 0..1" }),
      observed: Type.Number({ description: "Share that came true, 0..1" }),
      count: Type.Integer({ description: "Predictions in the bin" }),
    }),
    { description },
  );
const observedBreaches = nullable(
  Type.Object(
    {
      hours: Type.Number({ description: "A weight is outside its band within them" }),
      from: time("First forecast time"),
      until: time("Last forecast time"),
      raw: bins("Before recalibration, in tenths of the probability; empty ones left out"),
      recalibrated: bins("As it was said, with what was known at the begin of each test block"),
    },
    {
      description:
        "What was said out of sample and what came; null where the program that trained it did not record it. Predictions of one time share its market and windows overlap: far fewer than the counts are independent",
    },
  ),
);

export const Reliability = Type.Object({
  modelId: hash("Model"),
  breach: Type.Object(
    {
      a: Type.Number(),
      b: Type.Number(),
      predictions: Type.Integer({ description: "That a and b were fitted on" }),
      frequency: figure,
      brierSkillRaw: figure,
      brierSkillCalibrated: figure,
      curve: Type.Array(
        Type.Object({
          predicted: Type.Number({ description: "Raw probability of a breach" }),
          expected: Type.Number({
            description: "Frequency by the fitted curve: logistic(a + b·logit(predicted)), Cox 1958",
          }),
        }),
      ),
      observed: observedBreaches,
    },
    { description: "Breach probabilities: how they were recalibrated, and how well that did out of sample" },
  ),
  variance: Type.Array(
    Type.Object({
      hours: Type.Number(),
      nominal: Type.Number({ description: "Share that should lie between the 5 % and 95 % quantiles" }),
      observed: figure,
    }),
    { description: "Quantiles of the realised variance, out of sample" },
  ),
  quantiles: nullable(
    Type.Array(
      Type.Object({
        hours: Type.Number({ description: "Horizon" }),
        rows: Type.Integer({ description: "Forecasts, times × assets" }),
        levels: Type.Array(
          Type.Object({
            nominal: Type.Number({ description: "Level of the quantile, 0..1" }),
            observed: Type.Number({ description: "Share of outcomes at or below it, 0..1" }),
          }),
        ),
      }),
      {
        description:
          "Each quantile of the realised variance, out of sample; null where the program that trained it did not record it",
      },
    ),
  ),
  costs: Type.Array(
    Type.Object({
      series: Type.String(),
      hours: Type.Number(),
      target: oneOf(["last", "mean", "lowest"]),
      nominal: Type.Number(),
      observed: figure,
    }),
    { description: "Quantiles of costs ahead, out of sample" },
  ),
  breachNetwork: Type.Array(
    Type.Object({
      band: Type.Number({ description: "Half-width" }),
      hours: Type.Number(),
      predictions: Type.Integer(),
      frequency: figure,
      auc: figure,
      brierSkill: figure,
    }),
    { description: "The network that a vault runs itself, on times that its rehearsal did not see" },
  ),
});

export const ModelComparison = Type.Object({
  a: Scored,
  b: Scored,
  isSameData: Type.Boolean({
    description: "Both were trained on the same data set; else levels do not compare",
  }),
  horizons: Type.Array(
    Type.Object({
      hours: Type.Number(),
      ratioToLogHar: Type.Object({ a: figure, b: figure }),
      qlike: Type.Object({ a: figure, b: figure }),
      better: nullable(oneOf(["a", "b"], "By the ratio to log-HAR; null where they are equal")),
    }),
    { description: "Those that both forecast" },
  ),
  overTime: Type.Object(
    { a: spans, b: spans },
    { description: "Scores over time; null where not recorded. Spans of the two need not be the same" },
  ),
  breach: Type.Object({ a: observedBreaches, b: observedBreaches }),
  configuration: Type.Array(Type.Object({ key: Type.String(), a: Type.Unknown(), b: Type.Unknown() }), {
    description: "Settings that differ; null where one has none",
  }),
});

export const Promotions = Type.Object({
  champion: nullable(hash("Model in service; null before the first")),
  items: Type.Array(
    Type.Object({
      action: oneOf(["promote", "rollback"]),
      modelId: hash("Model"),
      at: time("Since when it serves"),
      expiresAt: time("From then on it must not be used"),
      reason: Type.String(),
      isForced: Type.Boolean({ description: "Somebody overruled the comparison" }),
      evidence: nullable(
        Type.Object({}, { additionalProperties: true, description: "What the comparison found" }),
      ),
      previous: nullable(hash("keccak256 of the line before")),
    }),
    { description: "Newest first" },
  ),
});
