import type { Hex, UnixMillis } from "@ballast/data";

/** The horizons every forecaster serves, in hours. */
export const HORIZONS_HOURS = [1, 4, 24, 168] as const;

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
  /** [asset][asset]: correlation of log returns, unit diagonal. */
  readonly correlation: readonly (readonly number[])[];
  /** How the raw first-passage probability becomes a calibrated one: p = logistic(a + b·logit(raw)). */
  readonly breachCalibration: { readonly a: number; readonly b: number };
}
