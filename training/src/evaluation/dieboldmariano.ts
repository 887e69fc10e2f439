import { studentTTwoSided } from "./distributions.ts";
import { longRunVariance } from "./hac.ts";
import { requireLength, requireSample, requireThat } from "./sample.ts";

/** Diebold-Mariano test of equal accuracy. */
export interface DieboldMariano {
  readonly meanDifference: number;
  /** Student's t with `degrees` degrees of freedom under equal accuracy; negative where the first loses less. */
  readonly t: number;
  readonly degrees: number;
  /** Two-sided. */
  readonly pValue: number;
}

/**
 * Tests losses of two forecasts, as differences d_t = loss₁ − loss₂ in time order, for equal mean (Diebold &
 * Mariano 1995). The long-run variance is Newey & West's (1987) with Bartlett weights up to `lag`, which must
 * be at least the horizon in steps; t carries the small-sample correction of Harvey, Leybourne & Newbold (1997,
 * eq. 9) for a horizon of `horizon` steps. Differences that are all equal leave nothing to test against: t is 0 and
 * the p-value 1 where they are 0, else t is infinite and the p-value 0. Throws TooFewObservationsError below two
 * differences, NonFiniteSampleError and OutOfRangeError.
 */
export function dieboldMariano(
  differences: Float64Array,
  lag: number,
  horizon = Math.max(lag, 1),
): DieboldMariano {
  requireSample("loss differences", differences, 2);
  requireThat(Number.isInteger(lag) && lag >= 0, "lag", lag, "a whole number from 0");
  requireThat(horizon >= 1, "horizon in steps", horizon, "at least 1");
  const n = differences.length;
  const degrees = n - 1;
  const first = differences[0]!;
  if (differences.every((d) => d === first)) {
    const t = first === 0 ? 0 : first * Number.POSITIVE_INFINITY;
    return { meanDifference: first, t, degrees, pValue: t === 0 ? 1 : 0 };
  }
  let mean = 0;
  for (const d of differences) mean += d / n;
  const variance = longRunVariance(differences, lag);
  // The correction is meant for horizons well inside the sample; beyond, it must not change the sign.
  const h = Math.min(horizon, n / 2);
  const correction = Math.sqrt((n + 1 - 2 * h + (h * (h - 1)) / n) / n);
  const t = mean === 0 ? 0 : (correction * mean) / Math.sqrt(variance / n);
  return { meanDifference: mean, t, degrees, pValue: studentTTwoSided(t, degrees) };
}

/**
 * Mean over the assets at each time of a panel [time][asset], row-major: what a panel is tested on, because losses
 * of one time are not independent. Cells where `isPresent` is 0 are left out, and so are times without a cell, so
 * mask both forecasts alike. Throws TooFewObservationsError, NonFiniteSampleError of a present cell and
 * UnequalLengthsError.
 */
export function toPanelMean(values: Float64Array, assets: number, isPresent?: Uint8Array): Float64Array {
  requireThat(Number.isInteger(assets) && assets >= 1, "number of assets", assets, "a whole number from 1");
  const times = Math.floor(values.length / assets);
  requireLength("panel", values, times * assets);
  if (isPresent !== undefined) requireLength("mask of present cells", isPresent, values.length);
  const means: number[] = [];
  for (let t = 0; t < times; t++) {
    let sum = 0;
    let count = 0;
    for (let cell = t * assets; cell < (t + 1) * assets; cell++) {
      if (isPresent !== undefined && isPresent[cell] === 0) continue;
      sum += values[cell]!;
      count++;
    }
    if (count > 0) means.push(sum / count);
  }
  const perTime = Float64Array.from(means);
  requireSample("panel", perTime);
  return perTime;
}

/** The Diebold-Mariano test of a panel of loss differences [time][asset], on its mean over the assets at each time. */
export const panelDieboldMariano = (
  differences: Float64Array,
  assets: number,
  lag: number,
  isPresent?: Uint8Array,
): DieboldMariano => dieboldMariano(toPanelMean(differences, assets, isPresent), lag);
