import { HOUR_MS, unixMillis } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BadSeriesValueError, fromTransformed, MAX_CARRY_HOURS, toHourlySeries } from "./hourly-series.ts";

const at = unixMillis(Date.UTC(2023, 10, 1, 12));
const published = (hoursBefore: readonly number[], value: readonly number[]) => ({
  publishedAt: Float64Array.from(hoursBefore, (h) => at - h * HOUR_MS),
  value: Float64Array.from(value),
});

describe("toHourlySeries", () => {
  it("default: the mean log of each hour's values, an hour being without its beginning and with its end", () => {
    const series = published([3, 2.9, 2, 1.5, 1.25, 0], [99, 2, 8, 3, 12, 5]);
    const { x, end } = toHourlySeries(series, "log", at, 3);
    expect(end).toBe(at);
    expect([...x].map(Math.exp).map((v) => Number(v.toFixed(12)))).toEqual([4, 6, 5]); // √(2·8), √(3·12), 5
  });

  it("behaviour: an hour without values has the one before, for a day; unknown is NaN", () => {
    const { x } = toHourlySeries(published([30, 0], [7, 9]), "identity", at, 40);
    expect([...x.subarray(0, 9)].every(Number.isNaN)).toBe(true);
    expect([...x.subarray(9, 10 + MAX_CARRY_HOURS)].every((v) => v === 7)).toBe(true);
    expect([...x.subarray(10 + MAX_CARRY_HOURS, 39)].every(Number.isNaN)).toBe(true);
    expect(x[39]).toBe(9);
  });

  it("behaviour: a value from before the window holds within it", () => {
    expect([...toHourlySeries(published([5], [7]), "identity", at, 2).x]).toEqual([7, 7]);
    expect([...toHourlySeries(published([40], [7]), "identity", at, 2).x]).toEqual([Number.NaN, Number.NaN]);
  });

  it("behaviour: what is published after `at` is not read, whatever it is", () => {
    const known = published([2, 1, 0.5], [3, 4, 5]);
    const later = published([2, 1, 0.5, -1e-6, -1], [3, 4, 5, -8, Number.NaN]);
    expect(toHourlySeries(later, "log", at, 3)).toEqual(toHourlySeries(known, "log", at, 3));
  });

  it("behaviour: a transform undone is the value; a share of 0 or 1 stays finite", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), (value) => {
        for (const transform of ["log", "logit", "identity"] as const) {
          const { x } = toHourlySeries(published([0], [value]), transform, at, 1);
          expect(fromTransformed(x[0]!, transform)).toBeCloseTo(value, 12);
        }
      }),
      { seed: 1 },
    );
    const { x } = toHourlySeries(published([1, 0], [0, 1]), "logit", at, 2);
    expect(x[0]).toBeCloseTo(-13.8155, 4); // ln 10⁻⁶
    expect(x[1]).toBeCloseTo(13.8155, 4);
  });

  it.each([
    ["log", 0],
    ["log", -1],
    ["logit", 1.01],
    ["logit", -0.1],
    ["identity", Number.NaN],
    ["log", Number.POSITIVE_INFINITY],
  ] as const)("error: %s of %d", (transform, value) => {
    expect(() => toHourlySeries(published([0], [value]), transform, at, 1)).toThrow(BadSeriesValueError);
    expect(() => toHourlySeries(published([0], [value]), transform, at, 1)).toThrow(/2023-11-01T12:00:00Z/);
  });
});
