import { fromWad } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { stateWith, toWad } from "../../test/fixture.ts";
import type { PolicyInput, VaultState } from "../types.ts";
import { navOf, weightsOf } from "../weights.ts";
import { REBALANCE_GAS } from "./gas.ts";
import { cooled, DUE, forecastOf, snapshotAt } from "./policies.fixture.ts";
import { policyOf } from "./registry.ts";

const SIZE = 0.5;
const inputOf = (state: VaultState, forecast = forecastOf(DUE)): PolicyInput => ({
  snapshot: snapshotAt(DUE, 20),
  state,
  forecast,
  breachWithin: () => undefined,
});
const policy = (parameters: Record<string, unknown> = {}) =>
  policyOf({ name: "patient", parameters: { size: SIZE, levelPower: 0, ...parameters } });
const at = (weights: Record<string, number>, gwei = 20): VaultState => ({
  ...stateWith(weights, cooled),
  gasPrice: BigInt(Math.round(gwei * 1e9)),
});

/** The fixture's assets move alike: d′Σd in units of their variance is d₁² + d₂² + 2·0.6·d₁d₂. */
const trackingOf = (d1: number, d2: number) => d1 ** 2 + d2 ** 2 + 1.2 * d1 * d2;

describe("the patient policy", () => {
  it("default: the cap is the usual price times the deviation in widths, to its power", () => {
    const state = at({ USDC: 0.3233, BTC: 0.3434, ETH: 0.3333 });
    for (const capPower of [0.5, 1, 2]) {
      const { numbers } = policy({ capPower }).choose(inputOf(state));
      expect(numbers.highestGasGwei).toBeCloseTo(20 * numbers.widthsAway! ** capPower, 9);
      expect(numbers.usualGasGwei).toBe(20);
      expect(numbers.width).toBeCloseTo(SIZE * 0.02, 12);
    }
  });
  it("behaviour: deviations are measured by the tracking variance they make", () => {
    const widths = ([usdc, btc, eth]: readonly [number, number, number]) =>
      policy().choose(inputOf(at({ USDC: usdc, BTC: btc, ETH: eth }))).numbers.widthsAway!;
    const third = 1 / 3;
    // The same distance: apart from each other, and together against the dollar.
    const apart = widths([third, third + 0.006, third - 0.006]);
    const together = widths([third - 0.012, third + 0.006, third + 0.006]);
    expect(together / apart).toBeCloseTo(Math.sqrt(trackingOf(1, 1) / trackingOf(1, -1)), 3);
    expect(widths([third - 0.006, third + 0.003, third + 0.003]) / together).toBeCloseTo(0.5, 3);
  });
  it("behaviour: waits while gas is dearer than the deviation is worth, and does not wait when it is cheap", () => {
    const wide = { USDC: 0.3183, BTC: 0.3484, ETH: 0.3333 };
    const reasons = (weights: Record<string, number>, gwei: number) =>
      policy().choose(inputOf(at(weights, gwei))).reason;
    const { widthsAway } = policy().choose(inputOf(at(wide))).numbers;
    expect(widthsAway).toBeGreaterThan(1);
    expect(reasons(wide, 20 * widthsAway! * 0.99)).toBe("worth-its-cost");
    expect(reasons(wide, 20 * widthsAway! * 1.01)).toBe("gas-above-cap");
    const narrow = { USDC: 0.3303, BTC: 0.3364, ETH: 0.3333 };
    expect(reasons(narrow, 20)).toBe("inside-band");
    expect(reasons(narrow, 1)).toBe("gas-is-cheap");
    // A breach is repaired at any price.
    expect(reasons({ USDC: 0.3, BTC: 0.37, ETH: 0.33 }, 10_000)).toBe("breach");
  });
  it("behaviour: trades the assets that are worth their swap, and no others", () => {
    const state = at({ USDC: 0.3163, BTC: 0.3494, ETH: 0.3343 });
    const weights = weightsOf(state);
    const chosen = policy().choose(inputOf(state));
    if (chosen.kind !== "rebalance") throw new Error(`held: ${chosen.reason}`);
    expect(fromWad(chosen.toWeights[1]!)).toBeCloseTo(1 / 3, 8);
    expect(chosen.toWeights[2]).toBe(weights[2]);
    expect(chosen.numbers.assetsTraded).toBe(1);
    expect(chosen.toWeights.reduce((sum, w) => sum + w, 0n)).toBe(toWad(1));
    const all = policy({ selects: 0 }).choose(inputOf(state));
    if (all.kind !== "rebalance") throw new Error(`held: ${all.reason}`);
    expect(all.numbers.assetsTraded).toBe(2);
    expect(all.toWeights.map(fromWad)).toEqual(
      state.holdings.map(({ targetWeight }) => fromWad(targetWeight)),
    );
    // What the swap saved would have cost more gas than leaving the other where it is.
    const perSwap = (REBALANCE_GAS.perSwap * 20e-9 * fromWad(state.etherPrice)) / fromWad(navOf(state));
    expect(chosen.numbers.actingGasBps).toBeCloseTo(all.numbers.actingGasBps! - perSwap * 1e4, 9);
  });
  it("behaviour: without a forecast it is a threshold that says so", () => {
    const { numbers, reason } = policy().choose({
      ...inputOf(at({ USDC: 0.3183, BTC: 0.3484, ETH: 0.3333 })),
      forecast: undefined,
    });
    expect(numbers).toMatchObject({ hasForecast: 0, usualGasGwei: 20 });
    expect(numbers.widthsAway).toBeCloseTo((0.3484 - 1 / 3) / (SIZE * 0.02), 5);
    expect(reason).toBe("worth-its-cost");
  });
});
