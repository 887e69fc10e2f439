import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  areaUnderCurve,
  brierDecomposition,
  brierScore,
  brierSkill,
  expectedCalibrationError,
  logScore,
  reliabilityTable,
} from "./probability.ts";

/** Probabilities of ten values, four times each, and outcomes drawn by a fixed rule. */
const P = Float64Array.from({ length: 40 }, (_, k) => (((k * 13) % 10) / 10) * 0.9 + 0.05);
const OUTCOME = Uint8Array.from(P, (p, k) => (((k * 29) % 17) / 17 < p ? 1 : 0));

const forecasts = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.boolean()), { minLength: 1, maxLength: 60 })
  .map((rows) => ({
    p: Float64Array.from(rows, ([twelfths]) => twelfths / 12),
    outcome: Uint8Array.from(rows, ([, happened]) => (happened ? 1 : 0)),
  }));

describe("scores", () => {
  it("default: mean squared error, and skill over the frequency", () => {
    const p = Float64Array.of(0.8, 0.4, 0.1, 0.1);
    const outcome = Uint8Array.of(1, 1, 0, 0);
    const score = (0.04 + 0.36 + 0.01 + 0.01) / 4;
    expect(brierScore(p, outcome)).toBeCloseTo(score, 14);
    expect(brierSkill(p, outcome)).toBeCloseTo(1 - score / 0.25, 14);
    expect(brierSkill(Float64Array.of(0.5, 0.5), Uint8Array.of(0, 1))).toBe(0);
    expect(brierSkill(Float64Array.of(0.5, 0.5), Uint8Array.of(0, 0))).toBe(0);
  });

  it("default: as scikit-learn 1.9", () => {
    // brier_score_loss(o, p), log_loss(o, p), roc_auc_score(o, p)
    expect(brierScore(P, OUTCOME)).toBeCloseTo(0.18385, 12);
    expect(logScore(P, OUTCOME)).toBeCloseTo(0.5795061249725622, 12);
    expect(areaUnderCurve(P, OUTCOME)).toBeCloseTo(0.8057644110275689, 12);
  });

  it("behaviour: skill against other forecasts; against itself none", () => {
    const reference = new Float64Array(40).fill(0.3);
    expect(brierSkill(P, OUTCOME, reference)).toBeCloseTo(1 - 0.18385 / brierScore(reference, OUTCOME), 12);
    expect(brierSkill(P, OUTCOME, P)).toBe(0);
    expect(brierSkill(P, OUTCOME, Float64Array.from(OUTCOME))).toBe(0);
  });

  it("behaviour: the log score of certainty", () => {
    expect(logScore(Float64Array.of(1, 0), Uint8Array.of(1, 0))).toBe(0);
    expect(logScore(Float64Array.of(0, 0.5), Uint8Array.of(1, 0))).toBe(Number.POSITIVE_INFINITY);
  });

  it("behaviour: the area equals the count over all pairs, ties half", () => {
    fc.assert(
      fc.property(forecasts, ({ p, outcome }) => {
        let wins = 0;
        let pairs = 0;
        for (let i = 0; i < p.length; i++) {
          for (let j = 0; j < p.length; j++) {
            if (outcome[i] !== 1 || outcome[j] !== 0) continue;
            pairs++;
            wins += p[i]! > p[j]! ? 1 : p[i] === p[j] ? 0.5 : 0;
          }
        }
        expect(areaUnderCurve(p, outcome)).toBeCloseTo(pairs === 0 ? 0.5 : wins / pairs, 12);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it.each([
    ["nothing", [], [], "TOO_FEW_OBSERVATIONS"],
    ["NaN", [0.5, Number.NaN], [0, 1], "NON_FINITE_SAMPLE"],
    ["a probability above 1", [0.5, 1.01], [0, 1], "OUT_OF_RANGE"],
    ["a probability below 0", [-0.01, 1], [0, 1], "OUT_OF_RANGE"],
    ["an outcome of 2", [0.5, 0.5], [0, 2], "OUT_OF_RANGE"],
    ["other lengths", [0.5, 0.5], [1], "UNEQUAL_LENGTHS"],
  ])("error: %s", (_, values, outcomes, code) => {
    const p = Float64Array.from(values);
    const outcome = Uint8Array.from(outcomes);
    const table = (q: Float64Array, o: Uint8Array) => reliabilityTable(q, o, 5, "equal-count");
    for (const score of [brierScore, brierSkill, logScore, areaUnderCurve, table]) {
      expect(() => score(p, outcome)).toThrowError(expect.objectContaining({ code }));
    }
  });
});

describe("reliability", () => {
  it("default: by hand, with Wilson's interval", () => {
    const p = Float64Array.from({ length: 20 }, () => 0.3);
    const outcome = Uint8Array.from({ length: 20 }, (_, i) => (i < 7 ? 1 : 0));
    const [bin, ...rest] = reliabilityTable(p, outcome, 10, "equal-width");
    expect(rest).toEqual([]);
    expect(bin).toMatchObject({ low: 0.3, high: 0.3, count: 20, frequency: 0.35 });
    // statsmodels 0.15: proportion_confint(7, 20, method="wilson")
    expect(bin!.frequencyLow).toBeCloseTo(0.18119182410108203, 12);
    expect(bin!.frequencyHigh).toBeCloseTo(0.5671457233147638, 12);
    expect(expectedCalibrationError([bin!])).toBeCloseTo(0.05, 12);
  });

  it("default: equal width puts 0 and 1 into the outer bins and leaves empty ones out", () => {
    const table = reliabilityTable(
      Float64Array.of(1, 0, 0.05, 0.95, 0.5),
      Uint8Array.of(1, 0, 1, 1, 0),
      10,
      "equal-width",
    );
    expect(table.map(({ low, high, count }) => [low, high, count])).toEqual([
      [0, 0.05, 2],
      [0.5, 0.5, 1],
      [0.95, 1, 2],
    ]);
  });

  it("default: equal count, as even as ties allow", () => {
    const distinct = Float64Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) / 100);
    const outcome = new Uint8Array(100);
    expect(reliabilityTable(distinct, outcome, 8, "equal-count").map((b) => b.count)).toEqual([
      13, 12, 13, 12, 13, 12, 13, 12,
    ]);
    const tied = Float64Array.from({ length: 100 }, (_, i) => (i < 90 ? 0 : i / 100));
    expect(reliabilityTable(tied, outcome, 5, "equal-count").map((b) => b.count)).toEqual([90, 3, 2, 3, 2]);
  });

  it("behaviour: bins ascend, hold every forecast once, and part no equal ones", () => {
    fc.assert(
      fc.property(
        forecasts,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom("equal-width" as const, "equal-count" as const),
        ({ p, outcome }, bins, binning) => {
          const table = reliabilityTable(p, outcome, bins, binning);
          expect(table.length).toBeLessThanOrEqual(bins);
          let below = -1;
          for (const { low, high, count, meanForecast, frequency, frequencyLow, frequencyHigh } of table) {
            expect(low).toBeGreaterThan(below);
            below = high;
            const inside = [...p.keys()].filter((i) => p[i]! >= low && p[i]! <= high);
            expect(inside.length).toBe(count);
            expect(frequency).toBeCloseTo(inside.reduce((sum, i) => sum + outcome[i]!, 0) / count, 12);
            expect(meanForecast).toBeCloseTo(inside.reduce((sum, i) => sum + p[i]!, 0) / count, 12);
            expect(frequencyLow <= frequency && frequency <= frequencyHigh).toBe(true);
          }
          expect(table.reduce((sum, bin) => sum + bin.count, 0)).toBe(p.length);
        },
      ),
      { seed: 6, numRuns: 300 },
    );
  });

  it("behaviour: the parts add to the score, and nothing is hidden where bins hold one value each", () => {
    fc.assert(
      fc.property(forecasts, fc.integer({ min: 1, max: 9 }), ({ p, outcome }, bins) => {
        const coarse = brierDecomposition(p, outcome, reliabilityTable(p, outcome, bins, "equal-count"));
        const sum = coarse.reliability - coarse.resolution + coarse.uncertainty + coarse.withinBin;
        expect(sum).toBeCloseTo(brierScore(p, outcome), 12);
        expect(coarse.resolution).toBeLessThanOrEqual(coarse.uncertainty + 1e-12);
        // Twelfths fall into a bin of their own among 24.
        const fine = brierDecomposition(p, outcome, reliabilityTable(p, outcome, 24, "equal-width"));
        expect(fine.withinBin).toBeCloseTo(0, 12);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("behaviour: the calibration error of right probabilities vanishes, that of bent ones does not", () => {
    const random = seededRandom(13);
    const truth = Float64Array.from({ length: 50_000 }, () => random.uniform());
    const outcome = Uint8Array.from(truth, (p) => (random.uniform() < p ? 1 : 0));
    const errorOf = (p: Float64Array) =>
      expectedCalibrationError(reliabilityTable(p, outcome, 10, "equal-count"));
    // Ten bins of 5,000: 0.8 standard errors of at most 0.007.
    expect(errorOf(truth)).toBeLessThan(0.01);
    // ∫ |p² − p| dp = 1/6.
    expect(Math.abs(errorOf(truth.map((p) => p * p)) - 1 / 6)).toBeLessThan(0.01);
  });

  it("error: no bin", () => {
    expect(() => reliabilityTable(P, OUTCOME, 0, "equal-count")).toThrowError(
      expect.objectContaining({ code: "OUT_OF_RANGE" }),
    );
  });
});
