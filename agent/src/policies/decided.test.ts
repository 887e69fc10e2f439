import { readFileSync } from "node:fs";
import { HOUR_MS, unixMillis } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { decide } from "../decide.ts";
import { type Foresight, type Policy, REASONS, type VaultState } from "../types.ts";
import { DUE, forecastOf, foresight, model, near, outside, snapshotAt, still } from "./policies.fixture.ts";
import { POLICIES, policyOf } from "./registry.ts";

const NAMES = [...POLICIES.keys()];

const at = (state: VaultState, policy: Policy, forecast: Forecast | undefined = forecastOf(DUE)) =>
  decide(snapshotAt(DUE, 20), state, forecast, policy, DUE, foresight);

/** Of each policy: parameters with which it acts before a breach, why, and why it holds where all is on target. */
const TABLE: Readonly<Record<string, readonly [Record<string, unknown>, string, string]>> = {
  "constant-mix": [{}, "trigger-crossed", "too-small"],
  threshold: [{ size: 0.9 }, "trigger-crossed", "inside-band"],
  calendar: [{}, "calendar-due", "too-small"],
  "calendar-threshold": [{ size: 0.9 }, "calendar-due", "inside-band"],
  "volatility-adjusted": [{ size: 0.9 }, "trigger-crossed", "inside-band"],
  "gas-widened": [{ size: 0.9 }, "trigger-crossed", "inside-band"],
  "trigger-surface": [{ size: 0.3 }, "trigger-crossed", "inside-band"],
  "no-trade": [{ riskAversion: 1_000, gasUnits: 0 }, "no-trade-edge", "inside-band"],
  cppi: [{ multiplier: 10 / 3, tolerance: 0.01 }, "floor-near", "inside-tolerance"],
  predictive: [{ dearGas: 1_000 }, "breach-forecast", "inside-band"],
  patient: [{ size: 0.5 }, "worth-its-cost", "inside-band"],
};

