import { HOUR_MS } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { lossVersusRebalancing } from "../backtest/true-costs.ts";
import { maxDrawdown, poolLossOf, spanOf, toDollars, toMetrics } from "./metrics.ts";
import { toFixtureRecord } from "./record.fixture.ts";
import type { BacktestRecord, BacktestTrade } from "./record.ts";
import { toMeans, toSteps } from "./steps.ts";

const HOURS_A_YEAR = 8760;
const KINDS = ["fee", "spread", "impact", "mev", "gas", "attestationGas"] as const;

/** The twin: each metric from the record by its definition, list after list, nothing shared. */
function slowly({ bars, trades, nav, targets, bands }: BacktestRecord): Record<string, number> {
  const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const paid = (t: BacktestTrade) => KINDS.map((kind) => t.costs[kind]).reduce((a, b) => a + b, 0);
  const later = bars.at.map((_, t) => t).slice(1);
  const barOf = (t: BacktestTrade) => {
    const bar = bars.at.findIndex((at) => at >= t.executedAt);
    return Math.max(1, bar === -1 ? bars.at.length - 1 : bar);
  };
  const costAt = (bar: number) =>
    trades
      .filter((t) => barOf(t) === bar)
      .map(paid)
      .reduce((a, b) => a + b, 0);
  const value = [nav, ...bars.value.slice(1)];
  const mix = [nav, ...bars.mix.slice(1)];
  const differences = later.map((t) => (value[t]! + costAt(t)) / value[t - 1]! - mix[t]! / mix[t - 1]!);
  const years = later.length / HOURS_A_YEAR;
  const average = mean(later.map((t) => value[t]!));
  const beyond = later
    .map((t) => Math.max(...targets.map((w, i) => Math.abs(bars.weights[i]![t]! - w) - bands[i]!)))
    .filter((x) => x > 0);
  const returns = later.map((t) => value[t]! / value[t - 1]! - 1);
  const variance =
    returns.map((r) => (r - mean(returns)) ** 2).reduce((a, b) => a + b, 0) / (returns.length - 1);
  const total = (of: (t: BacktestTrade) => number) => trades.map(of).reduce((a, b) => a + b, 0);
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  const fee = (t: BacktestTrade) => bars.gasGwei[bars.at.findIndex((at) => at >= t.executedAt)]!;
  const dayLow = (t: BacktestTrade) =>
    Math.min(...bars.gasGwei.filter((_, i) => day(bars.at[i]!) === day(t.executedAt)));
  let drawdown = 0;
  for (const [t, v] of value.entries())
    for (const u of value.slice(0, t)) drawdown = Math.max(drawdown, 1 - v / u);
  const bars0 = later.map((t) => bars.gasGwei[t]!);
  return {
    trackingError: Math.sqrt(mean(differences.map((d) => d * d)) * HOURS_A_YEAR),
    cost: total(paid) / average / years,
    ...Object.fromEntries(
      KINDS.map((kind) => [`cost.${kind}`, total((t) => t.costs[kind]) / average / years]),
    ),
    shortfall: total((t) => t.shortfall) / average / years,
    shortfallOfSold: total((t) => t.shortfall) / total((t) => t.soldDollars),
    turnover: total((t) => t.soldDollars / (value[barOf(t)]! + costAt(barOf(t)))) / years,
    trades: trades.length / years,
    outsideBand: beyond.length / later.length,
    meanExcess: beyond.length === 0 ? 0 : mean(beyond),
    worstExcess: Math.max(0, ...beyond),
    return: bars.value.at(-1)! / nav - 1,
    activeGrowth: Math.log(bars.value.at(-1)! / bars.mix.at(-1)!) / years,
    volatility: Math.sqrt(variance * HOURS_A_YEAR),
    sharpe: (mean(returns) * HOURS_A_YEAR) / Math.sqrt(variance * HOURS_A_YEAR),
    maxDrawdown: drawdown,
    gasPaid: mean(trades.map(fee)),
    gasPaidOverMean: mean(trades.map(fee)) / mean(bars0),
    gasPaidOverDayLow: total(fee) / total(dayLow),
  };
}

