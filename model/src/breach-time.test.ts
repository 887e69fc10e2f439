import { seededRandom, unixMillis } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { weightBreachTimes } from "./breach-time.ts";
import { weightBreachProbabilities } from "./drift.ts";
import { type Forecast, HORIZONS_HOURS } from "./forecast.ts";

const logit = (w: number) => Math.log(w / (1 - w));
const PER_HOUR = 7e-5;

const forecast = (variance: readonly number[], calibration = { a: 0, b: 1 }): Forecast => ({
  modelId: `0x${"00".repeat(32)}`,
  at: unixMillis(0),
  horizonsHours: HORIZONS_HOURS,
  assets: ["A"],
  variance: [variance],
  correlation: [[1]],
  breachCalibration: calibration,
});
const steady = HORIZONS_HOURS.map((h) => PER_HOUR * h);
const request = (band: number, monitorHours: number, f = forecast(steady), horizonHours = 24) => ({
  weights: [0.5, 0.5],
  targets: [0.5, 0.5],
  bands: [band, band],
  assetsOfHoldings: ["USDC", "A"],
  forecast: f,
  horizonHours,
  monitorHours,
});

/** Mean time until a simulated walk, looked at after every step of dt hours, is outside, and mean of min(T, H). */
function simulate(barrier: number, dt: number, horizon: number, walks: number) {
  const random = seededRandom(5);
  const step = Math.sqrt(PER_HOUR * dt);
  let [time, within] = [0, 0];
  for (let w = 0; w < walks; w++) {
    let [x, t] = [0, 0];
    while (Math.abs(x) < barrier) {
      x += step * random.normal();
      t += dt;
    }
    time += t / walks;
    within += Math.min(t, horizon) / walks;
  }
  return { time, within };
}

