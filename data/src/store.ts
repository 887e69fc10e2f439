import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DOUBLE, type DuckDBConnection, DuckDBDataChunk, DuckDBInstance, INTEGER } from "@duckdb/node-api";
import { BadBarKeyError, type BarKey, checkName, intervalLabel, toKey, toPath } from "./bar-key.ts";
import { BAR_FIELDS, newColumns } from "./bars.ts";
import { replaceFile } from "./durable-file.ts";
import { BallastError } from "./errors.ts";
import type { LoadRequest, MarketSource, RawMarket, RawSeries } from "./market.ts";
import { type TimeRange, unionRanges } from "./ranges.ts";
import { HOUR_MS, type UnixMillis, unixMillis } from "./units.ts";
import { openWriteLock } from "./write-lock.ts";

export type BarSeries = Pick<RawSeries, "time" | "bars">;

export interface BarSelection extends Pick<LoadRequest, "assets" | "from" | "to"> {
  readonly exchange?: string | undefined;
  readonly quote?: string | undefined;
  readonly intervalMs: number;
  /** At most so many bars of each series, the first ones. */
  readonly limit?: number | undefined;
}

/**
 * Bars in monthly Parquet files below a folder,
 * `bars/exchange=binance/quote=USDT/asset=BTC/interval=1h/2022-10.parquet`, with the columns time (UTC
 * timestamp of the opening), open, high, low, close, volume; any Parquet reader can use them.
 *
 * A bar is named by its key and opening time. Appending one again changes nothing; a later version of it,
 * with other numbers, replaces the earlier. Months are written one by one in ascending order, each entirely or
 * not at all; when `append` resolves, all of it is on the disk.
 */
export interface BarStore {
  readonly folder: string;
  /**
   * Adds bars in any order, and notes that the range `covering` was asked for and answered in full. Returns how
   * many bars were new or changed. Errors: BadBarKeyError, DiskFullError, StoreBusyError, CorruptBarFileError.
   */
  append(key: BarKey, series: BarSeries, covering?: TimeRange): Promise<number>;
  /** Bars with from <= time < to, ascending. Errors: AmbiguousBarsError, BadBarKeyError, CorruptBarFileError. */
  read(selection: BarSelection): Promise<RawMarket>;
  /** Opening time of the last bar. */
  lastTime(key: BarKey): Promise<UnixMillis | undefined>;
  /** The ranges that were appended as `covering`, joined and ascending. */
  covered(key: BarKey): Promise<readonly TimeRange[]>;
  /** All series there are, ascending by path. */
  list(): Promise<BarKey[]>;
  close(): void;
}

export class CorruptBarFileError extends BallastError {
  readonly code = "CORRUPT_BAR_FILE";
  readonly path: string;
  constructor(path: string, options?: ErrorOptions) {
    super(
      `${path} is damaged and was not used. Delete the folder it is in and fetch its bars again.`,
      options,
    );
    this.path = path;
  }
}

export class AmbiguousBarsError extends BallastError {
  readonly code = "AMBIGUOUS_BARS";
  readonly asset: string;
  readonly choices: readonly string[];
  constructor(asset: string, choices: readonly string[]) {
    super(`The store has ${asset} as ${choices.join(" and ")}. Say which exchange and quote to read.`);
    this.asset = asset;
    this.choices = choices;
  }
}

const MONTH_FILE = /^(\d{4}-\d{2})\.parquet$/;
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const monthOf = (time: number): string => new Date(time).toISOString().slice(0, 7);
const monthStart = (month: string): number => Date.parse(`${month}-01T00:00:00Z`);
const nextMonthStart = (month: string): number =>
  Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1);

