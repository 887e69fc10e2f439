import { HOUR_MS, seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bootstrapDeviations, drawBlocks } from "../evaluation/bootstrap.ts";
import { compareRecords } from "./compare.ts";
import { difference, holm, interval } from "./inference.ts";
import { toFixtureRecord } from "./record.fixture.ts";
import type { BacktestRecord } from "./record.ts";
import { costAt, elasticityOf, toRegrets } from "./regret.ts";
import { COST_KINDS, toSteps } from "./steps.ts";

const tight = toFixtureRecord({ name: "tight", trigger: 0.015 });
const wide = toFixtureRecord({ name: "wide", trigger: 0.025 });
const patient = toFixtureRecord({ name: "patient", trigger: 0.015, isPatient: true });

describe("compareRecords", () => {
  it("behaviour: intervals, ratio and regret equal those of a twin that resamples steps one by one", () => {
    const records = [tight, wide, patient];
    const seed = 5;
    const { policies, bootstrap, elasticity } = compareRecords(records, { seed, resamples: 40 });
    const steps = records.map(toSteps);
    const n = steps[0]!.square.length;
    const random = seededRandom(seed, "compare");
    const sorted = (list: number[]) => list.sort((a, b) => a - b);
    const quantile = (list: number[], p: number) => {
      const rank = p * (list.length - 1);
      const [low, high] = [sorted(list)[Math.floor(rank)]!, sorted(list)[Math.ceil(rank)]!];
      return low + (rank - Math.floor(rank)) * (high - low);
    };
    const place = (k: number, at: readonly number[]) => {
      const sum = (list: Float64Array) => at.reduce((total, t) => total + list[t]!, 0);
      const paid = COST_KINDS.reduce((total, kind) => total + sum(steps[k]![kind]), 0);
      return {
        trackingError: Math.sqrt((sum(steps[k]!.square) / n) * 8760),
        cost: (paid / sum(steps[k]!.value)) * 8760,
      };
    };
    const drawn = Array.from({ length: 40 }, () => {
      const at: number[] = [];
      drawBlocks(n, bootstrap.meanBlockHours, random, (start, length) => {
        for (let i = start; i < start + length; i++) at.push(i % n);
      });
      return at;
    });
    const places = drawn.map((at) => records.map((_, k) => place(k, at)));
    for (const [k, policy] of policies.entries()) {
      for (const id of ["trackingError", "cost"] as const) {
        const values = places.map((all) => all[k]![id]);
        expect(policy.metrics[id]!.low! / quantile(values, 0.025)).toBeCloseTo(1, 8);
        expect(policy.metrics[id]!.high! / quantile(values, 0.975)).toBeCloseTo(1, 8);
      }
      const regrets = places.map((all) => toRegrets(all, elasticity)[k]!);
      expect(policy.metrics.regret!.high).toBeCloseTo(quantile(regrets, 0.975), 10);
    }
    const whole = records.map((_, k) =>
      place(
        k,
        Array.from({ length: n }, (_, t) => t),
      ),
    );
    const ratio = ([a, b]: readonly { trackingError: number; cost: number }[]) =>
      (b!.cost * b!.trackingError ** elasticity) / (a!.cost * a!.trackingError ** elasticity);
    expect(policies[1]!.costRatio!.estimate).toBeCloseTo(ratio(whole), 10);
    expect(policies[1]!.costRatio!.low).toBeCloseTo(quantile(places.map(ratio), 0.025), 2);
    const logs = places.map((all) => Math.log(ratio(all)));
    const centre = Math.log(ratio(whole));
    const beyond = logs.filter((x) => Math.abs(x - centre) >= Math.abs(centre)).length;
    expect(policies[1]!.costRatio!.p).toBeCloseTo((1 + beyond) / 41, 12);
  });

  it("behaviour: the same run under another name differs in nothing, with p 1 throughout", () => {
    const { policies } = compareRecords([tight, { ...tight, name: "again" }], { resamples: 100 });
    for (const { estimate, low, high, p } of Object.values(policies[1]!.versus!))
      expect([estimate, low, high, p]).toEqual([0, 0, 0, 1]);
    expect(policies[1]!.costRatio).toMatchObject({ estimate: 1, p: 1 });
    expect(policies[0]!.versus).toBeUndefined();
  });

  it("behaviour: sees what waiting for cheap gas saves, and names the baseline that was asked for", () => {
    // Tight triggers leave time to wait before a breach.
    const eager = toFixtureRecord({ name: "tight", trigger: 0.008, days: 120 });
    const waiting = toFixtureRecord({ name: "patient", trigger: 0.008, days: 120, isPatient: true });
    const { policies, baseline } = compareRecords([waiting, eager], { baseline: "tight", resamples: 400 });
    expect(baseline).toBe("tight");
    const { versus, metrics } = policies[0]!;
    expect(versus!.gasPaidOverMean!.estimate).toBeLessThan(-0.2);
    expect(versus!.gasPaidOverMean!.p).toBeLessThan(0.01);
    expect(metrics.gasPaidOverMean!.high).toBeLessThan(1);
  });

  it("behaviour: the same seed gives the same comparison; a policy that never trades has no ratio", () => {
    const idle: BacktestRecord = { ...wide, name: "idle", trades: [] };
    const first = compareRecords([tight, idle], { resamples: 50 });
    expect(compareRecords([tight, idle], { resamples: 50 })).toEqual(first);
    expect(first.policies[1]!.costRatio).toBeUndefined();
    expect(first.policies[1]!.metrics.gasPaid).toEqual({ estimate: null, low: null, high: null });
  });

  it("behaviour: windows are whole weeks and hold all of their costs", () => {
    const { policies } = compareRecords([tight], { resamples: 10 });
    const { windows, record } = policies[0]!;
    expect(windows).toHaveLength(8);
    const [first] = windows;
    const inside = record.trades.filter(({ executedAt }) => executedAt <= record.bars.at[168]!);
    const paid = inside.flatMap(({ costs }) => Object.values(costs)).reduce((a, b) => a + b, 0);
    const values = record.bars.value.slice(1, 169);
    expect(first!.cost).toBeCloseTo(paid / (values.reduce((a, b) => a + b, 0) / 168), 12);
  });

  const market = tight.market;
  it.each([
    [
      "another market",
      { market: { ...market, hash: "0x22" } },
      "NOT_COMPARABLE",
      /market\.hash is 0x11.* in tight and 0x22 in other/,
    ],
    [
      "another period",
      { market: { ...market, to: market.to + HOUR_MS } },
      "NOT_COMPARABLE",
      /market\.to is 2023-03-02T00:00:00.000Z/,
    ],
    ["other targets", { targets: [0.3, 0.4, 0.3] }, "NOT_COMPARABLE", /targets is 0\.2, 0\.5, 0\.3 in tight/],
    ["other bands", { bands: [0.1, 0.1, 0.1] }, "NOT_COMPARABLE", /bands/],
    ["another size", { nav: 5 }, "NOT_COMPARABLE", /nav is 1000000 in tight and 5 in other/],
    [
      "another price",
      {
        bars: {
          ...tight.bars,
          prices: tight.bars.prices.map((row) => row.map((x, t) => (t === 7 ? x * 2 : x))),
        },
      },
      "NOT_COMPARABLE",
      /the price of USDC at bar 7 is 1 in tight and 2 in other/,
    ],
    ["the same name", { name: "tight" }, "RECORD_NAMES", /"tight"/],
  ])("error: %s", (_, given, code, message) => {
    const other: BacktestRecord = { ...wide, name: "other", ...given };
    expect(() => compareRecords([tight, other])).toThrowError(expect.objectContaining({ code }));
    expect(() => compareRecords([tight, other])).toThrowError(message);
  });

  it("error: no record, and a baseline that is none of them; without one it is the first threshold", () => {
    expect(
      compareRecords([{ ...wide, policy: { ...wide.policy, name: "predictive" } }, tight], { resamples: 1 })
        .baseline,
    ).toBe("tight");
    expect(() => compareRecords([])).toThrowError(expect.objectContaining({ code: "RECORD_NAMES" }));
    expect(() => compareRecords([tight, wide], { baseline: "best" })).toThrowError(
      /Choose one of tight, wide/,
    );
  });
});