/** Two assets, three hourly bars, worked by hand. */
function smallRecord(given: Partial<BacktestRecord> = {}): BacktestRecord {
  const trade: BacktestTrade = {
    decidedAt: 0,
    executedAt: HOUR_MS / 2,
    reason: "breach",
    numbers: {},
    decisionHash: "0x",
    weightsBefore: [0.4, 0.6],
    weightsAfter: [0.5, 0.5],
    soldDollars: 11,
    costs: { fee: 1, spread: 2, impact: 3, mev: 0, gas: 4, attestationGas: 0 },
    shortfall: 12,
    gasGwei: 30,
  };
  return {
    format: "ballast-backtest/1",
    name: "small",
    policy: { name: "threshold", parameters: {}, id: "0x" },
    market: { hash: "0x", from: 0, to: 2 * HOUR_MS, barMs: HOUR_MS },
    assets: ["USD", "A"],
    targets: [0.5, 0.5],
    bands: [0.05, 0.05],
    nav: 100,
    bars: {
      at: [0, HOUR_MS, 2 * HOUR_MS],
      value: [100, 100, 99],
      mix: [100, 110, 110],
      weights: [
        [0.5, 0.4, 0.52],
        [0.5, 0.6, 0.48],
      ],
      prices: [
        [1, 1, 1],
        [1, 1.2, 1.2],
      ],
      gasGwei: [10, 20, Number.NaN],
      breachProbability: [null, null, null],
    },
    trades: [trade],
    decisionsDigest: "0x",
    models: [],
    notes: [],
    ...given,
  };
}

