import type { Market } from "@ballast/data";
import { HOUR_MS, unixMillis } from "@ballast/data";
import {
  type BreachRequest,
  barsPerHour,
  type CalibrationReport,
  calibrate,
  type Forecast,
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
}

/**
 * Fits p = logistic(a + b·logit(raw)) on all out-of-sample predictions. The reported skill is that of the same
 * fit without the last fold, in the last fold; with one fold alone it is that of the raw probability twice.
 */
export function fitCalibration(outcomes: BreachOutcomes): CalibrationReport {
  const logits = outcomes.raw.map(rawLogit);
  const all = fitLogistic(logits, outcomes.outcome);
  const last = outcomes.fold.at(-1) ?? 0;
  const split = outcomes.fold.indexOf(last);
  const earlier =
    split > 0 ? fitLogistic(logits.slice(0, split), outcomes.outcome.slice(0, split)) : { a: 0, b: 1 };
  const tested = outcomes.raw.slice(split);
  const happened = outcomes.outcome.slice(split);
  return {
    ...all,
    predictions: outcomes.raw.length,
    frequency: outcomes.outcome.reduce((sum, o) => sum + o, 0) / outcomes.outcome.length,
    brierSkillRaw: brierSkill(tested, happened),
    brierSkillCalibrated: brierSkill(
      tested.map((p) => calibrate(p, earlier)),
      happened,
    ),
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
      const held = toVault(said, Math.floor(k / step));
      const paths = held.assets.map((asset) => after.bars(asset, horizonHours * perHour + 1).close);
      for (const band of CALIBRATION_VAULT.bands) {
        const request = held.request(band);
        const probabilities = weightBreachProbabilities(request);
        const breached = breachedWeights(request, paths, perHour);
        for (let i = 0; i < probabilities.length; i++) {
          raw.push(probabilities[i]!.raw);
          outcome.push(breached[i]! ? 1 : 0);
          foldOf.push(f);
        }
      }
    }
  }
  return { raw: Float64Array.from(raw), outcome: Uint8Array.from(outcome), fold: Uint8Array.from(foldOf) };
}

/** The `turn`-th generic vault: its assets' indices, and the question it asks for a band. */
function toVault(
  forecast: Forecast,
  turn: number,
): { assets: number[]; request(band: number): BreachRequest } {
  const n = forecast.assets.length;
  const count = Math.min(CALIBRATION_VAULT.assets, n);
  const assets = Array.from({ length: count }, (_, i) => (turn + i) % n);
  const target = 1 / (count + 1);
  return {
    assets,
    request(band) {
      const offsets = assets.map((_, i) => (((turn + i) % 3) - 1) * 0.5 * band);
      const base = target - offsets.reduce((sum, x) => sum + x, 0);
      return {
        weights: [base, ...offsets.map((x) => target + x)],
        targets: new Array<number>(count + 1).fill(target),
        bands: new Array<number>(count + 1).fill(band),
        // A name no ticker has: the base asset is in no forecast.
        assetsOfHoldings: ["", ...assets.map((asset) => forecast.assets[asset]!)],
        forecast,
        horizonHours: CALIBRATION_VAULT.horizonHours,
        monitorHours: CALIBRATION_VAULT.monitorHours,
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
