import { isoTime, seededRandom } from "@ballast/data";
import {
  type ForecasterName,
  HORIZONS_HOURS,
  type ModelManifest,
  QUANTILE_LEVELS,
  qlike,
} from "@ballast/model";
import { CALIBRATION_VAULT, toCalibrated } from "../calibration.ts";
import { modelConfidenceSet } from "../evaluation/confidenceset.ts";
import { christoffersen, toMisses } from "../evaluation/coverage.ts";
import { dieboldMariano, toPanelMean } from "../evaluation/dieboldmariano.ts";
import {
  areaUnderCurve,
  brierSkill,
  expectedCalibrationError,
  type ReliabilityBin,
  reliabilityTable,
} from "../evaluation/probability.ts";
import type { Evaluated } from "../train.ts";
import { type FeatureImportance, toImportance } from "./importance.ts";

/** One forecaster at one horizon, over all assets and times of the test blocks. */
export interface ModelScore {
  readonly name: string;
  readonly qlike: number;
  /** Below 1 is better. */
  readonly ratioToLogHar: number;
  /** Diebold-Mariano of the network against this one, on the mean over assets at each time; null for the network. */
  readonly dieboldMariano: { readonly t: number; readonly pValue: number } | null;
  /** Largest size at which it belongs to the Model Confidence Set. */
  readonly confidenceP: number;
  readonly isInConfidenceSet: boolean;
}

export interface HorizonReport {
  readonly horizonHours: number;
  readonly scores: readonly ModelScore[];
  /** Mean QLIKE of each forecaster over consecutive spans of the test blocks. */
  readonly overTime: {
    readonly at: readonly string[];
    readonly qlike: Readonly<Record<string, readonly number[]>>;
  };
  /** Annualised volatility said by the network and realised, counted in cells equally wide in logs. */
  readonly againstRealised: VolatilityCells;
  readonly quantiles: QuantileReport;
}

/** How often what came lay at or below each quantile of the network, and within its central interval. */
export interface QuantileReport {
  readonly levels: readonly number[];
  /** Share of outcomes at or below each level's quantile; ideally the level. */
  readonly observed: readonly number[];
  /** Of the interval between the lowest and the highest level. */
  readonly intervalCoverage: number;
  readonly intervalLevel: number;
  /** By asset: coverage, and p-values of Kupiec and of Christoffersen (conditional) on windows that do not overlap. */
  readonly assets: readonly {
    readonly asset: string;
    readonly coverage: number;
    readonly kupiecP: number;
    readonly christoffersenP: number;
  }[];
}

export interface VolatilityCells {
  /** Range of both axes, per year, 1 = 100 %. */
  readonly low: number;
  readonly high: number;
  readonly cellsPerSide: number;
  /** [column of the forecast, row of what was realised, count]; empty cells left out. */
  readonly cells: readonly (readonly [number, number, number])[];
}

export interface BreachScore {
  readonly brierSkill: number;
  readonly areaUnderCurve: number;
  readonly calibrationError: number;
  readonly reliability: readonly ReliabilityBin[];
}

/** Everything the page shows, as plain JSON. */
export interface TrainingReport {
  readonly format: "ballast-training-report/1";
  readonly manifest: ModelManifest;
  readonly horizons: readonly HorizonReport[];
  /** In the last fold; `recalibrated` with what was known where it began. `bands` are recalibrated too. */
  readonly breach: {
    readonly predictions: number;
    readonly frequency: number;
    readonly raw: BreachScore;
    readonly recalibrated: BreachScore;
    readonly bands: readonly (BreachScore & { readonly width: number })[];
  };
  /** By falling mean; how much QLIKE of each horizon grows when the feature is shuffled, as a share. */
  readonly importance: readonly FeatureImportance[];
}

const HORIZONS = HORIZONS_HOURS.length;
const HOURS_PER_YEAR = 8760;
const CONFIDENCE_SIZE = 0.1;
const RESAMPLES = 1000;
const SPANS = 80;
const CELLS_PER_SIDE = 48;
const RELIABILITY_BINS = 10;

/** Pure: the same training gives the same report. Draws come from the manifest's seed. */
export function toTrainingReport(manifest: ModelManifest, evaluated: Evaluated): TrainingReport {
  return {
    format: "ballast-training-report/1",
    manifest,
    horizons: HORIZONS_HOURS.map((_, h) =>
      toHorizonReport(evaluated, h, Number(manifest.configuration.seed)),
    ),
    breach: toBreachReport(evaluated),
    importance: toImportance(evaluated, Number(manifest.configuration.seed)),
  };
}

