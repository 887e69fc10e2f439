import { beforeAll, describe, expect, it } from "vitest";
import { FAMILIES, type Family } from "../backtest/families.ts";
import { simulate } from "../backtest/simulate.ts";
import { toArenas } from "./arenas.ts";
import { loadHours } from "./hours.ts";
import { RECORDED, withRecordedMarket } from "./recorded-market.fixture.ts";
import { toMainnet, type Venue } from "./venues.ts";

const BASKET = { USD: 0.4, BTC: 0.3, ETH: 0.2, LINK: 0.1 };
/** After each of these hours everything is changed: within a day, at its end and at its beginning, and where weeks begin. */
const CUTS = [1_030, 1_191, 1_192, 1_336];

interface Known {
  readonly venue: Venue;
  readonly arenaOf: ReturnType<typeof toArenas>;
}

async function toKnown(cut?: number): Promise<Known> {
  const hours = await withRecordedMarket(({ bars, gas }) => loadHours(bars, gas, RECORDED.assets, 0), cut);
  const venue = toMainnet(hours, () => {});
  return { venue, arenaOf: toArenas(hours, venue, BASKET) };
}

const SHAPES = [
  [0.5, 0.33, 0.2, 0.6, 0.3],
  [0.9, 0.6, 0.9, 0.9, 0.9],
  [0.2, 0.8, 0.5, 0.3, 0.6],
  [0.1, 0.1, 0.1, 0.1, 0.1],
];
const WIDTH = 0.006;
const LADDER = 600;

/**
 * What was decided at hour t, seen from what is executed in the hour after: whether there is a trade, of how many swaps,
 * and the cap of an order, by offering it prices of gas that come down from far above to far below.
 */
function decisionAt({ venue, arenaOf }: Known, family: Family, shape: readonly number[], t: number) {
  const { from } = venue.window;
  const runTo = (to: number) => {
    const arena = arenaOf({ from, to });
    const { order, ...rest } = family.toRule(shape, WIDTH, arena);
    const last = to - from - 1;
    const samples = new Float64Array((last + 1) * LADDER).fill(Number.NaN);
    if (order !== undefined) {
      const { samplesPerBar } = order;
      for (let bar = 0; bar < last; bar++)
        samples.set(order.samples.subarray(bar * samplesPerBar, (bar + 1) * samplesPerBar), bar * LADDER);
      if (to === t + 2)
        for (let k = 0; k < LADDER; k++) samples[last * LADDER + k] = venue.gasLevel + 3 - (10 * k) / LADDER;
      else
        samples.set(order.samples.subarray(last * samplesPerBar, (last + 1) * samplesPerBar), last * LADDER);
    }
    const rule =
      order === undefined ? rest : { ...rest, order: { ...order, samples, samplesPerBar: LADDER } };
    return { arena, run: simulate(arena.market, rule, arena.costs, { ...arena.options, blockBars: 1 }) };
  };
  const before = runTo(t + 1).run;
  const { arena, run } = runTo(t + 2);
  const swaps = run.swaps - before.swaps;
  const isTraded = run.trades > before.trades;
  const { costs } = arena;
  if (!isTraded || costs.gasPerTrade === undefined || costs.gasPerSwap === undefined)
    return { isTraded, swaps };
  const value = run.growth / (1 - run.blocks!.cost.at(-1)!);
  const paid = (run.blocks!.gas.at(-1)! * value * costs.nav) / (costs.gasPerTrade + swaps * costs.gasPerSwap);
  const isOrdered = family.toRule(shape, WIDTH, arena).order !== undefined;
  return { isTraded, swaps, ...(isOrdered ? { rung: Math.round(Math.log(paid) * 1e6) } : {}) };
}

