import { type Market, unixMillis } from "@ballast/data";
import {
  type BreachSkill,
  HORIZONS_HOURS,
  type IntegerNetwork,
  lookbackBars,
  MARKET_FEATURE_COUNT,
  marketFeatures,
  toBreachScorer,
} from "@ballast/model";
import type { BreachRows } from "./breach-rows.ts";
import { CALIBRATION_VAULT, toGenericVault } from "./calibration.ts";
import { type Dataset, LONGEST_HORIZON_HOURS } from "./dataset.ts";
import { fitLogistic } from "./evaluation/logistic.ts";
import { areaUnderCurve, brierSkill } from "./evaluation/probability.ts";
import type { Fold } from "./walkforward.ts";

const WAD = 1e18;
/** Where a weight starts within its band, in turn: at the target, or this share of the way to the edge. */
const STARTS = [-0.5, 0, 0.5] as const;
/** Index of CALIBRATION_VAULT.horizonHours among the horizons. */
const DAY = 2;

/**
 * How well the score of the integer network ranks breaches on the rows from `cut` on, per band and, within it, per
 * horizon, with the weight watched hour by hour. The Brier skill over climatology is that of a logistic of the score,
 * fitted to the first half of these rows and scored on the second.
 */
export function scoreBreaches(table: BreachRows, cut: number, network: IntegerNetwork): BreachSkill[] {
  const scorer = toBreachScorer(network);
  return CALIBRATION_VAULT.bands.flatMap((band) => {
    const scores: number[][] = HORIZONS_HOURS.map(() => []);
    const lastedHours: number[] = [];
    for (let row = cut; row < table.rows; row++) {
      const { holding, weights } = table.vaults[row]!;
      const own = weights[holding]!;
      const turn = row + Math.floor(row / table.rowsPerTime);
      const target = own - STARTS[turn % STARTS.length]! * band;
      if (target <= band || target + band >= 1) continue;
      const width = table.inputs.length / table.rows;
      const features = table.inputs.subarray(row * width, row * width + MARKET_FEATURE_COUNT);
      const wads = toWads(weights);
      const only = (value: number) =>
        weights.map((_, i) => (i === holding ? BigInt(Math.round(value * WAD)) : 0n));
      const state = { weights: wads, targets: only(target), bands: only(band) };
      const score = scorer.score(features, state, holding);
      for (const [h, ofHorizon] of scores.entries()) ofHorizon.push(score[h]! / 1024);
      lastedHours.push(hoursWithin(table, row, target, band));
    }
    return HORIZONS_HOURS.map((horizonHours, h) => ({
      band,
      horizonHours,
      ...skillOf(
        Float64Array.from(scores[h]!),
        Uint8Array.from(lastedHours, (hours) => (hours <= horizonHours ? 1 : 0)),
      ),
    }));
  });
}

function skillOf(score: Float64Array, outcome: Uint8Array): Omit<BreachSkill, "band" | "horizonHours"> {
  const half = score.length >> 1;
  const { a, b } = fitLogistic(score.slice(0, half), outcome.slice(0, half));
  const probability = score.map((s) => 1 / (1 + Math.exp(-(a + b * s))));
  return {
    predictions: score.length,
    frequency: outcome.reduce((sum, o) => sum + o, 0) / outcome.length,
    auc: areaUnderCurve(probability, outcome),
    brierSkill: brierSkill(probability.slice(half), outcome.slice(half)),
  };
}

/** The first hour at whose end the weight is outside its band; infinite where none within the longest horizon is. */
function hoursWithin({ vaults }: BreachRows, row: number, target: number, band: number): number {
  const { holding, weights, path } = vaults[row]!;
  const hour = path(LONGEST_HORIZON_HOURS).findIndex((prices) => {
    const values = weights.map((w, i) => (i === 0 ? w : w * prices[i - 1]!));
    const total = values.reduce((sum, v) => sum + v, 0);
    return Math.abs(values[holding]! / total - target) > band;
  });
  return hour < 0 ? Number.POSITIVE_INFINITY : hour;
}

/**
 * The score of every prediction of `toBreachOutcomes` for the same times, in its order, 1024 is 1: the same vaults in
 * the same state, asked of the integer network of their fold instead of the formula.
 * @param networks One per fold; the network must have been trained on what was known where the fold begins.
 */
export function toBreachScores(
  market: Market,
  { times }: Pick<Dataset, "times">,
  folds: readonly Fold[],
  networks: readonly IntegerNetwork[],
  sampledTimes: number,
): Float64Array {
  const scores: number[] = [];
  const lookback = lookbackBars(market.intervalMs);
  const tested = folds[folds.length - 1]!.testEnd - folds[0]!.testStart;
  const step = Math.max(1, Math.floor(tested / sampledTimes));
  for (const [f, fold] of folds.entries()) {
    const scorer = toBreachScorer(networks[f]!);
    for (let k = fold.testStart; k < fold.testEnd; k += step) {
      const features = marketFeatures(market.past(unixMillis(times[k]!)).snapshot(lookback));
      const held = toGenericVault(market.assets, Math.floor(k / step));
      for (const band of CALIBRATION_VAULT.bands) {
        const { weights, targets, bands } = held.state(band);
        const state = { weights: toWads(weights), targets: toWads(targets), bands: toWads(bands) };
        weights.forEach((_, i) => {
          const row = i === 0 ? 0 : held.assets[i - 1]! + 1;
          scores.push(scorer.score(features[row]!, state, i)[DAY]!);
        });
      }
    }
  }
  return Float64Array.from(scores);
}

const toWads = (shares: readonly number[]): bigint[] => shares.map((x) => BigInt(Math.floor(x * WAD)));
