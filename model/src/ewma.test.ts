import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { ewmaCorrelation, ewmaVariance, hourlyLambda, lambdaOfHalfLife } from "./ewma.ts";

const random = seededRandom(7);
const noise = (n: number) => Float64Array.from({ length: n }, () => random.normal());

describe("ewma", () => {
  it("default: equals the weighted mean written out", () => {
    const r = noise(40);
    let sum = 0;
    let weights = 0;
    for (let age = 0; age < 40; age++) {
      sum += 0.9 ** age * r[39 - age]! ** 2;
      weights += 0.9 ** age;
    }
    expect(ewmaVariance(r, 0.9)).toBeCloseTo(sum / weights, 12);
    expect(ewmaVariance(new Float64Array(0), 0.9)).toBe(0);
  });

  it("default: correlation equals the ratio of weighted sums written out", () => {
    const x = noise(50);
    const y = x.map((v, i) => 0.6 * v + (i % 7) - 3);
    const sum = (f: (i: number) => number) => x.reduce((s, _, i) => s + 0.95 ** (49 - i) * f(i), 0);
    const expected = sum((i) => x[i]! * y[i]!) / Math.sqrt(sum((i) => x[i]! ** 2) * sum((i) => y[i]! ** 2));
    const rho = ewmaCorrelation([x, y], 0.95);
    expect(rho[0]![1]).toBeCloseTo(expected, 12);
    expect(rho[1]![0]).toBe(rho[0]![1]);
    expect(rho[0]![0]).toBe(1);
  });

  it("behaviour: a series that never moves correlates with none, and itself fully", () => {
    expect(ewmaCorrelation([noise(10), new Float64Array(10)], 0.9)).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it("default: decay by half-life and per day", () => {
    expect(lambdaOfHalfLife(5) ** 5).toBeCloseTo(0.5, 14);
    expect(hourlyLambda(0.94) ** 24).toBeCloseTo(0.94, 14);
  });
});
