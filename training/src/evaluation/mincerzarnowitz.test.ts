import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { mincerZarnowitz } from "./mincerzarnowitz.ts";

const FORECAST = Float64Array.from(
  { length: 60 },
  (_, i) => 1 + 0.5 * Math.sin(i * 0.7) + 0.3 * Math.cos(i * 0.31),
);
const REALISED = FORECAST.map(
  (f, i) => 0.2 + 0.9 * f + 0.4 * Math.sin(i * i * 0.37) + 0.2 * Math.cos(i * 1.3),
);

describe("mincerZarnowitz", () => {
  it.each([
    // statsmodels 0.15: OLS(y, add_constant(f)).fit(cov_type="HAC", cov_kwds={"maxlags": lag}), and
    // .wald_test((eye(2), [0, 1]), use_f=False)
    [0, 0.10909418386537145, 0.09525372338368522, 14.595441011545889, 0.0006770804183478424],
    [4, 0.13925910887358292, 0.11130166196358311, 23.12779253748469, 9.50306415490066e-6],
  ])("default: as statsmodels, lag %i", (lag, interceptError, slopeError, statistic, pValue) => {
    const fit = mincerZarnowitz(REALISED, FORECAST, lag);
    expect(fit.intercept).toBeCloseTo(0.26596628030217473, 11);
    expect(fit.slope).toBeCloseTo(0.8792876366983078, 11);
    expect(fit.interceptError).toBeCloseTo(interceptError, 11);
    expect(fit.slopeError).toBeCloseTo(slopeError, 11);
    expect(fit.rSquared).toBeCloseTo(0.6132953890023072, 11);
    expect(fit.wald.statistic).toBeCloseTo(statistic, 8);
    expect(fit.wald.pValue / pValue).toBeCloseTo(1, 8);
    expect(fit.wald.degrees).toBe(2);
  });

  it("behaviour: equals the sandwich of plain 2 × 2 matrices", () => {
    const n = FORECAST.length;
    const lag = 7;
    const fit = mincerZarnowitz(REALISED, FORECAST, lag);
    const rows = Array.from(FORECAST, (f): [number, number] => [1, f]);
    const errors = rows.map(([, f], i) => REALISED[i]! - fit.intercept - fit.slope * f);
    const bread = [
      [0, 0],
      [0, 0],
    ] as [[number, number], [number, number]];
    const meat = structuredClone(bread);
    for (let i = 0; i < n; i++) {
      for (const a of [0, 1] as const) {
        for (const b of [0, 1] as const) {
          bread[a][b] += rows[i]![a] * rows[i]![b];
          for (let j = 0; j < n; j++) {
            const weight = Math.max(0, 1 - Math.abs(i - j) / (lag + 1));
            meat[a][b] += weight * errors[i]! * errors[j]! * rows[i]![a] * rows[j]![b];
          }
        }
      }
    }
    const det = bread[0][0] * bread[1][1] - bread[0][1] ** 2;
    const inverse = [
      [bread[1][1] / det, -bread[0][1] / det],
      [-bread[0][1] / det, bread[0][0] / det],
    ] as const;
    const variance = (c: 0 | 1) => {
      let sum = 0;
      for (const a of [0, 1] as const) {
        for (const b of [0, 1] as const) sum += inverse[c][a]! * meat[a][b] * inverse[b][c]!;
      }
      return sum;
    };
    expect(fit.interceptError).toBeCloseTo(Math.sqrt(variance(0)), 10);
    expect(fit.slopeError).toBeCloseTo(Math.sqrt(variance(1)), 10);
  });

  it("behaviour: variances of a millionth lose nothing", () => {
    const inUnits = mincerZarnowitz(REALISED, FORECAST, 4);
    const small = mincerZarnowitz(
      REALISED.map((y) => 1e-8 * y),
      FORECAST.map((f) => 1e-8 * f),
      4,
    );
    expect(small.slope).toBeCloseTo(inUnits.slope, 10);
    expect(small.intercept / 1e-8).toBeCloseTo(inUnits.intercept, 9);
    expect(small.wald.statistic).toBeCloseTo(inUnits.wald.statistic, 7);
  });

  it("behaviour: unbiased forecasts are rejected about one time in twenty, biased ones always", () => {
    const random = seededRandom(14);
    const trials = 400;
    let unbiased = 0;
    let biased = 0;
    for (let trial = 0; trial < trials; trial++) {
      const forecast = Float64Array.from({ length: 400 }, () => 1 + random.exponential());
      const realised = forecast.map((f) => f + f * random.normal());
      if (mincerZarnowitz(realised, forecast, 1).wald.pValue < 0.05) unbiased++;
      const twice = forecast.map((f) => 2 * f);
      if (mincerZarnowitz(realised, twice, 1).wald.pValue < 0.05) biased++;
    }
    // 20 expected, ± 4 standard deviations of a binomial; more in finite samples.
    expect(unbiased).toBeGreaterThan(3);
    expect(unbiased).toBeLessThan(45);
    expect(biased).toBe(trials);
  });

  it("behaviour: forecasts without error", () => {
    const perfect = mincerZarnowitz(FORECAST, FORECAST, 3);
    expect(perfect.slope).toBeCloseTo(1, 12);
    expect(perfect.rSquared).toBeCloseTo(1, 12);
    expect(perfect.wald).toEqual({ statistic: 0, degrees: 2, pValue: 1 });
    const halved = mincerZarnowitz(
      FORECAST,
      FORECAST.map((f) => f / 2 + 1),
      3,
    );
    expect(halved.wald.pValue).toBe(0);
  });

  it("behaviour: a realised value that never varies has nothing to explain", () => {
    const { slope, rSquared, wald } = mincerZarnowitz(new Float64Array(60).fill(2), FORECAST, 0);
    expect([slope, rSquared]).toEqual([0, 0]);
    expect(wald.pValue).toBe(0);
  });

  it.each([
    ["nothing", [], [], 0, "TOO_FEW_OBSERVATIONS"],
    ["two observations", [1, 2], [1, 3], 0, "TOO_FEW_OBSERVATIONS"],
    ["NaN", [1, 2, Number.NaN], [1, 2, 3], 0, "NON_FINITE_SAMPLE"],
    ["other lengths", [1, 2, 3], [1, 2, 3, 4], 0, "UNEQUAL_LENGTHS"],
    ["a lag that is not whole", [1, 2, 3], [1, 2, 4], 0.5, "OUT_OF_RANGE"],
    ["a constant forecast", [1, 2, 3], [0.1, 0.1, 0.1], 0, "CONSTANT_FORECAST"],
  ])("error: %s", (_, realised, forecast, lag, code) => {
    expect(() => mincerZarnowitz(Float64Array.from(realised), Float64Array.from(forecast), lag)).toThrowError(
      expect.objectContaining({ code }),
    );
  });
});
