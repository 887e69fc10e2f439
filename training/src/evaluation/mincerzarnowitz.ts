import { BallastError } from "@ballast/data";
import { type ChiSquareTest, toChiSquareTest } from "./distributions.ts";
import { bartlettWeight } from "./hac.ts";
import { mean, requireLength, requireSample, requireThat } from "./sample.ts";

export class ConstantForecastError extends BallastError {
  readonly code = "CONSTANT_FORECAST";
  readonly forecast: number;
  constructor(forecast: number) {
    super(`every forecast is ${forecast}, so no regression on it exists. Leave this model out of the test.`);
    this.forecast = forecast;
  }
}

/** realised = intercept + slope · forecast + error. */
export interface MincerZarnowitz {
  readonly intercept: number;
  readonly slope: number;
  readonly interceptError: number;
  readonly slopeError: number;
  readonly rSquared: number;
  /** Of an unbiased and efficient forecast: intercept 0 and slope 1 together. */
  readonly wald: ChiSquareTest;
}

/**
 * Regression of what was realised on its forecast (Mincer & Zarnowitz 1969) with Newey-West standard errors, Bartlett
 * weights up to `lag`, which must be at least the horizon in steps. Forecasts without any error satisfy the
 * hypothesis: the Wald statistic is 0 if intercept and slope are 0 and 1 within rounding, else infinite. Throws
 * TooFewObservationsError below three, NonFiniteSampleError, UnequalLengthsError, OutOfRangeError and
 * ConstantForecastError.
 */
export function mincerZarnowitz(
  realised: Float64Array,
  forecast: Float64Array,
  lag: number,
): MincerZarnowitz {
  requireSample("realised values", realised, 3);
  requireSample("forecasts", forecast);
  requireLength("forecasts", forecast, realised.length);
  requireThat(Number.isInteger(lag) && lag >= 0, "lag", lag, "a whole number from 0");
  const n = realised.length;
  const realisedMean = mean(realised);
  const forecastMean = mean(forecast);
  // About the means, where the two regressors are orthogonal, small units lose no digits.
  const x = forecast.map((f) => f - forecastMean);
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < n; i++) {
    const y = realised[i]! - realisedMean;
    xx += x[i]! * x[i]!;
    xy += x[i]! * y;
    yy += y * y;
  }
  if (forecast.every((f) => f === forecast[0])) throw new ConstantForecastError(forecast[0]!);
  const slope = xy / xx;
  const errors = realised.map((y, i) => y - realisedMean - slope * x[i]!);
  const squares = errors.reduce((sum, e) => sum + e * e, 0);

  // Sandwich of the scores (e, x·e): the level at the mean forecast, its covariance with the slope, the slope.
  const level = { variance: 0, covariance: 0, slope: 0 };
  for (let k = 0; k <= Math.min(lag, n - 1); k++) {
    const weight = k === 0 ? 1 : bartlettWeight(k, lag);
    for (let i = k; i < n; i++) {
      const j = i - k;
      const product = weight * errors[i]! * errors[j]!;
      level.variance += (k === 0 ? 1 : 2) * product;
      level.covariance += k === 0 ? product * x[i]! : product * (x[i]! + x[j]!);
      level.slope += (k === 0 ? 1 : 2) * product * x[i]! * x[j]!;
    }
  }
  const variance = level.variance / (n * n);
  const covariance = level.covariance / (n * xx);
  const slopeVariance = level.slope / (xx * xx);
  const bias = realisedMean - forecastMean;
  return {
    intercept: realisedMean - slope * forecastMean,
    slope,
    interceptError: Math.sqrt(
      Math.max(0, variance - 2 * forecastMean * covariance + forecastMean ** 2 * slopeVariance),
    ),
    slopeError: Math.sqrt(slopeVariance),
    rSquared: yy === 0 ? 0 : 1 - squares / yy,
    wald: toChiSquareTest(waldStatistic(bias, slope - 1), 2),
  };

  function waldStatistic(levelGap: number, slopeGap: number): number {
    const determinant = variance * slopeVariance - covariance * covariance;
    if (determinant > 1e-14 * variance * slopeVariance && squares > 1e-28 * (yy + xx)) {
      const form =
        slopeVariance * levelGap ** 2 - 2 * covariance * levelGap * slopeGap + variance * slopeGap ** 2;
      return form / determinant;
    }
    const isIdentity = n * levelGap ** 2 + xx * slopeGap ** 2 <= 1e-24 * (yy + xx + n * forecastMean ** 2);
    return isIdentity ? 0 : Number.POSITIVE_INFINITY;
  }
}
