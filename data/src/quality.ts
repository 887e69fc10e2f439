import { BAR_FIELDS, filterRows, newColumns } from "./bars.ts";
import { BallastError } from "./errors.ts";
import type { Exogenous, Market, RawMarket, RawSeries } from "./market.ts";
import { closeMarket } from "./past.ts";
import {
  BadValueError,
  type CleanSeries,
  FutureBarError,
  MAX_REPAIR_SHARE,
  tally,
  toCleanSeries,
} from "./series.ts";
import { refuseShifted } from "./timezone.ts";
import { DAY_MS, HOUR_MS, isoTime, type UnixMillis, unixMillis } from "./units.ts";

export type FindingKind =
  | "disorder"
  | "duplicate"
  | "conflicting-duplicate"
  | "crossed"
  | "zero-volume"
  | "stale"
  | "outlier"
  | "off-grid"
  | "partial-last-bar"
  | "unproven-last-bar"
  | "outside-overlap"
  | "gap"
  | "missing-value";

/** One kind of flaw of one series, and what was done about it. */
export interface Finding {
  readonly kind: FindingKind;
  /** Ticker, or the name of an exogenous series. */
  readonly asset: string;
  /** Bars concerned; of a gap, the bars missing. */
  readonly count: number;
  readonly firstTime: UnixMillis;
  /** A value of the first one: a price, of `gap` the length of the longest gap in bars, of `disorder` the row. */
  readonly example: number;
  /** What was done, e.g. `sorted by time`. */
  readonly action: string;
}

export interface QualityReport {
  readonly intervalMs: number;
  readonly assets: readonly string[];
  /** Opening of the first and close of the last bar of the market. */
  readonly start: UnixMillis;
  readonly end: UnixMillis;
  /** Bars of each asset. */
  readonly length: number;
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
}

export interface QualityOptions {
  /** The present: nothing may be younger. */
  readonly now: UnixMillis;
  /** Taken from the most frequent spacing where absent. */
  readonly intervalMs?: number | undefined;
  /** Tickers to keep; all where absent. */
  readonly assets?: readonly string[] | undefined;
  /** Longest gap that is filled; 48 where absent. */
  readonly maxGapHours?: number | undefined;
  /** Accept a market of one asset, against cash. */
  readonly allowOneAsset?: boolean | undefined;
}

export class EmptyMarketError extends BallastError {
  readonly code = "EMPTY_MARKET";
  constructor(name: string, what: string) {
    super(`${name} holds ${what}. Point to bars of at least two assets, or widen the time range.`);
  }
}

export class OneAssetError extends BallastError {
  readonly code = "ONE_ASSET";
  constructor(name: string, asset: string) {
    super(
      `${name} holds ${asset} only; a portfolio needs two assets or more. Add the bars of another asset.`,
    );
  }
}

export class UnknownAssetError extends BallastError {
  readonly code = "UNKNOWN_ASSET";
  constructor(asset: string, known: readonly string[]) {
    super(
      `There are no bars of ${asset}; there are of ${known.join(", ") || "nothing"}. Choose among these or add its bars.`,
    );
  }
}

export class DuplicateSeriesError extends BallastError {
  readonly code = "DUPLICATE_SERIES";
  constructor(what: string) {
    super(
      `${what} comes twice. Keep one series of each asset, against one quote currency, in the folder or request.`,
    );
  }
}

export class MixedQuotesError extends BallastError {
  readonly code = "MIXED_QUOTES";
  constructor(pairs: readonly string[]) {
    super(`Prices are in different currencies: ${pairs.join(", ")}. Keep the pairs of one quote currency.`);
  }
}

export class AmbiguousIntervalError extends BallastError {
  readonly code = "AMBIGUOUS_INTERVAL";
  constructor(what: string) {
    super(
      `The interval between bars is unclear: ${what}. Keep one interval per folder, or name it (--interval 1h).`,
    );
  }
}

export class MisalignedTimesError extends BallastError {
  readonly code = "MISALIGNED_TIMES";
  readonly asset: string;
  constructor(asset: string, offsetMs: number, intervalMs: number, time: number) {
    super(
      `${asset}: bars lie ${offsetMs / 60_000} min off the UTC grid of ${intervalMs / 60_000} min, e.g. ${isoTime(time)}. ` +
        "Times must be opening times in UTC: export again in UTC, or shift the column by that offset.",
    );
    this.asset = asset;
  }
}

