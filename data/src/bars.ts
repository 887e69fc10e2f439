import type { BarColumns } from "./market.ts";

/** The columns of a bar, in the order of every canonical encoding. */
export const BAR_FIELDS = ["open", "high", "low", "close", "volume"] as const;

export const newColumns = (length: number): BarColumns => ({
  open: new Float64Array(length),
  high: new Float64Array(length),
  low: new Float64Array(length),
  close: new Float64Array(length),
  volume: new Float64Array(length),
});

export const mapColumns = (bars: BarColumns, map: (column: Float64Array) => Float64Array): BarColumns => ({
  open: map(bars.open),
  high: map(bars.high),
  low: map(bars.low),
  close: map(bars.close),
  volume: map(bars.volume),
});

/** The rows named by `indices`, in their order, as copies. */
export const takeRows = <T extends { readonly time: Float64Array; readonly bars: BarColumns }>(
  series: T,
  indices: Uint32Array,
): T => {
  const take = (column: Float64Array): Float64Array => {
    const taken = new Float64Array(indices.length);
    for (let i = 0; i < indices.length; i++) taken[i] = column[indices[i]!]!;
    return taken;
  };
  return { ...series, time: take(series.time), bars: mapColumns(series.bars, take) };
};

/** The rows whose index passes, as copies. */
export const filterRows = <T extends { readonly time: Float64Array; readonly bars: BarColumns }>(
  series: T,
  isKept: (index: number) => boolean,
): T => {
  const indices = new Uint32Array(series.time.length);
  let count = 0;
  for (let i = 0; i < indices.length; i++) if (isKept(i)) indices[count++] = i;
  return takeRows(series, indices.subarray(0, count));
};
