import { requireThat } from "../evaluation/sample.ts";

/** One setting's result: how far it strays (tracking error) or what it costs, and what that buys. */
export interface FrontierPoint {
  readonly x: number;
  readonly y: number;
}

/**
 * ln y at each ln x of `at`, linear between the points in order of x and on from the two outermost. All above 0;
 * two or more points with different x.
 */
export function interpolateLogs(points: readonly FrontierPoint[], at: readonly number[]): number[] {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  requireThat(sorted.length >= 2, "number of frontier points", sorted.length, "at least 2");
  return at.map((x) => {
    let upper = sorted.findIndex((point) => point.x >= x);
    if (upper < 0) upper = sorted.length - 1;
    upper = Math.max(1, upper);
    const [a, b] = [sorted[upper - 1]!, sorted[upper]!];
    const run = Math.log(b.x / a.x);
    const share = run === 0 ? 0 : Math.log(x / a.x) / run;
    return Math.exp(Math.log(a.y) + share * Math.log(b.y / a.y));
  });
}

/**
 * y of one frontier over y of another at equal x: each is fitted by a power law y = a·xᵇ through its points (least
 * squares of the logs), and both are read at the geometric mean of all x. Costs against tracking error are such laws
 * in theory: b = −1 where costs are proportional, −2 where each trade costs the same.
 */
export function ratioAtEqualX(own: readonly FrontierPoint[], other: readonly FrontierPoint[]): number {
  const middle = meanOf([...own, ...other].map(({ x }) => Math.log(x)));
  return Math.exp(fitAt(own, middle) - fitAt(other, middle));
}

/** Value at ln x = `at` of the line through the logs. */
function fitAt(points: readonly FrontierPoint[], at: number): number {
  const xs = points.map(({ x }) => Math.log(x));
  const ys = points.map(({ y }) => Math.log(y));
  const [mx, my] = [meanOf(xs), meanOf(ys)];
  let [sxx, sxy] = [0, 0];
  for (const [i, x] of xs.entries()) {
    sxx += (x - mx) ** 2;
    sxy += (x - mx) * (ys[i]! - my);
  }
  return my + (sxx > 0 ? (sxy / sxx) * (at - mx) : 0);
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
