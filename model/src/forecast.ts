import type { Hex, UnixMillis } from "@ballast/data";
import { keccak } from "@ballast/data";
import { type CostsAhead, costsBytes, quantiseCosts } from "./costs-ahead.ts";
import { ForecastRangeError } from "./forecast-range.ts";

/** The horizons every forecaster serves, in hours. */
export const HORIZONS_HOURS = [1, 4, 24, 168] as const;

/** The levels at which every model with a predictive distribution says its quantiles. */
export const QUANTILE_LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

/**
 * What a model says at bar close `at`. All numbers are quantised (see `quantise`), so that its canonical
 * encoding, and with it the decision's hash, is exact.
 */
export interface Forecast {
  readonly modelId: Hex;
  readonly at: UnixMillis;
  readonly horizonsHours: readonly number[];
  /** In the Snapshot's order. */
  readonly assets: readonly string[];
  /** [asset][horizon]: expected realised variance, the sum of squared log returns over the horizon. */
  readonly variance: readonly (readonly number[])[];
  /** The predictive distribution of the realised variance; absent where a model has none. */
  readonly quantiles?:
    | {
        /** Ascending, each in (0, 1). */
        readonly levels: readonly number[];
        /** [asset][horizon][level], ascending in the level. */
        readonly variance: readonly (readonly (readonly number[])[])[];
      }
    | undefined;
  /** [asset][asset]: correlation of log returns, unit diagonal. */
  readonly correlation: readonly (readonly number[])[];
  /** How the raw first-passage probability becomes a calibrated one: p = logistic(a + b·logit(raw)). */
  readonly breachCalibration: { readonly a: number; readonly b: number };
  /** Base fee and other series ahead; absent where the model has none or the snapshot does not know their week. */
  readonly costs?: CostsAhead | undefined;
}

/** Variances are whole multiples of 10⁻¹²: a volatility of 1 bp over the horizon still has four digits. */
const VARIANCE_SCALE = 1e12;
/** Correlations and the calibration are whole multiples of 10⁻⁶. */
const PPM = 1e6;
/** A standard deviation of ten in logs: no forecast, but a number gone wrong. */
const MAX_VARIANCE = 100;
const MAX_CALIBRATION = 1000;
/** Begins what the second version of the encoding adds to the first. */
const WITH_QUANTILES = 2;

/**
 * Rounds variances to multiples of 10⁻¹² (at least one), correlations and the calibration to 10⁻⁶, and
 * costs as quantiseCosts does. Idempotent. Throws ForecastRangeError for NaN, variances outside [0, 100], correlations outside [−1, 1],
 * levels outside (0, 1) and calibration outside ±1000.
 */
export function quantise(forecast: Forecast): Forecast {
  const { quantiles, costs } = forecast;
  return {
    ...forecast,
    variance: forecast.variance.map((row, i) =>
      row.map((v, h) => quantiseVariance(`variance[${i}][${h}]`, v)),
    ),
    ...(quantiles !== undefined && {
      quantiles: {
        levels: quantiles.levels.map((level, q) => {
          check(level > 0 && level < 1, `quantiles.levels[${q}]`, level);
          return toPpm(level) / PPM;
        }),
        variance: quantiles.variance.map((rows, i) =>
          rows.map((row, h) =>
            row.map((v, q) => quantiseVariance(`quantiles.variance[${i}][${h}][${q}]`, v)),
          ),
        ),
      },
    }),
    correlation: forecast.correlation.map((row, i) =>
      row.map((c, j) => {
        check(c >= -1 && c <= 1, `correlation[${i}][${j}]`, c);
        return toPpm(c) / PPM;
      }),
    ),
    breachCalibration: {
      a: quantiseCalibration("a", forecast.breachCalibration.a),
      b: quantiseCalibration("b", forecast.breachCalibration.b),
    },
    ...(costs !== undefined && { costs: quantiseCosts(costs) }),
  };
}

