import { BallastError } from "../errors.ts";
import type { RawSeries } from "../market.ts";

/** What one file holds: bars of one or several assets, as recorded. */
export interface FileContent {
  readonly series: readonly RawSeries[];
  readonly notes: readonly string[];
}

export class MalformedFileError extends BallastError {
  readonly code = "MALFORMED_FILE";
  readonly file: string;
  constructor(file: string, what: string) {
    super(`${file}: ${what}. Correct the file or export it again.`);
    this.file = file;
  }
}

export class TruncatedFileError extends BallastError {
  readonly code = "TRUNCATED_FILE";
  readonly file: string;
  /** Bytes of the (unpacked) content that were there. */
  readonly offset: number;
  constructor(file: string, offset: number) {
    super(`${file} ends in the middle of its data, after byte ${offset}. Copy or download it again.`);
    this.file = file;
    this.offset = offset;
  }
}

export const NO_ZONE_NOTE = "times have no zone; taken as UTC";

/** The columns of a table of bars, by their names in lower case, the more telling name first. */
const COLUMN_NAMES = {
  time: ["open_time", "opentime", "timestamp", "unix", "datetime", "date", "time"],
  open: ["open"],
  high: ["high"],
  low: ["low"],
  close: ["close"],
  volume: ["volume", "vol"],
} as const;
const TICKER_NAMES = ["ticker", "symbol", "pair"];

export type RowField = keyof typeof COLUMN_NAMES;
export const ROW_FIELDS = Object.keys(COLUMN_NAMES) as RowField[];

/** Position of each field among the names. @throws MalformedFileError naming the first missing column */
export const findColumns = (
  file: string,
  names: readonly string[],
): Record<RowField, number> & { readonly ticker: number | undefined } => {
  const lower = names.map((name) => name.trim().toLowerCase());
  const find = (candidates: readonly string[]): number | undefined => {
    const found = candidates.find((candidate) => lower.includes(candidate));
    return found === undefined ? undefined : lower.indexOf(found);
  };
  const entries = ROW_FIELDS.map((field) => {
    const index = find(COLUMN_NAMES[field]);
    if (index === undefined) {
      const wanted = COLUMN_NAMES[field].join(" or ");
      throw new MalformedFileError(file, `no column ${wanted} among ${names.join(", ") || "none"}`);
    }
    return [field, index] as const;
  });
  return { ...(Object.fromEntries(entries) as Record<RowField, number>), ticker: find(TICKER_NAMES) };
};

/** Epoch seconds, ms, µs or ns in ms; the unit by magnitude, sure for 1974 to 5138. */
export const epochToMillis = (epoch: number): number => {
  if (epoch < 1e11) return Math.round(epoch * 1000);
  if (epoch < 1e14) return epoch;
  return Math.round(epoch < 1e17 ? epoch / 1e3 : epoch / 1e6);
};

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?$/i;

/**
 * Epoch digits or ISO 8601, e.g. `2023-10-01 00:00:00+02:00`, in ms; undefined where it is neither. Dates
 * such as 10/11/2022 are neither: which number is the month cannot be known.
 */
export const textToMillis = (text: string): { ms: number; hasZone: boolean } | undefined => {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return { ms: epochToMillis(Number(trimmed)), hasZone: true };
  const match = ISO.exec(trimmed);
  if (match === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = ""] = match;
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const utc = Date.UTC(y, mo - 1, d, h, mi, s, Number(fraction.padEnd(3, "0").slice(0, 3)));
  // Date.UTC would carry the 31st of June into July.
  const isReal = new Date(utc).getUTCDate() === d && h < 24 && mi < 60 && s < 60 && mo <= 12;
  if (!isReal) return undefined;
  const offset = /^[+-]/.test(zone) ? Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)) : 0;
  return { ms: utc - (zone.startsWith("-") ? -offset : offset) * 60_000, hasZone: zone !== "" };
};