describe("inference", () => {
  it("behaviour: p rejects a true hypothesis about as often as it says", () => {
    let rejected = 0;
    const trials = 400;
    for (let trial = 0; trial < trials; trial++) {
      const random = seededRandom(trial, "null");
      const x = Float64Array.from({ length: 80 }, () => random.normal());
      const centre = x.reduce((a, b) => a + b, 0) / 80;
      const deviations = bootstrapDeviations([x], { random, meanBlock: 1, resamples: 199 });
      const { p } = difference(
        centre,
        [...deviations].map((d) => centre + d),
        0.95,
      );
      if (p! <= 0.05) rejected++;
    }
    // 5 % of 400, give or take four standard errors: 20 ± 17.4.
    expect(rejected).toBeGreaterThan(2);
    expect(rejected).toBeLessThan(38);
  });

  it("default: type 7 quantiles; nothing where too many resamples are undefined", () => {
    expect(interval(2, [0, 1, 2, 3, 4], 0.5)).toEqual({ estimate: 2, low: 1, high: 3 });
    expect(interval(2, [0, Number.NaN], 0.5)).toEqual({ estimate: 2, low: null, high: null });
    expect(interval(Number.NaN, [1, 2], 0.5)).toEqual({ estimate: null, low: null, high: null });
    // Centred: −2, −1, 0, 1, 2; two of five lie 2 or farther away: (1 + 2)/(1 + 5).
    expect(difference(2, [0, 1, 2, 3, 4], 0.5).p).toBe(0.5);
  });

  it("default: Holm (1979), by hand", () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([0.6, 0.7])).toEqual([1, 1]);
  });
});

