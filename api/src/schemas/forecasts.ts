import { Type } from "typebox";
import { Horizon, hash, levels, limit, nullable, Paging, page, quantiles, Ticker, time } from "../schemas.ts";

export const ForecastsQuery = Type.Object(
  {
    asset: Ticker,
    hours: Horizon,
    ...Paging,
    limit: limit("1, the latest; 50 where a period or a cursor is given"),
  },
  { additionalProperties: false },
);

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

export const ForecastPage = page(Forecast);
