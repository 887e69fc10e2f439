import { HOUR_MS, seededRandom } from "@ballast/data";
import { FEATURE_COUNT, featureIndex, HORIZONS_HOURS } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { fitPooledForecast, toTrust } from "./pooled.ts";
import type { Rows } from "./rows.ts";

const HORIZONS = HORIZONS_HOURS.length;
const TIMES = 1200;
const ASSETS = ["AAA", "BBB"];
const ROWS = TIMES * ASSETS.length;
const RIDGE = 1;

/** log variance = −8 + 0.5 · log_rv_24h + noise, at every horizon. */
function sampleOf(seed: number) {
  const random = seededRandom(seed);
  const inputs = Float32Array.from({ length: ROWS * FEATURE_COUNT }, () => random.normal());
  const driver = featureIndex("log_rv_24h");
  const targets = Float64Array.from({ length: ROWS * HORIZONS }, (_, i) => {
    const row = Math.floor(i / HORIZONS);
    return Math.exp(-8 + 0.5 * inputs[row * FEATURE_COUNT + driver]! + 0.3 * random.normal());
  });
  const times = Float64Array.from({ length: ROWS }, (_, r) => Math.floor(r / ASSETS.length) * 24 * HOUR_MS);
  const asset = Float64Array.from({ length: ROWS }, (_, r) => r % ASSETS.length);
  const rows: Rows = { strideHours: 24, times, asset, features: new Float64Array(), targets };
  return { inputs, driver, rows };
}
const all = new Array<number>(HORIZONS).fill(ROWS);

describe("fitPooledForecast", () => {
  it("default: finds at every horizon what drives the variance, and nothing else", () => {
    const { inputs, driver, rows } = sampleOf(5);
    const { weights, bias } = fitPooledForecast(rows, inputs, all, RIDGE);
    for (let h = 0; h < HORIZONS; h++) {
      // The mean of a lognormal lies half its log variance above its median.
      expect(bias[h]!).toBeCloseTo(-8 + 0.3 ** 2 / 2, 1);
      for (let f = 0; f < FEATURE_COUNT; f++) {
        const weight = weights[h * FEATURE_COUNT + f]!;
        if (f === driver) expect(weight).toBeGreaterThan(0.45);
        else expect(Math.abs(weight)).toBeLessThan(0.05);
      }
    }
  });

  it("behaviour: no look-ahead: what lies behind a horizon's known rows changes no bit of its forecast", () => {
    const { inputs, rows } = sampleOf(6);
    const known = HORIZONS_HOURS.map((_, h) => ROWS - 200 * (h + 1));
    const before = fitPooledForecast(rows, inputs, known, RIDGE);
    const last = Math.max(...known);
    const targets = rows.targets.map((y, i) => {
      const [row, h] = [Math.floor(i / HORIZONS), i % HORIZONS];
      return row >= known[h]! ? y * 1e6 : y;
    });
    const perturbed = inputs.map((z, i) => (Math.floor(i / FEATURE_COUNT) >= last ? -z : z));
    const after = fitPooledForecast({ ...rows, targets }, perturbed, known, RIDGE);
    expect(after).toEqual(before);
  });

  it("behaviour: a short history is trusted less, up to nearly a year", () => {
    expect([0, 4000, 8000, 80_000].map(toTrust)).toEqual([0, 0.5, 1, 1]);
  });
});
