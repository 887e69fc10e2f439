import { seededRandom } from "@ballast/data";
import { qlike } from "@ballast/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  absoluteLogError,
  intervalScore,
  pinballLoss,
  qlikeNoiseFloor,
  squaredError,
  toLosses,
} from "./losses.ts";

describe("toLosses", () => {
  it("default: one loss for each forecast", () => {
    // QLIKE 2 − ln 2 − 1 and ½ − ln ½ − 1.
    const losses = toLosses(qlike, Float64Array.of(2, 1), Float64Array.of(1, 2));
    expect(losses[0]).toBeCloseTo(0.306852819, 9);
    expect(losses[1]).toBeCloseTo(0.193147181, 9);
    expect([...toLosses(squaredError, Float64Array.of(3, 1), Float64Array.of(1, 1))]).toEqual([4, 0]);
    const [over, under] = toLosses(absoluteLogError, Float64Array.of(2, 1), Float64Array.of(1, 2));
    expect([over, under]).toEqual([Math.LN2, Math.LN2]);
  });

  it("error: a loss that is not finite, such as QLIKE of no variance", () => {
    expect(() => toLosses(qlike, Float64Array.of(1, 0), Float64Array.of(1, 1))).toThrowError(
      expect.objectContaining({ code: "NON_FINITE_SAMPLE", index: 1, value: Number.POSITIVE_INFINITY }),
    );
  });
});

describe("qlikeNoiseFloor", () => {
  it.each([
    // numpy.log(m / 2) - scipy.special.digamma(m / 2)
    [1, 1.2703628454614782],
    [12, 0.0856418007962545],
    [48, 0.020977984162638297],
    [288, 0.0034762409785624726],
  ])("behaviour: even the true variance scores the noise of %i returns", (m, floor) => {
    expect(qlikeNoiseFloor(m)).toBeCloseTo(floor, 13);
    const random = seededRandom(m);
    const trials = Math.ceil(400_000 / m);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < trials; i++) {
      let realised = 0;
      for (let k = 0; k < m; k++) realised += random.normal() ** 2 / m;
      const loss = qlike(realised, 1);
      sum += loss;
      squares += loss * loss;
    }
    const average = sum / trials;
    const standardError = Math.sqrt((squares / trials - average ** 2) / trials);
    expect(Math.abs(average - floor)).toBeLessThan(4 * standardError);
  });

  it.each([0, -1, 1.5, Number.NaN])("error: %f returns", (m) => {
    expect(() => qlikeNoiseFloor(m)).toThrowError(expect.objectContaining({ code: "OUT_OF_RANGE" }));
  });
});

describe("pinball loss and interval score", () => {
  it("default: by hand", () => {
    expect(pinballLoss(3, 1, 0.9)).toBeCloseTo(1.8, 15);
    expect(pinballLoss(1, 3, 0.9)).toBeCloseTo(0.2, 15);
    expect(pinballLoss(2, 2, 0.9)).toBe(0);
    // Inside: the width; 1 outside at 10 %: 2/0.1 more.
    expect(intervalScore(0, -1, 2, 0.1)).toBe(3);
    expect(intervalScore(3, -1, 2, 0.1)).toBe(23);
    expect(intervalScore(-2, -1, 2, 0.1)).toBe(23);
  });

  it("behaviour: the interval score is the two pinball losses times 2/alpha", () => {
    const real = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(real, real, real, fc.double({ min: 0.01, max: 0.9, noNaN: true }), (y, a, b, alpha) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const pinballs = pinballLoss(y, low, alpha / 2) + pinballLoss(y, high, 1 - alpha / 2);
        expect(intervalScore(y, low, high, alpha)).toBeCloseTo((2 / alpha) * pinballs, 6);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it("behaviour: the pinball loss is least at the quantile", () => {
    const values = Array.from({ length: 101 }, (_, i) => i);
    const total = (q: number) => values.reduce((sum, y) => sum + pinballLoss(y, q, 0.8), 0);
    for (const q of [60, 75, 79, 81, 85, 100]) expect(total(q)).toBeGreaterThan(total(80));
  });
});