/** Currencies that end an undivided pair like BTCUSDT, the longer ones first. */
const QUOTES = [
  "FDUSD",
  "USDT",
  "USDC",
  "BUSD",
  "TUSD",
  "USDP",
  "USDS",
  "USD",
  "DAI",
  "EUR",
  "GBP",
  "JPY",
  "TRY",
];
const COIN_QUOTES = ["BTC", "ETH", "BNB"];

/**
 * `BTC_USDT`, `BTC-USD`, `BTC/USDT`, `BTCUSDT` as asset and quote. A text without a known quote is an asset
 * with quote ''. An undivided pair against a coin needs three letters before it: ETHBTC is one, WBTC is not.
 */
export const splitPair = (text: string): { asset: string; quote: string } => {
  const upper = text.trim().toUpperCase();
  const [asset = "", quote] = upper.split(/[_/:-]/);
  if (quote !== undefined && asset !== "") return { asset, quote };
  const endsWith = (ending: string, least: number) =>
    upper.endsWith(ending) && upper.length - ending.length >= least;
  const known = QUOTES.includes(upper)
    ? undefined
    : (QUOTES.find((ending) => endsWith(ending, 1)) ?? COIN_QUOTES.find((ending) => endsWith(ending, 3)));
  return known === undefined
    ? { asset: upper, quote: "" }
    : { asset: upper.slice(0, -known.length), quote: known };
};

/** Gathers a file's bars row by row, apart for each pair, written as `splitPair` reads it. */
export const barGatherer = (file: string) => {
  const all = new Map<string, { asset: string; quote: string; columns: Record<RowField, number[]> }>();
  return {
    /** The columns to push a row's values onto. @throws MalformedFileError where the pair is blank */
    of(pair: string): Record<RowField, number[]> {
      let found = all.get(pair);
      if (found === undefined) {
        const { asset, quote } = splitPair(pair);
        if (asset === "")
          throw new MalformedFileError(file, `has bars of the ticker ${JSON.stringify(pair)}`);
        found = { asset, quote, columns: { time: [], open: [], high: [], low: [], close: [], volume: [] } };
        all.set(pair, found);
      }
      return found.columns;
    },
    series: (): RawSeries[] =>
      [...all.values()].map(({ asset, quote, columns: { time, ...bars } }) => ({
        asset,
        quote,
        time: Float64Array.from(time),
        bars: {
          open: Float64Array.from(bars.open),
          high: Float64Array.from(bars.high),
          low: Float64Array.from(bars.low),
          close: Float64Array.from(bars.close),
          volume: Float64Array.from(bars.volume),
        },
      })),
  };
};

/**
 * Rows of any typed table (Arrow, Parquet) as bars. `cell` gives numbers, bigints, texts, Dates or null; a
 * missing number becomes NaN, which `toMarket` refuses by name and time.
 */
export const tableToContent = (
  file: string,
  pair: string,
  names: readonly string[],
  rows: number,
  cell: (column: number, row: number) => unknown,
): FileContent => {
  const columns = findColumns(file, names);
  const gatherer = barGatherer(file);
  const notes = new Set<string>();
  for (let row = 0; row < rows; row++) {
    const into = gatherer.of(columns.ticker === undefined ? pair : String(cell(columns.ticker, row) ?? ""));
    const time = cell(columns.time, row);
    const parsed =
      time instanceof Date
        ? { ms: time.getTime(), hasZone: true }
        : typeof time === "number"
          ? { ms: epochToMillis(time), hasZone: true }
          : textToMillis(String(time));
    if (parsed === undefined) throw new MalformedFileError(file, `row ${row}: ${String(time)} is no time`);
    if (!parsed.hasZone) notes.add(NO_ZONE_NOTE);
    into.time.push(parsed.ms);
    for (const field of ROW_FIELDS) {
      if (field === "time") continue;
      const value = cell(columns[field], row);
      into[field].push(value === null || value === undefined ? Number.NaN : Number(value));
    }
  }
  return { series: gatherer.series(), notes: [...notes] };
};
