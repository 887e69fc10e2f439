import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  CompressionType,
  RecordBatchFileWriter,
  TimestampMillisecond,
  TimestampNanosecond,
  tableFromArrays,
  vectorFromArray,
} from "apache-arrow";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { START, walk } from "../../test/walk.ts";
import type { RawMarket, RawSeries } from "../market.ts";
import { HOUR_MS, isoTime, unixMillis } from "../units.ts";
import { textToMillis } from "./columns.ts";
import { fileSource } from "./files.ts";

const root = mkdtempSync(join(tmpdir(), "ballast-files-"));
afterAll(() => rmSync(root, { recursive: true }));
let folder = "";
let count = 0;
beforeEach(() => {
  folder = join(root, `market-${count++}`);
  mkdirSync(folder);
});
const write = (file: string, content: string | Uint8Array): void =>
  writeFileSync(join(folder, file), content);
const load = (request = {}): Promise<RawMarket> => fileSource(folder).load(request);
const refused = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

const LENGTH = 30;
const btc = walk("BTC", LENGTH);
const eth = walk("ETH", LENGTH);
const rowsOf = ({ time, bars }: RawSeries): number[][] =>
  [...time].map((t, i) => [t, bars.open[i]!, bars.high[i]!, bars.low[i]!, bars.close[i]!, bars.volume[i]!]);
const json = (series: RawSeries): string => JSON.stringify(rowsOf(series));
const csv = (header: string, series: RawSeries, time: (ms: number) => string | number, rest = ""): string =>
  [header, ...rowsOf(series).map(([t, ...bar]) => `${time(t!)},${bar.join(",")}${rest}`), ""].join("\n");
const NAMED = "date,open,high,low,close,volume";
const NO_ZONE = ["times have no zone; taken as UTC"];

