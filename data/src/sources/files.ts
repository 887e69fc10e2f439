import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { BAR_FIELDS, filterRows } from "../bars.ts";
import { BallastError } from "../errors.ts";
import type { BarColumns, Exogenous, LoadRequest, MarketSource, RawMarket, RawSeries } from "../market.ts";
import { UnknownAssetError } from "../quality.ts";
import { DAY_MS, HOUR_MS } from "../units.ts";
import type { FileContent } from "./columns.ts";
import { readCsv, readExogenousCsv } from "./csv.ts";
import { readFeather } from "./feather.ts";
import { readFreqtradeJson } from "./freqtrade.ts";
import { readParquet } from "./parquet.ts";

const FORMATS =
  "freqtrade JSON (.json, .json.gz) or Feather (.feather, .arrow), Binance or named-column CSV (.csv, .csv.gz), Parquet (.parquet)";

const READERS: readonly { pattern: RegExp; read: (path: string, pair: string) => Promise<FileContent> }[] = [
  { pattern: /\.json(\.gz)?$/i, read: readFreqtradeJson },
  { pattern: /\.(feather|arrow)$/i, read: readFeather },
  { pattern: /\.csv(\.gz)?$/i, read: readCsv },
  { pattern: /\.parquet$/i, read: readParquet },
];
const EXOGENOUS = /^exogenous-(.+?)\.csv(\.gz)?$/i;
/** What lies beside data without being any: hidden files, notes, licences, checksums. */
const IGNORED = /^\.|^(README|LICEN[CS]E|NOTICE)|\.(md|txt|CHECKSUM|sha256)$/i;

/** freqtrade keeps futures' mark prices and funding rates beside the bars. */
const NOT_BARS = /-(mark|index|premiumIndex|funding_rate)\.[^.]+(\.gz)?$/i;

export class UnreadableFolderError extends BallastError {
  readonly code = "UNREADABLE_FOLDER";
  readonly folder: string;
  constructor(folder: string, reason: string) {
    super(
      `${folder} cannot be read (${reason}). Pass a folder that exists, holds the files themselves and may be read.`,
    );
    this.folder = folder;
  }
}

export class UnreadableFileError extends BallastError {
  readonly code = "UNREADABLE_FILE";
  readonly file: string;
  constructor(file: string, reason: string) {
    super(
      `${file} cannot be read (${reason}). Check its permissions and the disk, or move it out of the folder.`,
    );
    this.file = file;
  }
}

export class EmptyFolderError extends BallastError {
  readonly code = "EMPTY_FOLDER";
  readonly folder: string;
  constructor(folder: string) {
    super(`${folder} holds no market data. Put files of bars into it: ${FORMATS}.`);
    this.folder = folder;
  }
}

export class UnknownFormatError extends BallastError {
  readonly code = "UNKNOWN_FORMAT";
  readonly file: string;
  constructor(file: string) {
    super(`${file} is in no known format. Convert it to ${FORMATS}, or move it out of the folder.`);
    this.file = file;
  }
}

export class MixedIntervalsError extends BallastError {
  readonly code = "MIXED_INTERVALS";
  constructor(folder: string, seen: readonly string[]) {
    super(
      `${folder} mixes intervals: ${seen.join(", ")}. Keep one interval per folder, or name it (--interval 1h).`,
    );
  }
}

/** A folder of files as one market. Files of the same asset are joined in the order of their names. */
export const fileSource = (folder: string): MarketSource => {
  const path = resolve(folder);
  return { name: `files:${basename(path)}`, load: (request) => load(path, request) };
};

