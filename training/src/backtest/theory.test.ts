import { noTradeRegion } from "@ballast/agent";
import { describe, expect, it } from "vitest";
import { type SimMarket, toSimMarket } from "./market.ts";
import type { ReactiveRule, SimCosts } from "./rule.ts";
import type { SimResult } from "./sim-result.ts";
import { toBrownianCloses } from "./simulate.fixture.ts";
import { simulate } from "./simulate.ts";

/*
 * Half in the base asset, half in one that moves by SIGMA a bar: the weight is a Brownian motion with
 * w(1−w)·SIGMA a bar as long as it stays near its target.
 */
const WEIGHT = 0.5;
const SIGMA = 0.002;
const STEP = WEIGHT * (1 - WEIGHT) * SIGMA;
const OPTIONS = { bands: [0.4, 0.4] };
const toMarket = (bars: number, seed: number): SimMarket =>
  toSimMarket(toBrownianCloses([0, SIGMA], bars, seed), [1 - WEIGHT, WEIGHT]);
const free: SimCosts = { nav: 1, base: 0, feeRates: [0, 0] };
const long = toMarket(3_000_000, 1);
/** Root mean square distance of the weight from target: growth differs from the mix's by it times the asset's return. */
const distanceOf = ({ trackingError }: SimResult) => trackingError / SIGMA;
let worthNow = 1;
const worth = long.mix.map((growth) => {
  worthNow *= growth;
  return worthNow;
});
const run = (rule: ReactiveRule, market = long, costs = free) => simulate(market, rule, costs, OPTIONS);
const threshold = (half: number, keep = 0): ReactiveRule => ({ triggers: [half, half], keep });

