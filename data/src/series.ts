import { BAR_FIELDS, takeRows } from "./bars.ts";
import { BallastError } from "./errors.ts";
import type { BarColumns, RawSeries } from "./market.ts";
import type { Finding } from "./quality.ts";
import { isoTime, type UnixMillis, unixMillis } from "./units.ts";

/** Above this share of a series, a flaw is no slip of the recorder but a wrong file, and is refused. */
export const MAX_REPAIR_SHARE = 0.01;
/** Above this share of unchanged bars a series is taken for a coarser one, forward-filled. */
const MAX_STALE_SHARE = 0.5;
/** Bars in a row with the same open, high, low and close that are called stale. */
const STALE_RUN = 6;
/** A return beyond this many robust standard deviations that the next one takes back is called an outlier. */
const OUTLIER_SCALES = 15;
/** Share of the return that must be taken back at once. */
const OUTLIER_REVERSAL = 0.8;

export class EmptyMarketError extends BallastError {
  readonly code = "EMPTY_MARKET";
  constructor(name: string, what: string) {
    super(`${name} holds ${what}. Point to bars of at least two assets, or widen the time range.`);
  }
}

export class BadValueError extends BallastError {
  readonly code = "BAD_VALUE";
  readonly asset: string;
  readonly field: string;
  readonly time: number;
  readonly value: number;
  constructor(asset: string, field: string, time: number, value: number) {
    super(
      `${asset}: ${field} is ${value} at ${isoTime(time)}. Prices must be positive and volumes not negative; ` +
        "correct or delete that bar in the source, or load a range without it.",
    );
    this.asset = asset;
    this.field = field;
    this.time = time;
    this.value = value;
  }
}

export class FutureBarError extends BallastError {
  readonly code = "FUTURE_BAR";
  readonly asset: string;
  readonly time: number;
  constructor(asset: string, time: number, now: number) {
    super(
      `${asset} has a value of ${isoTime(time)}, after the present ${isoTime(now)}. ` +
        "Check the unit of the source's times (seconds, ms or µs), its time zone and this machine's clock.",
    );
    this.asset = asset;
    this.time = time;
  }
}

export class ConflictingDuplicatesError extends BallastError {
  readonly code = "CONFLICTING_DUPLICATES";
  constructor(asset: string, count: number, total: number, firstTime: number) {
    super(
      `${asset}: ${count} of ${total} bars share their time with a different bar, the first at ${isoTime(firstTime)}: ` +
        "two markets or intervals seem mixed. Keep one pair and one interval per folder.",
    );
  }
}

export class CrossedBarsError extends BallastError {
  readonly code = "CROSSED_BARS";
  constructor(asset: string, count: number, total: number, firstTime: number) {
    super(
      `${asset}: in ${count} of ${total} bars the high lies below or the low above another price, the first at ` +
        `${isoTime(firstTime)}. The columns seem swapped; expected order: open, high, low, close.`,
    );
  }
}

export class StaleSeriesError extends BallastError {
  readonly code = "STALE_SERIES";
  constructor(asset: string, count: number, total: number) {
    super(
      `${asset}: ${count} of ${total} bars repeat the bar before them: a coarser or dead series, forward-filled. ` +
        "Load it at its own interval, narrow the range, or leave the asset out.",
    );
  }
}

/** One asset in order, without duplicates, every value sound; times not yet checked against a grid. */
export interface CleanSeries {
  readonly asset: string;
  readonly time: Float64Array;
  readonly bars: BarColumns;
  readonly findings: readonly Finding[];
}

/** Collects flaws of one kind: how many, and the first with its value. */
export const tally = (kind: Finding["kind"], asset: string, action: string) => {
  let count = 0;
  let first: { time: UnixMillis; value: number } | undefined;
  return {
    add(time: number, value: number): void {
      count++;
      if (first === undefined || time < first.time) first = { time: unixMillis(time), value };
    },
    get count(): number {
      return count;
    },
    get firstTime(): number {
      return first?.time ?? Number.NaN;
    },
    findings(): Finding[] {
      return first === undefined
        ? []
        : [{ kind, asset, count, firstTime: first.time, example: first.value, action }];
    },
  };
};

/** Sorts, removes duplicates, checks every value and repairs crossed bars, by the rules stated in each finding. */
export const toCleanSeries = (raw: RawSeries, now: UnixMillis): CleanSeries => {
  const { asset } = raw;
  for (const time of raw.time) {
    if (!Number.isSafeInteger(time) || time < 0) throw new BadValueError(asset, "time", time, time);
  }
  const disorder = tally("disorder", asset, "sorted by time");
  for (let i = 1; i < raw.time.length; i++) {
    if (raw.time[i]! < raw.time[i - 1]!) disorder.add(raw.time[i]!, i);
  }
  const order = new Uint32Array(raw.time.length).map((_, i) => i);
  if (disorder.count > 0) order.sort((a, b) => raw.time[a]! - raw.time[b]! || a - b);

  const last = raw.time[order[order.length - 1] ?? 0];
  if (last !== undefined && last > now) throw new FutureBarError(asset, last, now);

  const { kept, findings } = dropDuplicates(raw, order);
  const { time, bars } = takeRows(raw, kept);
  refuseBadValues(asset, time, bars);
  return {
    asset,
    time,
    bars,
    findings: [
      ...disorder.findings(),
      ...findings,
      ...widenCrossed(asset, time, bars),
      ...findZeroVolume(asset, time, bars),
      ...findStale(asset, time, bars),
      ...findOutliers(asset, time, bars),
    ],
  };
};