/** All that a rule may look at until hour t, that hour included. */
function knownUntil({ venue, arenaOf }: Known, family: Family, shape: readonly number[], t: number) {
  const arena = arenaOf(venue.window);
  const { scale, risk, order, ...rest } = family.toRule(shape, WIDTH, arena);
  const bars = t + 1 - venue.window.from;
  const upTo = (column: Float64Array | undefined, perBar = 1) => column?.subarray(0, bars * perBar);
  const blocks = risk && Math.floor((bars - 1) / risk.columns.barsPerBlock) + 1;
  return {
    ...rest,
    gasDollars: upTo(arena.costs.gasDollars),
    scale: upTo(scale),
    risk: risk && {
      scale: risk.columns.scale.subarray(0, blocks),
      covariance: risk.columns.covariance.subarray(0, blocks! * arena.market.assets ** 2),
    },
    order: order && {
      power: order.power,
      usual: upTo(order.usual),
      samples: upTo(order.samples, order.samplesPerBar),
    },
  };
}

/** Per bar until the last one at `cut`: what was traded and paid, and how the holdings followed. */
function historyUntil({ venue, arenaOf }: Known, family: Family, shape: readonly number[], cut: number) {
  const arena = arenaOf(venue.window);
  const rule = family.toRule(shape, WIDTH, arena);
  const { blocks } = simulate(arena.market, rule, arena.costs, { ...arena.options, blockBars: 1 });
  const bars = cut - venue.window.from;
  return Object.values(blocks!).map((column: Float64Array) => [
    column.subarray(0, bars),
    column.subarray(bars),
  ]);
}

describe("an arena of recorded hours", () => {
  let known: Known;
  const others = new Map<number, Known>();
  beforeAll(async () => {
    known = await toKnown();
    for (const cut of CUTS) others.set(cut, await toKnown(cut));
  });

  const honest = FAMILIES.filter(({ kind }) => kind !== "clairvoyant");
  it.each(honest.map((family) => [family.name, family] as const))(
    "behaviour: %s decides nothing by what comes after, be it the very next hour",
    (_, family) => {
      let trades = 0;
      for (const cut of CUTS) {
        const other = others.get(cut)!;
        for (const shape of SHAPES) {
          const mine = historyUntil(known, family, shape, cut);
          const theirs = historyUntil(other, family, shape, cut);
          expect(theirs.map(([past]) => past)).toEqual(mine.map(([past]) => past));
          expect(theirs.map(([, rest]) => rest)).not.toEqual(mine.map(([, rest]) => rest));
          expect(knownUntil(other, family, shape, cut)).toEqual(knownUntil(known, family, shape, cut));
          const decision = decisionAt(known, family, shape, cut);
          expect(decisionAt(other, family, shape, cut)).toEqual(decision);
        }
        // That such a decision can be seen at all.
        for (const shape of SHAPES)
          for (let t = cut - 6; t < cut; t++) trades += Number(decisionAt(known, family, shape, t).isTraded);
      }
      expect(trades).toBeGreaterThan(0);
    },
  );

  it("behaviour: who knows the hours to come is found out, be it by the cap or by the trade", () => {
    const predictive = FAMILIES.find(({ kind }) => kind === "predictive")!;
    const gasToCome: Family = {
      ...predictive,
      name: "gas to come",
      toRule(shape, width, arena) {
        const { log, perBar } = arena.gasSamples;
        const usualFee = arena.gas.usualFee.map((fee, t) => log[(t + 1) * perBar] ?? fee);
        return predictive.toRule(shape, width, { ...arena, gas: { ...arena.gas, usualFee } });
      },
    };
    const foreseeing: Family = {
      ...predictive,
      name: "volatility to come",
      toRule: (_, width, { volatility, market }) => ({
        triggers: market.targets.map(() => width),
        scale: volatility.realised.map((x) => x ** 20),
      }),
    };
    for (const family of [gasToCome, foreseeing]) {
      const found = CUTS.flatMap((cut) =>
        SHAPES.map(
          (shape) =>
            JSON.stringify(decisionAt(known, family, shape, cut)) !==
            JSON.stringify(decisionAt(others.get(cut)!, family, shape, cut)),
        ),
      );
      expect(found, family.name).toContain(true);
    }
  });
});
