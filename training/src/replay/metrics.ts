import type { BacktestRecord } from "./record.ts";
import { COST_KINDS, type Means, toMeans, toSteps, YEAR_MS } from "./steps.ts";

/** What a metric's formula is given besides the means. */
export interface Span {
  readonly steps: number;
  /** Steps a year: 365 days over the bar's length. */
  readonly perYear: number;
}

export interface Metric {
  readonly id: string;
  readonly label: string;
  /** Of the number itself. */
  readonly unit: string;
  /** For people: the number times `scale`, with so many digits and a unit. */
  readonly shown: { readonly scale: number; readonly digits: number; readonly unit: string };
  readonly better: "less" | "more" | "neither";
  readonly meaning: string;
  /** NaN where it is not defined, as what a trade paid where there was none. */
  readonly of: (means: Means, span: Span) => number;
}

const PERCENT = { scale: 100, digits: 2, unit: "%" };
const BPS = { scale: 1e4, digits: 2, unit: "bps" };
const ratio = (of: number, to: number): number => (to > 0 ? of / to : Number.NaN);

/** A year's costs over the average value. */
export const costOf = (means: Means, { perYear }: Span): number =>
  (COST_KINDS.reduce((sum, kind) => sum + means[kind], 0) / means.value) * perYear;

export const trackingErrorOf = (means: Means, { perYear }: Span): number =>
  Math.sqrt(Math.max(0, means.square) * perYear);

/** Of simple returns a step, with the sample's n − 1. */
const deviationOf = (means: Means, { steps }: Span): number =>
  Math.sqrt((Math.max(0, means.returnSquare - means.return ** 2) * steps) / (steps - 1));

const COST_LABELS = {
  fee: "Pool and venue fees",
  spread: "Spread",
  impact: "Price impact",
  mev: "Allowance for MEV",
  gas: "Gas of the rebalance",
  attestationGas: "Gas of the attestation",
} as const;

/** Metrics that are functions of means over the steps, so that the bootstrap gives them an interval. */
export const METRICS: readonly Metric[] = [
  {
    id: "trackingError",
    label: "Tracking error",
    unit: "share, annualised",
    shown: { ...PERCENT, digits: 3, unit: "% a year" },
    better: "less",
    meaning:
      "root mean square per bar of growth before costs less that of the frictionless constant mix, times the root of the bars in a year",
    of: trackingErrorOf,
  },
  {
    id: "cost",
    label: "Cost, all kinds",
    unit: "share of average value a year",
    shown: { ...BPS, unit: "bps a year" },
    better: "less",
    meaning: "fees, spread, impact, MEV and gas over the average value, a year",
    of: costOf,
  },
  ...COST_KINDS.map(
    (kind): Metric => ({
      id: `cost.${kind}`,
      label: COST_LABELS[kind],
      unit: "share of average value a year",
      shown: { ...BPS, unit: "bps a year" },
      better: "less",
      meaning: `${COST_LABELS[kind].replace(/^./, (first) => first.toLowerCase())} over the average value, a year`,
      of: (means, { perYear }) => (means[kind] / means.value) * perYear,
    }),
  ),
  {
    id: "shortfall",
    label: "Implementation shortfall",
    unit: "share of average value a year",
    shown: { ...BPS, unit: "bps a year" },
    better: "less",
    meaning:
      "what trades brought less than at the prices of their decisions, costs included (Perold 1988), over the average value, a year",
    of: (means, { perYear }) => (means.shortfall / means.value) * perYear,
  },
  {
    id: "shortfallOfSold",
    label: "Shortfall of what was sold",
    unit: "share",
    shown: BPS,
    better: "less",
    meaning: "implementation shortfall over the dollars sold",
    of: (means) => ratio(means.shortfall, means.sold),
  },
  {
    id: "turnover",
    label: "Turnover",
    unit: "share a year",
    shown: { ...PERCENT, digits: 1, unit: "% a year" },
    better: "less",
    meaning: "half of what changed hands over the value before the trade's costs, summed, a year",
    of: (means, { perYear }) => means.turnover * perYear,
  },
  {
    id: "trades",
    label: "Trades",
    unit: "a year",
    shown: { scale: 1, digits: 1, unit: "a year" },
    better: "neither",
    meaning: "rebalances executed, a year",
    of: (means, { perYear }) => means.trades * perYear,
  },
  {
    id: "outsideBand",
    label: "Time outside the band",
    unit: "share",
    shown: PERCENT,
    better: "less",
    meaning:
      "bars at whose close, before any trade, some weight lay outside its band, over all bars after the first",
    of: (means) => means.outside,
  },
  {
    id: "meanExcess",
    label: "Mean excess then",
    unit: "share of value",
    shown: { scale: 100, digits: 3, unit: "pp" },
    better: "less",
    meaning:
      "how far outside its band the worst weight lay, mean over the bars outside; 0 where there are none",
    of: (means) => (means.outside > 0 ? means.excess / means.outside : 0),
  },
  {
    id: "return",
    label: "Return",
    unit: "share, whole period",
    shown: PERCENT,
    better: "more",
    meaning: "value at the end, after costs, over that at the start, less 1",
    of: (means, { steps }) => Math.expm1(means.growth * steps),
  },
  {
    id: "activeGrowth",
    label: "Growth less the mix's",
    unit: "log growth a year",
    shown: { ...BPS, digits: 1, unit: "bps a year" },
    better: "more",
    meaning: "log growth after costs less that of the frictionless constant mix, a year",
    of: (means, { perYear }) => (means.growth - means.mixGrowth) * perYear,
  },
  {
    id: "volatility",
    label: "Volatility",
    unit: "share, annualised",
    shown: { ...PERCENT, digits: 1, unit: "% a year" },
    better: "less",
    meaning: "standard deviation of simple returns per bar, times the root of the bars in a year",
    of: (means, span) => deviationOf(means, span) * Math.sqrt(span.perYear),
  },
  {
    id: "sharpe",
    label: "Sharpe ratio",
    unit: "annualised",
    shown: { scale: 1, digits: 2, unit: "" },
    better: "more",
    meaning:
      "mean of simple returns per bar over their standard deviation, times the root of the bars in a year (Sharpe 1994); the riskless return is that of the base asset, 0, and serial correlation is not corrected for",
    of: (means, span) => ratio(means.return, deviationOf(means, span)) * Math.sqrt(span.perYear),
  },
  {
    id: "gasPaid",
    label: "Base fee paid",
    unit: "gwei",
    shown: { scale: 1, digits: 1, unit: "gwei" },
    better: "less",
    meaning: "mean base fee of the bars at which trades were executed",
    of: (means) => ratio(means.gasPaid, means.gasTrades),
  },
  {
    id: "gasPaidOverMean",
    label: "Base fee paid over the mean",
    unit: "ratio",
    shown: { scale: 1, digits: 3, unit: "×" },
    better: "less",
    meaning: "mean base fee at the trades over the mean of all bars",
    of: (means) => ratio(ratio(means.gasPaid, means.gasTrades), ratio(means.gasBar, means.gasBars)),
  },
  {
    id: "gasPaidOverDayLow",
    label: "Base fee paid over the day's lowest",
    unit: "ratio",
    shown: { scale: 1, digits: 3, unit: "×" },
    better: "less",
    meaning: "mean base fee at the trades over the mean of the lowest hour of each trade's UTC day",
    of: (means) => ratio(means.gasPaid, means.gasDayLow),
  },
];

