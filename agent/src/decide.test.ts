import { ACTION, decisionHash, tradesHash } from "@ballast/attest";
import { keccak, type Snapshot, type UnixMillis, unixMillis } from "@ballast/data";
import { type Forecast, HORIZONS_HOURS } from "@ballast/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stateWith, T0 } from "../test/fixture.ts";
import { decide } from "./decide.ts";
import { predictivePolicy } from "./policies/predictive.ts";
import { thresholdPolicy } from "./policies/threshold.ts";
import { stateHash } from "./state.ts";
import { type Policy, REASONS, type VaultState } from "./types.ts";

const root = keccak(new Uint8Array([1]));
const snapshot: Snapshot = {
  at: T0,
  intervalMs: 3_600_000,
  assets: ["BTC", "ETH"],
  bars: [],
  exogenous: [],
  root,
};
const forecastOf = (volAnnual: number, changes: Partial<Forecast> = {}): Forecast => ({
  modelId: keccak(new Uint8Array([2])),
  at: T0,
  horizonsHours: HORIZONS_HOURS,
  assets: ["BTC", "ETH"],
  variance: [0, 1].map(() =>
    HORIZONS_HOURS.map((hours) => Math.round(((volAnnual ** 2 * hours) / 8760) * 1e12) / 1e12),
  ),
  correlation: [
    [1, 0.6],
    [0.6, 1],
  ],
  breachCalibration: { a: 0, b: 1 },
  ...changes,
});
const inside = stateWith({ USDC: 0.33, BTC: 0.35, ETH: 0.32 });
const outside = stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 });
const at = (ms: number): UnixMillis => unixMillis(ms);

describe("decide", () => {
  it("default: a hold is a decision like any other, with no trades", () => {
    const { decision, trades, reason, hash } = decide(snapshot, inside, undefined, thresholdPolicy(), T0);
    expect(reason).toBe("inside-band");
    expect(trades).toEqual([]);
    expect(decision).toMatchObject({
      chainId: 31337n,
      sequence: 5n,
      action: ACTION.hold,
      reason: REASONS.indexOf("inside-band"),
      decidedAt: BigInt(T0 / 1000),
      inputRoot: root,
      stateHash: stateHash(inside),
      tradesHash: tradesHash([]),
      breachPpm: 0,
    });
    expect(hash).toBe(decisionHash(decision));
  });

  it("default: keeps what the drift of its weights depends on", () => {
    const { watch, weights } = decide(snapshot, inside, undefined, thresholdPolicy(), T0);
    expect(watch!.monitorHours).toBe(1);
    expect(watch!.holdings.map(({ asset }) => asset)).toEqual(["USDC", "BTC", "ETH"]);
    for (const [i, { target, band }] of watch!.holdings.entries()) {
      expect(target).toBe(Number(inside.holdings[i]!.targetWeight) / 1e18);
      expect(band).toBe(Number(inside.holdings[i]!.band) / 1e18);
    }
    expect(weights[1]).toBeCloseTo(0.35, 6);
  });

  it("default: a rebalance carries its trades' hash and the forecast it stands on", () => {
    const forecast = forecastOf(3);
    const { decision, trades, breachProbability } = decide(
      snapshot,
      inside,
      forecast,
      predictivePolicy(),
      T0,
    );
    expect(decision.action).toBe(ACTION.rebalance);
    expect(decision.tradesHash).toBe(tradesHash(trades));
    expect(decision.modelId).toBe(forecast.modelId);
    expect(decision.breachPpm).toBe(Math.round(breachProbability * 1e6));
    expect(breachProbability).toBeGreaterThan(0.6);
  });

  it("behaviour: the calmer the forecast, the less likely the breach", () => {
    const probability = (vol: number) =>
      decide(snapshot, inside, forecastOf(vol), predictivePolicy(), T0).breachProbability;
    expect(probability(0.2)).toBeLessThan(probability(0.6));
    expect(probability(0.6)).toBeLessThan(probability(1.5));
  });

  it.each<[string, VaultState, Forecast | undefined, UnixMillis, string]>([
    ["stale data", outside, undefined, at(T0 + 2 * 3_600_000), "stale-data"],
    ["data from the future", outside, undefined, at(T0 - 1), "stale-data"],
    ["a paused vault", { ...outside, paused: true }, undefined, T0, "paused"],
    [
      "a vault that cools down",
      { ...outside, lastRebalanceAt: at(T0 - 1_800_000) },
      undefined,
      T0,
      "cooldown",
    ],
    ["a forecast for another hour", inside, forecastOf(3, { at: at(T0 - 3_600_000) }), T0, "no-forecast"],
    [
      "a forecast without one of the assets",
      inside,
      forecastOf(3, { assets: ["BTC", "SOL"] }),
      T0,
      "no-forecast",
    ],
  ])("behaviour: %s makes it hold and say so", (_, state, forecast, now, reason) => {
    const decided = decide(snapshot, state, forecast, predictivePolicy(), now);
    expect(decided.reason).toBe(reason);
    expect(decided.decision.action).toBe(ACTION.hold);
  });

  it("behaviour: trades too small to be worth their gas are a hold", () => {
    const near = stateWith({ USDC: 0.3333, BTC: 0.3334, ETH: 0.3333 }, { band: 0.00001 });
    expect(decide(snapshot, near, undefined, thresholdPolicy(), T0)).toMatchObject({
      reason: "too-small",
      isBreached: true,
    });
  });

  it("behaviour: the same arguments give the same bits, and it changes none of them", () => {
    const forecast = forecastOf(0.9);
    const before = structuredClone({ ...outside });
    const first = decide(snapshot, outside, forecast, predictivePolicy(), T0);
    expect(decide(snapshot, outside, forecast, predictivePolicy(), T0)).toEqual(first);
    expect(outside).toEqual(before);
  });

  it("behaviour: any vault, any forecast: it never throws, and every trade is funded and non-zero", () => {
    const policies: readonly Policy[] = [thresholdPolicy(), predictivePolicy()];
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 3, maxLength: 3 }),
        fc.option(fc.double({ min: 0.0001, max: 20, noNaN: true }), { nil: undefined }),
        fc.boolean(),
        fc.nat({ max: 7_200_000 }),
        (shares, vol, isPredictive, delay) => {
          const sum = shares.reduce((a, b) => a + b, 0) || 1;
          const state = stateWith({ USDC: shares[0]! / sum, BTC: shares[1]! / sum, ETH: shares[2]! / sum });
          const forecast = vol === undefined ? undefined : forecastOf(vol);
          const { decision, trades, numbers } = decide(
            snapshot,
            state,
            forecast,
            policies[isPredictive ? 1 : 0]!,
            at(T0 + delay),
          );
          expect(decision.action === ACTION.hold).toBe(trades.length === 0);
          for (const trade of trades) expect(trade.amountIn > 0n && trade.minAmountOut > 0n).toBe(true);
          for (const value of Object.values(numbers)) expect(Number.isFinite(value)).toBe(true);
        },
      ),
      { seed: 3, numRuns: 400 },
    );
  });
});
