import { BadCppiError, cppiExposure, gapRisk } from "@ballast/agent";
import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cppiGapRisk, simulateCppi } from "./cppi.ts";

const flat = (length: number) => new Float64Array(length).fill(1);
const base = { multiplier: 4, floor: 0.8, ratchet: 0, most: 1 };

describe("simulateCppi", () => {
  it("default: the first two bars by hand", () => {
    // Cushion 0.2, exposure 0.8; −10 % leaves 0.92, cushion 0.12, exposure 0.48; +5 % makes 0.944.
    const { value, floor } = simulateCppi(Float64Array.of(0.9, 1.05), flat(2), base);
    expect(value[0]).toBeCloseTo(0.92, 12);
    expect(value[1]).toBeCloseTo(0.92 + 0.48 * 0.05, 12);
    expect([...floor]).toEqual([0.8, 0.8]);
    expect(cppiExposure(base, 0.92, 1)).toBeCloseTo(0.48 / 0.92, 12);
  });
  it("behaviour: the floor never breaks while no bar falls by 1/multiplier, with a ratchet as without", () => {
    fc.assert(
      fc.property(
        fc.nat(1e6),
        fc.double({ min: 1.5, max: 8, noNaN: true }),
        fc.double({ min: 0, max: 0.95, noNaN: true }),
        fc.constantFrom(0, 0.8, 0.9),
        (seed, multiplier, floor, ratchet) => {
          const random = seededRandom(seed);
          const risky = flat(500).map(() =>
            Math.max(1 - 0.999 / multiplier, Math.exp(0.1 * random.normal())),
          );
          const run = simulateCppi(risky, flat(500), { multiplier, floor, ratchet, most: 1 });
          expect(run.brokenBars).toBe(0);
          expect(run.value.every((v) => v >= floor * (1 - 1e-12))).toBe(true);
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });
  it("behaviour: a gap breaks it, and by how much is reported", () => {
    // Exposure 0.8 × −50 % leaves 0.6, a quarter short of 0.8; nothing is risked after.
    const run = simulateCppi(Float64Array.of(0.5, 2), flat(2), base);
    expect(run.brokenBars).toBe(2);
    expect(run.worstShortfall).toBeCloseTo(0.25, 12);
    expect(run.value[1]).toBeCloseTo(0.6, 12);
  });
  it("behaviour: a ratchet never lets the floor fall and keeps its share of the peak", () => {
    const random = seededRandom(3);
    const risky = flat(1000).map(() => Math.exp(0.01 * random.normal() + 0.001));
    const { value, floor } = simulateCppi(risky, flat(1000), { ...base, ratchet: 0.85 });
    let peak = 1;
    for (const [t, v] of value.entries()) {
      peak = Math.max(peak, v);
      expect(floor[t]).toBe(Math.max(0.8, 0.85 * peak));
    }
  });
  it("behaviour: the gap risk is what simulation finds", () => {
    const random = seededRandom(4);
    const looks = 50;
    let broken = 0;
    for (let path = 0; path < 4000; path++) {
      const risky = flat(looks).map(() => Math.exp(0.1 * random.normal()));
      if (risky.some((growth) => growth < 1 - 1 / 4)) broken++;
    }
    // 4,000 draws: a standard error of 0.005.
    expect(Math.abs(broken / 4000 - cppiGapRisk(4, 0.1, looks))).toBeLessThan(0.015);
  });
  it("behaviour: a run says the gap risk of its own bars", () => {
    const random = seededRandom(5);
    const looks = 2000;
    const risky = flat(looks).map(() => Math.exp(0.08 * random.normal()));
    const { gapRisk } = simulateCppi(risky, flat(looks), base);
    const logs = [...risky].map(Math.log);
    const mean = logs.reduce((a, b) => a + b) / looks;
    const sigma = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / looks);
    expect(gapRisk).toBeCloseTo(cppiGapRisk(4, sigma, looks, mean), 9);
    expect(simulateCppi(flat(3), flat(3), base).gapRisk).toBe(0);
    expect(simulateCppi(flat(3).fill(0.7), flat(3), base).gapRisk).toBe(1);
  });
  it("behaviour: a vault's decision and the simulation say the same gap risk, by other formulas", () => {
    for (const [multiplier, sigma, looks] of [
      [3, 0.1, 24],
      [4, 0.15, 24],
      [8, 0.02, 1],
    ] as const)
      expect(gapRisk(1 / multiplier, sigma, looks) / cppiGapRisk(multiplier, sigma, looks)).toBeCloseTo(1, 6);
  });
  it.each([
    ["multiplier", 1],
    ["floor", -0.1],
    ["ratchet", 1],
    ["most", 1.5],
  ])("error: %s of %s", (parameter, value) => {
    expect(() => simulateCppi(flat(1), flat(1), { ...base, [parameter]: value })).toThrow(BadCppiError);
  });
});