/** Metrics of the path that one extreme decides: the bootstrap has nothing to say of them, so they have no interval. */
export const EXTREMES = [
  {
    id: "worstExcess",
    label: "Worst excess",
    unit: "share of value",
    shown: { scale: 100, digits: 3, unit: "pp" },
    better: "less",
    meaning: "how far outside its band any weight ever lay at a close; an extreme, so without an interval",
  },
  {
    id: "maxDrawdown",
    label: "Maximum drawdown",
    unit: "share",
    shown: PERCENT,
    better: "less",
    meaning:
      "most that the value, after costs, fell from an earlier height; an extreme, so without an interval",
  },
] as const satisfies readonly Omit<Metric, "of">[];

export const spanOf = ({ bars, market }: BacktestRecord): Span => ({
  steps: bars.at.length - 1,
  perYear: YEAR_MS / market.barMs,
});

/** Most that a series fell from an earlier height, share of that height. Values above 0. */
export function maxDrawdown(values: readonly number[]): number {
  let [height, worst] = [0, 0];
  for (const value of values) {
    height = Math.max(height, value);
    worst = Math.max(worst, 1 - value / height);
  }
  return worst;
}

/** Every metric of one record by its id, without intervals; NaN where it is not defined. Throws OutOfRangeError below two bars. */
export function toMetrics(record: BacktestRecord): Readonly<Record<string, number>> {
  const steps = toSteps(record);
  const means = toMeans(steps);
  const span = spanOf(record);
  return {
    ...Object.fromEntries(METRICS.map(({ id, of }) => [id, of(means, span)])),
    worstExcess: steps.excess.reduce((worst, x) => Math.max(worst, x), 0),
    maxDrawdown: maxDrawdown([record.nav, ...record.bars.value]),
  };
}

/** What was paid in all, dollars. */
export function toDollars({ trades }: BacktestRecord) {
  const total = (of: (trade: BacktestRecord["trades"][number]) => number) =>
    trades.reduce((sum, trade) => sum + of(trade), 0);
  return {
    ...Object.fromEntries(COST_KINDS.map((kind) => [kind, total(({ costs }) => costs[kind])])),
    cost: total(({ costs }) => COST_KINDS.reduce((sum, kind) => sum + costs[kind], 0)),
    shortfall: total(({ shortfall }) => shortfall),
    sold: total(({ soldDollars }) => soldDollars),
  };
}

/** A year of loss versus rebalancing of a constant-product pool of the same assets in equal parts, share of its value. */
export const poolLossOf = (means: Means, { perYear }: Span): number => means.lvr * perYear;
