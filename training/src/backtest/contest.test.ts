import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { compareFrontiers, gapClosed, poolFolds } from "./comparison.ts";
import { budgetOf, type ContestOptions, type Frontiers, toContender } from "./contest.ts";
import { FAMILIES } from "./families.ts";
import { toSimMarket } from "./market.ts";
import { runProtocol, toExpandingFolds } from "./protocol.ts";
import { toRiskColumns } from "./risk-columns.ts";
import { type Arena, shapeAt } from "./shapes.ts";
import { type GasColumns, gasSignals, volatilitySignals } from "./signals.ts";
import { toBrownianCloses } from "./simulate.fixture.ts";

const HOURS = 3400;
const FROM = 800;
const closes = toBrownianCloses([0, 0.007], HOURS, 5);
const random = seededRandom(6);
/** Gas with a strong daily wave, which a forecast can use and a rule of weights cannot. */
const logGas = Float64Array.from(
  { length: HOURS },
  (_, t) => Math.log(30) + Math.sin((2 * Math.PI * t) / 24) + 0.1 * random.normal(),
);
const LOG_DOLLARS = Math.log(2e-6);
const inDollars = (columns: GasColumns): GasColumns => ({
  ...columns,
  usualFee: columns.usualFee.map((fee) => fee + LOG_DOLLARS),
});
const gas = inDollars(gasSignals(logGas, 0, FROM));
const variance = Float64Array.from({ length: HOURS }, (_, t) =>
  t === 0 ? 5e-5 : Math.log(closes[1]![t]! / closes[1]![t - 1]!) ** 2,
);
const volatility = volatilitySignals([variance], FROM);

function arenaOf({ from, to }: { from: number; to: number }): Arena {
  const cut = (x: Float64Array) => x.slice(from, to);
  const cutGas = (columns: GasColumns) => ({
    gasRatio: cut(columns.gasRatio),
    gasFall: cut(columns.gasFall),
    usualFee: cut(columns.usualFee),
  });
  return {
    market: toSimMarket(closes.map(cut), [0.5, 0.5]),
    costs: {
      nav: 1e6,
      base: 0,
      feeRates: [0, 0.0005],
      gasDollars: cut(logGas.map((x) => Math.exp(x + LOG_DOLLARS))),
      gasPerTrade: 650_000,
      gasPerSwap: 118_000,
    },
    options: { bands: [0.015, 0.015], latency: 1 },
    gas: cutGas(gas),
    volatility: {
      forecast: cut(volatility.forecast),
      trailing: cut(volatility.trailing),
      realised: cut(volatility.realised),
    },
    gasSamples: { log: cut(logGas.map((x) => x + LOG_DOLLARS)), perBar: 1 },
    gasLevel: Math.log(30) + LOG_DOLLARS,
    risk: toRiskColumns(
      toSimMarket(
        closes.map((x) => x.slice(0, to)),
        [0.5, 0.5],
      ),
      from,
      0,
    ),
  };
}
const options: ContestOptions = {
  arenaOf,
  shapes: 60,
  widths: [0.004, 0.008, 0.015, 0.03],
  anchors: [0.007, 0.01, 0.014, 0.02],
  blockBars: 24,
  starts: 3,
};

describe("a contest of families", () => {
  const results = runProtocol(
    {
      folds: toExpandingFolds(FROM, HOURS - 20, 1200, 2),
      budget: budgetOf(options),
      data: "test",
      ledger: { count: () => 1 },
    },
    FAMILIES.map((family) => toContender(family, options)),
  );
  const pooled = (name: string, objective: keyof Frontiers = "cost-at-tracking-error") =>
    poolFolds(
      results.map((fold) => fold[FAMILIES.findIndex((family) => family.name === name)]!.score),
      objective,
    );
  const comparison = { objective: "cost-at-tracking-error", meanBlock: 3, resamples: 200, seed: 1 } as const;

  it("default: where gas has a daily wave, who foresees it pays less at equal tracking error", () => {
    const ratio = compareFrontiers(pooled("predictive"), pooled("threshold"), comparison);
    expect(ratio.estimate).toBeLessThan(0.85);
    expect(ratio.high).toBeLessThan(1);
    expect(ratio.low).toBeLessThan(ratio.estimate);
    const gap = gapClosed(pooled("predictive"), pooled("clairvoyant"), pooled("threshold"), comparison);
    expect(gap.estimate).toBeGreaterThan(0.3);
  });
  it("behaviour: a contender against itself is exactly equal, with no doubt", () => {
    const own = pooled("threshold");
    expect(compareFrontiers(own, own, comparison)).toMatchObject({ estimate: 1, low: 1, high: 1 });
    const outside = pooled("threshold", "outside-at-cost");
    expect(compareFrontiers(outside, outside, { ...comparison, objective: "outside-at-cost" }).estimate).toBe(
      1,
    );
  });
  it("behaviour: rules that read nothing but weights come out alike, the calendar dearest", () => {
    for (const name of ["calendar-threshold", "volatility-adjusted", "no-trade"]) {
      const { estimate } = compareFrontiers(pooled(name), pooled("threshold"), comparison);
      expect(estimate, name).toBeGreaterThan(0.8);
      expect(estimate, name).toBeLessThan(1.25);
    }
    expect(compareFrontiers(pooled("calendar"), pooled("threshold"), comparison).estimate).toBeGreaterThan(
      1.1,
    );
  });
  it("behaviour: the predictive family holds the fixed threshold as a special case", () => {
    const arena = arenaOf({ from: FROM, to: FROM + 500 });
    const plain = FAMILIES.find(({ name }) => name === "threshold")!;
    const surface = FAMILIES.find(({ name }) => name === "predictive")!;
    const shape = [0.5, 0.5, 0.1, 0.1, 0.1];
    const { scale, ...rest } = surface.toRule([0.1, ...shape.slice(1)], 0.01, arena);
    // The first coordinate also says whether assets are selected: 0.1 of it is a third of the plain rules' own.
    expect(rest).toEqual(plain.toRule([0.1 / 0.3, ...shape.slice(1)], 0.01, arena));
    expect(scale!.every((factor) => factor === 1)).toBe(true);
  });
  it("behaviour: gas-capped is the predictive rule by the day's mean of gas, whatever is forecast", () => {
    const arena = arenaOf({ from: FROM, to: FROM + 500 });
    const capped = FAMILIES.find(({ name }) => name === "gas-capped")!;
    const shape = [0.5, 0.5, 0.5, 0.5, 0.5];
    const rule = capped.toRule(shape, 0.01, arena);
    const present = arena.costs.gasDollars!;
    const day = present.slice(77, 101).reduce((sum, x) => sum + x, 0) / 24;
    expect(rule.order!.usual[100]).toBeCloseTo(Math.log(day), 12);
    expect(rule.order!.usual[0]).toBeCloseTo(Math.log(present[0]!), 12);
    const other = { ...arena, gas: { ...arena.gas, usualFee: arena.gas.usualFee.map((fee) => fee + 1) } };
    expect(capped.toRule(shape, 0.01, other)).toEqual(rule);
    const foreseeing = FAMILIES.find(({ name }) => name === "predictive")!;
    expect(foreseeing.toRule(shape, 0.01, other)).not.toEqual(foreseeing.toRule(shape, 0.01, arena));
  });
  it("default: the first shapes of the Halton sequence", () => {
    expect(shapeAt(0)).toEqual([1 / 2, 1 / 3, 1 / 5, 1 / 7, 1 / 11]);
    expect(shapeAt(2)[0]).toBe(3 / 4);
    expect(shapeAt(2)[1]).toBeCloseTo(1 / 9, 15);
  });
});
