import { HOUR_MS, type Snapshot } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stateWith, T0, WAD } from "../../test/fixture.ts";
import type { Intent, VaultState } from "../types.ts";
import { BadCppiError, fallToFloor, gapRisk } from "./cppi.ts";
import { insuredPolicy } from "./insured.ts";

const target = { USDC: 0.4, BTC: 0.4, ETH: 0.2 };
const off = stateWith({ USDC: 0.37, BTC: 0.43, ETH: 0.2 }, { target });
const snapshot = { at: T0, intervalMs: HOUR_MS, exogenous: [] } as unknown as Snapshot;
/** One standard deviation of `sigma` an hour for both, uncorrelated. */
const forecastOf = (sigma: number) =>
  ({
    assets: ["BTC", "ETH"],
    horizonsHours: [1, 24],
    variance: [0, 1].map(() => [sigma ** 2, 24 * sigma ** 2]),
    correlation: [
      [1, 0],
      [0, 1],
    ],
  }) as unknown as Forecast;
const parameters = { multiplier: 3, floor: 800_000, ratchet: 0, most: 1, peak: 0, tolerance: 0.01 };
const choose = (changes: Partial<typeof parameters>, state: VaultState = off, forecast?: Forecast): Intent =>
  insuredPolicy({ ...parameters, ...changes }).choose({
    snapshot,
    state,
    forecast,
    breachWithin: () => undefined,
  });
const weightsOf = (intent: Intent) =>
  intent.kind === "rebalance" ? intent.toWeights.map((w) => Number(w) / 1e18) : [];

describe("insuredPolicy", () => {
  it("default: holds the multiple of the cushion in the proportions of the targets", () => {
    // A million over a floor of 0.8: cushion 0.2, exposure 0.6 in place of 0.63, split 2 : 1.
    const intent = choose({});
    expect(intent).toMatchObject({ kind: "rebalance", reason: "floor-near" });
    for (const [i, w] of [0.4, 0.4, 0.2].entries()) expect(weightsOf(intent)[i]).toBeCloseTo(w, 6);
    expect(choose({ tolerance: 0.04 })).toMatchObject({ kind: "hold", reason: "inside-tolerance" });
    expect(choose({ multiplier: 4 })).toMatchObject({ kind: "rebalance", reason: "cushion-grown" });
  });
  it("behaviour: at the floor and below it nothing is risked; above it never more than most", () => {
    expect(weightsOf(choose({ floor: 1_000_001 }))).toEqual([1, 0, 0]);
    const [base] = weightsOf(choose({ multiplier: 50, most: 0.9 }));
    expect(base).toBeCloseTo(0.1, 9);
  });
  it("behaviour: a ratchet over a higher peak holds less", () => {
    const intent = choose({ ratchet: 0.8, peak: 1_100_000 });
    expect(weightsOf(intent)[0]).toBeCloseTo(1 - 3 * 0.12, 6);
    if (intent.kind === "rebalance") expect(intent.toWeights.reduce((a, b) => a + b, 0n)).toBe(WAD);
    expect(intent.numbers).toMatchObject({ peak: 1_100_000, floor: 880_000 });
  });
  it("behaviour: the peak is carried on, and never falls", () => {
    const first = insuredPolicy({ ...parameters, ratchet: 0.8, peak: 900_000 });
    const { numbers } = first.choose({
      snapshot,
      state: off,
      forecast: undefined,
      breachWithin: () => undefined,
    });
    const second = first.next!(numbers);
    expect(second.parameters.peak).toBe(numbers.value);
    expect(second.id).not.toBe(first.id);
    expect(second.next!({ peak: 5 }).id).toBe(second.id);
    // A decision that never came to ask the policy has no numbers of it.
    expect(second.next!({}).id).toBe(second.id);
  });
  it("behaviour: the gap risk is in the numbers where there is a forecast, and its absence is said", () => {
    // Cushion 0.2 of an exposure of 0.63: a fall of 31.7 %, BTC and ETH 43 : 20.
    const { numbers } = choose({}, off, forecastOf(0.2));
    expect(numbers.fallToFloor).toBeCloseTo(0.2 / 0.63, 6);
    const sigma = (0.2 * Math.hypot(0.43, 0.2)) / 0.63;
    expect(numbers.gapRisk24h).toBeCloseTo(gapRisk(0.2 / 0.63, sigma, 24), 6);
    expect(numbers.gapRisk24h).toBeGreaterThan(0.05);
    const without = choose({}).numbers;
    expect(without.hasForecast).toBe(0);
    expect(without).not.toHaveProperty("gapRisk24h");
  });
  it("behaviour: losing the fall to the floor ends exactly at the floor", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.double({ min: 1, max: 1e9, noNaN: true }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (exposure, value, share) => {
          const fall = fallToFloor(exposure, value, share * value);
          const left = value * (1 - exposure * fall);
          expect(left).toBeGreaterThanOrEqual(share * value * (1 - 1e-12));
          if (fall < 1) expect(left / value).toBeCloseTo(share, 9);
        },
      ),
      { seed: 8 },
    );
    expect(fallToFloor(0.5, 1, 1)).toBe(0);
    expect(fallToFloor(0, 1, 2)).toBe(1);
  });
  it("default: the gap risk of one look is the normal tail", () => {
    // ln(1 − 1/4) / 0.1 = −2.8768; Φ = 0.002009.
    expect(gapRisk(0.25, 0.1, 1)).toBeCloseTo(0.002009, 6);
    expect(gapRisk(0.25, 0.1, 50)).toBeCloseTo(1 - (1 - gapRisk(0.25, 0.1, 1)) ** 50, 12);
    expect([gapRisk(0, 0.1, 1), gapRisk(1, 0.1, 1), gapRisk(0.2, 0, 1)]).toEqual([1, 0, 0]);
  });
  it.each([
    ["multiplier", 1],
    ["floor", Number.NaN],
    ["peak", -1],
    ["tolerance", Number.POSITIVE_INFINITY],
  ] as const)("error: %s of %s", (key, value) => {
    expect(() => insuredPolicy({ ...parameters, [key]: value })).toThrow(BadCppiError);
    expect(() => insuredPolicy({ ...parameters, [key]: value })).toThrow(key);
  });
});
