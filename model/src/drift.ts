import { BallastError } from "@ballast/data";
import { exitProbability } from "./breach.ts";
import type { Forecast } from "./forecast.ts";

export class UnknownAssetError extends BallastError {
  readonly code = "UNKNOWN_ASSET";
  readonly asset: string;
  constructor(asset: string, known: readonly string[]) {
    super(
      `the vault holds ${asset}, but the forecast covers only ${known.join(", ")}. ` +
        `Add bars of ${asset} to the market, or remove it from the vault.`,
    );
    this.asset = asset;
  }
}

/**
 * [horizon hours → variance] of one asset, between the forecast's horizons: log cumulative variance is linear
 * in log time (exact where variance per hour is constant or a power of time); outside them, variance per hour
 * is that of the nearest horizon.
 */
export function varianceOver(forecast: Forecast, asset: number, hours: number): number {
  const horizons = forecast.horizonsHours;
  const variance = forecast.variance[asset]!;
  const last = horizons.length - 1;
  if (hours <= horizons[0]!) return (variance[0]! * hours) / horizons[0]!;
  if (hours >= horizons[last]!) return (variance[last]! * hours) / horizons[last]!;
  let h = 1;
  while (horizons[h]! < hours) h++;
  const share = Math.log(hours / horizons[h - 1]!) / Math.log(horizons[h]! / horizons[h - 1]!);
  return variance[h - 1]! * Math.exp(share * Math.log(variance[h]! / variance[h - 1]!));
}

/**
 * Covariance matrix of the holdings' log returns over `hours`, [holding][holding]. The first holding is the
 * base asset, in which everything is priced: it has no bars and no variance. Throws UnknownAssetError for
 * any other holding that the forecast does not cover.
 */
export function covarianceOver(forecast: Forecast, holdings: readonly string[], hours: number): number[][] {
  const index = holdings.map((asset, i) => {
    const at = forecast.assets.indexOf(asset);
    if (at < 0 && i > 0) throw new UnknownAssetError(asset, forecast.assets);
    return at;
  });
  const deviation = index.map((at) => (at < 0 ? 0 : Math.sqrt(varianceOver(forecast, at, hours))));
  return index.map((p, i) =>
    index.map((q, j) => (p < 0 || q < 0 ? 0 : forecast.correlation[p]![q]! * deviation[i]! * deviation[j]!)),
  );
}

/**
 * Variance of the log of holding i's value against the rest of the basket, whose shares are w_j/(1 − w_i):
 * e'Σe with e_i = 1 and e_j = −w_j/(1 − w_i). This is the variance of logit(w_i) under fixed holdings.
 */
export function relativeVariance(
  covariance: readonly (readonly number[])[],
  weights: readonly number[],
  i: number,
): number {
  const rest = 1 - weights[i]!;
  const exposure = weights.map((w, j) => (j === i ? 1 : -w / rest));
  let sum = 0;
  for (let p = 0; p < exposure.length; p++) {
    for (let q = 0; q < exposure.length; q++) sum += exposure[p]! * exposure[q]! * covariance[p]![q]!;
  }
  return Math.max(0, sum);
}

export interface BreachRequest {
  /** Shares of the vault's value now, 0..1, summing to 1; the base asset first. */
  readonly weights: readonly number[];
  readonly targets: readonly number[];
  /** Half-widths: weight i shall stay within targets[i] ± bands[i]. */
  readonly bands: readonly number[];
  readonly assetsOfHoldings: readonly string[];
  readonly forecast: Forecast;
  readonly horizonHours: number;
  /** Hours between two looks at the weights; 0 when they are watched all the time. */
  readonly monitorHours: number;
}

export interface BreachProbability {
  /** By the formula. */
  readonly raw: number;
  /** After the forecast's calibration: the one to act on. */
  readonly calibrated: number;
}

/**
 * Probability, per holding, that its weight is seen outside its band within the horizon: first passage of
 * logit(w), which moves like a Brownian motion with the relative volatility; its mean over the predictive
 * distribution of variance where the forecast has one, as the tails of an exit are those of the volatility.
 * Drift is zero: Itô's own, half the difference of two variances, is a hundredth of a volatility over a day. A
 * weight that is outside already has 1, and one that is 0 or 1 cannot move: 0. Throws UnknownAssetError.
 */
export function weightBreachProbabilities(request: BreachRequest): BreachProbability[] {
  const { weights, targets, bands, forecast, horizonHours, monitorHours } = request;
  const scenarios = toScenarios(forecast).map((scenario) => ({
    share: scenario.share,
    covariance: covarianceOver(scenario.forecast, request.assetsOfHoldings, horizonHours),
  }));
  return weights.map((w, i) => {
    const low = targets[i]! - bands[i]!;
    const high = targets[i]! + bands[i]!;
    if (w < low || w > high) return { raw: 1, calibrated: 1 };
    if (w <= 0 || w >= 1) return { raw: 0, calibrated: 0 };
    let raw = 0;
    for (const { share, covariance } of scenarios) {
      const exit = exitProbability({
        a: low > 0 ? logit(w) - logit(low) : Number.POSITIVE_INFINITY,
        b: high < 1 ? logit(high) - logit(w) : Number.POSITIVE_INFINITY,
        sigma: Math.sqrt(relativeVariance(covariance, weights, i) / horizonHours),
        mu: 0,
        horizon: horizonHours,
        monitorInterval: monitorHours,
      });
      raw += share * exit;
    }
    return { raw, calibrated: calibrate(raw, forecast.breachCalibration) };
  });
}

/**
 * The forecast at each quantile of its variance, all assets alike, with the share of probability nearer to that
 * level than to its neighbours; the point forecast alone where there is no distribution.
 */
export function toScenarios(forecast: Forecast): { readonly share: number; readonly forecast: Forecast }[] {
  const { quantiles } = forecast;
  if (quantiles === undefined) return [{ share: 1, forecast }];
  const { levels } = quantiles;
  return levels.map((level, q) => ({
    share: ((levels[q + 1] ?? 2 - level) - (levels[q - 1] ?? -level)) / 2,
    forecast: { ...forecast, variance: quantiles.variance.map((rows) => rows.map((row) => row[q]!)) },
  }));
}

/** Beyond these the formula's certainty is not worth its digits. */
const RAW_FLOOR = 1e-6;

/** logit of a raw probability, bounded so that 0 and 1 stay finite. */
export const rawLogit = (raw: number): number => logit(Math.min(1 - RAW_FLOOR, Math.max(RAW_FLOOR, raw)));

/** logistic(a + b·logit(raw)); certainty stays certainty. */
export const calibrate = (raw: number, { a, b }: { readonly a: number; readonly b: number }): number =>
  raw === 0 || raw === 1 ? raw : 1 / (1 + Math.exp(-(a + b * rawLogit(raw))));

const logit = (p: number): number => Math.log(p / (1 - p));