describe("formats", () => {
  it("default: freqtrade JSON, plain and gzipped", async () => {
    write("BTC_USDT-1h.json", json(btc));
    write("ETH_USDT-1h.json.gz", gzipSync(json(eth)));
    const market = await load();
    expect(market).toEqual({
      name: expect.stringMatching(/^market-/),
      series: [btc, eth],
      exogenous: [],
      notes: [],
    });
  });

  it("behaviour: numbers written as texts and further columns, as in Binance's kline answers", async () => {
    write("BTCUSDT.json", JSON.stringify(rowsOf(btc).map(([t, ...bar]) => [t, ...bar.map(String), 0, "x"])));
    expect((await load()).series).toEqual([btc]);
  });

  const feather = (
    series: RawSeries,
    time: unknown[] | object,
    compression: CompressionType | null,
  ): Uint8Array => {
    const table = tableFromArrays({ date: time as never, ...series.bars });
    const writer = new RecordBatchFileWriter({ compressionType: compression });
    writer.write(table);
    writer.finish();
    return writer.toUint8Array(true);
  };
  const millis = [...btc.time];
  const zoned = vectorFromArray(millis, new TimestampNanosecond("UTC"));
  it.each([
    ["LZ4, zoned nanoseconds", CompressionType.LZ4_FRAME, zoned, []],
    [
      "ZSTD, milliseconds without a zone",
      CompressionType.ZSTD,
      vectorFromArray(millis, new TimestampMillisecond()),
      NO_ZONE,
    ],
    ["uncompressed, epoch ms as int64", null, BigInt64Array.from(millis, BigInt), []],
    ["uncompressed, ISO text", null, millis.map((ms) => isoTime(ms)), []],
  ])("default: Feather, %s", async (_, compression, time, notes) => {
    write("BTC_USDT-1h.feather", feather(btc, time, compression));
    expect(await load()).toMatchObject({ series: [btc], notes });
  });

  const parquet = async (
    file: string,
    series: RawSeries,
    time: string,
    rest = "open, high, low, close, volume",
  ): Promise<void> => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const rows = rowsOf(series).map(
      (row) =>
        `(${row[0]}::BIGINT, ${row
          .slice(1)
          .map((v) => `'${v}'::DOUBLE`)
          .join(", ")})`,
    );
    await connection.run(
      `CREATE TABLE t AS SELECT * FROM (VALUES ${rows.join(", ")}) v(ms, open, high, low, close, volume)`,
    );
    await connection.run(`COPY (SELECT ${time}, ${rest} FROM t) TO '${join(folder, file)}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
  };
  it.each([
    ["ms", "ms AS open_time", []],
    ["seconds", "ms // 1000 AS Timestamp", []],
    ["a timestamp with zone", "make_timestamptz(ms * 1000) AS date", []],
    ["a timestamp without", "make_timestamp(ms * 1000) AS date", NO_ZONE],
    ["a nanosecond timestamp", "make_timestamp_ns(ms * 1000000) AS date", NO_ZONE],
    ["text", "strftime(make_timestamp(ms * 1000), '%Y-%m-%d %H:%M:%S') AS time", NO_ZONE],
  ])("default: Parquet with %s", async (_, select, notes) => {
    await parquet("BTC-USD.parquet", btc, select);
    expect(await load()).toMatchObject({ series: [{ ...btc, quote: "USD" }], notes });
  });

  it("behaviour: decimals of Parquet lose no digit", async () => {
    const decimals =
      "open::DECIMAL(38, 18) AS open, high, low, close, 0.3333333333333333333::DECIMAL(38, 19) AS volume";
    await parquet("BTC.parquet", btc, "ms::DECIMAL(20, 0) AS time", decimals);
    const [series] = (await load()).series;
    expect(series!.time).toEqual(btc.time);
    expect(series!.bars.volume[0]).toBe(1 / 3);
  });

  it("default: Parquet with a ticker column", async () => {
    await parquet(
      "all.parquet",
      btc,
      "CASE WHEN ms % 7200000 = 0 THEN 'BTCUSDT' ELSE 'ETH/USDT' END AS symbol, ms AS time",
    );
    const market = await load();
    expect(market.series.map((series) => [series.asset, series.quote, series.time.length])).toEqual([
      ["BTC", "USDT", 15],
      ["ETH", "USDT", 15],
    ]);
  });

  const binance = (series: RawSeries, factor: number): string =>
    rowsOf(series)
      .map(([t, ...bar]) => [t! * factor, ...bar, (t! + HOUR_MS) * factor - 1, 1, 2, 3, 4, 0].join(","))
      .join("\n");
  it("default: Binance's public data, ms then µs, with and without header, files of an asset joined", async () => {
    const part = (series: RawSeries, from: number, to: number): RawSeries => ({
      ...series,
      time: series.time.slice(from, to),
      bars: Object.fromEntries(Object.entries(series.bars).map(([k, v]) => [k, v.slice(from, to)])) as never,
    });
    write("BTCUSDT-1h-2024-12.csv", binance(part(btc, 0, 10), 1));
    write("BTCUSDT-1h-2025-01.csv", binance(part(btc, 10, LENGTH), 1000));
    const header =
      "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore";
    write("ETHUSDT-1h-2024-12.csv", `${header}\r\n${binance(eth, 1).replaceAll("\n", "\r\n")}\r\n`);
    write("ETHUSDT-1h-2024-12.csv.CHECKSUM", "ab12");
    expect(await load()).toMatchObject({ series: [btc, eth], notes: [] });
  });

  it.each([
    ["ISO without zone", (ms: number) => isoTime(ms).slice(0, 19).replace("T", " "), NO_ZONE],
    ["ISO with Z", isoTime, []],
    ["ISO with an offset", (ms: number) => `${isoTime(ms + 5.5 * HOUR_MS).slice(0, 19)}+05:30`, []],
    ["seconds", (ms: number) => ms / 1000, []],
    ["ms", (ms: number) => ms, []],
    ["µs", (ms: number) => ms * 1000, []],
  ])("default: CSV with named columns, %s", async (_, time, notes) => {
    write("btc_usdt.csv", csv(NAMED, btc, time));
    expect(await load()).toMatchObject({ series: [btc], notes });
  });

  it("default: CSV with tickers, quotes, another delimiter, order and case", async () => {
    const swapped = rowsOf(eth).map(([t, o, h, l, c, v]) =>
      [c, v, `"ETHUSDT"`, l, h, o, `"${isoTime(t!)}"`].join(";"),
    );
    write("x.csv", `\uFEFFClose;Volume;Ticker;Low;High;Open;"Open_Time"\n${swapped.join("\n")}`);
    write("BTC.csv.gz", gzipSync(csv(`${NAMED},ticker`, btc, isoTime, ",BTC-USDT")));
    expect((await load()).series).toEqual([btc, eth]);
  });

  it("default: exogenous-<name>.csv", async () => {
    write("BTC_USDT-1h.json", json(btc));
    write(
      "exogenous-base_fee_gwei.csv",
      `published_at,value,unit\n${START},12.5,gwei\n${START + 1},nan,gwei\n`,
    );
    expect((await load()).exogenous).toEqual([
      {
        name: "base_fee_gwei",
        unit: "gwei",
        publishedAt: Float64Array.of(START, START + 1),
        value: Float64Array.of(12.5, Number.NaN),
      },
    ]);
  });

  it("behaviour: a missing value arrives as NaN, for toMarket to refuse", async () => {
    write("BTC_USDT-1h.json", `[[${START},1,2,0.5,null,3]]`);
    write("ETH_USDT.csv", `${NAMED}\n${START},1,2,0.5,,3\n`);
    expect((await load()).series.map((series) => series.bars.close[0])).toEqual([Number.NaN, Number.NaN]);
  });
});

describe("a folder", () => {
  it("behaviour: assets, range and interval are chosen, progress told", async () => {
    write("BTC_USDT-1h.json", json(btc));
    write("ETH_USDT-1h.json", json(eth));
    write("ETH_USDT-5m.json", json(walk("ETH", 50, { intervalMs: 300_000 })));
    write("BTC_USDT_USDT-1h-funding_rate.feather", "not read");
    write("README.md", "not read");
    const progress: string[] = [];
    const market = await load({
      assets: ["ETH"],
      intervalMs: HOUR_MS,
      from: unixMillis(START + 3 * HOUR_MS),
      to: unixMillis(START + 5 * HOUR_MS),
      onProgress: ({ done, total, label }: { done: number; total?: number; label: string }) =>
        progress.push(`${done}/${total} ${label}`),
    });
    expect(market.series.map((series) => [series.asset, ...series.time])).toEqual([
      ["ETH", START + 3 * HOUR_MS, START + 4 * HOUR_MS],
    ]);
    expect(market.series[0]!.bars.close).toEqual(eth.bars.close.slice(3, 5));
    expect(market.notes).toHaveLength(2);
    expect(progress.at(0)).toBe("0/4 BTC_USDT-1h.json");
    expect(progress.at(-1)).toBe("4/4 read");
  });

  it("error: aborted", async () => {
    write("BTC_USDT-1h.json", json(btc));
    await expect(load({ signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
  });

  it("error: empty, absent, a file", async () => {
    await expect(load()).rejects.toThrow(
      refused("EMPTY_FOLDER", /holds no market data.*freqtrade JSON.*Parquet/),
    );
    write("exogenous-gas.csv", "published_at,value\n1,2\n");
    await expect(load()).rejects.toThrow(refused("EMPTY_FOLDER"));
    const absent = join(folder, "absent");
    await expect(fileSource(absent).load({})).rejects.toThrow(refused("UNREADABLE_FOLDER", /ENOENT/));
    await expect(fileSource(join(folder, "exogenous-gas.csv")).load({})).rejects.toThrow(
      refused("UNREADABLE_FOLDER", /ENOTDIR/),
    );
  });

  it("error: an unknown format is named, with the known ones", async () => {
    write("BTC.xlsx", "");
    await expect(load()).rejects.toThrow(refused("UNKNOWN_FORMAT", /BTC\.xlsx .*Feather/));
  });

  it("error: a file that cannot be read", async () => {
    const { symlinkSync } = await import("node:fs");
    symlinkSync(join(dirname(folder), "nowhere"), join(folder, "BTC.csv"));
    await expect(load()).rejects.toThrow(refused("UNREADABLE_FILE", /BTC\.csv.*ENOENT/));
  });

  it("error: mixed intervals", async () => {
    write("BTC_USDT.json", json(btc));
    write("ETH_USDT.json", json(walk("ETH", 50, { intervalMs: 300_000 })));
    await expect(load()).rejects.toThrow(
      refused("MIXED_INTERVALS", /60 min \(BTC_USDT\.json\), 5 min \(ETH_USDT\.json\)/),
    );
  });

  it("error: an asset that is not there", async () => {
    write("BTC_USDT.json", json(btc));
    await expect(load({ assets: ["DOGE"] })).rejects.toThrow(refused("UNKNOWN_ASSET", /DOGE.*BTC/));
  });
});

describe("broken files", () => {
  const table = tableFromArrays({ date: [...btc.time], ...btc.bars });
  const arrow = () => {
    const writer = new RecordBatchFileWriter();
    writer.write(table);
    writer.finish();
    return writer.toUint8Array(true);
  };
  const half = (bytes: Uint8Array) => bytes.slice(0, bytes.length / 2);
  it.each([
    ["BTC.json", json(btc).slice(0, 700), 700],
    ["BTC.json", "", 0],
    ["BTC.json.gz", half(gzipSync(json(btc))), half(gzipSync(json(btc))).length],
    ["BTC.csv", csv(NAMED, btc, isoTime).slice(0, 200), 200],
    ["BTC.csv", "", 0],
    ["BTC.feather", half(arrow()), half(arrow()).length],
    ["BTC.parquet", "PAR1 and no more", 16],
  ])("error: %s cut off", async (file, content, offset) => {
    write(file, content);
    await expect(load()).rejects.toThrow(
      refused("TRUNCATED_FILE", new RegExp(`${file}.*after byte ${offset}\\.`)),
    );
  });

  it.each([
    ["BTC.json", "[[1,2,3]]", /element 0 is not \[ms/],
    ["BTC.json", `{"a":1}`, /not an array/],
    ["BTC.json", "[[1,NaN,3,4,5,6]]", /is not JSON/],
    ["BTC.json.gz", "plain", /cannot be unpacked/],
    ["BTC.csv", "a,b,c\n1,2,3\n", /no column open_time or .* among a, b, c/],
    ["BTC.csv", "1,2,3\n", /no header and 3 columns/],
    ["BTC.csv", `${NAMED}\n${START},1,2,0.5,1\n${START},1,2,0.5,1,2\n`, /line 2 has 5 columns instead of 6/],
    ["BTC.csv", `${NAMED}\n${START},1,2,x,1,1\n`, /line 2: low is "x", not a number/],
    ["BTC.csv", `${NAMED}\n10/11/2022,1,2,1,1,1\n`, /line 2: "10\/11\/2022" is neither ISO 8601 nor epoch/],
    ["BTC.csv", `${NAMED},ticker\n${START},1,2,1,1,1, \n`, /bars of the ticker " "/],
    ["exogenous-gas.csv", "a,b\n1,2\n", /published_at and value, has a, b/],
    ["BTC.feather", "FEA1 is version 1", /not an Arrow IPC file/],
    ["BTC.feather", "ARROW1 but nonsense ARROW1", /cannot be read as Arrow/],
    ["BTC.parquet", "nonsense", /is not a Parquet file/],
    ["BTC.parquet", "PAR1 but nonsense PAR1", /cannot be read as Parquet/],
  ])("error: %s holding %j", async (file, content, message) => {
    write("ETH_USDT-1h.json", json(eth));
    write(file, content);
    await expect(load()).rejects.toThrow(refused("MALFORMED_FILE", message));
  });
});

describe("names", () => {
  it.each([
    ["BTC_USDT-1h.json", "BTC", "USDT"],
    ["BTCUSDT-5m-2023-10-01.json", "BTC", "USDT"],
    ["ETH-USD.json", "ETH", "USD"],
    ["BTC_USDT_USDT-1h-futures.json", "BTC", "USDT"],
    ["ethbtc.json", "ETH", "BTC"],
    ["WBTC.json", "WBTC", ""],
    ["WUSDT.json", "W", "USDT"],
    ["TUSD.json", "TUSD", ""],
    ["SOLFDUSD_1h.json", "SOL", "FDUSD"],
  ])("default: %s", async (file, asset, quote) => {
    write(file, json(btc));
    expect((await load()).series[0]).toMatchObject({ asset, quote });
  });

  it.each([
    ["2023-10-01", Date.UTC(2023, 9, 1), false],
    ["2023-10-01T05:06", Date.UTC(2023, 9, 1, 5, 6), false],
    ["2023-10-01 05:06:07.891234 UTC", Date.UTC(2023, 9, 1, 5, 6, 7, 891), true],
    ["2023-10-01 05:06:07-0430", Date.UTC(2023, 9, 1, 9, 36, 7), true],
    ["1696118400", Date.UTC(2023, 9, 1), true],
    ["1696118400.5", Date.UTC(2023, 9, 1) + 500, true],
    ["1696118400000000000", Date.UTC(2023, 9, 1), true],
  ])("default: the time %s", (text, ms, hasZone) => expect(textToMillis(text)).toEqual({ ms, hasZone }));

  it.each(["", "x", "2023-02-29", "2023-13-01", "2023-10-01 24:00:00", "01.10.2023", "2023-10-01 05:06 EST"])(
    "error: %j is no time",
    (text) => expect(textToMillis(text)).toBeUndefined(),
  );
});
