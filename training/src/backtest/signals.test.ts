import { FIXED_THRESHOLD } from "@ballast/agent";
import { HOUR_MS, seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { gasSignals, toScale, volatilitySignals } from "./signals.ts";

const HOURS = 1200;
const FROM = 800;
const random = seededRandom(1);
const logGas = Float64Array.from(
  { length: HOURS },
  (_, t) => 3 + Math.sin((2 * Math.PI * t) / 24) + 0.1 * random.normal(),
);
const variance = Float64Array.from(
  { length: HOURS },
  (_, t) => (1e-5 + 9e-6 * Math.sin((2 * Math.PI * t) / 500)) * random.exponential(),
);
const perturbed = (x: Float64Array, after: number) => x.map((v, t) => (t > after ? v * 1.5 : v));

describe("walk-forward signals", () => {
  it("behaviour: nothing after a bar changes its signals", () => {
    const cut = 1000;
    const gas = gasSignals(logGas, 0, FROM);
    const other = gasSignals(perturbed(logGas, cut), 0, FROM);
    for (const name of ["gasRatio", "gasFall"] as const) {
      expect(other[name].subarray(FROM, cut + 1)).toEqual(gas[name].subarray(FROM, cut + 1));
      expect(other[name].subarray(cut + 1)).not.toEqual(gas[name].subarray(cut + 1));
    }
    const now = volatilitySignals([variance, variance.map((v) => 2 * v)], FROM);
    const then = volatilitySignals(
      [perturbed(variance, cut), perturbed(variance, cut).map((v) => 2 * v)],
      FROM,
    );
    for (const name of ["forecast", "trailing"] as const)
      expect(then[name].subarray(FROM, cut + 1)).toEqual(now[name].subarray(FROM, cut + 1));
    expect(then.realised.subarray(FROM, cut + 1)).not.toEqual(now.realised.subarray(FROM, cut + 1));
  });
  it("behaviour: gas with a daily wave is expected to fall from its peak, not from its trough", () => {
    const { gasFall } = gasSignals(logGas, 0, FROM);
    let [peak, trough, seen, count] = [0, 0, 0, 0];
    for (let t = FROM; t < HOURS - 30; t++) {
      if (t % 24 === 6) {
        peak += gasFall[t]!;
        // As it came: from the hour that pays to the lowest of the 18 after it.
        seen += logGas[t + 1]! - Math.min(...logGas.subarray(t + 2, t + 20));
        count++;
      }
      if (t % 24 === 18) trough += gasFall[t]!;
    }
    expect(peak / count).toBeGreaterThan(1.7);
    expect(trough / count).toBeLessThan(0.3);
    expect(Math.abs(peak - seen) / count).toBeLessThan(0.3);
  });
  it("behaviour: a steady market is as volatile as usual, and rises are seen", () => {
    const steady = new Float64Array(HOURS).fill(1e-5);
    const rising = steady.map((v, t) => (t >= 1000 ? 4 * v : v));
    const flat = volatilitySignals([steady], FROM);
    expect(flat.trailing[1100]).toBeCloseTo(1, 10);
    expect(flat.forecast[1100]).toBeCloseTo(1, 6);
    expect(volatilitySignals([rising], FROM).trailing[1023]).toBeGreaterThan(1.8);
    expect(volatilitySignals([rising], FROM).realised[999]).toBeCloseTo(2, 1);
    expect(() => volatilitySignals([steady], 10)).toThrow(/at least 720/);
  });
  it("default: the fixed threshold's scale is one everywhere, and unknown signals leave their term out", () => {
    const columns = {
      ...gasSignals(logGas, HOUR_MS, FROM),
      volatilityRatio: new Float64Array(HOURS).fill(2),
    };
    expect(toScale(FIXED_THRESHOLD, columns).every((x) => x === 1)).toBe(true);
    const scale = toScale({ gasPower: 1, gasFallWeight: 0, volatilityPower: 1 }, columns);
    expect(scale[0]).toBeCloseTo(2, 12);
    expect(scale[FROM]).toBeCloseTo(Math.min(4, 2 * columns.gasRatio[FROM]!), 12);
  });
});
