import { seededRandom } from "@ballast/data";
import type { Layer, NetworkArtefact } from "./artefact.ts";
import { FEATURE_COUNT, FEATURE_NAMES } from "./features.ts";
import { HORIZONS_HOURS, QUANTILE_LEVELS } from "./forecast.ts";

/** A seeded random artefact with two members, for tests of this package. */
export function randomArtefact(seed: number): NetworkArtefact {
  const random = seededRandom(seed);
  const numbers = (n: number, scale: number) =>
    Float64Array.from({ length: n }, () => scale * random.normal());
  const layer = (inputs: number, outputs: number, scale: number): Layer => ({
    inputs,
    outputs,
    weights: numbers(inputs * outputs, scale),
    bias: numbers(outputs, scale),
  });
  const outputs = HORIZONS_HOURS.length;
  const fill = (n: number, value: number) => new Float64Array(n).fill(value);
  return {
    features: FEATURE_NAMES,
    horizonsHours: HORIZONS_HOURS,
    lower: fill(FEATURE_COUNT, -12),
    upper: fill(FEATURE_COUNT, 3),
    mean: numbers(FEATURE_COUNT, 1),
    scale: numbers(FEATURE_COUNT, 0.1).map(Math.abs),
    linear: { ...layer(FEATURE_COUNT, outputs, 0.1), bias: fill(outputs, -9) },
    members: [1, 2].map(() => [layer(FEATURE_COUNT, 24, 0.2), layer(24, 16, 0.2), layer(16, outputs, 0.2)]),
    outputLower: fill(outputs, -14),
    outputUpper: fill(outputs, -5),
    logBias: numbers(outputs, 0.1),
    logQuantiles: HORIZONS_HOURS.map(() => numbers(QUANTILE_LEVELS.length, 1).sort()),
    assets: ["BTC", "ETH"].map((asset) => ({
      asset,
      logBias: numbers(outputs, 0.3),
      logQuantiles: HORIZONS_HOURS.map(() => numbers(QUANTILE_LEVELS.length, 1).sort()),
    })),
    correlationHalfLifeHours: 168,
    breachCalibration: { a: -0.2, b: 0.8 },
  };
}
