import { join } from "node:path";
import { BallastError } from "@ballast/data";
import { MIN_SERIES_ROWS, SERIES_LOOKBACK_HOURS } from "@ballast/model";
import {
  type Arena,
  type BootstrapInterval,
  budgetOf,
  type ContestOptions,
  clairvoyantGas,
  compareFrontiers,
  FAMILIES,
  gapClosed,
  gasSignals,
  openScoreLedger,
  poolFolds,
  runProtocol,
  type SimCosts,
  toContender,
  toExpandingFolds,
  toFeeRate,
  toGasDollars,
  toSimMarket,
  VAULT_GAS,
  volatilitySignals,
  type Window,
} from "@ballast/training";
import type { BenchmarkOptions } from "./benchmark.ts";
import { type Hours, loadHours } from "./hours.ts";
import type { Row } from "./measure.ts";

/** USD is the base asset. */
const BASKETS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "usd-eth": { USD: 0.5, ETH: 0.5 },
  "btc-eth": { BTC: 0.5, ETH: 0.5 },
  "usd-btc-eth": { USD: 0.4, BTC: 0.3, ETH: 0.3 },
  "btc-eth-sol-link": { BTC: 0.25, ETH: 0.25, SOL: 0.25, LINK: 0.25 },
  eight: { USD: 0.2, BTC: 0.2, ETH: 0.2, BNB: 0.1, SOL: 0.1, XRP: 0.1, LINK: 0.05, MATIC: 0.05 },
};
const NAV = 1e6;
/** Half-width of the bands outside of which time is counted. */
const BAND = 0.015;
/** Assumed: the pool's fee, and a basis point for those who see the transaction coming. */
const FEE_RATE = toFeeRate({ fee: 0.0005, spread: 0, mev: 0.0001 });
/** Assumed virtual reserves of the pools, dollars. */
const DEPTHS: Readonly<Record<string, number>> = { BTC: 1e8, ETH: 1e8 };
const OTHER_DEPTH = 2e7;
const TIP_GWEI = 1.5;
/** A rollup's price of gas in ether's gwei, its data included. */
const ROLLUP_GWEI = 0.02;
const ROLLUP_HOURS = 8_760;
/** Hours before the first signal: a month of variances to call usual, and a week and two to fit on. */
const VARIANCE_HOURS = 1_000;
const GAS_HOURS = SERIES_LOOKBACK_HOURS + MIN_SERIES_ROWS + 24;
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

class TooShortError extends BallastError {
  readonly code = "TOO_SHORT";
  constructor(what: string, hours: number, needed: number) {
    super(
      `There are ${hours} hours of ${what} to tune and score on; ${needed} are needed. Give longer bars, or a longer --gas file.`,
    );
  }
}

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

interface Venue {
  readonly name: "mainnet" | "rollup";
  readonly window: Window;
  /** Dollars a unit of gas costs who decides at each hour: the price of the hour after. */
  readonly gasDollars: Float64Array;
  readonly gas: Arena["gas"];
  readonly futureGas: Arena["gas"];
}

function toMainnet(hours: Hours, log: (line: string) => void): Venue {
  const { gas, length } = hours;
  const window = { from: Math.max(gas.from + GAS_HOURS, VARIANCE_HOURS), to: gas.to - 1 };
  if (window.to - window.from < GAS_HOURS)
    throw new TooShortError("base fees", window.to - window.from, GAS_HOURS);
  log(`forecasting gas hour by hour through ${window.to - window.from} hours`);
  const known = gas.log.slice(gas.from, gas.to);
  const first = window.from - gas.from;
  const signals = gasSignals(known, hours.firstEnd + gas.from * 3_600_000, first);
  const future = clairvoyantGas(known, first);
  const placed = (column: Float64Array) => {
    const out = new Float64Array(length).fill(Number.NaN);
    out.set(column, gas.from);
    return out;
  };
  const next = Float64Array.from({ length }, (_, t) => Math.exp(gas.log[t + 1]!));
  const usable = next.map((fee) => (Number.isNaN(fee) ? 0 : fee));
  return {
    name: "mainnet",
    window,
    gasDollars: toGasDollars(usable, TIP_GWEI, etherOf(hours)),
    gas: { gasRatio: placed(signals.gasRatio), gasFall: placed(signals.gasFall) },
    futureGas: { gasRatio: placed(future.gasRatio), gasFall: placed(future.gasFall) },
  };
}

/** Gas there is next to nothing and steady: no signal. */
function toRollup(hours: Hours): Venue {
  const { length } = hours;
  const none = new Float64Array(length).fill(Number.NaN);
  const from = Math.max(VARIANCE_HOURS, length - ROLLUP_HOURS);
  if (length - from < GAS_HOURS) throw new TooShortError("bars", length - from, GAS_HOURS);
  const gas = { gasRatio: none, gasFall: none };
  const gasDollars = toGasDollars(new Float64Array(length).fill(ROLLUP_GWEI), 0, etherOf(hours));
  return { name: "rollup", window: { from, to: length }, gasDollars, gas, futureGas: gas };
}

/** Without bars of ether, what it cost at the end of the recorded period. */
const etherOf = ({ close, length }: Hours): Float64Array =>
  close.get("ETH") ?? new Float64Array(length).fill(2_000);

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
  const assets = Object.keys(basket);
  const risky = assets.filter((asset) => asset !== "USD");
  const variances = risky.map((asset) => hours.variance.get(asset)!);
  const volatility = volatilitySignals(variances, VARIANCE_HOURS);
  const ones = new Float64Array(hours.length).fill(1);
  /** `ago`: hours by which the prices, and what is known of them, are older than the gas. */
  const arenaOf = ({ from, to }: Window, ago = 0): Arena => {
    const cut = (column: Float64Array) => column.slice(from, to);
    const cutPrices = (column: Float64Array) => column.slice(from - ago, to - ago);
    const costs: SimCosts = {
      nav: NAV,
      base: assets.includes("USD") ? assets.indexOf("USD") : undefined,
      feeRates: assets.map((asset) => (asset === "USD" ? 0 : FEE_RATE)),
      gasDollars: cut(venue.gasDollars),
      gasPerTrade: VAULT_GAS.perTrade,
      gasPerSwap: VAULT_GAS.perSwap,
      depths: assets.map((asset) => DEPTHS[asset] ?? OTHER_DEPTH),
    };
    const targets = Object.values(basket);
    return {
      market: toSimMarket(
        assets.map((asset) => cutPrices(hours.close.get(asset) ?? ones)),
        targets,
      ),
      costs,
      options: { bands: targets.map((target) => Math.min(BAND, target / 2)) },
      gas: { gasRatio: cut(venue.gas.gasRatio), gasFall: cut(venue.gas.gasFall) },
      volatility: {
        forecast: cutPrices(volatility.forecast),
        trailing: cutPrices(volatility.trailing),
        realised: cutPrices(volatility.realised),
      },
      futureGas: { gasRatio: cut(venue.futureGas.gasRatio), gasFall: cut(venue.futureGas.gasFall) },
    };
  };
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