function toHorizonReport({ dataset, outOfSample }: Evaluated, h: number, seed: number): HorizonReport {
  const { forecasts, firstRow } = outOfSample;
  const assets = dataset.assets.length;
  const names = Object.keys(forecasts) as ForecasterName[];
  const rows = forecasts.network.length / HORIZONS;
  const realised = Float64Array.from(
    { length: rows },
    (_, r) => dataset.targets[(firstRow + r) * HORIZONS + h]!,
  );
  const said = (name: ForecasterName, r: number) => forecasts[name][r * HORIZONS + h]!;
  const losses = names.map((name) =>
    toPanelMean(
      realised.map((y, r) => qlike(y, said(name, r))),
      assets,
    ),
  );
  const lag = Math.ceil(HORIZONS_HOURS[h]! / dataset.strideHours);
  const set = modelConfidenceSet(losses, {
    size: CONFIDENCE_SIZE,
    statistic: "max",
    random: seededRandom(seed, `confidence set ${h}`),
    meanBlock: Math.max(2, 2 * lag),
    resamples: RESAMPLES,
  });
  const means = losses.map(mean);
  const reference = means[names.indexOf("logHar")]!;
  const network = losses[names.indexOf("network")]!;
  const scores = names.map((name, m): ModelScore => {
    const test = dieboldMariano(
      network.map((loss, i) => loss - losses[m]![i]!),
      lag,
    );
    return {
      name,
      qlike: means[m]!,
      ratioToLogHar: means[m]! / reference,
      dieboldMariano: name === "network" ? null : { t: test.t, pValue: test.pValue },
      confidenceP: set.pValues[m]!,
      isInConfidenceSet: set.included.includes(m),
    };
  });
  const first = firstRow / assets;
  return {
    horizonHours: HORIZONS_HOURS[h]!,
    scores,
    overTime: toSpans(names, losses, dataset.times.subarray(first, first + rows / assets)),
    againstRealised: toCells(
      realised,
      realised.map((_, r) => said("network", r)),
    ),
    quantiles: toQuantileReport(realised, outOfSample.quantiles, h, dataset.assets, Math.max(1, lag)),
  };
}

function toSpans(names: readonly string[], losses: readonly Float64Array[], times: Float64Array) {
  const spans = Math.min(SPANS, times.length);
  const edge = (k: number) => Math.round((k * times.length) / spans);
  const indices = Array.from({ length: spans }, (_, k) => k);
  return {
    at: indices.map((k) => isoTime(Math.round((times[edge(k)]! + times[edge(k + 1) - 1]!) / 2))),
    qlike: Object.fromEntries(
      names.map((name, m) => [name, indices.map((k) => mean(losses[m]!.subarray(edge(k), edge(k + 1))))]),
    ),
  };
}

function toQuantileReport(
  realised: Float64Array,
  quantiles: Float64Array,
  h: number,
  assets: readonly string[],
  apart: number,
): QuantileReport {
  const levels = QUANTILE_LEVELS.length;
  const at = (r: number, level: number) => quantiles[(r * HORIZONS + h) * levels + level]!;
  const column = (level: number) => realised.map((_, r) => at(r, level));
  const misses = toMisses(realised, column(0), column(levels - 1));
  const share = 1 - (QUANTILE_LEVELS[levels - 1]! - QUANTILE_LEVELS[0]!);
  return {
    levels: QUANTILE_LEVELS,
    observed: QUANTILE_LEVELS.map((_, level) => mean(realised.map((y, r) => (y <= at(r, level) ? 1 : 0)))),
    intervalCoverage: 1 - mean(Float64Array.from(misses)),
    intervalLevel: 1 - share,
    assets: assets.map((asset, i) => {
      const own = misses.filter((_, r) => r % assets.length === i);
      const separate = own.filter((_, t) => t % apart === 0);
      const { unconditional, conditional } = christoffersen(separate, share);
      return {
        asset,
        coverage: 1 - mean(Float64Array.from(own)),
        kupiecP: unconditional.pValue,
        christoffersenP: conditional.pValue,
      };
    }),
  };
}

function toCells(realised: Float64Array, forecast: Float64Array): VolatilityCells {
  const annual = (variance: number) => Math.sqrt(variance * HOURS_PER_YEAR);
  // The outermost values would stretch the axes; they are counted at the edge.
  const sorted = Float64Array.from([...realised, ...forecast]).sort();
  const low = annual(sorted[Math.floor(0.02 * sorted.length)]!);
  const high = annual(sorted[Math.floor(0.998 * sorted.length)]!) * (1 + 1e-9);
  const place = (variance: number) => {
    const share = Math.log(annual(variance) / low) / Math.log(high / low);
    return Math.min(CELLS_PER_SIDE - 1, Math.max(0, Math.floor(share * CELLS_PER_SIDE)));
  };
  const counts = new Map<number, number>();
  for (const [r, y] of realised.entries()) {
    const cell = place(forecast[r]!) * CELLS_PER_SIDE + place(y);
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  const cells = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([cell, count]) => [Math.floor(cell / CELLS_PER_SIDE), cell % CELLS_PER_SIDE, count] as const);
  return { low, high, cellsPerSide: CELLS_PER_SIDE, cells };
}

function toBreachReport({ breaches }: Evaluated): TrainingReport["breach"] {
  const { raw, outcome, fold, band } = breaches;
  const split = fold.indexOf(fold.at(-1) ?? 0);
  const calibrated = toCalibrated(breaches);
  const scoreOf = (said: Float64Array, isWanted: (i: number) => boolean) => {
    const last = Array.from(said.keys()).filter((i) => i >= split && isWanted(i));
    return toBreachScore(
      Float64Array.from(last, (i) => said[i]!),
      Uint8Array.from(last, (i) => outcome[i]!),
    );
  };
  return {
    predictions: raw.length - split,
    frequency: mean(Float64Array.from(outcome.subarray(split))),
    raw: scoreOf(raw, () => true),
    recalibrated: scoreOf(calibrated, () => true),
    bands: CALIBRATION_VAULT.bands.map((width, b) => ({
      width,
      ...scoreOf(calibrated, (i) => band[i] === b),
    })),
  };
}

function toBreachScore(probability: Float64Array, outcome: Uint8Array): BreachScore {
  const reliability = reliabilityTable(probability, outcome, RELIABILITY_BINS, "equal-count");
  return {
    brierSkill: brierSkill(probability, outcome),
    areaUnderCurve: areaUnderCurve(probability, outcome),
    calibrationError: expectedCalibrationError(reliability),
    reliability,
  };
}

const mean = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
