import type { Market } from "@ballast/data";
import { DAY_MS, HOUR_MS, unixMillis } from "@ballast/data";
import {
  type BreachRequest,
  barsPerHour,
  type CalibrationReport,
  calibrate,
  LOOKBACK_HOURS,
  rawLogit,
  toForecaster,
  weightBreachProbabilities,
} from "@ballast/model";
import type { Dataset } from "./dataset.ts";
import { fitLogistic } from "./evaluation/logistic.ts";
import { brierSkill } from "./evaluation/probability.ts";
import type { OutOfSample } from "./walkforward.ts";

/**
 * The generic vaults on which breach probabilities are calibrated: at each sampled time one vault of the base
 * asset and up to three assets in equal weights, the assets taken in turn, each started half a band below, at
 * or half a band above its target.
 */
export const CALIBRATION_VAULT = {
  assets: 3,
  bands: [0.015, 0.02, 0.03],
  horizonHours: 24,
  monitorHours: 1,
} as const;

/** Raw probabilities and what happened, in time order. */
export interface BreachOutcomes {
  readonly raw: Float64Array;
  readonly outcome: Uint8Array;
  /** Fold of each prediction. */
  readonly fold: Uint8Array;
  /** When each prediction was made, ms. */
  readonly time: Float64Array;
  /** Index of its band in CALIBRATION_VAULT. */
  readonly band: Uint8Array;
}

/**
 * Days of outcomes that move a, b half the way from the identity to the best fit: predictions of one day share
 * its market, so it is days that count.
 */
const HALF_WAY_DAYS = 180;

/** p = logistic(a + b·logit(raw)) by the predictions whose outcome was known at `at`, shrunk to a = 0, b = 1. */
function fitAt({ raw, outcome, time }: BreachOutcomes, at: number): { a: number; b: number } {
  let known = time.length;
  while (known > 0 && time[known - 1]! + CALIBRATION_VAULT.horizonHours * HOUR_MS > at) known--;
  if (known === 0) return { a: 0, b: 1 };
  const { a, b } = fitLogistic(raw.slice(0, known).map(rawLogit), outcome.slice(0, known));
  const days = (time[known - 1]! - time[0]!) / DAY_MS;
  const share = days / (days + HALF_WAY_DAYS);
  return { a: share * a, b: 1 + share * (b - 1) };
}

/** Each prediction as it would have been made: calibrated with what was known where its fold began. */
export function toCalibrated(outcomes: BreachOutcomes): Float64Array {
  const { raw, fold, time } = outcomes;
  let fitted = { a: 0, b: 1 };
  return raw.map((p, i) => {
    if (i === 0 || fold[i] !== fold[i - 1]) fitted = fitAt(outcomes, time[i]!);
    return calibrate(p, fitted);
  });
}

/**
 * The calibration by all out-of-sample predictions. The reported skill is that of the last fold's predictions,
 * raw and as `toCalibrated` has them; with one fold alone the two are equal.
 */
export function fitCalibration(outcomes: BreachOutcomes): CalibrationReport {
  const split = outcomes.fold.indexOf(outcomes.fold.at(-1) ?? 0);
  const happened = outcomes.outcome.slice(split);
  return {
    ...fitAt(outcomes, Number.POSITIVE_INFINITY),
    predictions: outcomes.raw.length,
    frequency: outcomes.outcome.reduce((sum, o) => sum + o, 0) / outcomes.outcome.length,
    brierSkillRaw: brierSkill(outcomes.raw.slice(split), happened),
    brierSkillCalibrated: brierSkill(toCalibrated(outcomes).slice(split), happened),
  };
}

/**
 * Forecasts about `sampledTimes` times of the test blocks, evenly spread, with the network of their fold, and
 * looks what became of the vault's weights.
 */
export function toBreachOutcomes(
  market: Market,
  dataset: Pick<Dataset, "times">,
  { folds, artefacts }: Pick<OutOfSample, "folds" | "artefacts">,
  sampledTimes: number,
): BreachOutcomes {
  const raw: number[] = [];
  const outcome: number[] = [];
  const foldOf: number[] = [];
  const time: number[] = [];
  const bandOf: number[] = [];
  const perHour = barsPerHour(market.intervalMs);
  const { horizonHours } = CALIBRATION_VAULT;
  const tested = folds[folds.length - 1]!.testEnd - folds[0]!.testStart;
  const step = Math.max(1, Math.floor(tested / sampledTimes));
  for (const [f, fold] of folds.entries()) {
    const forecast = toForecaster(artefacts[f]!);
    for (let k = fold.testStart; k < fold.testEnd; k += step) {
      const at = dataset.times[k]!;
      const said = forecast(market.past(unixMillis(at)).snapshot(LOOKBACK_HOURS * perHour));
      const after = market.past(unixMillis(at + horizonHours * HOUR_MS));
      const held = toGenericVault(said.assets, Math.floor(k / step));
      const paths = held.assets.map((asset) => after.bars(asset, horizonHours * perHour + 1).close);
      for (const [width, band] of CALIBRATION_VAULT.bands.entries()) {
        const { monitorHours } = CALIBRATION_VAULT;
        const request = { ...held.state(band), forecast: said, horizonHours, monitorHours };
        const probabilities = weightBreachProbabilities(request);
        const breached = breachedWeights(request, paths, perHour);
        for (let i = 0; i < probabilities.length; i++) {
          raw.push(probabilities[i]!.raw);
          outcome.push(breached[i]! ? 1 : 0);
          foldOf.push(f);
          time.push(at);
          bandOf.push(width);
        }
      }
    }
  }
  return {
    raw: Float64Array.from(raw),
    outcome: Uint8Array.from(outcome),
    fold: Uint8Array.from(foldOf),
    time: Float64Array.from(time),
    band: Uint8Array.from(bandOf),
  };
}

/** The `turn`-th generic vault: its assets' indices among those known, and its state for a band. */
export function toGenericVault(
  known: readonly string[],
  turn: number,
): {
  assets: number[];
  state(band: number): Pick<BreachRequest, "weights" | "targets" | "bands" | "assetsOfHoldings">;
} {
  const n = known.length;
  const count = Math.min(CALIBRATION_VAULT.assets, n);
  const assets = Array.from({ length: count }, (_, i) => (turn + i) % n);
  const target = 1 / (count + 1);
  return {
    assets,
    state(band) {
      const offsets = assets.map((_, i) => (((turn + i) % 3) - 1) * 0.5 * band);
      const base = target - offsets.reduce((sum, x) => sum + x, 0);
      return {
        weights: [base, ...offsets.map((x) => target + x)],
        targets: new Array<number>(count + 1).fill(target),
        bands: new Array<number>(count + 1).fill(band),
        // A name no ticker has: the base asset is in no forecast.
        assetsOfHoldings: ["", ...assets.map((asset) => known[asset]!)],
      };
    },
  };
}

/** Whether each weight was outside its band at one of the looks at the paths, which begin at the forecast. */
function breachedWeights(request: BreachRequest, paths: readonly Float64Array[], perHour: number): boolean[] {
  const breached = request.weights.map(() => false);
  for (let hour = request.monitorHours; hour <= request.horizonHours; hour += request.monitorHours) {
    const values = request.weights.map((w, i) =>
      i === 0 ? w : (w * paths[i - 1]![hour * perHour]!) / paths[i - 1]![0]!,
    );
    const total = values.reduce((sum, v) => sum + v, 0);
    for (let i = 0; i < values.length; i++) {
      if (Math.abs(values[i]! / total - request.targets[i]!) > request.bands[i]!) breached[i] = true;
    }
  }
  return breached;
}
