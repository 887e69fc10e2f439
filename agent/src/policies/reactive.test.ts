import { HOUR_MS, type Snapshot } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { stateWith, T0 } from "../../test/fixture.ts";
import type { Intent, PolicyInput, VaultState } from "../types.ts";
import { BadReactivePolicyError, type ReactiveParameters, RULES, reactivePolicy } from "./reactive.ts";
import { gasFallOf, triggerFactor } from "./trigger.ts";

const WEEKS = 20;
/** Gas with a daily wave from 10 to 30, hourly, the last hour at its given level. */
function snapshotWith(last: number, at = T0): Snapshot {
  const hours = WEEKS * 168;
  const publishedAt = Float64Array.from({ length: hours }, (_, i) => at - (hours - 1 - i) * HOUR_MS);
  const value = publishedAt.map((time) => 20 + 10 * Math.sin((2 * Math.PI * (time / HOUR_MS)) / 24));
  value[hours - 1] = last;
  return {
    at,
    intervalMs: HOUR_MS,
    assets: [],
    bars: [],
    exogenous: [{ name: "base_fee_gwei", publishedAt, value }],
  } as unknown as Snapshot;
}
const input = (state: VaultState, snapshot = snapshotWith(20)): PolicyInput => ({
  snapshot,
  state,
  forecast: undefined,
  breachWithin: () => undefined,
});
const weightsOf = (intent: Intent) =>
  intent.kind === "rebalance" ? intent.toWeights.map((w) => Number(w) / 1e18) : [];
const choose = (parameters: ReactiveParameters, state: VaultState, snapshot?: Snapshot) =>
  reactivePolicy("test", parameters).choose(input(state, snapshot));
const target = { USDC: 0.4, BTC: 0.4, ETH: 0.2 };
const off = stateWith({ USDC: 0.37, BTC: 0.43, ETH: 0.2 }, { target });
const fixed = RULES.threshold;
const within = (points: number): ReactiveParameters => ({ ...fixed, width: { kind: "absolute", points } });

