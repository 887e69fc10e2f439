import { type Market, unixMillis } from "@ballast/data";
import {
  type BreachSkill,
  type IntegerNetwork,
  lookbackBars,
  MARKET_FEATURE_COUNT,
  marketFeatures,
  toBreachScorer,
} from "@ballast/model";
import type { BreachRows } from "./breach-rows.ts";
import { CALIBRATION_VAULT, toGenericVault } from "./calibration.ts";
import type { Dataset } from "./dataset.ts";
import { fitLogistic } from "./evaluation/logistic.ts";
import { areaUnderCurve, brierSkill } from "./evaluation/probability.ts";
import type { Fold } from "./walkforward.ts";

const WAD = 1e18;
/** Where a weight starts within its band, in turn: at the target, or this share of the way to the edge. */
const STARTS = [-0.5, 0, 0.5] as const;
/** Index of CALIBRATION_VAULT.horizonHours among the horizons. */
const DAY = 2;

/**
 * How well the score of the integer network ranks breaches within a day on the rows from `cut` on, per band, with the
 * weight watched hour by hour. The Brier skill over climatology is that of a logistic of the score, fitted to the first
 * half of these rows and scored on the second.
 */
export function scoreBreaches(table: BreachRows, cut: number, network: IntegerNetwork): BreachSkill[] {
  const scorer = toBreachScorer(network);
  return CALIBRATION_VAULT.bands.map((band) => {
    const scores: number[] = [];
    const outcomes: number[] = [];
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
      scores.push(scorer.score(features, state, holding)[DAY]! / 1024);
      outcomes.push(leaves(table, row, target, band) ? 1 : 0);
    }
    const score = Float64Array.from(scores);
    const outcome = Uint8Array.from(outcomes);
    const half = score.length >> 1;
    const { a, b } = fitLogistic(score.slice(0, half), outcome.slice(0, half));
    const probability = score.map((s) => 1 / (1 + Math.exp(-(a + b * s))));
    return {
      band,
      predictions: score.length,
      frequency: outcome.reduce((sum, o) => sum + o, 0) / outcome.length,
      auc: areaUnderCurve(probability, outcome),
      brierSkill: brierSkill(probability.slice(half), outcome.slice(half)),
    };
  });
}

function leaves({ vaults }: BreachRows, row: number, target: number, band: number): boolean {
  const { holding, weights, path } = vaults[row]!;
  for (const prices of path(CALIBRATION_VAULT.horizonHours)) {
    const values = weights.map((w, i) => (i === 0 ? w : w * prices[i - 1]!));
    const total = values.reduce((sum, v) => sum + v, 0);
    if (Math.abs(values[holding]! / total - target) > band) return true;
  }
  return false;
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