function monthsOf(times: Float64Array): ReadonlySet<string> {
  const months = new Set<string>();
  let [from, to] = [0, 0];
  for (const time of times) {
    if (time >= from && time < to) continue;
    const month = monthOf(time);
    [from, to] = [monthStart(month), nextMonthStart(month)];
    months.add(month);
  }
  return months;
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** Exactly these files, although `read_parquet` takes brackets, stars and question marks for patterns. */
const parquet = (paths: readonly string[]): string => {
  const exact = paths.map((path) => literal(path.replace(/[[*?]/g, (special) => `[${special}]`)));
  return `read_parquet([${exact.join(", ")}], hive_partitioning = false)`;
};
/** Names the file that a reader's message speaks of. */
const corrupt = (error: unknown, paths: readonly string[], place: string): CorruptBarFileError =>
  new CorruptBarFileError(paths.find((path) => String(error).includes(path)) ?? place, { cause: error });

const CHUNK_ROWS = 2048;

/** Fills the table `incoming`; `version` is the position, so that the later of two equal times wins. */
async function stage(connection: DuckDBConnection, { time, bars }: BarSeries): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TABLE staged (time DOUBLE, ${BAR_FIELDS.map((c) => `${c} DOUBLE`).join(", ")}, version INTEGER)`,
  );
  const appender = await connection.createAppender("staged");
  for (let from = 0; from < time.length; from += CHUNK_ROWS) {
    const to = Math.min(time.length, from + CHUNK_ROWS);
    const chunk = DuckDBDataChunk.create(
      [DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, INTEGER],
      to - from,
    );
    chunk.setColumns([
      Array.from(time.subarray(from, to)),
      ...BAR_FIELDS.map((column) => Array.from(bars[column].subarray(from, to))),
      Array.from({ length: to - from }, (_, i) => from + i),
    ]);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  await connection.run(
    "CREATE OR REPLACE TABLE incoming AS SELECT * REPLACE (time::BIGINT AS time) FROM staged",
  );
}

async function months(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.flatMap((name) => MONTH_FILE.exec(name)?.[1] ?? []).sort();
}

export interface BarStoreOptions {
  /** How long `append` waits for another process that writes to the same folder. Default 10 s. */
  readonly lockWaitMs?: number | undefined;
}

/** Opens, or at the first `append` creates, a store in a folder and removes what a killed writer left there. */
export async function openBarStore(folder: string, options: BarStoreOptions = {}): Promise<BarStore> {
  const root = join(folder, "bars");
  const lock = openWriteLock(folder, options.lockWaitMs ?? 10_000);
  await lock.removeLeftovers();
  // No extension may be fetched from the network, and nothing may be spilt outside the folder.
  const database = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    temp_directory: "",
    threads: "2",
  });
  const writer = await database.connect();

  /** Merges `incoming` into the months it touches; returns the number of new or changed bars. */
  async function merge(place: string, touched: ReadonlySet<string>): Promise<number> {
    const list = BAR_FIELDS.join(", ");
    const present = (await months(place)).filter((month) => touched.has(month));
    const paths = present.map((month) => join(place, `${month}.parquet`));
    const stored =
      paths.length > 0
        ? `SELECT epoch_ms(time) AS time, ${list} FROM ${parquet(paths)}`
        : `SELECT time, ${list} FROM incoming WHERE false`;
    await writer.run(`CREATE OR REPLACE TABLE stored AS ${stored}`).catch((error) => {
      throw corrupt(error, paths, place);
    });
    await writer.run(
      `CREATE OR REPLACE TABLE merged AS SELECT time, ${list} FROM (
         SELECT time, ${list}, -1 AS version FROM stored UNION ALL SELECT time, ${list}, version FROM incoming
       ) QUALIFY row_number() OVER (PARTITION BY time ORDER BY version DESC) = 1`,
    );
    const reader = await writer.runAndReadAll(
      `SELECT strftime(epoch_ms(time), '%Y-%m') AS month, count(*)::INTEGER
       FROM (FROM merged EXCEPT FROM stored) GROUP BY month ORDER BY month`,
    );
    let changed = 0;
    for (const [month, count] of reader.getRows() as [string, number][]) {
      await replaceFile(join(place, `${month}.parquet`), async (temporary) => {
        await writer.run(
          `COPY (SELECT epoch_ms(time) AS time, ${list} FROM merged
                 WHERE time >= ${monthStart(month)} AND time < ${nextMonthStart(month)} ORDER BY time)
           TO ${literal(temporary)} (FORMAT parquet, COMPRESSION zstd)`,
        );
      });
      changed += count;
    }
    return changed;
  }

  async function readSeries(
    key: BarKey,
    from: number,
    to: number,
    limit = Number.MAX_SAFE_INTEGER,
  ): Promise<RawSeries> {
    const place = join(root, toPath(key));
    const files = (await months(place)).filter((m) => monthStart(m) < to && nextMonthStart(m) > from);
    if (files.length === 0)
      return { asset: key.asset, quote: key.quote, time: new Float64Array(0), bars: newColumns(0) };
    const paths = files.map((month) => join(place, `${month}.parquet`));
    const connection = await database.connect();
    try {
      const reader = await connection.runAndReadAll(
        `SELECT epoch_ms(time)::DOUBLE, ${BAR_FIELDS.join(", ")}
         FROM ${parquet(paths)}
         WHERE epoch_ms(time) >= $1 AND epoch_ms(time) < $2 ORDER BY time LIMIT $3`,
        [Math.max(from, 0), Math.min(to, LAST_TIME + 1), limit],
      );
      // Of a result without rows the reader has no columns at all.
      const columns = reader.currentRowCount > 0 ? reader.getColumns() : Array.from({ length: 6 }, () => []);
      const [time, open, high, low, close, volume] = columns.map((values) =>
        Float64Array.from(values as number[]),
      ) as Six<Float64Array>;
      return { asset: key.asset, quote: key.quote, time, bars: { open, high, low, close, volume } };
    } catch (error) {
      throw corrupt(error, paths, place);
    } finally {
      connection.closeSync();
    }
  }

  async function covered(key: BarKey): Promise<readonly TimeRange[]> {
    const path = join(root, toPath(key), "covered.json");
    const text = await readFile(path, "utf8").catch((error) => {
      if (error.code === "ENOENT") return "[]";
      throw error;
    });
    try {
      return unionRanges(JSON.parse(text));
    } catch (error) {
      throw new CorruptBarFileError(path, { cause: error });
    }
  }

  async function list(): Promise<BarKey[]> {
    const entries = await readdir(root, { recursive: true }).catch((error) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return entries.sort().flatMap((path) => toKey(path) ?? []);
  }

  return {
    folder,
    covered,
    list,
    append(key, series, covering) {
      const place = join(root, toPath(key));
      for (const time of series.time)
        if (!Number.isSafeInteger(time) || time < 0 || time > LAST_TIME)
          throw new BadBarKeyError("time", time, "whole ms since 1970, up to the year 9999");
      return lock.run(async () => {
        await stage(writer, series);
        const changed = await merge(place, monthsOf(series.time));
        if (covering) {
          const ranges = unionRanges([...(await covered(key)), covering]);
          await replaceFile(join(place, "covered.json"), (temporary) =>
            writeFile(temporary, JSON.stringify(ranges)),
          );
        }
        return changed;
      });
    },
    async read({ exchange, quote, assets, intervalMs, from, to, limit }) {
      if (exchange !== undefined) checkName("exchange", exchange);
      if (quote !== undefined) checkName("quote", quote);
      for (const asset of assets ?? []) checkName("asset", asset);
      const label = intervalLabel(intervalMs);
      const keys = (await list()).filter(
        (key) =>
          (exchange === undefined || key.exchange === exchange) &&
          (quote === undefined || key.quote === quote) &&
          (assets === undefined || assets.includes(key.asset)) &&
          key.intervalMs === intervalMs,
      );
      for (const [asset, group] of Map.groupBy(keys, (key) => key.asset))
        if (group.length > 1)
          throw new AmbiguousBarsError(
            asset,
            group.map((key) => `${key.exchange} ${asset}/${key.quote}`),
          );
      const series: RawSeries[] = [];
      for (const key of keys) series.push(await readSeries(key, from ?? -Infinity, to ?? Infinity, limit));
      const name = [...new Set(keys.map((key) => `${key.exchange}-${key.quote.toLowerCase()}`)), label].join(
        "-",
      );
      return { name, series: series.filter(({ time }) => time.length > 0), exogenous: [], notes: [] };
    },
    async lastTime(key) {
      const place = join(root, toPath(key));
      const last = (await months(place)).at(-1);
      if (last === undefined) return undefined;
      const { time } = await readSeries(key, monthStart(last), Infinity);
      return time.length === 0 ? undefined : unixMillis(time.at(-1)!);
    },
    close() {
      writer.closeSync();
      database.closeSync();
      lock.close();
    },
  };
}

type Six<T> = [T, T, T, T, T, T];

/** Whether a folder is a bar store, that is, has bars under exchanges. */
export async function isBarStore(folder: string): Promise<boolean> {
  const names = await readdir(join(folder, "bars")).catch(() => []);
  return names.some((name) => name.startsWith("exchange="));
}

/**
 * The store in a folder as a source, opened for each load alone. The interval defaults to the store's only one,
 * else to 1 h; exchange and quote need a choice where one asset lies under several.
 */
export function storeSource(
  folder: string,
  chosen: { readonly exchange?: string | undefined; readonly quote?: string | undefined } = {},
): MarketSource {
  return {
    name: folder,
    async load({ assets, intervalMs, from, to, signal }) {
      const store = await openBarStore(folder);
      try {
        signal?.throwIfAborted();
        const intervals = new Set((await store.list()).map((key) => key.intervalMs));
        const only = intervals.size === 1 ? [...intervals][0] : undefined;
        return await store.read({ ...chosen, assets, intervalMs: intervalMs ?? only ?? HOUR_MS, from, to });
      } finally {
        store.close();
      }
    },
  };
}
