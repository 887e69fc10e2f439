import { requireThat } from "../evaluation/sample.ts";

/** One setting's result: what is held equal (tracking error, cost) and what is compared, both from 0. */
export interface FrontierPoint {
  readonly x: number;
  readonly y: number;
}

/**
 * ln y at each ln x of `at`, linear between the points in order of x and on from the two outermost. All above 0;
 * two or more points.
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
 * The height of a frontier y = a·x^−elasticity: the mean of y·x^elasticity over its points. Linear in y, so that a
 * point at which nothing was paid is a small number and not a logarithm of zero. Costs against tracking error have
 * elasticity 1 where they are proportional and 2 where each trade costs the same (by the half-widths' own laws:
 * turnover goes as 1/h, trades as 1/h²).
 */
export function heightOf(points: readonly FrontierPoint[], elasticity: number): number {
  return points.reduce((sum, { x, y }) => sum + y * x ** elasticity, 0) / points.length;
}

/**
 * The elasticity that several frontiers have in common: minus the slope of ln y on ln x, each with a height of its
 * own, by least squares; points with y = 0 have no say. From `least` to `most`.
 */
export function commonElasticity(
  frontiers: readonly (readonly FrontierPoint[])[],
  least: number,
  most: number,
): number {
  let [sxx, sxy] = [0, 0];
  for (const frontier of frontiers) {
    const logs = frontier.filter(({ y }) => y > 0).map(({ x, y }) => [Math.log(x), Math.log(y)] as const);
    const mx = logs.reduce((sum, [x]) => sum + x, 0) / logs.length;
    for (const [x, y] of logs) {
      sxx += (x - mx) ** 2;
      sxy += (x - mx) * y;
    }
  }
  return sxx > 0 ? Math.min(most, Math.max(least, -sxy / sxx)) : least;
}
