import { join } from "node:path";
import {
  type Arena,
  type BootstrapInterval,
  budgetOf,
  type ContestOptions,
  compareFrontiers,
  FAMILIES,
  gapClosed,
  openScoreLedger,
  poolFolds,
  runProtocol,
  toContender,
  toExpandingFolds,
  type Window,
} from "@ballast/training";
import { toArenas } from "./arenas.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import { type Hours, loadHours } from "./hours.ts";
import type { Row } from "./measure.ts";
import { toMainnet, toRollup, VARIANCE_HOURS, type Venue } from "./venues.ts";

/** USD is the base asset. */
const BASKETS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "usd-eth": { USD: 0.5, ETH: 0.5 },
  "btc-eth": { BTC: 0.5, ETH: 0.5 },
  "usd-btc-eth": { USD: 0.4, BTC: 0.3, ETH: 0.3 },
  "btc-eth-sol-link": { BTC: 0.25, ETH: 0.25, SOL: 0.25, LINK: 0.25 },
  eight: { USD: 0.2, BTC: 0.2, ETH: 0.2, BNB: 0.1, SOL: 0.1, XRP: 0.1, LINK: 0.05, MATIC: 0.05 },
};
const LEDGER = join(".ballast", "scored-windows.jsonl");
const PLANS = {
  full: { shapes: 200, starts: 4, earlier: 6, folds: 2, resamples: 1_000, baskets: 5, hours: 6_000 },
  quick: { shapes: 6, starts: 2, earlier: 1, folds: 1, resamples: 50, baskets: 1, hours: 2_600 },
} as const;
const WIDTHS = [0.003, 0.005, 0.008, 0.013, 0.02];
const ANCHORS = [0.005, 0.007, 0.01, 0.013, 0.017];
const DAY = 24;
const WEEK = 168;
const COST = { objective: "cost-at-tracking-error", meanBlock: 5, seed: 1 } as const;
const OUTSIDE = { objective: "outside-at-cost", meanBlock: 5, seed: 1 } as const;

/**
 * Every family of rules, tuned by the same budget on one window and scored once on the next, beside the best
 * reactive family in hindsight: on mainnet at the recorded base fees, and on a rollup. Costs are at equal tracking
 * error, time outside the bands at equal cost.
 */
export async function policies({ bars, gas, isQuick, log }: BenchmarkOptions): Promise<Row[]> {
  const plan = isQuick ? PLANS.quick : PLANS.full;
  const wanted = [...new Set(Object.values(BASKETS).flatMap((basket) => Object.keys(basket)))].filter(
    (a) => a !== "USD",
  );
  const hours = await loadHours(bars, gas, wanted, plan.hours);
  log(
    `${hours.assets.join(", ")}: ${hours.length} hours, base fees in ${hours.gas.to - hours.gas.from} of them`,
  );
  const baskets = Object.entries(BASKETS).filter(([name, basket]) => {
    const missing = Object.keys(basket).filter((asset) => asset !== "USD" && !hours.close.has(asset));
    if (missing.length > 0) log(`${name} is left out: no bars of ${missing.join(", ")}`);
    return missing.length === 0;
  });
  const rows: Row[] = [];
  for (const venue of [toMainnet(hours, log), toRollup(hours)]) {
    for (const [name, basket] of baskets.slice(0, plan.baskets)) {
      rows.push(...compare(name, basket, hours, venue, plan, log));
    }
  }
  return [...rows, ...toMedians(rows)];
}

