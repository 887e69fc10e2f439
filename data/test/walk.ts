import type { BarColumns, Market, RawMarket, RawSeries } from "../src/market.ts";
import { toMarket } from "../src/quality.ts";
import { seededRandom } from "../src/random.ts";
import { HOUR_MS, unixMillis } from "../src/units.ts";

export const START = Date.UTC(2024, 0, 1);

/** A plain random walk, driven in part by one stream all assets share, so that they move together. */
export const walk = (
  asset: string,
  length: number,
  { start = START, intervalMs = HOUR_MS, quote = "USDT", sharedSeed = 1, skip = 0 } = {},
): RawSeries => {
  const own = seededRandom(sharedSeed, asset);
  const shared = seededRandom(sharedSeed);
  for (let i = 0; i < skip; i++) shared.uniform();
  const column = () => new Float64Array(length);
  const bars = { open: column(), high: column(), low: column(), close: column(), volume: column() };
  let price = 100;
  for (let i = 0; i < length; i++) {
    const close = price * Math.exp(0.02 * (shared.uniform() - 0.5) + 0.01 * (own.uniform() - 0.5));
    bars.open[i] = price;
    bars.high[i] = Math.max(price, close) * (1 + 0.001 * own.uniform());
    bars.low[i] = Math.min(price, close) * (1 - 0.001 * own.uniform());
    bars.close[i] = close;
    bars.volume[i] = 1 + own.uniform();
    price = close;
  }
  return { asset, quote, time: Float64Array.from({ length }, (_, i) => start + i * intervalMs), bars };
};

export const rawMarket = (series: readonly RawSeries[], rest: Partial<RawMarket> = {}): RawMarket => ({
  name: "test",
  series,
  exogenous: [],
  notes: [],
  ...rest,
});

/** The moment at which the last bar of `length` closes: nothing is dropped then. */
export const closeOf = (length: number, intervalMs = HOUR_MS) => unixMillis(START + length * intervalMs);

export const cleanMarket = (
  assets: readonly string[],
  length: number,
  rest: Partial<RawMarket> = {},
): Market =>
  toMarket(
    rawMarket(
      assets.map((asset) => walk(asset, length)),
      rest,
    ),
    { now: closeOf(length) },
  ).market;

/** The series with its columns passed through `change`, which may edit them in place or return others. */
export const changed = (
  series: RawSeries,
  change: (time: number[], bars: Record<keyof BarColumns, number[]>) => void,
): RawSeries => {
  const time = [...series.time];
  const { open, high, low, close, volume } = series.bars;
  const bars = { open: [...open], high: [...high], low: [...low], close: [...close], volume: [...volume] };
  change(time, bars);
  const column = (values: number[]) => Float64Array.from(values);
  return {
    ...series,
    time: column(time),
    bars: {
      open: column(bars.open),
      high: column(bars.high),
      low: column(bars.low),
      close: column(bars.close),
      volume: column(bars.volume),
    },
  };
};
