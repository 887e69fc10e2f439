import { seededRandom, unixMillis } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exitProbability } from "./breach.ts";
import {
  calibrate,
  covarianceOver,
  rawLogit,
  relativeVariance,
  UnknownAssetError,
  varianceOver,
  weightBreachProbabilities,
} from "./drift.ts";
import { type Forecast, HORIZONS_HOURS } from "./forecast.ts";

const forecast = (perHour: readonly number[], rho: number, calibration = { a: 0, b: 1 }): Forecast => ({
  modelId: `0x${"00".repeat(32)}`,
  at: unixMillis(0),
  horizonsHours: HORIZONS_HOURS,
  assets: perHour.map((_, i) => `A${i}`),
  variance: perHour.map((v) => HORIZONS_HOURS.map((h) => v * h)),
  correlation: perHour.map((_, i) => perHour.map((_, j) => (i === j ? 1 : rho))),
  breachCalibration: calibration,
});

const request = (f: Forecast, weights: readonly number[], band = 0.02) => ({
  weights,
  targets: weights.map(() => 1 / weights.length),
  bands: weights.map(() => band),
  assetsOfHoldings: ["USDC", ...f.assets],
  forecast: f,
  horizonHours: 24,
  monitorHours: 1,
});

describe("varianceOver", () => {
  it("default: exact at the horizons and for constant variance per hour", () => {
    const f = forecast([2e-5], 0);
    for (const hours of [0.25, 1, 2, 4, 7, 24, 100, 168, 400]) {
      expect(varianceOver(f, 0, hours) / (2e-5 * hours)).toBeCloseTo(1, 12);
    }
  });

  it("default: a power of time between two horizons", () => {
    const f = { ...forecast([1], 0), variance: [[1, 8, 16, 32]] };
    expect(varianceOver(f, 0, 2)).toBeCloseTo(Math.sqrt(8), 12); // 1→8 while time grows 4-fold: t^1.5
    expect(varianceOver(f, 0, Math.sqrt(4 * 24))).toBeCloseTo(Math.sqrt(8 * 16), 12);
  });
});

describe("relative volatility", () => {
  it("default: one asset against cash is the asset; two against each other are σ₁² + σ₂² − 2ρσ₁σ₂", () => {
    const cash = covarianceOver(forecast([1e-4], 0), ["USDC", "A0"], 24);
    expect(relativeVariance(cash, [0.5, 0.5], 1)).toBeCloseTo(24e-4, 12);
    expect(relativeVariance(cash, [0.5, 0.5], 0)).toBeCloseTo(24e-4, 12);
    const pair = covarianceOver(forecast([1e-4, 4e-4], 0.5), ["USDC", "A0", "A1"], 1);
    expect(relativeVariance(pair, [0, 0.4, 0.6], 1)).toBeCloseTo(1e-4 + 4e-4 - 2 * 0.5 * 1e-2 * 2e-2, 12);
  });

  it("behaviour: is the variance of logit(w) over small simulated moves", () => {
    const f = forecast([1e-6, 4e-6, 2e-6], 0.6);
    const weights = [0.2, 0.3, 0.4, 0.1];
    const covariance = covarianceOver(f, ["USDC", "A0", "A1", "A2"], 1);
    const random = seededRandom(3);
    const moves = 20_000;
    const logit = (w: number) => Math.log(w / (1 - w));
    const squares = [0, 0, 0, 0];
    for (let m = 0; m < moves; m++) {
      const common = random.normal();
      const values = weights.map((w, i) => {
        if (i === 0) return w;
        const shock = Math.sqrt(0.6) * common + Math.sqrt(0.4) * random.normal();
        return w * Math.exp(Math.sqrt(f.variance[i - 1]![0]!) * shock);
      });
      const total = values.reduce((s, v) => s + v, 0);
      for (let i = 0; i < 4; i++)
        squares[i] = squares[i]! + (logit(values[i]! / total) - logit(weights[i]!)) ** 2 / moves;
    }
    for (let i = 0; i < 4; i++) {
      // A variance of 20,000 normal draws is within 4·√(2/20,000) = 4 %.
      expect(Math.abs(squares[i]! / relativeVariance(covariance, weights, i) - 1)).toBeLessThan(0.04);
    }
  });

  it("error: an asset the forecast does not cover, unless it is the base asset", () => {
    const f = forecast([1e-4], 0);
    expect(() => covarianceOver(f, ["USDC", "DOGE"], 1)).toThrow(UnknownAssetError);
    expect(() => covarianceOver(f, ["USDC", "DOGE"], 1)).toThrow(/holds DOGE.*covers only A0/);
  });
});

