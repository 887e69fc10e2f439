import {
  FEATURE_COUNT,
  FEATURE_NAMES,
  HORIZONS_HOURS,
  type NetworkArtefact,
  toForward,
} from "@ballast/model";
import type { Rows } from "./rows.ts";

const HORIZONS = HORIZONS_HOURS.length;
/** Until a calibration is fitted, the raw probability stands. */
const UNCALIBRATED = { a: 0, b: 1 };
/** A feature further than this many standard deviations from its mean says no more than one that is so far. */
const CLIP_DEVIATIONS = 4;

/**
 * An artefact that knows the range, mean and scale of its training rows, and nothing else yet. `known` are, per
 * horizon, how many of the first rows have a target that is known.
 */
export function emptyArtefact(
  { features, targets }: Rows,
  known: readonly number[],
  correlationHalfLifeHours: number,
): NetworkArtefact {
  const count = Math.max(...known);
  const range = columnRanges(features, FEATURE_COUNT, new Array<number>(FEATURE_COUNT).fill(count));
  const outputs = columnRanges(targets, HORIZONS, known);
  const mean = new Float64Array(FEATURE_COUNT);
  const square = new Float64Array(FEATURE_COUNT);
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < FEATURE_COUNT; i++) mean[i] = mean[i]! + features[r * FEATURE_COUNT + i]! / count;
  }
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < FEATURE_COUNT; i++) {
      const d = features[r * FEATURE_COUNT + i]! - mean[i]!;
      square[i] = square[i]! + (d * d) / count;
    }
  }
  const reach = square.map((v) => CLIP_DEVIATIONS * Math.sqrt(v));
  return {
    features: FEATURE_NAMES,
    horizonsHours: HORIZONS_HOURS,
    lower: range.lower.map((x, i) => Math.max(x, mean[i]! - reach[i]!) + 0),
    upper: range.upper.map((x, i) => Math.min(x, mean[i]! + reach[i]!) + 0),
    mean,
    scale: square.map((v) => (v > 1e-12 ? 1 / Math.sqrt(v) : 0)),
    linear: {
      inputs: FEATURE_COUNT,
      outputs: HORIZONS,
      weights: new Float64Array(FEATURE_COUNT * HORIZONS),
      bias: new Float64Array(HORIZONS),
    },
    members: [],
    outputLower: outputs.lower.map(Math.log),
    outputUpper: outputs.upper.map(Math.log),
    logBias: new Float64Array(HORIZONS),
    assets: [],
    correlationHalfLifeHours,
    breachCalibration: UNCALIBRATED,
  };
}

/** Least and largest value of each column of a row-major table, over its own number of first rows. */
function columnRanges(
  table: Float64Array,
  width: number,
  rows: readonly number[],
): { lower: Float64Array; upper: Float64Array } {
  const lower = table.slice(0, width);
  const upper = table.slice(0, width);
  for (let column = 0; column < width; column++) {
    for (let r = 1; r < rows[column]!; r++) {
      const x = table[r * width + column]!;
      if (x < lower[column]!) lower[column] = x;
      if (x > upper[column]!) upper[column] = x;
    }
  }
  return { lower, upper };
}

/** Rows [from, to) as the network sees them: clipped and standardised, [row][feature]. */
export function toInputs(
  { features }: Rows,
  { lower, upper, mean, scale }: NetworkArtefact,
  from: number,
  to: number,
): Float32Array {
  const z = new Float32Array((to - from) * FEATURE_COUNT);
  for (let r = from; r < to; r++) {
    for (let i = 0; i < FEATURE_COUNT; i++) {
      const x = Math.min(upper[i]!, Math.max(lower[i]!, features[r * FEATURE_COUNT + i]!));
      z[(r - from) * FEATURE_COUNT + i] = (x - mean[i]!) * scale[i]!;
    }
  }
  return z;
}

/** Days of its own outcomes that move an asset's bias half the way to what they say alone. */
const HALF_WAY_DAYS = 180;

/**
 * Sets `logBias` to the log of the mean of realised/forecast, per horizon over its training rows, and that of each
 * asset to what then remains of its own, shrunk towards none (Bühlmann 1967): 180 days were chosen on hourly bars
 * before 2021-12 and on 5-minute bars before 2024-06.
 */
export function withBias(
  rows: Rows,
  known: readonly number[],
  artefact: NetworkArtefact,
  assets: readonly string[],
): NetworkArtefact {
  const forward = toForward(artefact);
  const out = new Float64Array(HORIZONS);
  const total = new Float64Array(HORIZONS);
  const own = assets.map(() => ({ ratio: new Float64Array(HORIZONS), count: new Float64Array(HORIZONS) }));
  for (let r = 0; r < Math.max(...known); r++) {
    forward.run(rows.features, r * FEATURE_COUNT, out);
    const { ratio, count } = own[rows.asset[r]!]!;
    for (let h = 0; h < HORIZONS; h++) {
      if (r >= known[h]!) continue;
      const now = rows.targets[r * HORIZONS + h]! / out[h]!;
      total[h] = total[h]! + now / known[h]!;
      ratio[h] = ratio[h]! + now;
      count[h] = count[h]! + 1;
    }
  }
  return {
    ...artefact,
    logBias: total.map(Math.log),
    assets: assets.map((asset, a) => ({
      asset,
      logBias: total.map((all, h) => {
        const count = own[a]!.count[h]!;
        const days = (count * rows.strideHours) / 24;
        const share = days / (days + HALF_WAY_DAYS);
        return count === 0 ? 0 : share * Math.log(own[a]!.ratio[h]! / count / all) + 0;
      }),
    })),
  };
}