describe("regret", () => {
  it("default: by hand, at elasticity 1", () => {
    // B at A's 2 % would cost 30·(1/2) = 15, so A's 20 regret 5; A at B's 1 % would cost 40; C, ten times as far, is only
    // better by what it costs.
    const places = [
      { trackingError: 0.02, cost: 20 },
      { trackingError: 0.01, cost: 30 },
      { trackingError: 0.1, cost: 18 },
    ];
    expect(toRegrets(places, 1)).toEqual([5, 0, 0]);
    // A fourth that tracks better and costs less than C counts with what it paid.
    expect(toRegrets([...places, { trackingError: 0.03, cost: 12 }], 1)).toEqual([5, 0, 6, 0]);
  });

  it("behaviour: never negative, never above what was paid, and another policy to be wise after never lowers it", () => {
    const amount = fc.double({ min: 0.001, max: 100, noNaN: true });
    const places = fc.array(fc.record({ trackingError: amount, cost: amount }), {
      minLength: 2,
      maxLength: 8,
    });
    fc.assert(
      fc.property(places, fc.double({ min: 1, max: 2, noNaN: true }), (all, elasticity) => {
        const regrets = toRegrets(all, elasticity);
        const fewer = toRegrets(all.slice(0, -1), elasticity);
        for (const [i, regret] of regrets.entries()) {
          expect(regret).toBeGreaterThanOrEqual(0);
          expect(regret).toBeLessThanOrEqual(all[i]!.cost);
          if (i < fewer.length) expect(regret).toBeGreaterThanOrEqual(fewer[i]!);
        }
      }),
      { seed: 1 },
    );
  });

  it("default: costs at another tracking error, and the elasticity of a mixture", () => {
    expect(costAt({ trackingError: 0.02, cost: 8 }, 0.01, 2)).toBe(32);
    expect(elasticityOf(0, 10)).toBe(1);
    expect(elasticityOf(10, 10)).toBe(2);
    expect(elasticityOf(0, 0)).toBe(1);
  });
});