export class NoOverlapError extends BallastError {
  readonly code = "NO_OVERLAP";
  constructor(ranges: readonly string[]) {
    super(
      `The assets have no time in common: ${ranges.join("; ")}. Leave out those that end early or begin late.`,
    );
  }
}

export class GapTooLongError extends BallastError {
  readonly code = "GAP_TOO_LONG";
  readonly asset: string;
  readonly hours: number;
  constructor(asset: string, from: number, to: number, maxGapHours: number) {
    const hours = (to - from) / HOUR_MS;
    super(
      `${asset} has no bars for ${hours} h from ${isoTime(from)} to ${isoTime(to)}, more than the ${maxGapHours} h that are filled. ` +
        `Narrow the range, drop ${asset}, or raise --max-gap-hours.`,
    );
    this.asset = asset;
    this.hours = hours;
  }
}

const DEFAULT_MAX_GAP_HOURS = 48;

/**
 * Makes a clean market of what a source delivered: repairs by stated rules, each of them reported, or
 * refuses. Pure.
 *
 * - The market is the time all assets have in common, on the UTC grid of the interval.
 * - Missing bars up to `maxGapHours` in a row become flat bars at the close before, volume 0, marked filled.
 * - A last bar that has not closed by `now` is dropped. So is one that closed more than an interval ago: a
 *   recording that stops there cannot show that its last bar was complete, and a complete bar lost at the far
 *   end costs nothing. One closed within the last interval stays: a live source delivers after the close.
 * - A set shifted as a whole by hours shows in nothing but its clock, and cannot be found out here.
 *
 * @throws a subclass of BallastError naming asset, time and value for every flaw without a rule
 */
export const toMarket = (
  raw: RawMarket,
  options: QualityOptions,
): { market: Market; report: QualityReport } => {
  const { now, maxGapHours = DEFAULT_MAX_GAP_HOURS } = options;
  const chosen = chooseSeries(raw, options);
  const cleaned = chosen.map((series) => toCleanSeries(series, now));
  const intervalMs = options.intervalMs ?? commonInterval(cleaned);
  const onGrid = cleaned.map((series) => dropUnclosed(toGrid(series, intervalMs), intervalMs, now));
  const { start, length } = overlap(raw.name, onGrid, intervalMs);
  const filled = onGrid.map((series) => fillGaps(series, start, length, intervalMs, maxGapHours));
  const assets = chosen.map((series) => series.asset);
  refuseShifted(
    assets,
    filled.map((series) => series.bars.close),
    intervalMs,
  );
  const exogenous = raw.exogenous.map((series) => toCleanExogenous(series, now));
  exogenous.sort((a, b) => compare(a.series.name, b.series.name));
  exogenous.forEach(({ series }, i) => {
    if (series.name === exogenous[i - 1]?.series.name) throw new DuplicateSeriesError(series.name);
  });
  return {
    market: closeMarket({
      name: raw.name,
      intervalMs,
      assets,
      start,
      bars: filled.map((series) => series.bars),
      filled: filled.map((series) => series.filled),
      exogenous: exogenous.map(({ series }) => series),
    }),
    report: {
      intervalMs,
      assets,
      start,
      end: unixMillis(start + length * intervalMs),
      length,
      findings: [...onGrid, ...filled, ...exogenous].flatMap((series) => series.findings),
      notes: raw.notes,
    },
  };
};