function quantiseVariance(field: string, value: number): number {
  check(value >= 0 && value <= MAX_VARIANCE, field, value);
  return Math.max(1, Math.round(value * VARIANCE_SCALE)) / VARIANCE_SCALE;
}

/** Never −0, which would print and compare unlike 0. */
const toPpm = (x: number): number => Math.round(x * PPM) + 0;

function quantiseCalibration(name: string, value: number): number {
  check(Math.abs(value) <= MAX_CALIBRATION, `breachCalibration.${name}`, value);
  return toPpm(value) / PPM;
}

function check(holds: boolean, field: string, value: number): void {
  if (!holds) throw new ForecastRangeError(field, value);
}

/**
 * Canonical bytes of a quantised forecast. Integers are big-endian, signed ones in two's complement:
 *
 *     bytes32 modelId | uint64 at (ms) | uint16 H | H × uint32 horizon (h)
 *     | uint16 N | N × (uint8 length, UTF-8 ticker) | N·H × uint64 variance·10¹²
 *     | N(N−1)/2 × int64 correlation·10⁶ (lower triangle by rows) | int64 a·10⁶ | int64 b·10⁶
 *
 * and, where it has quantiles,
 *
 *     uint8 2 (of the second version) | uint8 Q | Q × uint32 level·10⁶ | N·H·Q × uint64 variance·10¹²
 *
 * and, where it has costs, what costsBytes adds.
 */
export const forecastBytes = (forecast: Forecast): Uint8Array =>
  forecast.costs === undefined
    ? varianceBytes(forecast)
    : Buffer.concat([varianceBytes(forecast), costsBytes(forecast.costs)]);

function varianceBytes(forecast: Forecast): Uint8Array {
  const { assets, horizonsHours, variance, correlation, quantiles } = forecast;
  const tickers = assets.map((asset) => Buffer.from(asset, "utf8"));
  const n = assets.length;
  const named = tickers.reduce((sum, t) => sum + 1 + t.length, 0);
  const levels = quantiles?.levels ?? [];
  const tail = quantiles === undefined ? 0 : 2 + (4 + 8 * n * horizonsHours.length) * levels.length;
  const bytes = Buffer.alloc(
    60 + 4 * horizonsHours.length + named + 8 * n * horizonsHours.length + 4 * n * (n - 1) + tail,
  );
  let at = bytes.write(forecast.modelId.slice(2), "hex");
  at = bytes.writeBigUInt64BE(BigInt(forecast.at), at);
  at = bytes.writeUInt16BE(horizonsHours.length, at);
  for (const hours of horizonsHours) at = bytes.writeUInt32BE(hours, at);
  at = bytes.writeUInt16BE(n, at);
  for (const ticker of tickers) {
    at = bytes.writeUInt8(ticker.length, at);
    at += ticker.copy(bytes, at);
  }
  for (const row of variance) {
    for (const v of row) at = bytes.writeBigUInt64BE(BigInt(Math.round(v * VARIANCE_SCALE)), at);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) at = bytes.writeBigInt64BE(BigInt(toPpm(correlation[i]![j]!)), at);
  }
  at = bytes.writeBigInt64BE(BigInt(toPpm(forecast.breachCalibration.a)), at);
  at = bytes.writeBigInt64BE(BigInt(toPpm(forecast.breachCalibration.b)), at);
  if (quantiles === undefined) return bytes;
  at = bytes.writeUInt8(WITH_QUANTILES, at);
  at = bytes.writeUInt8(levels.length, at);
  for (const level of levels) at = bytes.writeUInt32BE(toPpm(level), at);
  for (const row of quantiles.variance.flat()) {
    for (const v of row) at = bytes.writeBigUInt64BE(BigInt(Math.round(v * VARIANCE_SCALE)), at);
  }
  return bytes;
}

/** keccak256 of the canonical bytes: the decision's `forecastHash`. */
export const forecastHash = (forecast: Forecast): Hex => keccak(forecastBytes(forecast));