describe("reactivePolicy", () => {
  it("default: the threshold of the vault's band trades back to target", () => {
    expect(weightsOf(choose(fixed, off))).toEqual([0.4, 0.4, 0.2]);
    expect(choose(fixed, stateWith({ USDC: 0.39, BTC: 0.41, ETH: 0.2 }, { target }))).toMatchObject({
      kind: "hold",
      reason: "inside-band",
    });
  });
  it("default: to the edge and part of the way", () => {
    const near = (found: number[], wanted: number[]) => {
      for (const [i, w] of wanted.entries()) expect(found[i]).toBeCloseTo(w, 9);
    };
    near(weightsOf(choose({ ...within(0.02), keep: 1 }, off)), [0.38, 0.42, 0.2]);
    near(weightsOf(choose({ ...within(0.02), keep: 0.5 }, off)), [0.39, 0.41, 0.2]);
  });
  it.each<[string, ReactiveParameters, string]>([
    ["absolute, wider", within(0.031), "hold"],
    ["absolute, narrower", within(0.029), "rebalance"],
    // 0.03 off: 7.5 % of 0.4.
    ["relative, wider", { ...fixed, width: { kind: "relative", share: 0.076 } }, "hold"],
    ["relative, narrower", { ...fixed, width: { kind: "relative", share: 0.074 } }, "rebalance"],
    ["constant mix", RULES.constantMix, "rebalance"],
  ])("default: %s", (_, parameters, kind) => {
    expect(choose(parameters, off).kind).toBe(kind);
  });
  it("behaviour: a calendar looks at its hours only, with a threshold beyond that only", () => {
    const at = (hours: number) => snapshotWith(20, (T0 + hours * HOUR_MS) as typeof T0);
    const daily = { ...RULES.calendar, everyHours: 24 };
    expect(choose(daily, off, at(0)).kind).toBe("rebalance");
    expect(choose(daily, off, at(1)).kind).toBe("hold");
    expect(choose({ ...daily, width: { kind: "absolute", points: 0.05 } }, off, at(24)).kind).toBe("hold");
  });
  it("behaviour: gas above usual widens the trigger, and the numbers say by how much", () => {
    const surface = { gasPower: 0.25, gasFallWeight: 0, volatilityPower: 0 };
    const parameters = { ...within(0.027), surface };
    const dear = choose(parameters, off, snapshotWith(40));
    expect(dear).toMatchObject({ kind: "hold" });
    expect(dear.numbers.triggerFactor).toBeCloseTo(dear.numbers.gasOverUsual! ** 0.25, 9);
    expect(dear.numbers.gasOverUsual).toBeCloseTo(2, 1);
    expect(choose(parameters, off, snapshotWith(15)).kind).toBe("rebalance");
  });
  it("behaviour: gas that is expected to fall is waited for, and what that saves is in the numbers", () => {
    const falling = (now: number, lowest: number) =>
      ({
        assets: [],
        horizonsHours: [24],
        costs: {
          levels: [0.05, 0.5],
          series: [
            {
              name: "base_fee_gwei",
              now,
              horizonsHours: [24],
              lowest: [{ mean: lowest, quantiles: [1, lowest] }],
            },
          ],
        },
      }) as unknown as Forecast;
    const parameters = { ...within(0.025), surface: { gasPower: 0, gasFallWeight: -1, volatilityPower: 0 } };
    const of = (forecast: Forecast) =>
      reactivePolicy("test", parameters).choose({ ...input(off, snapshotWith(30)), forecast });
    const waits = of(falling(30, 10));
    expect(waits).toMatchObject({ kind: "hold", reason: "trigger-widened" });
    expect(waits.numbers.gasSavedByWaiting).toBeCloseTo(2 / 3, 12);
    expect(waits.numbers.triggerFactor).toBeCloseTo(3, 12);
    expect(waits.numbers.waitingGasBps).toBeCloseTo(waits.numbers.actingGasBps! / 3, 12);
    // At the trough nothing is saved.
    expect(of(falling(10, 12))).toMatchObject({ kind: "rebalance", numbers: { gasSavedByWaiting: 0 } });
  });
  it("behaviour: what a surface needs and nobody knows is left out and said", () => {
    const surface = { gasPower: 0, gasFallWeight: -5, volatilityPower: 2 };
    const intent = choose({ ...within(0.031), surface }, off);
    expect(intent).toMatchObject({
      kind: "hold",
      reason: "no-forecast",
      numbers: { hasForecast: 0, triggerFactor: 1 },
    });
    expect(choose({ ...within(0.029), surface }, off)).toMatchObject({
      kind: "rebalance",
      numbers: { hasForecast: 0 },
    });
  });
  it("behaviour: a calmer market than usual is read from the forecast", () => {
    const close = Float64Array.from({ length: 721 }, (_, i) => 100 * (i % 2 === 0 ? 1 : 1.01));
    const snapshot = { ...snapshotWith(20), assets: ["BTC"], bars: [{ close }] } as unknown as Snapshot;
    const perHour = Math.log(1.01) ** 2;
    const forecast = {
      assets: ["BTC"],
      horizonsHours: [1, 24],
      variance: [[perHour, 24 * perHour * 4]],
      correlation: [[1]],
    } as unknown as Forecast;
    const parameters = { ...within(0.02), surface: { gasPower: 0, gasFallWeight: 0, volatilityPower: 0.5 } };
    const intent = reactivePolicy("test", parameters).choose({ ...input(off, snapshot), forecast });
    expect(intent.numbers.volatilityOverUsual).toBeCloseTo(2, 9);
    expect(intent.numbers.triggerFactor).toBeCloseTo(Math.SQRT2, 9);
    expect(intent.numbers).not.toHaveProperty("hasForecast");
  });
  it("behaviour: the no-trade region follows fee, gas and the size of the vault", () => {
    const parameters: ReactiveParameters = {
      ...fixed,
      width: { kind: "no-trade", riskAversion: 2, gasUnits: 1e4 },
    };
    const further = stateWith({ USDC: 0.34, BTC: 0.46, ETH: 0.2 }, { target });
    // Fee alone: a trigger of (3/4 · 0.0005 · 0.0576)^⅓ = 2.8 points; with half a dollar of gas of a million a bit more.
    const intent = choose(parameters, further);
    expect(intent.kind).toBe("rebalance");
    expect(weightsOf(intent)[1]).toBeGreaterThan(0.415);
    expect(weightsOf(intent)[1]).toBeLessThan(0.428);
    expect(choose(parameters, { ...further, gasPrice: 10_000n * further.gasPrice }).kind).toBe("hold");
  });
  it("behaviour: the surface with nothing in it is the fixed threshold", () => {
    const none = { gasPower: 0, gasFallWeight: 0, volatilityPower: 0 };
    expect(triggerFactor(none, { gasRatio: 9, gasFall: 2, volatilityRatio: 3 })).toBe(1);
    expect(
      triggerFactor({ ...none, gasPower: 9 }, { gasRatio: 9, gasFall: 0, volatilityRatio: 1 }),
    ).toBeCloseTo(4, 12);
    expect(gasFallOf({ now: Math.E, lowest: [{ transformedMean: 0.4 }] } as never)).toBeCloseTo(0.6, 12);
    expect(gasFallOf({ now: 1, lowest: [{ transformedMean: 0.4 }] } as never)).toBe(0);
  });
  it("behaviour: parameters and gas model are in the id", () => {
    const ids = [fixed, within(0.02), { ...fixed, keep: 0.1 }].map((p) => reactivePolicy("a", p).id);
    expect(new Set([...ids, reactivePolicy("b", fixed).id]).size).toBe(4);
    expect(reactivePolicy("a", { ...fixed }).id).toBe(ids[0]);
  });
  it.each<[string, Partial<ReactiveParameters>]>([
    ["points", { width: { kind: "absolute", points: -0.1 } }],
    ["riskAversion", { width: { kind: "no-trade", riskAversion: 0, gasUnits: 1 } }],
    ["keep", { keep: 1.1 }],
    ["everyHours", { everyHours: -1 }],
    ["gasPower", { surface: { gasPower: Number.NaN, gasFallWeight: 0, volatilityPower: 0 } }],
  ])("error: a bad %s is refused by name", (name, change) => {
    expect(() => reactivePolicy("test", { ...fixed, ...change })).toThrow(BadReactivePolicyError);
    expect(() => reactivePolicy("test", { ...fixed, ...change })).toThrow(name);
  });
});