const load = async (folder: string, request: LoadRequest): Promise<RawMarket> => {
  const files = await listFiles(folder);
  const notes = new Set<string>();
  const parts: { readonly file: string; readonly series: RawSeries }[] = [];
  const exogenous: Exogenous[] = [];
  for (const [done, file] of files.entries()) {
    request.signal?.throwIfAborted();
    request.onProgress?.({ done, total: files.length, label: file });
    const exogenousName = EXOGENOUS.exec(file)?.[1];
    if (exogenousName !== undefined) {
      const read = await orUnreadable(
        file,
        readExogenousCsv(join(folder, file), exogenousName.toLowerCase()),
      );
      exogenous.push(read.series);
      for (const note of read.notes) notes.add(note);
      continue;
    }
    if (NOT_BARS.test(file)) {
      notes.add(
        `files of mark prices, indices and funding rates hold no trades and were left out, e.g. ${file}`,
      );
      continue;
    }
    const { pair, intervalMs } = parseFileName(file);
    if (request.intervalMs !== undefined && intervalMs !== undefined && intervalMs !== request.intervalMs) {
      notes.add(`files of another interval than the one asked for were left out, e.g. ${file}`);
      continue;
    }
    const { read } = READERS.find(({ pattern }) => pattern.test(file))!;
    const content = await orUnreadable(file, read(join(folder, file), pair));
    for (const note of content.notes) notes.add(note);
    for (const series of content.series) parts.push({ file, series: cutToRange(series, request) });
  }
  request.onProgress?.({ done: files.length, total: files.length, label: "read" });
  const known = [...new Set(parts.map(({ series }) => series.asset))].sort();
  for (const asset of request.assets ?? [])
    if (!known.includes(asset)) throw new UnknownAssetError(asset, known);
  const wanted = parts.filter(({ series }) => request.assets?.includes(series.asset) ?? true);
  refuseMixedIntervals(folder, wanted);
  const grouped = Map.groupBy(wanted, ({ series }) => `${series.asset}/${series.quote}`);
  return {
    name: basename(folder),
    series: [...grouped.values()].map((group) => joinSeries(group.map(({ series }) => series))),
    exogenous,
    notes: [...notes],
  };
};

/** Names of the data files, in order. @throws UnreadableFolderError, EmptyFolderError, UnknownFormatError */
const listFiles = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new UnreadableFolderError(folder, error.code ?? error.message);
  });
  const files = entries
    .filter((entry) => !entry.isDirectory() && !IGNORED.test(entry.name))
    .map((entry) => entry.name)
    .sort();
  for (const file of files) {
    if (!READERS.some(({ pattern }) => pattern.test(file))) throw new UnknownFormatError(join(folder, file));
  }
  if (files.every((file) => EXOGENOUS.test(file) || NOT_BARS.test(file))) throw new EmptyFolderError(folder);
  return files;
};

const orUnreadable = async <T>(file: string, reading: Promise<T>): Promise<T> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof BallastError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UnreadableFileError(file, code ?? message);
  }
};

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

/** `BTC_USDT-1h.json`, `BTCUSDT-1h-2023-10.csv`, `ETH-USD.csv` as pair and interval. */
const parseFileName = (file: string): { pair: string; intervalMs: number | undefined } => {
  const stem = file.replace(/\.[^.]+(\.gz)?$/i, "").replace(/[-_]\d{4}-\d\d(-\d\d)?$/, "");
  const match = /^(.+?)[-_](\d+)([smhdw])$/.exec(stem);
  return match === null
    ? { pair: stem, intervalMs: undefined }
    : { pair: match[1]!, intervalMs: Number(match[2]) * UNIT_MS[match[3]!]! };
};

const cutToRange = (series: RawSeries, { from, to }: LoadRequest): RawSeries => {
  if (from === undefined && to === undefined) return series;
  return filterRows(
    series,
    (i) => series.time[i]! >= (from ?? 0) && series.time[i]! < (to ?? Number.POSITIVE_INFINITY),
  );
};

/** By the median spacing, which gaps, duplicates and disorder do not move. */
const refuseMixedIntervals = (
  folder: string,
  parts: readonly { file: string; series: RawSeries }[],
): void => {
  const fileOf = new Map<number, string>();
  for (const { file, series } of parts) {
    const ascending = series.time.slice().sort();
    const spacings = ascending
      .subarray(1)
      .map((time, i) => time - ascending[i]!)
      .filter((spacing) => spacing > 0)
      .sort();
    const median = spacings[Math.floor(spacings.length / 2)];
    if (median !== undefined && spacings.length > 2 && !fileOf.has(median)) fileOf.set(median, file);
  }
  if (fileOf.size > 1) {
    throw new MixedIntervalsError(
      folder,
      [...fileOf].map(([ms, file]) => `${ms / 60_000} min (${file})`),
    );
  }
};

const joinSeries = (parts: readonly RawSeries[]): RawSeries => {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const join = (columns: readonly Float64Array[]): Float64Array => {
    const joined = new Float64Array(columns.reduce((sum, column) => sum + column.length, 0));
    let offset = 0;
    for (const column of columns) {
      joined.set(column, offset);
      offset += column.length;
    }
    return joined;
  };
  const bars = BAR_FIELDS.map((field) => [field, join(parts.map((part) => part.bars[field]))] as const);
  return {
    ...first!,
    time: join(parts.map((part) => part.time)),
    bars: Object.fromEntries(bars) as unknown as BarColumns,
  };
};
