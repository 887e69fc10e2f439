import { type BarKey, intervalLabel } from "../bar-key.ts";
import { BallastError } from "../errors.ts";
import type { LoadRequest, MarketSource, RawMarket, RawSeries } from "../market.ts";
import { subtractRanges, type TimeRange } from "../ranges.ts";
import type { BarSeries, BarStore } from "../store.ts";
import { DAY_MS, HOUR_MS, isoTime, unixMillis } from "../units.ts";
import {
  closestNames,
  type ExchangeClient,
  type ExchangeOptions,
  MalformedAnswer,
  openExchange,
} from "./ccxt-client.ts";

export interface CcxtOptions extends ExchangeOptions {
  /** Currency the assets are priced in. Default USDT. */
  readonly quote?: string | undefined;
  /** Where bars are kept as they arrive, and what is there already is not asked for again. */
  readonly store?: BarStore | undefined;
}

export class UnknownSymbolError extends BallastError {
  readonly code = "UNKNOWN_SYMBOL";
  readonly symbol: string;
  readonly closest: readonly string[];
  constructor(exchange: string, symbol: string, closest: readonly string[]) {
    super(`${exchange} has no spot market ${symbol}. The closest names are ${closest.join(", ")}.`);
    this.symbol = symbol;
    this.closest = closest;
  }
}

export class UnsupportedIntervalError extends BallastError {
  readonly code = "UNSUPPORTED_INTERVAL";
  readonly intervalMs: number;
  readonly available: readonly string[];
  constructor(exchange: string, intervalMs: number, available: readonly string[]) {
    super(
      available.length === 0
        ? `${exchange} serves no bars. Use another exchange.`
        : `${exchange} has no bars of ${intervalLabel(intervalMs)}. Use one of ${available.join(", ")}.`,
    );
    this.intervalMs = intervalMs;
    this.available = available;
  }
}

export class NoBarsError extends BallastError {
  readonly code = "NO_BARS";
  constructor(exchange: string, symbols: readonly string[], range: TimeRange) {
    super(
      `${exchange} has no closed bars of ${symbols.join(", ")} from ${isoTime(range.from)} to ${isoTime(range.to)}. ` +
        `Ask for another time.`,
    );
  }
}

const DEFAULT_SPAN_MS = 30 * DAY_MS;
const DEFAULT_PAGE = 500;

type Row = readonly [time: number, open: number, high: number, low: number, close: number, volume: number];

/** Rows of one page in order, each opening time once, none before `since`. A row without prices makes it malformed. */
function toRows(page: readonly (readonly (number | undefined)[])[], since: number): Row[] {
  const byTime = new Map<number, Row>();
  for (const row of page) {
    if (row.length < 5 || !row.slice(0, 5).every(Number.isFinite))
      throw new MalformedAnswer(`the row ${row}`);
    const [time, open, high, low, close, volume = Number.NaN] = row as Row;
    if (time >= since) byTime.set(time, [time, open, high, low, close, volume]);
  }
  return [...byTime.values()].sort((a, b) => a[0] - b[0]);
}

function toSeries(rows: readonly Row[]): BarSeries {
  const column = (index: number) => Float64Array.from(rows, (row) => row[index]!);
  return {
    time: column(0),
    bars: { open: column(1), high: column(2), low: column(3), close: column(4), volume: column(5) },
  };
}

interface Page {
  readonly rows: readonly Row[];
  /** The times this page settles: every bar that opens in it is among the rows, or does not exist. */
  readonly settles: TimeRange;
}

/**
 * The pages of one market over a range of opening times, oldest first. An exchange may answer with nothing by
 * mistake, or because it has nothing for longer than a page: silence is believed after three questions, the last
 * of which is asked once bars beyond it are known. Silence up to the end of the range settles nothing.
 */
