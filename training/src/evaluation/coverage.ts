import { type ChiSquareTest, toChiSquareTest } from "./distributions.ts";
import { requireBinary, requireLength, requireSample, requireThat } from "./sample.ts";

/** Christoffersen's (1998) three tests of interval forecasts. */
export interface Christoffersen {
  /** Kupiec's: misses are as frequent as said. */
  readonly unconditional: ChiSquareTest;
  /** A miss is as likely after a miss as after none. */
  readonly independence: ChiSquareTest;
  /** Both together. */
  readonly conditional: ChiSquareTest;
}

/** x·ln p with 0·ln 0 = 0. */
const xlogp = (x: number, p: number): number => (x === 0 ? 0 : x * Math.log(p));

/**
 * 1 where y lies outside [low, high], 0 where it lies inside or on an edge. Throws TooFewObservationsError,
 * NonFiniteSampleError, UnequalLengthsError, and OutOfRangeError where low is above high.
 */
export function toMisses(realised: Float64Array, low: Float64Array, high: Float64Array): Uint8Array {
  requireSample("realised values", realised);
  for (const [name, edge] of [
    ["lower edges", low],
    ["upper edges", high],
  ] as const) {
    requireSample(name, edge);
    requireLength(name, edge, realised.length);
  }
  return Uint8Array.from(realised, (y, i) => {
    requireThat(low[i]! <= high[i]!, "lower edge", low[i]!, `at most the upper edge, ${high[i]}`);
    return y < low[i]! || y > high[i]! ? 1 : 0;
  });
}

/** Share of realised values inside or on the edge of their interval. Throws as toMisses. */
export function intervalCoverage(realised: Float64Array, low: Float64Array, high: Float64Array): number {
  return 1 - toMisses(realised, low, high).reduce((sum, m) => sum + m, 0) / realised.length;
}

/**
 * Likelihood ratio test that `misses` of `observations` happened at the given `rate` in (0, 1) each (Kupiec 1995).
 * Throws OutOfRangeError.
 */
export function kupiec(misses: number, observations: number, rate: number): ChiSquareTest {
  requireThat(observations >= 1, "number of observations", observations, "at least 1");
  requireThat(misses >= 0 && misses <= observations, "number of misses", misses, `from 0 to ${observations}`);
  requireThat(rate > 0 && rate < 1, "rate of misses", rate, "between 0 and 1");
  const hits = observations - misses;
  const observed = misses / observations;
  const said = xlogp(misses, rate) + xlogp(hits, 1 - rate);
  return toChiSquareTest(2 * (xlogp(misses, observed) + xlogp(hits, 1 - observed) - said), 1);
}

/**
 * Kupiec's test, Christoffersen's (1998) test of independence against a first-order Markov chain, and their
 * sum, for misses (0 or 1) in time order said to happen at `rate`. Without any miss, or with misses only, nothing
 * speaks against independence: its statistic is 0. Misses of overlapping windows follow each other by construction:
 * take every horizon-th. Throws TooFewObservationsError below two, and OutOfRangeError.
 */
export function christoffersen(misses: Uint8Array, rate: number): Christoffersen {
  requireBinary("misses", misses, 2);
  // [after a hit, after a miss] of [hits, misses]
  const counts = [
    [0, 0],
    [0, 0],
  ];
  for (let i = 1; i < misses.length; i++) counts[misses[i - 1]!]![misses[i]!]!++;
  const [[n00, n01], [n10, n11]] = counts as [[number, number], [number, number]];
  const pooled = (n01 + n11) / (misses.length - 1);
  const likelihood = (hits: number, missed: number, p: number) => xlogp(hits, 1 - p) + xlogp(missed, p);
  const chain =
    likelihood(n00, n01, n01 / Math.max(1, n00 + n01)) + likelihood(n10, n11, n11 / Math.max(1, n10 + n11));
  const total = misses.reduce((sum, m) => sum + m, 0);
  const unconditional = kupiec(total, misses.length, rate);
  const independence = toChiSquareTest(2 * (chain - likelihood(n00 + n10, n01 + n11, pooled)), 1);
  return {
    unconditional,
    independence,
    conditional: toChiSquareTest(unconditional.statistic + independence.statistic, 2),
  };
}
