import { DAY_MS } from "@ballast/data";
import { requireThat } from "../evaluation/sample.ts";
import type { BacktestRecord } from "./record.ts";

export const COST_KINDS = ["fee", "spread", "impact", "mev", "gas", "attestationGas"] as const;
export type CostKind = (typeof COST_KINDS)[number];

/** What is known of a step, whose means over the steps every metric with an interval is a function of. */
export const COLUMNS = [
  /** Growth before costs less the mix's, squared. */
  "square",
  /** Dollars; the value at the end of the step. */
  ...COST_KINDS,
  "value",
  "shortfall",
  "sold",
  /** Sold over the value before costs. */
  "turnover",
  "trades",
  /** 1 where some weight lay outside its band at the close, and how far the worst one did, share. */
  "outside",
  "excess",
  /** Simple return after costs, and its square; log growth after costs, and that of the mix. */
  "return",
  "returnSquare",
  "growth",
  "mixGrowth",
  /** Gwei: sums over the step's trades of the base fee at their bars and of the lowest of that UTC day, their number; the bar's. */
  "gasPaid",
  "gasDayLow",
  "gasTrades",
  "gasBar",
  "gasBars",
  /** Loss versus rebalancing of an equal-weight constant-product pool, share of its value. */
  "lvr",
] as const;
export type Column = (typeof COLUMNS)[number];
export type Columns = Readonly<Record<Column, Float64Array>>;
/** Means over the steps. */
export type Means = Readonly<Record<Column, number>>;

/** A year of the annualised figures: 365 days, as everywhere in Ballast. */
export const YEAR_MS = 365 * DAY_MS;

/**
 * One step from each bar to the next. The portfolio begins at the first bar with `nav`, on the mix, so that what was
 * traded at the first bar counts to the first step. A trade belongs to the bar at or next after its execution, and to
 * the last one where none follows. Throws OutOfRangeError below two bars.
 */
export function toSteps(record: BacktestRecord): Columns {
  const { bars, trades, nav, targets, bands } = record;
  const steps = bars.at.length - 1;
  requireThat(steps >= 1, "number of bars", bars.at.length, "at least 2");
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, new Float64Array(steps)])) as Columns;
  const add = (name: Column, step: number, amount: number) => {
    columns[name][step] = columns[name][step]! + amount;
  };
  const stepOf = (at: number) => Math.max(barOf(bars.at, at), 1) - 1;
  for (const trade of trades) {
    const step = stepOf(trade.executedAt);
    for (const kind of COST_KINDS) add(kind, step, trade.costs[kind]);
    add("shortfall", step, trade.shortfall);
    add("sold", step, trade.soldDollars);
    add("trades", step, 1);
  }
  const dayLows = toDayLows(bars.at, bars.gasGwei);
  for (const { executedAt } of trades) {
    const bar = barOf(bars.at, executedAt);
    const gwei = bars.gasGwei[bar]!;
    if (!Number.isFinite(gwei)) continue;
    const step = stepOf(executedAt);
    add("gasPaid", step, gwei);
    add("gasDayLow", step, dayLows.get(dayOf(bars.at[bar]!))!);
    add("gasTrades", step, 1);
  }
  for (let s = 0; s < steps; s++) {
    const t = s + 1;
    const [before, mixBefore] = s === 0 ? [nav, nav] : [bars.value[s]!, bars.mix[s]!];
    const costs = COST_KINDS.reduce((sum, kind) => sum + columns[kind][s]!, 0);
    const value = bars.value[t]!;
    const growth = (value + costs) / before;
    columns.square[s] = (growth - bars.mix[t]! / mixBefore) ** 2;
    columns.value[s] = value;
    columns.turnover[s] = columns.sold[s]! / (value + costs);
    columns.return[s] = value / before - 1;
    columns.returnSquare[s] = columns.return[s]! ** 2;
    columns.growth[s] = Math.log(value / before);
    columns.mixGrowth[s] = Math.log(bars.mix[t]! / mixBefore);
    let excess = 0;
    let [sum, squares] = [0, 0];
    for (let i = 0; i < targets.length; i++) {
      excess = Math.max(excess, Math.abs(bars.weights[i]![t]! - targets[i]!) - bands[i]!);
      const x = Math.log(bars.prices[i]![t]! / bars.prices[i]![s]!);
      sum += x / targets.length;
      squares += x ** 2 / targets.length;
    }
    if (excess > ROUNDING) {
      columns.outside[s] = 1;
      columns.excess[s] = excess;
    }
    columns.lvr[s] = Math.max(0, squares - sum ** 2) / 2;
    const gas = bars.gasGwei[t]!;
    if (Number.isFinite(gas)) {
      columns.gasBar[s] = gas;
      columns.gasBars[s] = 1;
    }
  }
  return columns;
}

/** A weight on the edge of its band, to a double's rounding, is inside. */
const ROUNDING = 1e-12;

export const toMeans = (columns: Columns): Means =>
  Object.fromEntries(
    COLUMNS.map((name) => [name, columns[name].reduce((sum, x) => sum + x, 0) / columns[name].length]),
  ) as Means;

const dayOf = (at: number): number => Math.floor(at / DAY_MS);

function toDayLows(at: readonly number[], gas: readonly number[]): Map<number, number> {
  const lows = new Map<number, number>();
  for (const [t, gwei] of gas.entries()) {
    if (!Number.isFinite(gwei)) continue;
    const day = dayOf(at[t]!);
    lows.set(day, Math.min(gwei, lows.get(day) ?? Number.POSITIVE_INFINITY));
  }
  return lows;
}

/** Index of the bar at or next after a time; the last one where none follows. `times` ascending. */
export function barOf(times: readonly number[], at: number): number {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
