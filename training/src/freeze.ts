import {
  BallastError,
  type Hex,
  type Market,
  type QualityReport,
  type RawMarket,
  toMarket,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";

export class DatasetChangedError extends BallastError {
  readonly code = "DATASET_CHANGED";
  readonly before: Hex;
  readonly after: Hex;
  constructor(name: string, before: Hex, after: Hex) {
    super(
      `the data set ${name} changed while it was trained on: its root was ${before} and is now ${after}. ` +
        "Nothing was stored. Stop what writes to it, or give --until a time before what is still being written, and train again.",
    );
    this.before = before;
    this.after = after;
  }
}

export interface FreezeOptions {
  /** The data set ends here: no bar that opens at or after it and no value published after it is in it. */
  readonly until?: UnixMillis | undefined;
  readonly now: UnixMillis;
  readonly assets?: readonly string[] | undefined;
}

/**
 * The market up to `until` and nothing else, so that its root names exactly what a training can have seen and does
 * not change when later bars arrive. Throws what toMarket throws.
 */
export function freeze(raw: RawMarket, options: FreezeOptions): { market: Market; report: QualityReport } {
  const { until, now, assets } = options;
  if (until === undefined || until > now) return toMarketWithoutTail(raw, now, assets);
  const isWanted = ({ asset }: { readonly asset: string }) => assets?.includes(asset) ?? true;
  // A later bar of each asset shows that the last one before `until` was complete.
  const isProven = raw.series.filter(isWanted).every(({ time }) => time.some((t) => t >= until));
  return toMarketWithoutTail(cutAt(raw, until), isProven ? until : now, assets);
}

/**
 * What was published after the last bar closed trains nothing. Left in, it would be part of the root, which the data
 * set's own end, as a manifest has it, could then not give again.
 */
function toMarketWithoutTail(raw: RawMarket, now: UnixMillis, assets: readonly string[] | undefined) {
  const options = { now, ...(assets && { assets }) };
  const whole = toMarket(raw, options);
  const { start, length, intervalMs } = whole.market;
  const end = unixMillis(start + length * intervalMs);
  const hasTail = raw.exogenous.some(({ publishedAt }) => publishedAt.some((t) => t > end));
  return hasTail ? toMarket({ ...raw, exogenous: cutAt(raw, end).exogenous }, options) : whole;
}

/** Only bars that open before `until`, and values published by then. */
export function cutAt(raw: RawMarket, until: UnixMillis): RawMarket {
  return {
    ...raw,
    series: raw.series.map((series) => {
      const kept = keptIndices(series.time, (t) => t < until);
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

/**
 * Runs a job on a frozen market, and then loads the data set again and compares roots. `load` must read its source
 * anew each time. Throws DatasetChangedError, and what `load` and `job` throw.
 */
export async function whileFrozen<T>(
  load: () => Promise<Market>,
  job: (market: Market) => Promise<T>,
): Promise<T> {
  const market = await load();
  const before = market.hash;
  const result = await job(market);
  const after = (await load()).hash;
  if (after !== before) throw new DatasetChangedError(market.name, before, after);
  return result;
}
