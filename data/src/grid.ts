import { BAR_FIELDS, filterRows, newColumns } from "./bars.ts";
import { BallastError } from "./errors.ts";
import type { Finding } from "./quality.ts";
import { type CleanSeries, EmptyMarketError, MAX_REPAIR_SHARE, tally } from "./series.ts";
import { DAY_MS, HOUR_MS, isoTime, type UnixMillis, unixMillis } from "./units.ts";

export class AmbiguousIntervalError extends BallastError {
  readonly code = "AMBIGUOUS_INTERVAL";
  constructor(what: string) {
    super(
      `The interval between bars is unclear: ${what}. Keep one interval per folder, and name the one it has (--interval 1h) or none.`,
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
  /** When the first bar after the gap opens, ms. */
  readonly to: number;
  constructor(asset: string, from: number, to: number, maxGapHours: number) {
    const hours = (to - from) / HOUR_MS;
    super(
      `${asset} has no bars for ${hours} h from ${isoTime(from)} to ${isoTime(to)}, more than the ${maxGapHours} h that are filled. ` +
        `Narrow the range, drop ${asset}, or raise --max-gap-hours.`,
    );
    this.asset = asset;
    this.hours = hours;
    this.to = to;
  }
}

/**
 * The spacing most bars of every asset have. Where `wanted` is named it must be the most frequent one;
 * otherwise more than half of all spacings, since a gappy series could have any.
 * @throws AmbiguousIntervalError
 */
export const commonInterval = (all: readonly CleanSeries[], wanted: number | undefined): number => {
  const minutes = (ms: number): string => `${ms / 60_000} min`;
  const intervals = all.map(({ asset, time }) => {
    const counts = new Map<number, number>();
    for (let i = 1; i < time.length; i++) {
      const spacing = time[i]! - time[i - 1]!;
      counts.set(spacing, (counts.get(spacing) ?? 0) + 1);
    }
    const [best] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    if (best === undefined) throw new AmbiguousIntervalError(`${asset} has one bar only`);
    const [spacing, count] = best;
    if (wanted !== undefined && spacing !== wanted) {
      throw new AmbiguousIntervalError(
        `${asset} has bars of ${minutes(spacing)} where ${minutes(wanted)} were asked for`,
      );
    }
    if (wanted === undefined && 2 * count <= time.length - 1) {
      throw new AmbiguousIntervalError(
        `of ${asset}'s ${time.length} bars only ${count} follow the one before by ${minutes(spacing)}, the most frequent spacing`,
      );
    }
    return spacing;
  });
  const other = intervals.findIndex((interval) => interval !== intervals[0]);
  if (other > 0) {
    throw new AmbiguousIntervalError(
      `${all[0]!.asset} has bars of ${minutes(intervals[0]!)}, ${all[other]!.asset} of ${minutes(intervals[other]!)}`,
    );
  }
  return intervals[0]!;
};

/** Bars beside the grid are dropped where they are few; exchanges emit such bars after an outage. */
export const toGrid = (series: CleanSeries, intervalMs: number): CleanSeries => {
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

/** Drops bars that were not closed at `now` and a last bar that cannot be shown to have been; see `toMarket`. */
export const dropUnclosed = (series: CleanSeries, intervalMs: number, now: UnixMillis): CleanSeries => {
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

/** The bars all assets have in common, from the latest first bar to the earliest last. */
export const overlap = (name: string, all: readonly CleanSeries[], intervalMs: number) => {
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

/** Lays a series onto the market's grid and fills what is missing, by the rule of `toMarket`. */
export const fillGaps = (
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
