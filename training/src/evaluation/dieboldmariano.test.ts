import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { dieboldMariano, panelDieboldMariano, toPanelMean } from "./dieboldmariano.ts";
import { longRunVariance, neweyWestLag } from "./hac.ts";

describe("dieboldMariano", () => {
  it("default: without lag, the mean over its standard error, corrected for the sample", () => {
    // d = 1, 2, 3, 6: mean 3, variance 14/4; correction √((4 + 1 − 2)/4) at a horizon of one step.
    const { t, meanDifference, degrees } = dieboldMariano(Float64Array.of(1, 2, 3, 6), 0);
    expect(meanDifference).toBe(3);
    expect(degrees).toBe(3);
    expect(t).toBeCloseTo((3 / Math.sqrt(3.5 / 4)) * Math.sqrt(3 / 4), 12);
  });

  it("default: with lag, equals the quadratic form of Bartlett weights", () => {
    const random = seededRandom(2);
    const d = Float64Array.from({ length: 60 }, () => random.normal() + 0.3);
    const mean = d.reduce((s, x) => s + x, 0) / 60;
    const lag = 5;
    let variance = 0;
    for (let i = 0; i < 60; i++) {
      for (let j = 0; j < 60; j++) {
        const weight = Math.max(0, 1 - Math.abs(i - j) / (lag + 1));
        variance += (weight * (d[i]! - mean) * (d[j]! - mean)) / 60;
      }
    }
    const hln = Math.sqrt((60 + 1 - 2 * lag + (lag * (lag - 1)) / 60) / 60);
    expect(dieboldMariano(d, lag).t).toBeCloseTo((hln * mean) / Math.sqrt(variance / 60), 10);
  });

  it("behaviour: overlapping losses are less significant than independent ones; no difference is 0", () => {
    const random = seededRandom(4);
    const shocks = Float64Array.from({ length: 524 }, () => random.normal() + 0.1);
    const overlapping = Float64Array.from({ length: 500 }, (_, i) =>
      shocks.subarray(i, i + 24).reduce((s, x) => s + x / 24, 0),
    );
    expect(dieboldMariano(overlapping, 24).t).toBeLessThan(0.5 * dieboldMariano(overlapping, 0).t);
    expect(dieboldMariano(new Float64Array(10), 3).t).toBe(0);
  });

  it("behaviour: under equal accuracy |t| > 1.96 happens about one time in twenty", () => {
    const random = seededRandom(9);
    let rejected = 0;
    for (let trial = 0; trial < 400; trial++) {
      const d = Float64Array.from({ length: 300 }, () => random.normal());
      if (Math.abs(dieboldMariano(d, 2).t) > 1.96) rejected++;
    }
    // 20 expected, ± 4 standard deviations of a binomial.
    expect(rejected).toBeGreaterThan(3);
    expect(rejected).toBeLessThan(38);
  });

  it("default: as statsmodels 0.15 and SciPy 1.17, five steps ahead", () => {
    // OLS(d, ones).fit(cov_type="HAC", cov_kwds={"maxlags": 4}).tvalues[0] is -4.408076307934942; times
    // sqrt((n + 1 - 2h + h(h - 1)/n)/n), n = 60 and h = 5; 2 * scipy.stats.t.sf(|t|, 59).
    const d = Float64Array.from({ length: 60 }, (_, i) => {
      const f = 1 + 0.5 * Math.sin(i * 0.7) + 0.3 * Math.cos(i * 0.31);
      return 0.2 + 0.9 * f + 0.4 * Math.sin(i * i * 0.37) + 0.2 * Math.cos(i * 1.3) - f - 0.3;
    });
    const { t, pValue } = dieboldMariano(d, 4, 5);
    expect(t).toBeCloseTo(-4.077305113152362, 10);
    expect(pValue / 0.00013829430058772072).toBeCloseTo(1, 9);
  });

  it("behaviour: exchanging the forecasts turns t, and scaling the loss changes nothing", () => {
    const random = seededRandom(3);
    const d = Float64Array.from({ length: 90 }, () => random.normal() + 0.2);
    const { t, pValue } = dieboldMariano(d, 3);
    const turned = dieboldMariano(
      d.map((x) => -1e-9 * x),
      3,
    );
    expect(turned.t).toBeCloseTo(-t, 9);
    expect(turned.pValue).toBeCloseTo(pValue, 9);
  });

  it("behaviour: differences that never vary are no difference or a certain one", () => {
    expect(dieboldMariano(new Float64Array(9), 2)).toEqual({
      meanDifference: 0,
      t: 0,
      degrees: 8,
      pValue: 1,
    });
    expect(dieboldMariano(new Float64Array(9).fill(-0.1), 2)).toEqual({
      meanDifference: -0.1,
      t: Number.NEGATIVE_INFINITY,
      degrees: 8,
      pValue: 0,
    });
  });

  it("behaviour: a lag longer than the sample is the whole sample", () => {
    const d = Float64Array.of(1, -2, 3, 0.5);
    expect(Number.isFinite(dieboldMariano(d, 100).t)).toBe(true);
    expect(longRunVariance(d, 100)).toBeGreaterThanOrEqual(0);
    // At a horizon of n steps the correction itself would vanish.
    expect(dieboldMariano(d, 1, 4)).toEqual(dieboldMariano(d, 1, 2));
  });

  it.each([
    ["nothing", [], 0, "TOO_FEW_OBSERVATIONS"],
    ["a single difference", [1], 0, "TOO_FEW_OBSERVATIONS"],
    ["NaN", [1, Number.NaN], 0, "NON_FINITE_SAMPLE"],
    ["infinity", [1, Number.POSITIVE_INFINITY], 0, "NON_FINITE_SAMPLE"],
    ["a negative lag", [1, 2], -1, "OUT_OF_RANGE"],
    ["a lag of NaN", [1, 2], Number.NaN, "OUT_OF_RANGE"],
  ])("error: %s", (_, d, lag, code) => {
    expect(() => dieboldMariano(Float64Array.from(d), lag)).toThrowError(expect.objectContaining({ code }));
  });
});

