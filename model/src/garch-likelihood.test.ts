import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { type GarchKind, garchLikelihood, SLOTS } from "./garch-likelihood.ts";

const random = seededRandom(11);
const returns = Float64Array.from(
  { length: 203 },
  (_, i) => random.normal() * (i % 50 < 25 ? 0.6 : 1.5) + 0.1,
);
const THETA: Record<GarchKind, Float64Array> = {
  garch: Float64Array.of(0.05, 0.1, 0.12, 0, 0.8, 5.5),
  gjr: Float64Array.of(0.05, 0.1, 0.05, 0.14, 0.8, 5.5),
  egarch: Float64Array.of(0.05, -0.02, 0.25, -0.07, 0.93, 5.5),
};
const CASES = (["garch", "gjr", "egarch"] as const).flatMap((kind) =>
  [false, true].flatMap((isStudent) => [null, 0.7].map((start) => ({ kind, isStudent, start }) as const)),
);

/** The density of t by integrating its definition's constant numerically: shares no formula with the code. */
function twinLogDensity(z: number, nu: number, isStudent: boolean): number {
  if (!isStudent) return Math.log(Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI));
  const kernel = (x: number) => (1 + (x * x) / (nu - 2)) ** (-(nu + 1) / 2);
  // ∫ kernel over ℝ by x = tan(a), midpoint rule.
  const cells = 4000;
  let mass = 0;
  for (let i = 0; i < cells; i++) {
    const a = -Math.PI / 2 + ((i + 0.5) * Math.PI) / cells;
    mass += ((kernel(Math.tan(a)) / Math.cos(a) ** 2) * Math.PI) / cells;
  }
  return Math.log(kernel(z) / mass);
}

/** The likelihood as the textbook writes it, whole paths first. */
function twin(kind: GarchKind, isStudent: boolean, start: number | null, theta: Float64Array): number {
  const [mu, omega, alpha, gamma, beta, nu] = Array.from(theta) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const e = Array.from(returns, (r) => r - mu);
  const v = start ?? e.reduce((s, x) => s + x ** 2, 0) / e.length;
  const h: number[] = [];
  for (let t = 0; t < e.length; t++) {
    if (kind === "egarch") {
      const z = t === 0 ? 0 : e[t - 1]! / Math.sqrt(h[t - 1]!);
      const news = t === 0 ? 0 : alpha * (Math.abs(z) - Math.sqrt(2 / Math.PI)) + gamma * z;
      h.push(Math.exp(omega + news + beta * Math.log(t === 0 ? v : h[t - 1]!)));
    } else {
      const negative = t === 0 ? 0.5 : Number(e[t - 1]! < 0);
      const square = t === 0 ? v : e[t - 1]! ** 2;
      h.push(omega + alpha * square + gamma * negative * square + beta * (t === 0 ? v : h[t - 1]!));
    }
  }
  return e.reduce(
    (sum, x, t) => sum + twinLogDensity(x / Math.sqrt(h[t]!), nu, isStudent) - Math.log(Math.sqrt(h[t]!)),
    0,
  );
}

describe("GARCH likelihood", () => {
  it.each(CASES)("default: $kind, Student-t $isStudent, start $start equals the textbook", (c) => {
    const theta = THETA[c.kind];
    const value = garchLikelihood(returns, c.kind, c.isStudent, c.start)(theta);
    expect(value).toBeCloseTo(twin(c.kind, c.isStudent, c.start, theta), 6);
  });

  it.each(CASES)("default: $kind, Student-t $isStudent, start $start: gradient and scores", (c) => {
    const likelihood = garchLikelihood(returns, c.kind, c.isStudent, c.start);
    const theta = THETA[c.kind];
    const gradient = new Float64Array(SLOTS);
    const scores = new Float64Array(SLOTS * returns.length);
    expect(likelihood(theta, gradient, scores)).toBe(likelihood(theta));
    for (let slot = 0; slot < (c.isStudent ? SLOTS : SLOTS - 1); slot++) {
      const at = (shift: number) => likelihood(theta.map((x, i) => (i === slot ? x + shift : x)));
      const step = 1e-6;
      expect(gradient[slot]! / ((at(step) - at(-step)) / (2 * step))).toBeCloseTo(1, 5);
      const sum = returns.reduce((s, _, t) => s + scores[t * SLOTS + slot]!, 0);
      expect(sum / gradient[slot]!).toBeCloseTo(1, 9);
    }
  });

  it("behaviour: −∞ where the variance is not positive or explodes", () => {
    const negative = Float64Array.of(0, 0.1, -0.9, 0, 0.1, 8);
    expect(garchLikelihood(returns, "garch", false, null)(negative)).toBe(Number.NEGATIVE_INFINITY);
    const explosive = Float64Array.of(0, 5, 0, 0, 1.5, 8);
    expect(garchLikelihood(returns, "egarch", true, null)(explosive)).toBe(Number.NEGATIVE_INFINITY);
  });
});
