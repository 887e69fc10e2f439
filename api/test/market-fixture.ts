import { AmbiguousBarsError, HOUR_MS, snapshotRoot, toMarket, unixMillis } from "@ballast/data";
import type { Bars, Snapshots } from "../src/index.ts";

const START = Date.UTC(2022, 7, 1);
const COUNT = 2_500;
/** A price path of its own for each asset, in cents, with volumes that have no short decimal. */
const seriesOf = (asset: string) => {
  const time = Float64Array.from({ length: COUNT }, (_, i) => START + i * HOUR_MS);
  const base = asset === "BTC" ? 20_000 : 1_500;
  const price = (i: number) => Math.round(100 * base * (1 + 0.1 * Math.sin(i / 50))) / 100;
  const open = Float64Array.from({ length: COUNT }, (_, i) => price(i));
  const close = Float64Array.from({ length: COUNT }, (_, i) => price(i + 1));
  const high = open.map((value, i) => Math.max(value, close[i]!) + 0.25);
  const low = open.map((value, i) => Math.min(value, close[i]!) - 0.25);
  return { time, bars: { open, high, low, close, volume: open.map((_, i) => 1 / (3 + i)) } };
};
export const SERIES = { BTC: seriesOf("BTC"), ETH: seriesOf("ETH") };

const keyOf = (exchange: string, asset: string) => ({ exchange, quote: "USDT", asset, intervalMs: HOUR_MS });
const KEYS = [keyOf("binance", "BTC"), keyOf("binance", "ETH"), keyOf("kraken", "ETH")];

/** BTC from one exchange and ETH from two. */
export const BARS: Bars = {
  list: async () => KEYS.map((key) => ({ ...key, from: START, to: START + (COUNT - 1) * HOUR_MS })),
  async read({ asset, intervalMs, exchange, from = -Infinity, to = Infinity, limit }) {
    const found = KEYS.filter(
      (key) =>
        key.asset === asset &&
        key.intervalMs === intervalMs &&
        (exchange === undefined || key.exchange === exchange),
    );
    if (found.length === 0) return undefined;
    if (found.length > 1)
      throw new AmbiguousBarsError(
        asset,
        found.map((key) => `${key.exchange} ${asset}/USDT`),
      );
    const { time, bars } = SERIES[asset as keyof typeof SERIES];
    const first = time.findIndex((at) => at >= from);
    const start = first < 0 ? COUNT : first;
    const past = time.findIndex((at) => at >= to);
    const end = Math.min(past < 0 ? COUNT : past, start + limit);
    const { open, high, low, close, volume } = bars;
    const cut = (column: Float64Array) => column.subarray(start, end);
    return {
      time: cut(time),
      bars: { open: cut(open), high: cut(high), low: cut(low), close: cut(close), volume: cut(volume) },
    };
  },
};

const { market } = toMarket(
  {
    name: "fixture",
    series: (["BTC", "ETH"] as const).map((asset) => ({ asset, quote: "USDT", ...SERIES[asset] })),
    exogenous: [],
    notes: [],
  },
  { now: unixMillis(START + COUNT * HOUR_MS) },
);
export const SNAPSHOT = market.past(unixMillis(START + 100 * HOUR_MS)).snapshot(48);
export const SNAPSHOTS: Snapshots = {
  get: async (root) => (root === snapshotRoot(SNAPSHOT) ? SNAPSHOT : undefined),
};