describe("panels", () => {
  const panel = Float64Array.of(1, 3, 2, Number.NaN, Number.NaN, Number.NaN, 5, 7);
  const isPresent = Uint8Array.of(1, 1, 1, 0, 0, 0, 1, 1);

  it("default: the mean of the present cells of each time; times without any are left out", () => {
    expect([...toPanelMean(panel, 2, isPresent)]).toEqual([2, 2, 6]);
    expect(panelDieboldMariano(panel, 2, 0, isPresent)).toEqual(dieboldMariano(Float64Array.of(2, 2, 6), 0));
  });

  it("behaviour: assets that move as one prove no more than one of them", () => {
    const random = seededRandom(5);
    const d = Float64Array.from({ length: 200 }, () => random.normal() + 0.1);
    const copies = Float64Array.from({ length: 1600 }, (_, i) => d[Math.floor(i / 8)]!);
    expect(panelDieboldMariano(copies, 8, 1).t).toBeCloseTo(dieboldMariano(d, 1).t, 10);
  });

  it("error: NaN that is not masked, a ragged panel, no asset, nothing present", () => {
    const codeOf = (code: string) => expect.objectContaining({ code });
    expect(() => toPanelMean(panel, 2)).toThrowError(codeOf("NON_FINITE_SAMPLE"));
    expect(() => toPanelMean(panel, 3)).toThrowError(codeOf("UNEQUAL_LENGTHS"));
    expect(() => toPanelMean(panel, 0)).toThrowError(codeOf("OUT_OF_RANGE"));
    expect(() => toPanelMean(panel, 2, new Uint8Array(3))).toThrowError(codeOf("UNEQUAL_LENGTHS"));
    expect(() => toPanelMean(panel, 2, new Uint8Array(8))).toThrowError(codeOf("TOO_FEW_OBSERVATIONS"));
  });
});

describe("neweyWestLag", () => {
  it.each([
    [60, 3],
    [500, 5],
    [5000, 9],
  ])("default: %i observations, %i lags", (n, lag) => {
    expect(neweyWestLag(n)).toBe(lag);
  });
});
