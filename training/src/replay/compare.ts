import { HOUR_MS, seededRandom } from "@ballast/data";
import { bootstrapDeviations, optimalMeanBlock } from "../evaluation/bootstrap.ts";
import { checkComparable } from "./comparable.ts";
import { type Difference, difference, type Estimate, interval } from "./inference.ts";
import {
  costOf,
  METRICS,
  poolLossOf,
  type Span,
  spanOf,
  toDollars,
  toMetrics,
  trackingErrorOf,
} from "./metrics.ts";
import type { BacktestRecord } from "./record.ts";
import { elasticityOf, isComparable, type Place, toRegrets } from "./regret.ts";
import { COLUMNS, type Columns, type Means, toMeans, toSteps } from "./steps.ts";
import { toWindows, type WindowResult } from "./windows.ts";

export interface CompareOptions {
  /** Name of the record that the others are compared with; default: the first plain threshold, else the first. */
  readonly baseline?: string | undefined;
  readonly resamples?: number | undefined;
  readonly seed?: number | undefined;
}

export interface PolicyComparison {
  readonly name: string;
  readonly record: BacktestRecord;
  readonly dollars: Readonly<Record<string, number>>;
  /** By metric; with "regret" against the best policy in hindsight of these. */
  readonly metrics: Readonly<Record<string, Estimate>>;
  /** This policy's less the baseline's, by metric; absent for the baseline. */
  readonly versus?: Readonly<Record<string, Difference>> | undefined;
  /**
   * Cost over the baseline's at equal tracking error, with p of the hypothesis that it is 1; absent for the baseline, and
   * where the tracking errors are too far apart or one of the two paid nothing.
   */
  readonly costRatio?: Difference | undefined;
  readonly windows: readonly WindowResult[];
}

export interface Comparison {
  readonly baseline: string;
  readonly policies: readonly PolicyComparison[];
  /** Of costs against tracking error, as `costAt` has it. */
  readonly elasticity: number;
  /** A year of loss versus rebalancing of an equal-weight constant-product pool of the same assets, share. */
  readonly poolLoss: Estimate;
  readonly bootstrap: {
    readonly meanBlockHours: number;
    readonly resamples: number;
    readonly seed: number;
    readonly level: number;
  };
}

export const LEVEL = 0.95;
/** Base fees and volumes have a day's cycle, so that no block is shorter in the mean. */
const LEAST_BLOCK_HOURS = 24;
const DEFAULT_RESAMPLES = 2000;

/**
 * Compares backtests of one market by the stationary block bootstrap: all records are resampled at the same times, so
 * that what they have in common cancels in their differences. Throws as checkComparable, and TooFewObservationsError
 * below ten steps.
 */
export function compareRecords(records: readonly BacktestRecord[], options: CompareOptions = {}): Comparison {
  const baseline = checkComparable(records, options.baseline);
  const { resamples = DEFAULT_RESAMPLES, seed = 1 } = options;
  const span = spanOf(records[0]!);
  const steps = records.map(toSteps);
  const hours = records[0]!.market.barMs / HOUR_MS;
  const meanBlock = Math.min(
    Math.max(LEAST_BLOCK_HOURS / hours, ...steps.map(({ square }) => optimalMeanBlock(square))),
    Math.max(1, span.steps / 3),
  );
  const means = steps.map(toMeans);
  const resampled = toResampled(steps, means, {
    random: seededRandom(seed, "compare"),
    meanBlock,
    resamples,
  });
  const elasticity = toElasticity(means);
  const estimate = (of: (all: readonly Means[]) => number): Estimate =>
    interval(of(means), resampled.map(of), LEVEL);
  const compare = (of: (all: readonly Means[]) => number): Difference =>
    difference(of(means), resampled.map(of), LEVEL);
  const places = (all: readonly Means[]) => all.map((own) => placeOf(own, span));
  const base = records.findIndex(({ name }) => name === baseline);
  const policies = records.map((record, k): PolicyComparison => {
    const plain = toMetrics(record);
    const metrics = {
      ...Object.fromEntries(METRICS.map(({ id, of }) => [id, estimate((all) => of(all[k]!, span))])),
      ...Object.fromEntries(["worstExcess", "maxDrawdown"].map((id) => [id, withoutInterval(plain[id]!)])),
      regret: estimate((all) => toRegrets(places(all), elasticity)[k]!),
    };
    const shared = { name: record.name, record, dollars: toDollars(record), metrics };
    const windows = toWindows(steps[k]!, record);
    if (k === base) return { ...shared, windows };
    const versus = Object.fromEntries(
      METRICS.map(({ id, of }) => [id, compare((all) => of(all[k]!, span) - of(all[base]!, span))]),
    );
    const [own, other] = [placeOf(means[k]!, span), placeOf(means[base]!, span)];
    const isTranslated = isComparable(own, other) && own.cost > 0 && other.cost > 0 && own.trackingError > 0;
    if (!isTranslated) return { ...shared, windows, versus };
    const logs = compare((all) => {
      const [a, b] = [placeOf(all[k]!, span), placeOf(all[base]!, span)];
      return Math.log(a.cost / b.cost) + elasticity * Math.log(a.trackingError / b.trackingError);
    });
    return { ...shared, windows, versus, costRatio: exponential(logs) };
  });
  return {
    baseline,
    policies,
    elasticity,
    poolLoss: estimate((all) => poolLossOf(all[0]!, span)),
    bootstrap: { meanBlockHours: meanBlock * hours, resamples, seed, level: LEVEL },
  };
}

const placeOf = (means: Means, span: Span): Place => ({
  trackingError: trackingErrorOf(means, span),
  cost: Math.max(0, costOf(means, span)),
});

function toElasticity(means: readonly Means[]): number {
  const sum = (of: (one: Means) => number) => means.reduce((total, one) => total + of(one), 0);
  const gas = sum((one) => one.gas + one.attestationGas);
  return elasticityOf(gas, gas + sum((one) => one.fee + one.spread + one.impact + one.mev));
}

/** Means of each record in each resample. */
function toResampled(
  steps: readonly Columns[],
  means: readonly Means[],
  options: Parameters<typeof bootstrapDeviations>[1],
): (readonly Means[])[] {
  const series = steps.flatMap((columns) => COLUMNS.map((name) => columns[name]));
  const deviations = bootstrapDeviations(series, options);
  return Array.from({ length: options.resamples }, (_, b) =>
    means.map((own, k) => {
      const from = b * series.length + k * COLUMNS.length;
      return Object.fromEntries(
        // Of a count or a sum that was 0 in every drawn step, the mean is 0 but for rounding.
        COLUMNS.map((name, c) => [name, snapped(own[name] + deviations[from + c]!, own[name])]),
      ) as Means;
    }),
  );
}

const snapped = (value: number, scale: number): number =>
  Math.abs(value) < 1e-9 * Math.abs(scale) ? 0 : value;

const withoutInterval = (estimate: number): Estimate => ({ estimate, low: null, high: null });

const exponential = ({ estimate, low, high, p }: Difference): Difference => {
  const exp = (value: number | null) => (value === null ? null : Math.exp(value));
  return { estimate: exp(estimate), low: exp(low), high: exp(high), p };
};
