import type { Snapshot } from "@ballast/data";
import { type Layer, modelBytes, modelId, type NetworkArtefact } from "./artefact.ts";
import { forecastCosts } from "./cost-models.ts";
import { ewmaCorrelation, lambdaOfHalfLife } from "./ewma.ts";
import { barsPerHour, featureRows, LOOKBACK_HOURS } from "./features.ts";
import type { Forecast } from "./forecast.ts";
import { HORIZONS_HOURS, QUANTILE_LEVELS, quantise } from "./forecast.ts";

/** Scratch space for one artefact, so that a forecast allocates nothing per row. */
export interface Forward {
  /** Writes the variance per hour of each horizon to `out`, from the feature row at `offset`. */
  run(features: Float64Array, offset: number, out: Float64Array): void;
}

/** Prepares the forward pass of an artefact. The result is not re-entrant, as it reuses its buffers. */
export function toForward(artefact: NetworkArtefact): Forward {
  const { lower, upper, mean, scale, linear, members, outputLower, outputUpper, logBias } = artefact;
  const inputs = mean.length;
  const horizons = logBias.length;
  const z = new Float64Array(inputs);
  const log = new Float64Array(horizons);
  const buffers = members.map((layers) => layers.map((layer) => new Float64Array(layer.outputs)));
  return {
    run(features, offset, out) {
      for (let i = 0; i < inputs; i++) {
        const x = Math.min(upper[i]!, Math.max(lower[i]!, features[offset + i]!));
        z[i] = (x - mean[i]!) * scale[i]!;
      }
      dense(linear, z, log, false);
      for (let m = 0; m < members.length; m++) {
        const layers = members[m]!;
        let input = z;
        for (let l = 0; l < layers.length; l++) {
          const output = buffers[m]![l]!;
          dense(layers[l]!, input, output, l < layers.length - 1);
          input = output;
        }
        for (let h = 0; h < horizons; h++) log[h] = log[h]! + input[h]! / members.length;
      }
      for (let h = 0; h < horizons; h++) {
        const clipped = Math.min(outputUpper[h]!, Math.max(outputLower[h]!, log[h]!));
        out[h] = Math.exp(clipped + logBias[h]!);
      }
    },
  };
}

function dense(layer: Layer, input: Float64Array, output: Float64Array, rectify: boolean): void {
  const { inputs, outputs, weights, bias } = layer;
  for (let o = 0, w = 0; o < outputs; o++) {
    let sum = bias[o]!;
    for (let i = 0; i < inputs; i++, w++) sum += weights[w]! * input[i]!;
    output[o] = rectify && sum < 0 ? 0 : sum;
  }
}

/** Hourly log returns of the snapshot's last 720 hours, one array per asset, oldest first. */
export function hourlyReturns(snapshot: Snapshot): Float64Array[] {
  const perHour = barsPerHour(snapshot.intervalMs);
  return snapshot.bars.map(({ close }) => {
    const returns = new Float64Array(LOOKBACK_HOURS - 1);
    const first = close.length - 1 - returns.length * perHour;
    for (let i = 0; i < returns.length; i++) {
      const at = first + i * perHour;
      returns[i] = Math.log(close[at + perHour]! / close[at]!);
    }
    return returns;
  });
}

/** Says what the model expects at a snapshot: pure, equal snapshots give equal bits. */
export type Forecaster = (snapshot: Snapshot) => Forecast;

/**
 * The forecaster of an artefact; the forecast carries the artefact's `modelId` and is quantised. It throws
 * ShortSnapshotError, UnsupportedIntervalError and ForecastRangeError.
 */
export function toForecaster(artefact: NetworkArtefact): Forecaster {
  const id = modelId(modelBytes(artefact));
  const forward = toForward(artefact);
  const lambda = lambdaOfHalfLife(artefact.correlationHalfLifeHours);
  const perHour = new Float64Array(HORIZONS_HOURS.length);
  const spread = artefact.logQuantiles?.map((row) => row.map(Math.exp));
  return (snapshot) => {
    const costs = forecastCosts(artefact.costs ?? [], snapshot);
    const variance = featureRows(snapshot).map((row) => {
      forward.run(row, 0, perHour);
      return HORIZONS_HOURS.map((hours, h) => perHour[h]! * hours);
    });
    return quantise({
      modelId: id,
      at: snapshot.at,
      horizonsHours: HORIZONS_HOURS,
      assets: snapshot.assets,
      variance,
      ...(spread !== undefined && {
        quantiles: {
          levels: QUANTILE_LEVELS,
          variance: variance.map((row) => row.map((v, h) => Array.from(spread[h]!, (q) => v * q))),
        },
      }),
      correlation: ewmaCorrelation(hourlyReturns(snapshot), lambda),
      breachCalibration: artefact.breachCalibration,
      ...(costs !== undefined && { costs }),
    });
  };
}

/** One forecast; `toForecaster` for many, as it prepares the artefact once. */
export const forecastWith = (artefact: NetworkArtefact, snapshot: Snapshot): Forecast =>
  toForecaster(artefact)(snapshot);