/** Of bars with one time the last in the source's order stays: recorders append their corrections. */
const dropDuplicates = (raw: RawSeries, order: Uint32Array) => {
  const { asset } = raw;
  const identical = tally("duplicate", asset, "dropped, the bars were identical");
  const conflicting = tally("conflicting-duplicate", asset, "kept the last of them in the source's order");
  const kept = new Uint32Array(order.length);
  let count = 0;
  for (const i of order) {
    const before = count > 0 ? kept[count - 1]! : -1;
    if (before < 0 || raw.time[before] !== raw.time[i]) {
      kept[count++] = i;
      continue;
    }
    const isSame = BAR_FIELDS.every((field) => Object.is(raw.bars[field][before], raw.bars[field][i]));
    (isSame ? identical : conflicting).add(raw.time[i]!, raw.bars.close[i]!);
    kept[count - 1] = i;
  }
  if (conflicting.count > Math.max(1, MAX_REPAIR_SHARE * order.length)) {
    throw new ConflictingDuplicatesError(asset, conflicting.count, order.length, conflicting.firstTime);
  }
  return { kept: kept.subarray(0, count), findings: [...identical.findings(), ...conflicting.findings()] };
};

const refuseBadValues = (asset: string, time: Float64Array, bars: BarColumns): void => {
  for (const field of BAR_FIELDS) {
    const column = bars[field];
    const least = field === "volume" ? 0 : Number.MIN_VALUE;
    for (let i = 0; i < column.length; i++) {
      const value = column[i]!;
      // Written so that NaN fails too.
      if (!(value >= least && value < Number.POSITIVE_INFINITY)) {
        throw new BadValueError(asset, field, time[i]!, value);
      }
      column[i] = value + 0; // -0 would have other bytes than 0
    }
  }
};

const widenCrossed = (asset: string, time: Float64Array, bars: BarColumns): Finding[] => {
  const crossed = tally("crossed", asset, "high and low widened to hold all four prices");
  for (let i = 0; i < time.length; i++) {
    const [open, close] = [bars.open[i]!, bars.close[i]!];
    const high = Math.max(open, bars.high[i]!, bars.low[i]!, close);
    const low = Math.min(open, bars.high[i]!, bars.low[i]!, close);
    if (high === bars.high[i] && low === bars.low[i]) continue;
    crossed.add(time[i]!, bars.high[i]!);
    bars.high[i] = high;
    bars.low[i] = low;
  }
  if (crossed.count > Math.max(1, MAX_REPAIR_SHARE * time.length)) {
    throw new CrossedBarsError(asset, crossed.count, time.length, crossed.firstTime);
  }
  return crossed.findings();
};

const findZeroVolume = (asset: string, time: Float64Array, bars: BarColumns): Finding[] => {
  const zero = tally("zero-volume", asset, "kept as recorded");
  for (let i = 0; i < time.length; i++) if (bars.volume[i] === 0) zero.add(time[i]!, bars.close[i]!);
  return zero.findings();
};

const findStale = (asset: string, time: Float64Array, bars: BarColumns): Finding[] => {
  const stale = tally("stale", asset, `kept as recorded; runs of ${STALE_RUN} equal bars or more`);
  const isRepeat = (i: number) =>
    bars.open[i] === bars.open[i - 1] &&
    bars.high[i] === bars.high[i - 1] &&
    bars.low[i] === bars.low[i - 1] &&
    bars.close[i] === bars.close[i - 1];
  let repeats = 0;
  for (let from = 0; from < time.length; ) {
    let to = from + 1;
    while (to < time.length && isRepeat(to)) to++;
    repeats += to - from - 1;
    if (to - from >= STALE_RUN) for (let i = from; i < to; i++) stale.add(time[i]!, bars.close[i]!);
    from = to;
  }
  if (stale.count > MAX_STALE_SHARE * time.length || repeats > Math.max(1, MAX_STALE_SHARE * time.length)) {
    throw new StaleSeriesError(asset, repeats, time.length);
  }
  return stale.findings();
};

/** A price that jumps and comes straight back: a misprint more often than a trade, but not for us to judge. */
const findOutliers = (asset: string, time: Float64Array, bars: BarColumns): Finding[] => {
  const outliers = tally("outlier", asset, "kept as recorded");
  const returns = logReturns(bars.close);
  const scale = robustScale(returns);
  if (!(scale > 0)) return [];
  for (let i = 0; i + 1 < returns.length; i++) {
    const [there, back] = [returns[i]!, returns[i + 1]!];
    const isTakenBack = Math.abs(there + back) <= (1 - OUTLIER_REVERSAL) * Math.abs(there);
    if (Math.abs(there) > OUTLIER_SCALES * scale && isTakenBack)
      outliers.add(time[i + 1]!, bars.close[i + 1]!);
  }
  return outliers.findings();
};

/** ln(p[i + 1] / p[i]); one shorter than the prices. */
export const logReturns = (prices: Float64Array): Float64Array =>
  prices.subarray(1).map((price, i) => Math.log(price / prices[i]!));

/** 1.4826 × the median absolute value, which is the standard deviation of a Gaussian around zero. */
export const robustScale = (values: Float64Array): number => {
  const sorted = values.map(Math.abs).sort();
  return 1.4826 * (sorted[Math.floor(sorted.length / 2)] ?? 0);
};
