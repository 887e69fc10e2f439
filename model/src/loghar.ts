import { FEATURE_COUNT, featureIndex } from "./features.ts";
import { HORIZONS_HOURS } from "./forecast.ts";
import { choleskySolve } from "./leastsquares.ts";

/** Hour, day, week and month: the cascade of Corsi (2009), one step finer, as an hour is the shortest horizon. */
export const LOG_HAR_LAGS = ["log_rv_1h", "log_rv_24h", "log_rv_168h", "log_rv_720h"] as const;
const LAGS = LOG_HAR_LAGS.map(featureIndex);
const TERMS = LAGS.length + 1;

/** The log-HAR of one asset, per horizon. */
export interface LogHar {
  /** [horizon]: constant, then one coefficient per lag. */
  readonly coefficients: readonly Float64Array[];
  /** [horizon]: multiplies the forecast so that it was right on average (logs understate the mean). */
  readonly meanRatio: readonly number[];
  /** [horizon]: range of variance per hour seen in training. */
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

/**
 * Fits log variance per hour on the log lags by least squares, one regression per horizon (Corsi 2009, eq. 8,
 * in logs as in Andersen, Bollerslev & Diebold 2007). `features` has FEATURE_COUNT columns and `targets` one
 * column per horizon, both row-major; the targets are positive variances per hour; `rows` are those to use, one
 * list per horizon, as short targets are known sooner than long ones.
 * The forecast is multiplied by the mean of realised/forecast, which needs no normal residuals as
 * exp(½s²) would, and clipped to the range seen in training (`insanity filter`, Swanson & White 1997).
 */
export function fitLogHar(
  features: Float64Array,
  targets: Float64Array,
  rows: readonly Int32Array[],
): LogHar {
  const horizons = HORIZONS_HOURS.length;
  const x = new Float64Array(TERMS);
  const coefficients = rows.map((used, h) => {
    const gram = new Float64Array(TERMS * TERMS);
    const moment = new Float64Array(TERMS);
    for (const row of used) {
      readTerms(features, row * FEATURE_COUNT, x);
      const y = Math.log(targets[row * horizons + h]!);
      for (let i = 0; i < TERMS; i++) {
        for (let j = 0; j < TERMS; j++) gram[i * TERMS + j] = gram[i * TERMS + j]! + x[i]! * x[j]!;
        moment[i] = moment[i]! + x[i]! * y;
      }
    }
    return choleskySolve(gram, moment);
  });
  const meanRatio: number[] = [];
  const lower: number[] = [];
  const upper: number[] = [];
  for (let h = 0; h < horizons; h++) {
    let ratio = 0;
    let low = Number.POSITIVE_INFINITY;
    let high = 0;
    for (const row of rows[h]!) {
      const y = targets[row * horizons + h]!;
      readTerms(features, row * FEATURE_COUNT, x);
      ratio += y / Math.exp(inner(coefficients[h]!, x));
      low = Math.min(low, y);
      high = Math.max(high, y);
    }
    meanRatio.push(ratio / rows[h]!.length);
    lower.push(low);
    upper.push(high);
  }
  return { coefficients, meanRatio, lower, upper };
}

/** Variance per hour over horizon number `horizon`, from the feature row that begins at `offset`. */
export function predictLogHar(
  model: LogHar,
  features: Float64Array,
  offset: number,
  horizon: number,
): number {
  const c = model.coefficients[horizon]!;
  let z = c[0]!;
  for (let i = 0; i < LAGS.length; i++) z += c[i + 1]! * features[offset + LAGS[i]!]!;
  const variance = Math.exp(z) * model.meanRatio[horizon]!;
  return Math.min(model.upper[horizon]!, Math.max(model.lower[horizon]!, variance));
}

function readTerms(features: Float64Array, offset: number, x: Float64Array): void {
  x[0] = 1;
  for (let i = 0; i < LAGS.length; i++) x[i + 1] = features[offset + LAGS[i]!]!;
}

function inner(c: Float64Array, x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < c.length; i++) sum += c[i]! * x[i]!;
  return sum;
}
