import {
  FEATURE_COUNT,
  FEATURE_NAMES,
  HORIZONS_HOURS,
  type NetworkArtefact,
  toForward,
} from "@ballast/model";
import type { Dataset } from "./dataset.ts";
import type { Sample } from "./linear.ts";

const HORIZONS = HORIZONS_HOURS.length;
/** Until a calibration is fitted, the raw probability stands. */
const UNCALIBRATED = { a: 0, b: 1 };

/** An artefact that knows the range, mean and scale of its training rows [0, rows), and nothing else yet. */
export function emptyArtefact(
  dataset: Dataset,
  rows: number,
  correlationHalfLifeHours: number,
): NetworkArtefact {
  const { features, targets } = dataset;
  const inputs = columnRanges(features, FEATURE_COUNT, rows);
  const outputs = columnRanges(targets, HORIZONS, rows);
  const mean = new Float64Array(FEATURE_COUNT);
  const square = new Float64Array(FEATURE_COUNT);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < FEATURE_COUNT; i++) mean[i] = mean[i]! + features[r * FEATURE_COUNT + i]! / rows;
  }
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < FEATURE_COUNT; i++) {
      const d = features[r * FEATURE_COUNT + i]! - mean[i]!;
      square[i] = square[i]! + (d * d) / rows;
    }
  }
  return {
    features: FEATURE_NAMES,
    horizonsHours: HORIZONS_HOURS,
    ...inputs,
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
    correlationHalfLifeHours,
    breachCalibration: UNCALIBRATED,
  };
}

function columnRanges(
  table: Float64Array,
  width: number,
  rows: number,
): { lower: Float64Array; upper: Float64Array } {
  const lower = table.slice(0, width);
  const upper = table.slice(0, width);
  for (let at = 0; at < rows * width; at++) {
    const column = at % width;
    if (table[at]! < lower[column]!) lower[column] = table[at]!;
    if (table[at]! > upper[column]!) upper[column] = table[at]!;
  }
  return { lower, upper };
}

/** Rows [from, to) as the network sees them: standardised, with targets. */
export function toSample(
  dataset: Dataset,
  { mean, scale }: NetworkArtefact,
  from: number,
  to: number,
): Sample {
  const z = new Float32Array((to - from) * FEATURE_COUNT);
  for (let at = 0; at < z.length; at++) {
    const column = at % FEATURE_COUNT;
    z[at] = (dataset.features[from * FEATURE_COUNT + at]! - mean[column]!) * scale[column]!;
  }
  const y = Float32Array.from(dataset.targets.subarray(from * HORIZONS, to * HORIZONS));
  return { rows: to - from, inputs: FEATURE_COUNT, outputs: HORIZONS, z, y };
}

/** Sets `logBias` to the log of the mean of realised/forecast over the training rows. */
export function withBias(dataset: Dataset, rows: number, artefact: NetworkArtefact): NetworkArtefact {
  const forward = toForward(artefact);
  const out = new Float64Array(HORIZONS);
  const ratio = new Float64Array(HORIZONS);
  for (let r = 0; r < rows; r++) {
    forward.run(dataset.features, r * FEATURE_COUNT, out);
    for (let h = 0; h < HORIZONS; h++)
      ratio[h] = ratio[h]! + dataset.targets[r * HORIZONS + h]! / out[h]! / rows;
  }
  return { ...artefact, logBias: ratio.map(Math.log) };
}
