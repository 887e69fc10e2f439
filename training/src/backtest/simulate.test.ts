import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MissingPriceError,
  type SimMarket,
  toSimMarket,
  UnequalBarsError,
  WeightsNotOneError,
} from "./market.ts";
import { toRiskColumns } from "./risk-columns.ts";
import {
  BadRuleError,
  BandOverlapsZeroError,
  type ReactiveRule,
  type SimCosts,
  type SimOptions,
} from "./rule.ts";
import { RuinedError, TradeExceedsPoolError } from "./sim-result.ts";
import { simulateSlowly, toBrownianCloses } from "./simulate.fixture.ts";
import { simulate } from "./simulate.ts";

const BARS = 400;
const COSTS: SimCosts = {
  nav: 1e6,
  base: 0,
  feeRates: [0, 0.0005, 0.0005, 0.003],
  gasDollars: Float64Array.from({ length: BARS }, (_, t) => 1e-4 * (1 + (t % 24))),
  gasPerTrade: 600_000,
  gasPerSwap: 118_000,
  depths: [Infinity, 5e7, 3e7, 1e7],
};
const closes = toBrownianCloses([0, 0.02, 0.03, 0.04], BARS, 7);
const TARGETS = [0.4, 0.3, 0.2, 0.1];
const OPTIONS: SimOptions = { bands: [0.03, 0.03, 0.02, 0.02] };
const market = toSimMarket(closes, TARGETS);
const flat = (width: number): ReactiveRule => ({ triggers: TARGETS.map(() => width) });

/** Covariances of the first half of the market, which no rule could know, and hourly gas of four samples with gaps. */
function toMeans(
  basket: SimMarket,
  hasBase: boolean,
  risk: string,
  power: number,
): Pick<ReactiveRule, "risk" | "order"> {
  const { covariance, scale } = toRiskColumns(basket, BARS / 2, hasBase ? 0 : undefined);
  const random = seededRandom(11);
  const usual = Float64Array.from({ length: BARS }, (_, t) => Math.log(1e-4) + Math.sin(t / 4));
  return {
    ...(risk === "none"
      ? {}
      : { risk: { columns: { covariance, scale, barsPerBlock: 50 }, selects: risk === "selects" } }),
    ...(power === 0
      ? {}
      : {
          order: {
            samples: Float64Array.from({ length: BARS * 4 }, (_, k) =>
              k % 7 === 0 ? Number.NaN : usual[Math.floor(k / 4)]! + 0.4 * random.normal(),
            ),
            samplesPerBar: 4,
            usual,
            power,
          },
        }),
  };
}

const arbitrary = fc.record({
  seed: fc.nat(1e6),
  assets: fc.integer({ min: 2, max: 7 }),
  trigger: fc.constantFrom(0, 0.003, 0.01, 0.03, Infinity),
  every: fc.constantFrom(1, 1, 5, 24),
  keep: fc.constantFrom(0, 0, 0.4, 1),
  latency: fc.constantFrom(0, 0, 1, 3),
  isScaled: fc.boolean(),
  isHalted: fc.boolean(),
  hasRoots: fc.boolean(),
  hasBase: fc.boolean(),
  risk: fc.constantFrom("none", "none", "measures", "selects"),
  orderPower: fc.constantFrom(0, 0, 0.5, 1, 3),
});