describe("the theory of rebalancing under Brownian prices", () => {
  /*
   * Leland 1999, and by hand: with s the distance, the edge rule's half-width is √3·s. Turnover in units of σₓ²/(√3 s):
   * edge σₓ²/2h = 0.500; to target σₓ²/h with h = √6 s, 1/√2 = 0.707; calendar every 2s²/σₓ², √(2/π)·√3/√2 = 0.977.
   */
  it.each<[string, ReactiveRule, number]>([
    ["calendar", { triggers: [0, 0], every: 900 }, 0.977],
    ["threshold back to target", threshold(30 * STEP), Math.SQRT1_2],
    ["threshold back to the edge", threshold(30 * STEP, 1), 0.5],
  ])("default: turnover at equal tracking error of a %s", (_, rule, expected) => {
    const result = run(rule);
    const perBar = result.turnover / result.bars;
    // Seen once a bar, a barrier lies 0.58 steps further out (Broadie, Glasserman & Kou 1997): here 2 % of its width.
    expect(Math.abs((perBar * Math.sqrt(3) * distanceOf(result)) / STEP ** 2 / expected - 1)).toBeLessThan(
      0.03,
    );
  });

  it.each([
    // w = ½, γ = 2: (3/4 · c / 16)^⅓ and (12 · F / 16 / 2)^¼.
    [{ proportional: 0.0005, fixed: 0 }, 0.02862, 0.02862],
    [{ proportional: 0.003, fixed: 0 }, 0.052, 0.052],
    [{ proportional: 0, fixed: 1e-6 }, 0.02475, 0],
  ])("default: the no-trade region of %j", (costs, trigger, destination) => {
    const region = noTradeRegion({ weight: 0.5, riskAversion: 2, ...costs });
    expect(region.trigger).toBeCloseTo(trigger, 5);
    expect(region.destination).toBeCloseTo(destination, 5);
  });
  it("behaviour: with both costs the region lies between, and passes into each as the other vanishes", () => {
    const of = (proportional: number, fixed: number) =>
      noTradeRegion({ weight: 0.3, riskAversion: 3, proportional, fixed });
    const both = of(0.001, 1e-6);
    expect(both.trigger).toBeGreaterThan(Math.max(of(0.001, 0).trigger, of(0, 1e-6).trigger));
    expect(both.destination).toBeGreaterThan(0);
    expect(both.destination).toBeLessThan(of(0.001, 0).destination);
    expect(of(0.001, 1e-18).trigger / of(0.001, 0).trigger).toBeCloseTo(1, 2);
    expect(of(1e-12, 1e-6).trigger / of(0, 1e-6).trigger).toBeCloseTo(1, 6);
  });
  it("error: a region for no weight at all", () => {
    expect(() => noTradeRegion({ weight: 1, riskAversion: 2, proportional: 0, fixed: 0 })).toThrow(
      /weight is 1/,
    );
  });

  // What the owner minds a bar: costs, and half of γ times the variance of the difference to the mix.
  const GAMMA = 2;
  const lossOf = ({ fees, gas, bars, trackingError }: SimResult) =>
    (fees + gas) / bars + (GAMMA / 2) * trackingError ** 2;
  it.each([
    ["proportional costs", 2e-5, 0],
    ["fixed costs", 0, 1e-8],
    ["both", 1e-5, 1e-8],
  ])(
    "default: under %s the theory's region loses least, wider and narrower ones more",
    (_, proportional, fixed) => {
      const { trigger, destination } = noTradeRegion({
        weight: WEIGHT,
        riskAversion: GAMMA,
        proportional,
        fixed,
      });
      const costs: SimCosts = {
        nav: 1,
        base: 0,
        feeRates: [0, proportional],
        // Grows with the portfolio, so that it stays the same share of it.
        gasDollars: worth,
        gasPerTrade: fixed,
      };
      const loss = (half: number, keep = destination / trigger) =>
        lossOf(run(threshold(half, keep), long, costs));
      const best = loss(trigger);
      for (const factor of [0.6, 1.6])
        expect(loss(trigger * factor), `× ${factor}`).toBeGreaterThan(best * 1.01);
      if (proportional > 0) expect(loss(trigger, 0), "to target").toBeGreaterThan(best * 1.01);
      if (fixed > 0) expect(loss(trigger, 1), "to the edge").toBeGreaterThan(best * 1.01);
      // J(h, k) = σₓ²c/(h+k) + σₓ²F/(h²−k²) + γσ²(h²+k²)/12.
      const [h, k] = [trigger, destination];
      const byTheory =
        (STEP ** 2 * proportional) / (h + k) +
        (fixed === 0 ? 0 : (STEP ** 2 * fixed) / (h * h - k * k)) +
        (GAMMA * SIGMA ** 2 * (h * h + k * k)) / 12;
      expect(Math.abs(best / byTheory - 1)).toBeLessThan(0.06);
    },
  );

  it("behaviour: 60/40 trades less the wider the threshold and the rarer the calendar, as Vanguard's table does", () => {
    // 83 years of months at 15 % and 5 % a year, as often as the table's period counts them.
    const market = toSimMarket(
      toBrownianCloses([0.15 / 12 ** 0.5, 0.05 / 12 ** 0.5], 84 * 12, 3),
      [0.6, 0.4],
    );
    const of = (half: number, every: number) =>
      simulate(
        market,
        { triggers: [half, half], every },
        { nav: 1, feeRates: [0, 0] },
        { bands: [0.2, 0.2] },
      );
    const monthly = [0, 0.01, 0.05, 0.1].map((half) => of(half, 1));
    const yearly = [0, 0.01, 0.05, 0.1].map((half) => of(half, 12));
    for (const list of [monthly, yearly]) {
      for (let i = 1; i < list.length; i++) {
        expect(list[i]!.trades).toBeLessThan(list[i - 1]!.trades);
        expect(list[i]!.turnover).toBeLessThan(list[i - 1]!.turnover);
        expect(list[i]!.trackingError).toBeGreaterThan(list[i - 1]!.trackingError);
      }
    }
    // Of its rows: monthly at 0 % 2.7 % a year, monthly at 5 % 1.7 %, yearly at 10 % 1.4 %.
    expect(yearly[3]!.turnover).toBeLessThan(monthly[2]!.turnover);
    expect(yearly[0]!.turnover).toBeLessThan(monthly[0]!.turnover);
    expect(monthly[0]!.trades).toBe(84 * 12 - 1);
  });
});
