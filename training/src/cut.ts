import type { RawMarket } from "@ballast/data";

/** Only bars that open from `from` on and before `until`, both ms, and values published by `until`. */
export function cutAt(raw: RawMarket, until: number, from = Number.NEGATIVE_INFINITY): RawMarket {
  return {
    ...raw,
    series: raw.series.map((series) => {
      const kept = keptIndices(series.time, (t) => t >= from && t < until);
      const { open, high, low, close, volume } = series.bars;
      const bars = {
        open: take(open, kept),
        high: take(high, kept),
        low: take(low, kept),
        close: take(close, kept),
        volume: take(volume, kept),
      };
      return { ...series, time: take(series.time, kept), bars };
    }),
    exogenous: raw.exogenous.map((series) => {
      const kept = keptIndices(series.publishedAt, (t) => t <= until);
      return { ...series, publishedAt: take(series.publishedAt, kept), value: take(series.value, kept) };
    }),
  };
}

const keptIndices = (time: Float64Array, isKept: (t: number) => boolean): number[] =>
  Array.from(time.keys()).filter((i) => isKept(time[i]!));
const take = (column: Float64Array, kept: readonly number[]): Float64Array =>
  Float64Array.from(kept, (i) => column[i]!);