describe("simulate", () => {
  it("behaviour: agrees with its plain twin on every metric, whatever the rule", () => {
    fc.assert(
      fc.property(
        arbitrary,
        ({
          seed,
          assets,
          trigger,
          every,
          keep,
          latency,
          isScaled,
          isHalted,
          hasRoots,
          hasBase,
          risk,
          orderPower,
        }) => {
          const sigmas = Array.from({ length: assets }, (_, i) => (hasBase && i === 0 ? 0 : 0.01 * (i + 1)));
          const series = toBrownianCloses(sigmas, BARS, seed);
          const sum = (assets * (assets + 1)) / 2;
          const targets = sigmas.map((_, i) => (i + 1) / sum);
          const isPlain = trigger === 0 || !Number.isFinite(trigger);
          const hasScale = isScaled && trigger > 0 && Number.isFinite(trigger);
          const rule: ReactiveRule = {
            triggers: sigmas.map((_, i) => trigger * (1 + i / assets)),
            scale: hasScale
              ? Float64Array.from({ length: BARS }, (_, t) => 0.5 + ((t * 37) % 100) / 60)
              : undefined,
            every,
            keep: Number.isFinite(trigger) ? keep : 0,
            ...(isPlain ? {} : toMeans(toSimMarket(series, targets), hasBase, risk, orderPower)),
          };
          const costs: SimCosts = {
            nav: 1e6,
            base: hasBase ? 0 : undefined,
            feeRates: sigmas.map((_, i) => 0.0005 * i),
            gasDollars: COSTS.gasDollars,
            gasPerTrade: 500_000,
            gasPerSwap: 100_000,
            depths: sigmas.map(() => 1e8),
            rootImpacts: hasRoots ? sigmas.map((_, i) => 1e-6 * i) : undefined,
          };
          const options: SimOptions = {
            bands: targets.map((w) => Math.min(0.02, w / 2)),
            latency,
            open: isHalted ? Uint8Array.from({ length: BARS }, (_, t) => (t % 50 < 10 ? 0 : 1)) : undefined,
            blockBars: 33,
          };
          const { blocks, ...fast } = simulate(toSimMarket(series, targets), rule, costs, options);
          const slow = simulateSlowly(series, targets, rule, costs, options);
          expect(Object.keys(fast).sort()).toEqual(Object.keys(slow).sort());
          for (const [key, value] of Object.entries(slow)) {
            const found = fast[key as keyof typeof fast];
            // The twin multiplies weights up bar by bar, so that the last digits differ.
            expect(Math.abs(found - value), `${key}: ${found} against ${value}`).toBeLessThan(
              1e-8 * Math.max(1, Math.abs(value)),
            );
          }
          const total = (list: Float64Array) => list.reduce((a, b) => a + b, 0);
          expect(total(blocks!.cost)).toBeCloseTo(fast.fees + fast.gas + fast.impact, 12);
          expect(total(blocks!.outsideBars)).toBe(fast.outsideBars);
          expect(Math.sqrt(total(blocks!.squares) / fast.bars)).toBeCloseTo(fast.trackingError, 12);
        },
      ),
      { seed: 5, numRuns: 400 },
    );
  });

  it("default: the constant mix without costs has no tracking error and grows as the mix does", () => {
    const result = simulate(market, flat(0), { nav: 1e6, feeRates: [0, 0, 0, 0] }, OPTIONS);
    expect(result.trackingError).toBeLessThan(1e-15);
    expect(result.trades).toBe(BARS - 1);
    expect(result.growth).toBeCloseTo(
      market.mix.reduce((a, b) => a * b, 1),
      12,
    );
  });
  it("default: one trade by hand", () => {
    // 50/50 of base and an asset that doubles: worth 1.5, the asset two thirds; selling a sixth of 1.5 = 0.25.
    const small = toSimMarket(
      [
        [1, 1, 1],
        [1, 2, 2],
      ],
      [0.5, 0.5],
    );
    const costs: SimCosts = {
      nav: 100,
      base: 0,
      feeRates: [0, 0.01],
      gasDollars: Float64Array.of(9, 0.5, 9),
      gasPerTrade: 2,
      gasPerSwap: 1,
      depths: [1, 1000],
      rootImpacts: [0, 0.01],
    };
    const result = simulate(small, { triggers: [0.1, 0.1] }, costs, { bands: [0.1, 0.1] });
    expect(result).toMatchObject({ bars: 2, trades: 1, swaps: 1, outsideBars: 1 });
    expect(result.turnover).toBeCloseTo(1 / 6, 12);
    expect(result.fees).toBeCloseTo((0.25 * 0.01) / 1.5, 12);
    expect(result.gas).toBeCloseTo((0.5 * 3) / 100 / 1.5, 12);
    // 0.01 · 25^1.5 = 1.25 dollars besides the 0.625 of the pool.
    expect(result.impact).toBeCloseTo((0.625 + 1.25) / 100 / 1.5, 12);
    expect(result.dollars).toBeCloseTo(0.25 + 1.5 + 0.625 + 1.25, 10);
    expect(result.worstExcess).toBeCloseTo(1 / 6 - 0.1, 12);
    expect(result.growth).toBeCloseTo(1.5 - 0.03625, 12);
  });
  it("behaviour: a halted market neither decides nor executes, and what was decided waits for it to open", () => {
    // Doubles at bar 1 and stays; decided at 1 with a delay of one bar, executed at 4, the first open bar from 2 on.
    const jump = toSimMarket(
      [
        [1, 1, 1, 1, 1, 1],
        [1, 2, 2, 2, 3, 3],
      ],
      [0.5, 0.5],
    );
    const run = (open: number[], latency: number) =>
      simulate(
        jump,
        { triggers: [0.1, 0.1] },
        { nav: 100, base: 0, feeRates: [0, 0] },
        { bands: [0.1, 0.1], latency, open: Uint8Array.from(open), blockBars: 1 },
      );
    const waited = run([1, 1, 0, 0, 1, 1], 1);
    expect(waited.trades).toBe(1);
    expect(waited.turnover).toBeCloseTo(0.25, 12);
    expect([...waited.blocks!.outsideBars]).toEqual([1, 1, 1, 1, 0]);
    // Halted throughout, it only watches.
    const halted = run([1, 0, 0, 0, 0, 0], 0);
    expect(halted.trades).toBe(0);
    expect(halted.outsideBars).toBe(5);
    expect(halted.growth).toBeCloseTo(2, 12);
  });
  it("behaviour: what is left after a selection adds up to the whole, even where the chosen balance each other", () => {
    // The first two are as far off on either side; the others are not worth their swaps, and move before the trade.
    const closes = [
      [1, 1.25, 1.25, 1.25],
      [1, 0.75, 0.75, 0.75],
      [1, 1.03125, 2, 2],
      [1, 0.96875, 0.96875, 0.96875],
    ];
    const targets = [0.25, 0.25, 0.25, 0.25];
    const covariance = Float64Array.from({ length: 16 }, (_, k) => (k % 5 === 0 ? 1e-4 : 0));
    const rule: ReactiveRule = {
      triggers: targets.map(() => 0.06),
      risk: {
        columns: { covariance, scale: Float64Array.of(1e-4), barsPerBlock: 24 },
        selects: true,
      },
    };
    const costs: SimCosts = {
      nav: 1,
      feeRates: targets.map(() => 0),
      gasDollars: new Float64Array(4).fill(1e-12),
      gasPerTrade: 0,
      gasPerSwap: 1,
    };
    const options = { bands: targets.map(() => 0.1), latency: 1 };
    const run = simulate(toSimMarket(closes, targets), rule, costs, options);
    expect(run.trades).toBeGreaterThan(0);
    expect(run.growth).toBeCloseTo((1.25 + 0.75 + 2 + 0.96875) / 4, 9);
    const slow = simulateSlowly(closes, targets, rule, costs, options);
    expect(slow.growth).toBeCloseTo(run.growth, 12);
  });
  it("behaviour: a bar's future changes nothing before it", () => {
    const cut = 200;
    const changed = closes.map((close) => close.map((p, t) => (t > cut ? p * (1 + (t % 7) / 10) : p)));
    const options = { ...OPTIONS, blockBars: cut };
    const of = (series: Float64Array[]) =>
      simulate(toSimMarket(series, TARGETS), flat(0.01), COSTS, options).blocks!;
    expect(of(changed).cost[0]).toBe(of(closes).cost[0]);
    expect(of(changed).squares[0]).toBe(of(closes).squares[0]);
    expect(of(changed).cost[1]).not.toBe(of(closes).cost[1]);
  });
  it("behaviour: a factor of one at every bar is no factor", () => {
    const scale = new Float64Array(BARS).fill(1);
    expect(simulate(market, { ...flat(0.01), scale }, COSTS, OPTIONS)).toEqual(
      simulate(market, flat(0.01), COSTS, OPTIONS),
    );
  });

  it.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      "weights that do not sum to one",
      () => toSimMarket(closes, [0.5, 0.25, 0.25, 0.25]),
      WeightsNotOneError,
      /1\.25/,
    ],
    [
      "an asset missing for part of the period",
      () => toSimMarket([closes[0]!, closes[1]!.map((p, t) => (t === 9 ? NaN : p))], [0.5, 0.5]),
      MissingPriceError,
      /number 1 .* NaN at bar 9/,
    ],
    [
      "series of unequal length",
      () => toSimMarket([closes[0]!, closes[1]!.slice(1)], [0.5, 0.5]),
      UnequalBarsError,
      /400, 399/,
    ],
    [
      "a band that reaches zero",
      () => simulate(market, flat(0.01), COSTS, { bands: [0.03, 0.03, 0.02, 0.1] }),
      BandOverlapsZeroError,
      /±0\.1 around 0\.1/,
    ],
    [
      "a negative cost",
      () => simulate(market, flat(0.01), { ...COSTS, feeRates: [0, 0, 0, -0.1] }, OPTIONS),
      BadRuleError,
      /feeRates is -0\.1/,
    ],
    [
      "a missing gas price",
      () =>
        simulate(market, flat(0.001), { ...COSTS, gasDollars: new Float64Array(BARS).fill(NaN) }, OPTIONS),
      BadRuleError,
      /gasDollars is NaN/,
    ],
    ["a negative trigger", () => simulate(market, flat(-1), COSTS, OPTIONS), BadRuleError, /triggers is -1/],
    [
      "a latency that is no number of bars",
      () => simulate(market, flat(0.01), COSTS, { ...OPTIONS, latency: 0.5 }),
      BadRuleError,
      /latency is 0\.5/,
    ],
    [
      "a scale of another length",
      () => simulate(market, { ...flat(0.01), scale: new Float64Array(3) }, COSTS, OPTIONS),
      BadRuleError,
      /number of scale is 3/,
    ],
    [
      "a trade larger than the pool",
      () => simulate(market, flat(0.01), { ...COSTS, depths: [1, 1, 1, 1] }, OPTIONS),
      TradeExceedsPoolError,
      /pool of 1\./,
    ],
    [
      "costs above all there is",
      () => simulate(market, flat(0.01), { ...COSTS, gasPerTrade: 1e12 }, OPTIONS),
      RuinedError,
      /more than the portfolio/,
    ],
  ])("error: %s", (_, run, type, message) => {
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  });
});