describe("weightBreachProbabilities", () => {
  it("default: first passage of logit(w) with the relative volatility", () => {
    const logit = (w: number) => Math.log(w / (1 - w));
    const [cash, asset] = weightBreachProbabilities(request(forecast([5e-5], 0), [0.49, 0.51]));
    const expected = exitProbability({
      a: logit(0.51) - logit(0.48),
      b: logit(0.52) - logit(0.51),
      sigma: Math.sqrt(5e-5),
      mu: 0,
      horizon: 24,
      monitorInterval: 1,
    });
    expect(asset!.raw).toBeCloseTo(expected, 12);
    // In a vault of two, one weight leaves exactly when the other does.
    expect(cash!.raw).toBeCloseTo(expected, 12);
    expect(asset!.calibrated).toBeCloseTo(asset!.raw, 12);
  });

  it("behaviour: probabilities, rising with variance and falling with the band", () => {
    const share = fc.double({ min: 0.235, max: 0.265, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.double({ min: 1e-6, max: 1e-3, noNaN: true }), (x, y, v) => {
        const weights = [1 - 0.25 - x - y, x, y, 0.25];
        const of = (scale: number, band: number) =>
          weightBreachProbabilities(
            request(forecast([v * scale, 2 * v * scale, v * scale], 0.7), weights, band),
          );
        const base = of(1, 0.04);
        const stormier = of(2, 0.04);
        const wider = of(1, 0.05);
        for (let i = 0; i < 4; i++) {
          expect(base[i]!.raw).toBeGreaterThanOrEqual(0);
          expect(base[i]!.raw).toBeLessThanOrEqual(1);
          expect(stormier[i]!.raw).toBeGreaterThanOrEqual(base[i]!.raw - 1e-10);
          expect(wider[i]!.raw).toBeLessThanOrEqual(base[i]!.raw + 1e-10);
        }
      }),
      { seed: 1 },
    );
  });

  it("default: the mean over the predictive distribution, each quantile with the probability nearest to it", () => {
    const point = forecast([2e-5, 3e-5], 0.4);
    const factors = [0.3, 0.7, 1, 1.4, 3];
    const levels = [0.05, 0.25, 0.5, 0.75, 0.95];
    const whole: Forecast = {
      ...point,
      quantiles: { levels, variance: point.variance.map((row) => row.map((v) => factors.map((q) => v * q))) },
    };
    const weights = [0.34, 0.32, 0.34];
    const found = weightBreachProbabilities(request(whole, weights));
    // Midpoints between the levels: 0.15, 0.375, 0.625, 0.85.
    const shares = [0.15, 0.225, 0.25, 0.225, 0.15];
    for (let i = 0; i < 3; i++) {
      let expected = 0;
      for (const [q, factor] of factors.entries()) {
        const at = forecast([2e-5 * factor, 3e-5 * factor], 0.4);
        expected += shares[q]! * weightBreachProbabilities(request(at, weights))[i]!.raw;
      }
      expect(found[i]!.raw).toBeCloseTo(expected, 12);
    }
  });

  it("behaviour: outside already is certain; 0 and 1 cannot move; a band beyond 0 has one barrier", () => {
    const f = forecast([5e-5], 0, { a: 1, b: 0.5 });
    expect(weightBreachProbabilities(request(f, [0.45, 0.55]))).toEqual([
      { raw: 1, calibrated: 1 },
      { raw: 1, calibrated: 1 },
    ]);
    const empty = { ...request(f, [1, 0]), targets: [1, 0] };
    expect(weightBreachProbabilities(empty)).toEqual([
      { raw: 0, calibrated: 0 },
      { raw: 0, calibrated: 0 },
    ]);
    const small = { ...request(forecast([1e-3], 0), [0.975, 0.025]), targets: [0.99, 0.01] };
    const above = Math.log(0.03 / 0.97) - Math.log(0.025 / 0.975);
    expect(weightBreachProbabilities(small)[1]!.raw).toBeCloseTo(
      exitProbability({
        a: Number.POSITIVE_INFINITY,
        b: above,
        sigma: Math.sqrt(1e-3),
        mu: 0,
        horizon: 24,
        monitorInterval: 1,
      }),
      12,
    );
  });
});

describe("calibrate", () => {
  it("default: logistic(a + b·logit(p))", () => {
    expect(calibrate(0.2, { a: 0, b: 1 })).toBeCloseTo(0.2, 14);
    expect(calibrate(0.5, { a: Math.log(3), b: 7 })).toBeCloseTo(0.75, 14);
    expect(calibrate(0, { a: 3, b: 1 })).toBe(0);
    expect(calibrate(1, { a: -3, b: 1 })).toBe(1);
    expect(rawLogit(0)).toBeCloseTo(Math.log(1e-6 / (1 - 1e-6)), 10);
    expect(rawLogit(1)).toBeCloseTo(-rawLogit(0), 9);
  });
});
