import { isoTime } from "@ballast/data";
import {
  type ForecasterName,
  HORIZONS_HOURS,
  type ObservedBin,
  type OutOfSampleReport,
  QUANTILE_LEVELS,
  qlike,
  type SpanScore,
} from "@ballast/model";
import { type BreachOutcomes, CALIBRATION_VAULT, toCalibrated } from "./calibration.ts";
import type { Dataset } from "./dataset.ts";
import { reliabilityTable } from "./evaluation/probability.ts";
import { type Fold, mapScores, type OutOfSample } from "./walkforward.ts";

/** Spans over all test blocks, as far as each block has equally many. */
const SPANS = 24;
const BINS = 10;
const DIGITS = 6;

const HORIZONS = HORIZONS_HOURS.length;
const LEVELS = QUANTILE_LEVELS.length;

/**
 * What a manifest keeps of a walk-forward: losses over time beside the baselines', and how often came true what was
 * said. Only forecasts that no fit had seen the outcomes of; nothing here goes into a model.
 */
export function toOutOfSampleReport(
  dataset: Dataset,
  outOfSample: OutOfSample,
  breaches: BreachOutcomes,
): OutOfSampleReport {
  return {
    spans: toSpans(dataset, outOfSample),
    breach: toBreachReliability(breaches),
    quantiles: toQuantileCoverage(dataset, outOfSample),
  };
}

function toSpans({ times, assets, targets }: Dataset, { folds, firstRow, forecasts }: OutOfSample) {
  const perFold = Math.max(1, Math.round(SPANS / folds.length));
  return folds.flatMap((block, fold) =>
    toParts(block, perFold).map(([start, end]): SpanScore => {
      const rows = (end - start) * assets.length;
      const meanLosses = (name: ForecasterName) =>
        HORIZONS_HOURS.map((_, h) => {
          let sum = 0;
          for (let row = start * assets.length; row < end * assets.length; row++)
            sum += qlike(targets[row * HORIZONS + h]!, forecasts[name][(row - firstRow) * HORIZONS + h]!);
          return rounded(sum / rows);
        });
      return {
        from: isoTime(times[start]!),
        until: isoTime(times[end - 1]!),
        fold,
        rows,
        qlike: mapScores(meanLosses),
      };
    }),
  );
}

/** [first, end) of the parts of a block, equally long and none empty. */
function toParts({ testStart, testEnd }: Fold, parts: number): [number, number][] {
  const count = Math.min(parts, testEnd - testStart);
  const edge = (k: number) => testStart + Math.round(((testEnd - testStart) * k) / count);
  return Array.from({ length: count }, (_, k) => [edge(k), edge(k + 1)]);
}

/** The first block's probabilities had no outcomes to be recalibrated with, and are left out where there are more. */
function toBreachReliability(breaches: BreachOutcomes): OutOfSampleReport["breach"] {
  const { raw, outcome, fold, time } = breaches;
  const first = Math.max(
    0,
    fold.findIndex((f) => f > fold[0]!),
  );
  const toBins = (said: Float64Array) =>
    reliabilityTable(said.subarray(first), outcome.subarray(first), BINS, "equal-width").map(
      ({ meanForecast, frequency, count }): ObservedBin => ({
        forecast: rounded(meanForecast),
        observed: rounded(frequency),
        count,
      }),
    );
  return {
    horizonHours: CALIBRATION_VAULT.horizonHours,
    from: isoTime(time[first]!),
    until: isoTime(time.at(-1)!),
    raw: toBins(raw),
    recalibrated: toBins(toCalibrated(breaches)),
  };
}

function toQuantileCoverage({ targets }: Dataset, { firstRow, quantiles }: OutOfSample) {
  const rows = quantiles.length / (HORIZONS * LEVELS);
  return HORIZONS_HOURS.map((horizonHours, h) => {
    const below = QUANTILE_LEVELS.map((_, level) => {
      let count = 0;
      for (let r = 0; r < rows; r++)
        if (targets[(firstRow + r) * HORIZONS + h]! <= quantiles[(r * HORIZONS + h) * LEVELS + level]!)
          count++;
      return count;
    });
    const observed = below.map((count) => rounded(count / rows));
    return { horizonHours, rows, levels: QUANTILE_LEVELS, observed };
  });
}

const rounded = (value: number): number => Number(value.toPrecision(DIGITS));
