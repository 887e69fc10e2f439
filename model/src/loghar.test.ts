import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { FEATURE_COUNT, featureIndex } from "./features.ts";
import { fitLogHar, LOG_HAR_LAGS, predictLogHar } from "./loghar.ts";

const BETA = [-1, 0.1, 0.3, 0.2, 0.25];
const ROWS = 400;

/** Rows whose log variance is linear in the lags plus `noise` standard deviations. */
function sample(noise: number) {
  const random = seededRandom(5);
  const features = Float64Array.from({ length: ROWS * FEATURE_COUNT }, () => random.normal() - 9);
  const targets = new Float64Array(ROWS * 4);
  for (let r = 0; r < ROWS; r++) {
    const z = LOG_HAR_LAGS.reduce(
      (sum, lag, i) => sum + BETA[i + 1]! * features[r * FEATURE_COUNT + featureIndex(lag)]!,
      BETA[0]!,
    );
    for (let h = 0; h < 4; h++) targets[r * 4 + h] = Math.exp(z + h + noise * random.normal());
  }
  return { features, targets, rows: Int32Array.from({ length: ROWS }, (_, r) => r) };
}

describe("log-HAR", () => {
  it("default: recovers an exact law", () => {
    const { features, targets, rows } = sample(0);
    const model = fitLogHar(features, targets, [rows, rows, rows, rows]);
    for (let h = 0; h < 4; h++) {
      const expected = [BETA[0]! + h, ...BETA.slice(1)];
      for (const [i, beta] of expected.entries()) expect(model.coefficients[h]![i]).toBeCloseTo(beta, 6);
      expect(model.meanRatio[h]).toBeCloseTo(1, 8);
      expect(predictLogHar(model, features, 7 * FEATURE_COUNT, h) / targets[7 * 4 + h]!).toBeCloseTo(1, 6);
    }
  });

  it("behaviour: with noise, residuals are orthogonal to every lag and forecasts right on average", () => {
    const { features, targets, rows } = sample(0.8);
    const model = fitLogHar(features, targets, [rows, rows, rows, rows]);
    const columns = [null, ...LOG_HAR_LAGS.map(featureIndex)];
    const lagOf = (r: number, c: number | null) => (c === null ? 1 : features[r * FEATURE_COUNT + c]!);
    const fitted = (r: number) =>
      columns.reduce<number>((s, c, i) => s + model.coefficients[2]![i]! * lagOf(r, c), 0);
    for (const c of columns) {
      let inner = 0;
      for (const r of rows) inner += (Math.log(targets[r * 4 + 2]!) - fitted(r)) * lagOf(r, c);
      expect(inner / ROWS).toBeCloseTo(0, 7);
    }
    const ratios = Array.from(rows, (r) => targets[r * 4 + 2]! / (Math.exp(fitted(r)) * model.meanRatio[2]!));
    expect(ratios.reduce((s, x) => s + x, 0) / ROWS).toBeCloseTo(1, 10);
    // exp(½s²) of the noise, which the mean ratio estimates.
    expect(model.meanRatio[2]).toBeGreaterThan(1.2);
  });

  it("behaviour: uses the given rows only, and never leaves the range it saw", () => {
    const { features, targets, rows } = sample(0.8);
    const some = rows.subarray(0, 200);
    const fewer = rows.subarray(0, 150);
    const model = fitLogHar(features, targets, [some, some, some, fewer]);
    const long = Array.from({ length: 150 }, (_, r) => targets[r * 4 + 3]!);
    expect(model.upper[3]).toBe(Math.max(...long));
    targets.fill(1, 200 * 4);
    features.fill(-30, 200 * FEATURE_COUNT);
    expect(fitLogHar(features, targets, [some, some, some, fewer])).toEqual(model);
    const seen = Array.from(some, (r) => targets[r * 4]!);
    expect(predictLogHar(model, features, 300 * FEATURE_COUNT, 0)).toBe(Math.min(...seen));
    features.fill(30);
    expect(predictLogHar(model, features, 0, 0)).toBe(Math.max(...seen));
  });
});