describe("every policy, through decide", () => {
  it("default: the documentation has every policy, parameter and reason of theirs", () => {
    const text = readFileSync(new URL("../../../docs/policies.md", import.meta.url), "utf8");
    const parameters = [...POLICIES.values()].flatMap((of) => Object.keys(of.parameters.properties));
    const reasons = REASONS.slice(REASONS.indexOf("trigger-crossed"));
    for (const word of [...NAMES, ...parameters, ...reasons]) expect(text).toContain(`\`${word}\``);
  });
  it("default: the table above has them all", () => expect(Object.keys(TABLE)).toEqual(NAMES));

  it.each(NAMES)("%s: holds on target, acts, repairs a breach, is paused, lacks a forecast", (name) => {
    const [parameters, actsFor, holdsFor] = TABLE[name]!;
    const policy = policyOf({ name, parameters });
    expect(at(still, policy)).toMatchObject({
      reason: holdsFor,
      trades: [],
      decision: { policyId: policy.id },
    });

    const acted = at(near, policy);
    expect(acted.reason).toBe(actsFor);
    expect(acted.trades.length).toBeGreaterThan(0);
    expect(acted.isBreached).toBe(false);
    expect(acted.decision.modelId).toBe(model.id);

    const repaired = at(outside, policy);
    expect(repaired).toMatchObject({ isBreached: true, decision: { modelId: `0x${"0".repeat(64)}` } });
    expect(repaired.reason).toBe(name === "cppi" ? "floor-near" : "breach");
    expect(repaired.trades.length).toBeGreaterThan(0);

    expect(at({ ...outside, paused: true }, policy).reason).toBe("paused");

    // Waiting and acting in numbers, whatever was chosen; of waiting only what a forecast can say.
    for (const { numbers } of [acted, at(still, policy), repaired]) {
      expect(numbers.actingFeesBps).toBeGreaterThanOrEqual(0);
      expect(numbers.waitingGasBps).toBeCloseTo(numbers.actingGasBps! / 2, 12);
      expect(numbers.waitingTrackingErrorBps24h).toBeGreaterThanOrEqual(
        numbers.actingTrackingErrorBps24h! - 1e-3,
      );
    }

    const without = decide(snapshotAt(DUE, 20), outside, undefined, policy, DUE, foresight);
    expect(without.decision.forecastHash).toBe(`0x${"0".repeat(64)}`);
    expect(without.trades.length).toBeGreaterThan(0);
    expect(without.numbers).not.toHaveProperty("waitingTrackingErrorBps24h");
    if (POLICIES.get(name)!.forecast === "optional") expect(without.numbers.hasForecast).toBe(0);
    else expect(without.trades).toEqual(repaired.trades);
  });

  it("behaviour: the no-trade region says what a day's waiting costs at its risk aversion", () => {
    const policy = policyOf({ name: "no-trade", parameters: { riskAversion: 4 } });
    const { numbers } = at(outside, policy);
    const share = (bps: number | undefined) => bps! / 1e4;
    const saved =
      share(numbers.waitingTrackingErrorBps24h) ** 2 - share(numbers.actingTrackingErrorBps24h) ** 2;
    expect(numbers.waitingRiskBps24h).toBeCloseTo(2 * saved * 1e4, 12);
    expect(numbers.waitingRiskBps24h).toBeGreaterThan(0);
    expect(decide(snapshotAt(DUE, 20), outside, undefined, policy, DUE).numbers).not.toHaveProperty(
      "waitingRiskBps24h",
    );
  });
  it("behaviour: what gas widens with no gas history says so, and is the fixed threshold", () => {
    const policy = policyOf({ name: "gas-widened", parameters: { gasPower: 1 } });
    const of = (gas: number | undefined, state: VaultState) =>
      decide(snapshotAt(DUE, gas), state, undefined, policy, DUE, foresight);
    expect(of(undefined, near)).toMatchObject({ reason: "no-history", numbers: { hasHistory: 0 } });
    expect(of(undefined, outside).trades).toEqual(of(20, outside).trades);
    // Twice the usual gas: the band of 2 points is one of 4, and 3.7 points off are inside it.
    expect(of(40, outside)).toMatchObject({ reason: "trigger-widened", isBreached: true, trades: [] });
  });
  it("behaviour: what follows the day past says so where there is no day, and is the fixed threshold", () => {
    const policy = policyOf({ name: "volatility-adjusted" });
    const whole = snapshotAt(DUE, 20);
    const short = { ...whole, bars: whole.bars.map((bars) => ({ ...bars, close: bars.close.slice(-24) })) };
    const of = (snapshot: typeof whole, state: VaultState) =>
      decide(snapshot, state, undefined, policy, DUE, foresight);
    expect(of(short, near)).toMatchObject({
      reason: "no-history",
      numbers: { hasHistory: 0, triggerFactor: 1 },
    });
    expect(of(short, outside).trades).toEqual(of(whole, outside).trades);
    // Its prices move alike every hour.
    expect(of(whole, near).numbers.volatilityOverUsual).toBeCloseTo(1, 12);
  });
  it("behaviour: a wide trigger and a calendar that is not due hold a breach, and say which of them it was", () => {
    const wide = policyOf({ name: "threshold", parameters: { size: 3 } });
    expect(at(outside, wide)).toMatchObject({ reason: "inside-trigger", isBreached: true });
    const hour = unixMillis(DUE + HOUR_MS);
    const daily = policyOf({ name: "calendar-threshold", parameters: { everyHours: 24 } });
    const decided = decide(snapshotAt(hour, 20), outside, undefined, daily, hour, foresight);
    expect(decided).toMatchObject({ reason: "not-due", isBreached: true, trades: [] });
  });
  it("behaviour: an insurance that would trade away from the targets holds, as the vault would refuse it", () => {
    const cautious = policyOf({ name: "cppi", parameters: { multiplier: 2 } });
    const decided = at(outside, cautious);
    expect(decided).toMatchObject({ reason: "away-from-target", trades: [] });
    expect(decided.numbers).toMatchObject({ tradesAwayFromTarget: 1 });
    expect(decided.numbers.wantedExposure).toBeCloseTo(0.4, 6);
  });
  it("behaviour: without a score that is high enough no policy trades before a breach", () => {
    // ETH, the highest, is all but on its target: no trade is made for its sake.
    const calm: Foresight = { ...foresight, scorer: { ...foresight.scorer, scores: () => [1, 2, 3] } };
    for (const [name, [parameters]] of Object.entries(TABLE)) {
      const policy = policyOf({ name, parameters });
      const state = { ...near, minScore: 500 };
      const decided = decide(snapshotAt(DUE, 20), state, forecastOf(DUE), policy, DUE, calm);
      expect(decided).toMatchObject({ reason: "score-too-low", numbers: { score: 2, minScore: 500 } });
    }
  });
});
