import { BallastError } from "./errors.ts";
import { commonInterval, dropUnclosed, fillGaps, overlap, toGrid } from "./grid.ts";
import type { Exogenous, Market, RawMarket, RawSeries } from "./market.ts";
import { closeMarket } from "./past.ts";
import { BadValueError, EmptyMarketError, FutureBarError, tally, toCleanSeries } from "./series.ts";
import { refuseShifted } from "./timezone.ts";
import { isoTime, type UnixMillis, unixMillis } from "./units.ts";

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
  /** Refused unless the bars have it; taken from the most frequent spacing where absent. */
  readonly intervalMs?: number | undefined;
  /** Tickers to keep; all where absent. */
  readonly assets?: readonly string[] | undefined;
  /** Longest gap that is filled; 48 where absent. */
  readonly maxGapHours?: number | undefined;
  /** Accept a market of one asset, against cash. */
  readonly allowOneAsset?: boolean | undefined;
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

const DEFAULT_MAX_GAP_HOURS = 48;
/** Equal exogenous values in a row that are called stale: rates rest for hours by themselves, not for a day. */
const EXOGENOUS_STALE_RUN = 24;

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
  const intervalMs = commonInterval(cleaned, options.intervalMs);
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
  const stale = tally("stale", name, `kept as recorded; runs of ${EXOGENOUS_STALE_RUN} equal values or more`);
  for (let from = 0, to = 0; from < value.length; from = to) {
    while (to < value.length && value[to] === value[from]) to++;
    if (to - from < EXOGENOUS_STALE_RUN) continue;
    for (let i = from; i < to; i++) stale.add(publishedAt[i]!, value[i]!);
  }
  return {
    series: { name, unit, publishedAt, value },
    findings: [...missing.findings(), ...duplicate.findings(), ...stale.findings()],
  };
};
