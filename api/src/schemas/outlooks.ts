import { Type } from "typebox";
import * as schemas from "../schemas.ts";
import { column, orNull, quantilePage } from "./tables.ts";

const at = column.time("at", "Bar close it was made at", "2022-10-11T00:00:00Z");
const hours = column.number("hours", "Horizon", 24);
const forecast = column.text("forecast", "Hash of the forecast it is from", `0x${"3c".repeat(32)}`);

/** Where each weight goes if nobody trades. */
export const BREACH_COLUMNS = [
  at,
  column.text("run", "Run", "predictive"),
  column.text("decision", "Hash of the decision", `0x${"7e".repeat(32)}`),
  forecast,
  column.text("asset", "Holding", "BTC"),
  column.number("weight", "When the decision was made, 0..1", 0.262),
  column.number("target", "0..1", 0.25),
  column.number("band", "Half-width: the weight shall stay within target ± band", 0.02),
  hours,
  column.number("mean", "Of the weight at the horizon, 0..1", 0.2621),
  column.number("deviation", "Its standard deviation", 0.0047),
  column.number(
    "breachProbability",
    "That the weight is seen outside its band by then, calibrated, 0..1",
    0.22,
  ),
  column.number("hoursInside", "Expected hours inside until it leaves or the horizon ends", 21.9),
  orNull(column.number("hoursToBreach", "Expected hours until it leaves; null where it need not", 81.2)),
];
export const COST_COLUMNS = [
  at,
  forecast,
  column.text("modelId", "Model", `0x${"5f".repeat(32)}`),
  column.text("series", "Name in the market data; its numbers are in its own unit", "base_fee_gwei"),
  column.number("now", "In the hour before the forecast", 24.1),
  hours,
  column.text(
    "target",
    "last: in the last hour of the horizon; mean: of the hours until then; lowest of them",
    "last",
  ),
  column.number("mean", "Expected", 22.7),
];
export const Breaches = quantilePage(BREACH_COLUMNS, "Of the weight at the horizon");
export const Costs = quantilePage(COST_COLUMNS, "In the series' unit");

export const BreachesQuery = Type.Object(
  {
    run: Type.Optional(schemas.RunName),
    asset: schemas.Ticker,
    hours: schemas.Horizon,
    ...schemas.Paging,
    limit: schemas.limit("1 decision, the latest; 50 where a period or a cursor is given", 100),
  },
  { additionalProperties: false },
);
export const CostsQuery = Type.Object(
  {
    series: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 80,
        description: "Name of a series; leaves out the others",
        examples: ["base_fee_gwei"],
      }),
    ),
    hours: schemas.Horizon,
    ...schemas.Paging,
    limit: schemas.limit("1 forecast, the latest; 50 where a period or a cursor is given"),
  },
  { additionalProperties: false },
);
