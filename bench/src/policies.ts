import { join } from "node:path";
import {
  type Basket,
  type BootstrapInterval,
  type ContestPlan,
  DEFAULT_NAV,
  FAMILIES,
  type Hours,
  loadHours,
  openScoreLedger,
  runContest,
  toMainnet,
  toRollup,
  toVolatility,
  type Venue,
} from "@ballast/training";
import type { BenchmarkOptions } from "./benchmark.ts";
import type { Row } from "./measure.ts";

/** USD is the base asset. */
const BASKETS: Readonly<Record<string, Basket>> = {
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
const COST = "cost-at-tracking-error";
const OUTSIDE = "outside-at-cost";

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
  const hasFees = hours.gas.to > hours.gas.from;
  if (!hasFees) log("mainnet is left out: no base fees in the hours of these bars; --gas gives them");
  for (const venue of [...(hasFees ? [toMainnet(hours, log)] : []), toRollup(hours)]) {
    for (const [name, basket] of baskets.slice(0, plan.baskets)) {
      rows.push(...(await compare(name, basket, hours, venue, plan, log)));
    }
  }
  return [...rows, ...toMedians(rows)];
}

async function compare(
  name: string,
  basket: Basket,
  hours: Hours,
  venue: Venue,
  plan: ContestPlan & { readonly resamples: number },
  log: (line: string) => void,
): Promise<Row[]> {
  const ground = { hours, venue, basket, nav: DEFAULT_NAV, volatility: toVolatility(hours, basket) };
  const { best, ratio, gapClosed } = await runContest(ground, plan, {
    data: `${hours.hash} ${venue.name} ${name}`,
    ledger: openScoreLedger(LEDGER),
    resamples: plan.resamples,
    seed: 1,
    onScored: (window, times) =>
      log(`${venue.name} ${name}: hours ${window.from} to ${window.to} scored, by now ${times} times`),
  });
  const ratios = FAMILIES.map((family) => {
    const { estimate } = ratio(COST, family.name, "threshold", 1);
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
  const reactive = best[COST];
  const toBest = (own: string) => ratio(COST, own, reactive);
  if (venue.name === "rollup")
    return [row("cost_ratio_rollup", toBest("predictive"), `best reactive in hindsight, ${reactive}`)];
  const least = best[OUTSIDE];
  return [
    row("cost_ratio_mainnet", toBest("predictive"), `best reactive in hindsight, ${reactive}`),
    row(
      "cost_ratio_to_gas_widened",
      ratio(COST, "predictive", "gas-widened"),
      "a threshold that widens with present gas",
    ),
    row(
      "cost_ratio_to_gas_capped",
      ratio(COST, "predictive", "gas-capped"),
      "the same order and selection by the last day's gas, without a forecast",
    ),
    row("cost_ratio_clairvoyant", toBest("clairvoyant"), `best reactive in hindsight, ${reactive}`),
    row(
      "clairvoyant_gap_closed",
      gapClosed("predictive"),
      "all of the way from the best reactive to the clairvoyant",
      "more",
    ),
    row(
      "outside_band_ratio_mainnet",
      ratio(OUTSIDE, "predictive", least),
      `best reactive in hindsight, ${least}`,
    ),
  ];
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
