import { quantileOfSorted } from "../evaluation/sample.ts";

/** A figure with its percentile interval; null where it is not defined. */
export interface Estimate {
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** A paired difference: with the two-sided p of the hypothesis that it is 0. */
export interface Difference extends Estimate {
  readonly p: number | null;
}

/** Where more of the resamples than this do not define a figure, such as the gas of trades without a trade, it has no interval. */
const MOST_UNDEFINED = 0.05;

/** Percentile interval of a figure from its bootstrap resamples (Efron & Tibshirani 1993, ch. 13). `level` in (0, 1). */
export function interval(estimate: number, resamples: readonly number[], level: number): Estimate {
  if (!Number.isFinite(estimate)) return { estimate: null, low: null, high: null };
  const defined = Float64Array.from(resamples.filter(Number.isFinite)).sort();
  if (defined.length === 0 || defined.length < (1 - MOST_UNDEFINED) * resamples.length)
    return { estimate, low: null, high: null };
  return {
    estimate,
    low: quantileOfSorted(defined, (1 - level) / 2),
    high: quantileOfSorted(defined, (1 + level) / 2),
  };
}

/**
 * As `interval`, with p: the share of resamples, centred on the estimate as the hypothesis has it, that lie at least as
 * far from 0 as the estimate does; one is added above and below, so that p is never 0 (Hall & Wilson 1991; Davison &
 * Hinkley 1997, eq. 4.11). A difference that no resample moves is 0 with p 1, or certain.
 */
export function difference(estimate: number, resamples: readonly number[], level: number): Difference {
  const found = interval(estimate, resamples, level);
  if (found.low === null) return { ...found, p: null };
  const defined = resamples.filter(Number.isFinite);
  const rounding = 1e-9 * Math.abs(estimate);
  const beyond = defined.filter(
    (value) => Math.abs(value - estimate) >= Math.abs(estimate) - rounding,
  ).length;
  return { ...found, p: (1 + beyond) / (1 + defined.length) };
}

/** Holm's step-down: p values of a family so that the chance of one false finding or more among them stays below the level. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let highest = 0;
  for (const [rank, i] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (pValues.length - rank) * pValues[i]!));
    adjusted[i] = highest;
  }
  return adjusted;
}