describe("weightBreachTimes", () => {
  it("default: watched all the time, ab/σ² hours", () => {
    const a = logit(0.5) - logit(0.48);
    const b = logit(0.52) - logit(0.5);
    const [cash, asset] = weightBreachTimes(request(0.02, 0));
    expect(asset!.expectedHours).toBeCloseTo((a * b) / PER_HOUR, 8);
    expect(cash!.expectedHours).toBeCloseTo(asset!.expectedHours, 8);
  });

  it("behaviour: with a distribution of variance, means of the times at its quantiles, nearest level taken", () => {
    const factors = [0.4, 0.7, 1, 1.5, 3];
    const at = (factor: number) => forecast(steady.map((v) => v * factor));
    const levels = [0.05, 0.25, 0.5, 0.75, 0.95];
    const spread: Forecast = {
      ...at(1),
      quantiles: { levels, variance: [steady.map((v) => factors.map((factor) => v * factor))] },
    };
    const [found] = weightBreachTimes(request(0.02, 1, spread));
    // Halfway between neighbouring levels lie 0, 0.15, 0.375, 0.625, 0.85 and 1.
    const shares = [0.15, 0.225, 0.25, 0.225, 0.15];
    const each = factors.map((factor) => weightBreachTimes(request(0.02, 1, at(factor)))[0]!);
    const mean = (value: (time: (typeof each)[number]) => number) =>
      each.reduce((sum, time, q) => sum + shares[q]! * value(time), 0);
    expect(found!.expectedHours).toBeCloseTo(
      mean(({ expectedHours }) => expectedHours),
      8,
    );
    expect(found!.hoursWithin.raw).toBeCloseTo(
      mean(({ hoursWithin }) => hoursWithin.raw),
      10,
    );
  });

  it("default: both times of simulated walks, looked at every hour and every 5 minutes, within 2 %", () => {
    for (const [band, dt] of [
      [0.01, 1],
      [0.02, 1],
      [0.01, 1 / 12],
    ] as const) {
      const { expectedHours, hoursWithin } = weightBreachTimes(request(band, dt))[1]!;
      const { time, within } = simulate(logit(0.5 + band), dt, 24, 12_000);
      // A mean of 12,000 times whose deviation is 0.8 of their mean has a standard error of 0.7 %.
      expect(Math.abs(expectedHours / time - 1)).toBeLessThan(0.02 + 0.01);
      expect(Math.abs(hoursWithin.raw / within - 1)).toBeLessThan(0.02);
    }
  });

  it("behaviour: the quadrature is the sum over looks, of the probability to be inside still", () => {
    const storm = HORIZONS_HOURS.map((h) => PER_HOUR * h ** 0.8); // most of the variance comes early
    for (const [band, dt, horizon] of [
      [0.01, 0.25, 24],
      [0.03, 0.25, 168],
      [0.005, 1, 168],
      [0.02, 1, 4],
    ] as const) {
      for (const calibration of [
        { a: 0, b: 1 },
        { a: -0.4, b: 0.8 },
      ]) {
        const f = forecast(storm, calibration);
        let raw = dt;
        let calibrated = dt;
        for (let t = dt; t < horizon - 1e-9; t += dt) {
          const [, p] = weightBreachProbabilities(request(band, dt, f, t));
          raw += dt * (1 - p!.raw);
          calibrated += dt * (1 - p!.calibrated);
        }
        const { hoursWithin } = weightBreachTimes(request(band, dt, f, horizon))[1]!;
        expect(Math.abs(hoursWithin.raw - raw)).toBeLessThan(0.1 * dt + 1e-3 * horizon);
        expect(Math.abs(hoursWithin.calibrated - calibrated)).toBeLessThan(0.1 * dt + 1e-3 * horizon);
      }
    }
  });

  it("behaviour: at most the horizon and the expected time; falls with variance, rises with the band", () => {
    const band = fc.double({ min: 0.002, max: 0.2, noNaN: true });
    const monitor = fc.constantFrom(0, 1 / 12, 1);
    fc.assert(
      fc.property(band, monitor, fc.double({ min: 1, max: 4, noNaN: true }), (width, dt, factor) => {
        const times = weightBreachTimes(request(width, dt))[1]!;
        const stormy = weightBreachTimes(request(width, dt, forecast(steady.map((v) => v * factor))))[1]!;
        const wide = weightBreachTimes(request(width * factor, dt))[1]!;
        expect(times.hoursWithin.raw).toBeLessThanOrEqual(24);
        expect(times.hoursWithin.raw).toBeLessThanOrEqual(times.expectedHours * 1.03 + 0.5 * dt);
        expect(stormy.hoursWithin.raw).toBeLessThanOrEqual(times.hoursWithin.raw + 1e-3);
        expect(stormy.expectedHours).toBeLessThanOrEqual(times.expectedHours + 1e-9);
        expect(wide.hoursWithin.raw).toBeGreaterThanOrEqual(times.hoursWithin.raw - 1e-3);
        expect(wide.expectedHours).toBeGreaterThanOrEqual(times.expectedHours - 1e-9);
      }),
      { seed: 1 },
    );
  });

  it("behaviour: outside already is 0; 0 and 1 never move; with one barrier the wait has no mean", () => {
    const out = weightBreachTimes({ ...request(0.01, 1), weights: [0.4, 0.6] });
    expect(out[0]).toEqual({ expectedHours: 0, hoursWithin: { raw: 0, calibrated: 0 } });
    const still = weightBreachTimes({ ...request(0.01, 1), weights: [1, 0], targets: [1, 0] });
    expect(still[1]).toEqual({
      expectedHours: Number.POSITIVE_INFINITY,
      hoursWithin: { raw: 24, calibrated: 24 },
    });
    const edge = weightBreachTimes({ ...request(0.0105, 0), weights: [0.99, 0.01], targets: [1, 0] })[1]!;
    expect(edge.expectedHours).toBe(Number.POSITIVE_INFINITY);
    expect(edge.hoursWithin.raw).toBeLessThan(24);
  });
});
