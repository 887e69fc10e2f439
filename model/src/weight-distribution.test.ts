import { seededRandom, unixMillis } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { covarianceOver, relativeVariance } from "./drift.ts";
import { type Forecast, HORIZONS_HOURS, QUANTILE_LEVELS } from "./forecast.ts";
import { logitLaw, weightDistributions } from "./weight-distribution.ts";

const forecast = (perHour: readonly number[], rho: number): Forecast => ({
  modelId: `0x${"00".repeat(32)}`,
  at: unixMillis(0),
  horizonsHours: HORIZONS_HOURS,
  assets: perHour.map((_, i) => `A${i}`),
  variance: perHour.map((v) => HORIZONS_HOURS.map((h) => v * h)),
  correlation: perHour.map((_, i) => perHour.map((_, j) => (i === j ? 1 : rho))),
  breachCalibration: { a: 0, b: 1 },
});
const request = (weights: readonly number[], perHour: readonly number[], rho: number) => {
  const f = forecast(perHour, rho);
  return { weights, assetsOfHoldings: ["USDC", ...f.assets], forecast: f };
};
const logit = (w: number) => Math.log(w / (1 - w));

/** Sorted weights of one holding each, from simulated correlated lognormal prices whose expected return is zero. */
function simulate(
  weights: readonly number[],
  perHour: readonly number[],
  rho: number,
  hours: number,
  paths: number,
): Float64Array[] {
  const random = seededRandom(11);
  const out = weights.map(() => new Float64Array(paths));
  for (let path = 0; path < paths; path++) {
    const common = random.normal();
    const values = weights.map((w, i) => {
      if (i === 0) return w;
      const variance = perHour[i - 1]! * hours;
      const shock = Math.sqrt(rho) * common + Math.sqrt(1 - rho) * random.normal();
      return w * Math.exp(Math.sqrt(variance) * shock - variance / 2);
    });
    const total = values.reduce((sum, v) => sum + v, 0);
    for (let i = 0; i < values.length; i++) out[i]![path] = values[i]! / total;
  }
  return out.map((column) => column.sort());
}

describe("weightDistributions", () => {
  it("default: mean, deviation and quantiles of a simulated vault of cash and three assets", () => {
    const weights = [0.2, 0.4, 0.25, 0.15];
    const perHour = [4e-5, 7e-5, 1.5e-4]; // 59, 78 and 115 % a year
    const paths = 100_000;
    const rows = weightDistributions(request(weights, perHour, 0.6));
    for (const [h, hours] of HORIZONS_HOURS.entries()) {
      const simulated = simulate(weights, perHour, 0.6, hours, paths);
      for (let i = 0; i < weights.length; i++) {
        const law = rows[i]![h]!;
        const mean = simulated[i]!.reduce((sum, w) => sum + w, 0) / paths;
        const deviation = Math.sqrt(simulated[i]!.reduce((sum, w) => sum + (w - mean) ** 2, 0) / paths);
        expect(law.horizonHours).toBe(hours);
        // Four standard errors of the simulated mean and deviation; the quantiles' at 5 % are about 2.1 of them.
        expect(Math.abs(law.mean - mean)).toBeLessThan((4 * deviation) / Math.sqrt(paths));
        expect(Math.abs(law.deviation / deviation - 1)).toBeLessThan(4 / Math.sqrt(2 * paths));
        for (const [q, level] of QUANTILE_LEVELS.entries()) {
          const error = law.quantiles[q]! - simulated[i]![Math.floor(level * paths)]!;
          expect(Math.abs(error)).toBeLessThan((4 * 2.1 * deviation) / Math.sqrt(paths));
        }
      }
    }
  });

  it("default: one asset against cash is logit-normal exactly: variance σ², mean −σ²/2 for the asset", () => {
    const [cash, asset] = [0, 1].map((i) =>
      logitLaw(
        [
          [0, 0],
          [0, 0.04],
        ],
        [0.3, 0.7],
        i,
      ),
    );
    expect(asset!.variance).toBeCloseTo(0.04, 14);
    expect(asset!.mean).toBeCloseTo(logit(0.7) - 0.02, 14);
    expect(cash!.variance).toBeCloseTo(0.04, 14);
    expect(cash!.mean).toBeCloseTo(-asset!.mean, 14);
    const [row] = weightDistributions({
      ...request([0.3, 0.7], [0.04], 0),
      horizonsHours: [1],
      levels: [0.5],
    });
    expect(row![0]!.quantiles[0]).toBeCloseTo(1 / (1 + Math.exp(-cash!.mean)), 12);
  });

  it("behaviour: for small moves the variance of logit(w) is the relative variance", () => {
    const weights = [0.2, 0.4, 0.25, 0.15];
    const covariance = covarianceOver(forecast([1e-6, 2e-6, 3e-6], 0.5), ["USDC", "A0", "A1", "A2"], 1);
    for (let i = 0; i < 4; i++)
      expect(
        logitLaw(covariance, weights, i).variance / relativeVariance(covariance, weights, i),
      ).toBeCloseTo(1, 5);
  });

  const share = fc.double({ min: 0.05, max: 1, noNaN: true });
  const variance = fc.double({ min: 1e-8, max: 1e-3, noNaN: true });
  it("behaviour: ascending quantiles in (0, 1), wider with time; the means sum to 1", () => {
    fc.assert(
      fc.property(share, share, share, variance, variance, (a, b, c, u, v) => {
        const weights = [a, b, c].map((w) => w / (a + b + c));
        const rows = weightDistributions(request(weights, [u, v], 0.4));
        for (const [h] of HORIZONS_HOURS.entries()) {
          expect(rows.reduce((sum, row) => sum + row[h]!.mean, 0)).toBeCloseTo(1, 2);
          for (const row of rows) {
            const { quantiles, deviation } = row[h]!;
            for (let q = 1; q < quantiles.length; q++)
              expect(quantiles[q]!).toBeGreaterThanOrEqual(quantiles[q - 1]!);
            expect(quantiles[0]!).toBeGreaterThan(0);
            expect(quantiles.at(-1)!).toBeLessThan(1);
            if (h > 0) expect(deviation).toBeGreaterThan(row[h - 1]!.deviation * 0.999);
          }
        }
      }),
      { seed: 1 },
    );
  });

  it("behaviour: a weight of 0 or 1 stays where it is", () => {
    const rows = weightDistributions(request([1, 0], [1e-4], 0));
    for (const [i, w] of [1, 0].entries())
      expect(rows[i]![3]).toMatchObject({ mean: w, deviation: 0, quantiles: [w, w, w, w, w] });
  });
});