/** Findings as short lines of plain English, one for each kind and action over all assets. */
export const describeReport = (report: QualityReport): string[] => {
  const groups = Map.groupBy(report.findings, (finding) => `${finding.kind}: ${finding.action}`);
  const lines = [...groups].map(([rule, findings]) => {
    const total = findings.reduce((sum, finding) => sum + finding.count, 0);
    const first = findings.reduce((a, b) => (b.firstTime < a.firstTime ? b : a));
    const who = findings.map((finding) => `${finding.asset} ${finding.count}`).join(", ");
    return `${rule}; ${total} in all, first ${first.asset} at ${isoTime(first.firstTime)} (${who})`;
  });
  const what = `${report.length} bars of ${report.intervalMs / 60_000} min for each of ${report.assets.length} assets`;
  return [`${what}, ${isoTime(report.start)} to ${isoTime(report.end)}`, ...report.notes, ...lines];
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const chooseSeries = (raw: RawMarket, options: QualityOptions): RawSeries[] => {
  const known = raw.series.map((series) => series.asset);
  for (const asset of options.assets ?? []) {
    if (!known.includes(asset)) throw new UnknownAssetError(asset, known);
  }
  const chosen = raw.series
    .filter((series) => options.assets?.includes(series.asset) ?? true)
    .sort((a, b) => compare(a.asset, b.asset));
  if (chosen.length === 0) throw new EmptyMarketError(raw.name, "no assets");
  for (const [i, series] of chosen.entries()) {
    if (series.time.length === 0) throw new EmptyMarketError(raw.name, `no bars of ${series.asset}`);
    if (series.asset === chosen[i - 1]?.asset) throw new DuplicateSeriesError(series.asset);
  }
  if (chosen.length === 1 && options.allowOneAsset !== true)
    throw new OneAssetError(raw.name, chosen[0]!.asset);
  const quotes = new Set(chosen.map((series) => series.quote).filter((quote) => quote !== ""));
  if (quotes.size > 1)
    throw new MixedQuotesError(chosen.map((series) => `${series.asset}/${series.quote || "?"}`));
  return chosen;
};

/** The spacing most bars have; it must be that of more than half of them, and the same for every asset. */
const commonInterval = (all: readonly CleanSeries[]): number => {
  const intervals = all.map(({ asset, time }) => {
    const counts = new Map<number, number>();
    for (let i = 1; i < time.length; i++) {
      const spacing = time[i]! - time[i - 1]!;
      counts.set(spacing, (counts.get(spacing) ?? 0) + 1);
    }
    const [best] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    if (best === undefined) throw new AmbiguousIntervalError(`${asset} has one bar only`);
    const [spacing, count] = best;
    if (2 * count <= time.length - 1) {
      throw new AmbiguousIntervalError(
        `of ${asset}'s ${time.length} bars only ${count} follow the one before by ${spacing / 60_000} min, the most frequent spacing`,
      );
    }
    return spacing;
  });
  const other = intervals.findIndex((interval) => interval !== intervals[0]);
  if (other > 0) {
    throw new AmbiguousIntervalError(
      `${all[0]!.asset} has bars of ${intervals[0]! / 60_000} min, ${all[other]!.asset} of ${intervals[other]! / 60_000} min`,
    );
  }
  return intervals[0]!;
};

/** Bars beside the grid are dropped where they are few; exchanges emit such bars after an outage. */
const toGrid = (series: CleanSeries, intervalMs: number): CleanSeries => {
  // Weeks begin on Mondays, the epoch was a Thursday: above a day the first bar sets the phase.
  const phase = intervalMs > DAY_MS ? series.time[0]! % intervalMs : 0;
  const offGrid = tally("off-grid", series.asset, "dropped");
  const isOn = (i: number): boolean => series.time[i]! % intervalMs === phase;
  for (let i = 0; i < series.time.length; i++) {
    if (!isOn(i)) offGrid.add(series.time[i]!, series.bars.close[i]!);
  }
  if (offGrid.count === 0) return series;
  if (offGrid.count > MAX_REPAIR_SHARE * series.time.length) {
    const { firstTime } = offGrid;
    throw new MisalignedTimesError(series.asset, firstTime % intervalMs, intervalMs, firstTime);
  }
  return { ...filterRows(series, isOn), findings: [...series.findings, ...offGrid.findings()] };
};

const dropUnclosed = (series: CleanSeries, intervalMs: number, now: UnixMillis): CleanSeries => {
  const { asset, time, bars } = series;
  const last = time.length - 1;
  const partial = tally("partial-last-bar", asset, "dropped, it had not closed");
  let end = time.length;
  while (end > 0 && time[end - 1]! + intervalMs > now) partial.add(time[--end]!, bars.close[end]!);
  const unproven = tally(
    "unproven-last-bar",
    asset,
    "dropped, a recording cannot show that its last bar was complete",
  );
  if (end > last && last >= 0 && time[last]! + 2 * intervalMs <= now) {
    unproven.add(time[last]!, bars.close[last]!);
    end = last;
  }
  if (end > last) return series;
  return {
    ...filterRows(series, (i) => i < end),
    findings: [...series.findings, ...partial.findings(), ...unproven.findings()],
  };
};

const overlap = (name: string, all: readonly CleanSeries[], intervalMs: number) => {
  for (const { asset, time } of all) {
    if (time.length === 0) throw new EmptyMarketError(name, `no closed bars of ${asset}`);
  }
  const start = Math.max(...all.map(({ time }) => time[0]!));
  const last = Math.min(...all.map(({ time }) => time[time.length - 1]!));
  const length = (last - start) / intervalMs + 1;
  if (length < 1) {
    const ranges = all.map(
      ({ asset, time }) => `${asset} ${isoTime(time[0]!)} to ${isoTime(time[time.length - 1]! + intervalMs)}`,
    );
    throw new NoOverlapError(ranges);
  }
  // Only reachable above a day, where each asset set its own phase.
  if (!Number.isInteger(length)) {
    const odd = all.find(({ time }) => (time[0]! - all[0]!.time[0]!) % intervalMs !== 0)!;
    throw new MisalignedTimesError(odd.asset, odd.time[0]! % intervalMs, intervalMs, odd.time[0]!);
  }
  return { start: unixMillis(start), length };
};

const fillGaps = (
  series: CleanSeries,
  start: UnixMillis,
  length: number,
  intervalMs: number,
  maxGapHours: number,
) => {
  const { asset, time } = series;
  const bars = newColumns(length);
  const filled = new Uint8Array(length);
  let [missing, longest, firstMissing, outside] = [0, 0, Number.NaN, 0];
  let row = 0;
  for (let i = 0; i < time.length; i++) {
    const at = (time[i]! - start) / intervalMs;
    if (at < 0 || at >= length) outside++;
    // Where the market begins or ends inside a gap, only the bars inside count as missing.
    const gapEnd = Math.min(at, length);
    if (gapEnd > row && row < length) {
      const from = time[i - 1]! + intervalMs;
      if (time[i]! - from > maxGapHours * HOUR_MS)
        throw new GapTooLongError(asset, from, time[i]!, maxGapHours);
      if (missing === 0) firstMissing = start + row * intervalMs;
      missing += gapEnd - row;
      longest = Math.max(longest, gapEnd - row);
      const close = series.bars.close[i - 1]!;
      for (const field of ["open", "high", "low", "close"] as const) bars[field].fill(close, row, gapEnd);
      filled.fill(1, row, gapEnd);
      row = gapEnd;
    }
    if (at < 0 || at >= length) continue;
    for (const field of BAR_FIELDS) bars[field][at] = series.bars[field][i]!;
    row = at + 1;
  }
  const found: Finding[] = [];
  if (outside > 0) {
    const firstTime = unixMillis(time[0]! < start ? time[0]! : start + length * intervalMs);
    const example = series.bars.close[time.indexOf(firstTime)] ?? Number.NaN;
    found.push({
      kind: "outside-overlap",
      asset,
      count: outside,
      firstTime,
      example,
      action: "left out, not all assets have bars there",
    });
  }
  if (missing > 0) {
    const action = "filled flat at the close before, volume 0";
    found.push({
      kind: "gap",
      asset,
      count: missing,
      firstTime: unixMillis(firstMissing),
      example: longest,
      action,
    });
  }
  return { bars, filled, findings: found };
};

/** Sorted by publication; values that are no number are left out; of several published at once the last stays. */
const toCleanExogenous = (raw: Exogenous, now: UnixMillis) => {
  const { name, unit } = raw;
  const missing = tally("missing-value", name, "left out");
  const duplicate = tally("duplicate", name, "kept the last of them in the source's order");
  const byTime = new Map<number, number>();
  for (let i = 0; i < raw.publishedAt.length; i++) {
    // Up, never down: a value must not be known before it was published.
    const time = Math.ceil(raw.publishedAt[i]!);
    const value = raw.value[i]!;
    if (!Number.isSafeInteger(time) || time < 0) throw new BadValueError(name, "publishedAt", time, time);
    if (time > now) throw new FutureBarError(name, time, now);
    if (!Number.isFinite(value)) missing.add(time, value);
    else {
      if (byTime.has(time)) duplicate.add(time, value);
      byTime.set(time, value + 0);
    }
  }
  const publishedAt = Float64Array.from(byTime.keys()).sort();
  const value = publishedAt.map((time) => byTime.get(time)!);
  return {
    series: { name, unit, publishedAt, value },
    findings: [...missing.findings(), ...duplicate.findings()],
  };
};