async function* fetchPages(
  exchange: ExchangeClient,
  symbol: string,
  timeframe: string,
  intervalMs: number,
  range: TimeRange,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page> {
  const limit =
    Number(exchange.ccxt.featureValue(symbol, "fetchOHLCV", "limit", DEFAULT_PAGE)) || DEFAULT_PAGE;
  const fetchPage = (since: number) =>
    exchange.call(
      `bars of ${symbol} from ${isoTime(since)}`,
      async () => toRows(await exchange.ccxt.fetchOHLCV(symbol, timeframe, since, limit), since),
      signal,
    );
  let cursor = range.from;
  let silentFrom: number | undefined;
  while (cursor < range.to || silentFrom !== undefined) {
    let rows = cursor < range.to ? await fetchPage(cursor) : [];
    if (rows.length === 0 && silentFrom === undefined) {
      await exchange.pause(0, signal);
      rows = await fetchPage(cursor);
    }
    let settledFrom = cursor;
    if (silentFrom !== undefined && (rows.length > 0 || cursor >= range.to)) {
      const again = await fetchPage(silentFrom);
      if (again.length === 0 && rows.length === 0) return;
      if (rows.length === 0 || (again[0]?.[0] ?? Infinity) < rows[0]![0]) rows = again;
      settledFrom = silentFrom;
      silentFrom = undefined;
    }
    if (rows.length === 0) {
      silentFrom ??= cursor;
      cursor += limit * intervalMs;
      continue;
    }
    cursor = rows.at(-1)![0] + intervalMs;
    yield {
      rows: rows.filter(([time]) => time < range.to),
      settles: { from: settledFrom, to: Math.min(cursor, range.to) },
    };
  }
}

const upTo = (ms: number, intervalMs: number): number => Math.ceil(ms / intervalMs);

/**
 * Bars of spot markets from any exchange ccxt knows. Only closed bars are delivered, by the exchange's clock where
 * it tells one. With a store, each page is kept as it arrives and `load` returns what the store then has; a
 * stopped run goes on where it was. `from` defaults to 30 days before the end, `to` to now, `assets` to every
 * active market in the quote currency.
 * Errors: those of `openExchange` and of the store; UnknownSymbolError, UnsupportedIntervalError, NoBarsError;
 * the signal's reason.
 */
export function ccxtSource(options: CcxtOptions): MarketSource {
  const { exchange: id, quote = "USDT", store, clock } = options;

  async function load(request: LoadRequest): Promise<RawMarket> {
    const { intervalMs = HOUR_MS, signal, onProgress } = request;
    const label = intervalLabel(intervalMs);
    const exchange = await openExchange(options);
    const { ccxt } = exchange;

    const timeframes = Object.keys(ccxt.has.fetchOHLCV ? (ccxt.timeframes ?? {}) : {});
    // Months and years have no fixed length.
    const fixed = timeframes.filter((name) => /[smhdw]$/.test(name));
    const timeframe = fixed.find((name) => ccxt.parseTimeframe(name) * 1000 === intervalMs);
    if (timeframe === undefined) throw new UnsupportedIntervalError(id, intervalMs, fixed);

    onProgress?.({ done: 0, label: `asking ${id} for its markets` });
    // `true`: a failed first try must not be remembered.
    const markets = await exchange.call("the list of markets", () => ccxt.loadMarkets(true), signal);
    const spot = Object.values(markets).filter((market) => market?.spot && market.quote === quote);
    const assets =
      request.assets ?? spot.filter((market) => market!.active !== false).map((market) => market!.base);
    for (const asset of assets)
      if (!spot.some((market) => market!.base === asset && market!.symbol === `${asset}/${quote}`))
        throw new UnknownSymbolError(
          id,
          `${asset}/${quote}`,
          closestNames(`${asset}/${quote}`, ccxt.symbols ?? []),
        );

    const serverTime = ccxt.has.fetchTime
      ? await exchange.call("its clock", () => ccxt.fetchTime(), signal)
      : undefined;
    const now = Math.min(clock(), Number.isFinite(serverTime) ? serverTime! : Infinity);
    const to = Math.min(request.to ?? Infinity, now - intervalMs + 1);
    const range = { from: request.from ?? to - DEFAULT_SPAN_MS, to };

    const keyOf = (asset: string): BarKey => ({ exchange: id, quote, asset, intervalMs });
    const plan: { asset: string; missing: TimeRange[] }[] = [];
    for (const asset of assets)
      plan.push({ asset, missing: subtractRanges(range, store ? await store.covered(keyOf(asset)) : []) });
    const total = plan.reduce(
      (sum, { missing }) => missing.reduce((n, r) => n + upTo(r.to - r.from, intervalMs), sum),
      0,
    );
    let done = 0;
    const fetched: RawSeries[] = [];
    for (const { asset, missing } of plan) {
      const symbol = `${asset}/${quote}`;
      const rows: Row[] = [];
      for (const part of missing) {
        const before = done;
        const report = (at: number) => {
          done = before + Math.min(upTo(at - part.from, intervalMs), upTo(part.to - part.from, intervalMs));
          onProgress?.({
            done,
            total,
            label: `${symbol} ${label} from ${isoTime(part.from)} up to ${isoTime(at)}`,
          });
        };
        for await (const page of fetchPages(exchange, symbol, timeframe, intervalMs, part, signal)) {
          if (store) await store.append(keyOf(asset), toSeries(page.rows), page.settles);
          else rows.push(...page.rows);
          report(page.settles.to);
        }
        report(part.to);
      }
      fetched.push({ asset, quote, ...toSeries(rows) });
    }

    const kept = store
      ? await store.read({
          exchange: id,
          quote,
          assets,
          intervalMs,
          from: unixMillis(range.from),
          to: unixMillis(range.to),
        })
      : undefined;
    const series = kept ? kept.series : fetched.filter(({ time }) => time.length > 0);
    const symbols = assets.map((asset) => `${asset}/${quote}`);
    if (series.length === 0) throw new NoBarsError(id, symbols, range);
    const absent = symbols.filter((_, i) => !series.some(({ asset }) => asset === assets[i]));
    return {
      name: `${id}-${quote.toLowerCase()}-${label}`,
      series,
      exogenous: [],
      notes: absent.map((symbol) => `${id} has no bars of ${symbol} in this time`),
    };
  }

  return { name: id, load };
}