describe("toMetrics", () => {
  it("default: a case worked by hand", () => {
    const metrics = toMetrics(smallRecord());
    // Step 1: (100 + 10)/100 − 110/100 = 0; step 2: 99/100 − 110/110 = −0.01. √(0.0001/2 · 8,760) = 0.66182…
    expect(metrics.trackingError).toBeCloseTo(0.01 * Math.sqrt(4380), 12);
    // 10 dollars in two hours over the average value (100 + 99)/2.
    expect(metrics.cost).toBeCloseTo((10 / 99.5) * 4380, 9);
    expect(metrics["cost.gas"]).toBeCloseTo((4 / 99.5) * 4380, 9);
    // 11 sold of 110 before costs.
    expect(metrics.turnover).toBeCloseTo(0.1 * 4380, 9);
    expect(metrics.trades).toBe(4380);
    // The second bar alone is outside, by 0.6 − 0.5 − 0.05.
    expect(metrics.outsideBand).toBe(0.5);
    expect(metrics.meanExcess).toBeCloseTo(0.05, 12);
    expect(metrics.worstExcess).toBeCloseTo(0.05, 12);
    expect(metrics.shortfallOfSold).toBeCloseTo(12 / 11, 12);
    expect(metrics.return).toBeCloseTo(-0.01, 12);
    expect(metrics.maxDrawdown).toBeCloseTo(0.01, 12);
    // Returns 0 and −0.01: mean −0.005, sample deviation 0.01/√2.
    expect(metrics.sharpe).toBeCloseTo((-0.005 / (0.01 / Math.SQRT2)) * Math.sqrt(8760), 9);
    // The trade's 30 hold a tip: the base fee at its bar is 20; bars after the first have 20 and nothing; the day's lowest
    // is 10.
    expect(metrics.gasPaid).toBe(20);
    expect(metrics.gasPaidOverMean).toBe(1);
    expect(metrics.gasPaidOverDayLow).toBe(2);
    expect(toDollars(smallRecord())).toEqual({
      ...{ fee: 1, spread: 2, impact: 3, mev: 0, gas: 4, attestationGas: 0 },
      ...{ cost: 10, shortfall: 12, sold: 11 },
    });
  });

  it.each([
    ["threshold", { name: "a", trigger: 0.02 }],
    ["latency of 3 h", { name: "b", trigger: 0.02, latency: 3, seed: 2 }],
    ["patient", { name: "c", trigger: 0.01, isPatient: true, seed: 3 }],
  ] as const)("behaviour: equals its independent twin, %s", (_, options) => {
    const record = toFixtureRecord(options);
    expect(record.trades.length).toBeGreaterThan(10);
    const [fast, slow] = [toMetrics(record), slowly(record)];
    expect(Object.keys(fast).sort()).toEqual(Object.keys(slow).sort());
    for (const [id, value] of Object.entries(slow))
      expect(Math.abs(fast[id]! - value), id).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)));
    expect(fast.outsideBand).toBeGreaterThan(0);
  });

  it("default: Sharpe ratio and drawdown of a published example", () => {
    // empyrical, tests/test_stats.py, `mixed_returns`: daily returns in %, 252 days a year.
    const returns = [1, 10, -4, 2, 3, 2, 1, -10];
    const value = [100];
    for (const r of returns) value.push(value.at(-1)! * (1 + r / 100));
    const still = value.map(() => 0.5);
    const barMs = (365 * 24 * HOUR_MS) / 252;
    const metrics = toMetrics(
      smallRecord({
        market: { hash: "0x", from: 0, to: barMs * 8, barMs },
        trades: [],
        bars: {
          ...{ at: value.map((_, t) => t * barMs), value, mix: value, weights: [still, still] },
          ...{ prices: [still, still], gasGwei: still, breachProbability: still },
        },
      }),
    );
    expect(metrics.sharpe).toBeCloseTo(1.7238613961706866, 10);
    expect(metrics.maxDrawdown).toBeCloseTo(0.1, 12);
  });

  it("behaviour: a portfolio that is the mix has no tracking error; without a trade, gas paid is not defined", () => {
    const { bars } = smallRecord();
    const still = smallRecord({ trades: [], bars: { ...bars, value: bars.mix } });
    const metrics = toMetrics(still);
    expect(metrics.trackingError).toBe(0);
    expect(metrics.activeGrowth).toBe(0);
    expect(metrics.cost).toBe(0);
    for (const id of ["gasPaid", "gasPaidOverMean", "gasPaidOverDayLow", "shortfallOfSold"])
      expect(metrics[id]).toBeNaN();
  });

  it("behaviour: what was traded at the first bar, or after the last, is not lost", () => {
    const [trade] = smallRecord().trades;
    for (const executedAt of [0, 3 * HOUR_MS])
      expect(toMetrics(smallRecord({ trades: [{ ...trade!, executedAt }] })).cost).toBeCloseTo(440.2, 1);
  });

  it("error: a single bar", () => {
    const { bars } = smallRecord();
    expect(() => toMetrics(smallRecord({ bars: { ...bars, at: [0] } }))).toThrowError(
      expect.objectContaining({ code: "OUT_OF_RANGE" }),
    );
  });
});

describe("maxDrawdown", () => {
  it.each([
    [[100, 120, 90, 150, 75, 160], 0.5],
    [[1, 2, 3], 0],
    [[4, 2, 3, 1], 0.75],
  ])("default: of %j is %d", (values, expected) => {
    expect(maxDrawdown(values)).toBe(expected);
  });
});

describe("loss versus rebalancing", () => {
  it("behaviour: of two assets it is an eighth of the realised variance of their ratio", () => {
    const record = toFixtureRecord({ name: "a", trigger: 0.02 });
    const pair = {
      ...record,
      targets: [0.5, 0.5],
      bars: { ...record.bars, prices: record.bars.prices.slice(0, 2) },
    };
    const closes = pair.bars.prices[1]!;
    let variance = 0;
    for (let t = 1; t < closes.length; t++) variance += Math.log(closes[t]! / closes[t - 1]!) ** 2;
    const sigma = Math.sqrt((variance / (closes.length - 1)) * HOURS_A_YEAR);
    expect(poolLossOf(toMeans(toSteps(pair)), spanOf(pair))).toBeCloseTo(lossVersusRebalancing(sigma), 12);
  });
});