function compare(
  name: string,
  basket: Readonly<Record<string, number>>,
  hours: Hours,
  venue: Venue,
  plan: {
    readonly shapes: number;
    readonly starts: number;
    readonly earlier: number;
    readonly folds: number;
    readonly resamples: number;
  },
  log: (line: string) => void,
): Row[] {
  const arenaOf = toArenas(hours, venue, basket);
  const { from, to } = venue.window;
  const earlierArenasOf = ({ from, to }: Window): Arena[] => {
    const step = WEEK * Math.ceil((to - from) / WEEK);
    const agos = Array.from(
      { length: venue.name === "mainnet" ? plan.earlier : 0 },
      (_, i) => (i + 1) * step,
    );
    return agos.filter((ago) => from - ago >= VARIANCE_HOURS).map((ago) => arenaOf({ from, to }, ago));
  };
  const contest: ContestOptions = {
    arenaOf,
    earlierArenasOf,
    shapes: plan.shapes,
    widths: WIDTHS,
    anchors: ANCHORS,
    blockBars: DAY,
    starts: plan.starts,
  };
  const folds = toExpandingFolds(from, to, Math.floor((to - from) / 2), plan.folds);
  const data = `${hours.hash} ${venue.name} ${name}`;
  const results = runProtocol(
    { folds, budget: budgetOf(contest), data, ledger: openScoreLedger(LEDGER) },
    FAMILIES.map((family) => toContender(family, contest)),
    (window, times) =>
      log(`${venue.name} ${name}: hours ${window.from} to ${window.to} scored, by now ${times} times`),
  );
  const pooledOf = (objective: "cost-at-tracking-error" | "outside-at-cost") =>
    new Map(
      FAMILIES.map((family, i) => [
        family.name,
        poolFolds(
          results.map((fold) => fold[i]!.score),
          objective,
        ),
      ]),
    );
  const { resamples } = plan;
  const cost = pooledOf("cost-at-tracking-error");
  const outside = pooledOf("outside-at-cost");
  const best = bestReactive(cost, { ...COST, resamples: 1 });
  const ratios = FAMILIES.map((family) => {
    const { estimate } = compareFrontiers(cost.get(family.name)!, cost.get("threshold")!, {
      ...COST,
      resamples: 1,
    });
    return `${family.name} ${estimate.toFixed(3)}`;
  });
  log(`${venue.name} ${name}: cost at equal tracking error over the threshold's: ${ratios.join(", ")}`);
  const row = (
    what: string,
    { estimate, low, high }: BootstrapInterval,
    peer: string,
    better: Row["better"] = "less",
  ): Row => ({
    name: `${what}_${name}`,
    value: estimate,
    unit: better === "less" ? "ratio" : "share",
    better,
    peer,
    peerValue: 1,
    interval: [low, high],
  });
  const pair = (own: string, other: string) =>
    compareFrontiers(cost.get(own)!, cost.get(other)!, { ...COST, resamples });
  if (venue.name === "rollup")
    return [row("cost_ratio_rollup", pair("predictive", best), `best reactive in hindsight, ${best}`)];
  const least = bestReactive(outside, { ...OUTSIDE, resamples: 1 });
  const gap = gapClosed(cost.get("predictive")!, cost.get("clairvoyant")!, cost.get(best)!, {
    ...COST,
    resamples,
  });
  return [
    row("cost_ratio_mainnet", pair("predictive", best), `best reactive in hindsight, ${best}`),
    row(
      "cost_ratio_to_gas_widened",
      pair("predictive", "gas-widened"),
      "a threshold that widens with present gas",
    ),
    row(
      "cost_ratio_to_gas_capped",
      pair("predictive", "gas-capped"),
      "the same order and selection by the last day's gas, without a forecast",
    ),
    row("cost_ratio_clairvoyant", pair("clairvoyant", best), `best reactive in hindsight, ${best}`),
    row("clairvoyant_gap_closed", gap, "all of the way from the best reactive to the clairvoyant", "more"),
    row(
      "outside_band_ratio_mainnet",
      compareFrontiers(outside.get("predictive")!, outside.get(least)!, { ...OUTSIDE, resamples }),
      `best reactive in hindsight, ${least}`,
    ),
  ];
}

type Pools = ReadonlyMap<string, ReturnType<typeof poolFolds>>;

/** The reactive family with the lowest frontier on the scored windows themselves: the hardest one to beat. */
function bestReactive(pools: Pools, options: Parameters<typeof compareFrontiers>[2]): string {
  const threshold = pools.get("threshold")!;
  const ranked = FAMILIES.filter(({ kind }) => kind === "reactive").map(({ name }) => ({
    name,
    ratio: compareFrontiers(pools.get(name)!, threshold, options).estimate,
  }));
  return ranked.reduce((a, b) => (b.ratio < a.ratio ? b : a)).name;
}

/** Median over the baskets of each figure. */
function toMedians(rows: readonly Row[]): Row[] {
  const figures = [
    "cost_ratio_mainnet",
    "cost_ratio_to_gas_widened",
    "cost_ratio_to_gas_capped",
    "outside_band_ratio_mainnet",
    "cost_ratio_rollup",
    "clairvoyant_gap_closed",
  ];
  return figures.flatMap((figure): Row[] => {
    const own = rows.filter(({ name }) => name.startsWith(`${figure}_`)).sort((a, b) => a.value - b.value);
    const [low, high] = [own[(own.length - 1) >> 1], own[own.length >> 1]];
    if (low === undefined || high === undefined || own.length < 2) return [];
    const { unit, better } = low;
    const value = (low.value + high.value) / 2;
    return [
      {
        name: `${figure}_median`,
        value,
        unit,
        better,
        peer: `median of ${own.length} baskets`,
        peerValue: 1,
      },
    ];
  });
}
