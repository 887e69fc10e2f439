import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { batch as batchOf, START } from "../test/store-writer.ts";
import { BadBarKeyError, type BarKey, intervalLabel, parseInterval } from "./bar-key.ts";
import { DiskFullError } from "./durable-file.ts";
import { seededRandom } from "./random.ts";
import {
  AmbiguousBarsError,
  type BarSeries,
  CorruptBarFileError,
  isBarStore,
  openBarStore,
  storeSource,
} from "./store.ts";
import { HOUR_MS, unixMillis } from "./units.ts";
import { StoreBusyError } from "./write-lock.ts";

const KEY: BarKey = { exchange: "test", quote: "USDT", asset: "BTC", intervalMs: HOUR_MS };
const base = mkdtempSync(join(tmpdir(), "ballast-store-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const BATCH = 50;
const batch = (seed: number, n: number) => batchOf(seed, n, BATCH, HOUR_MS);
let folders = 0;
const newFolder = () => join(base, `store ${folders++} [a]'s*?`);

/** Bars from rows of opening time in hours since START and one number that all prices follow. */
function series(rows: readonly (readonly [hour: number, price: number])[]): BarSeries {
  const column = (factor: number) => Float64Array.from(rows, ([, price]) => price * factor);
  return {
    time: Float64Array.from(rows, ([hour]) => START + hour * HOUR_MS),
    bars: { open: column(1), high: column(1.5), low: column(0.5), close: column(1.1), volume: column(10) },
  };
}
const files = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
const partition = (folder: string, month: string, asset = "BTC") =>
  join(folder, "bars/exchange=test/quote=USDT", `asset=${asset}`, "interval=1h", `${month}.parquet`);
const readOne = async (folder: string, asset = "BTC") => {
  const store = await openBarStore(folder);
  const market = await store.read({ intervalMs: HOUR_MS, assets: [asset] });
  store.close();
  return market.series[0];
};

test("default: bars come back as they were appended, from one Parquet file a month", async () => {
  const folder = newFolder();
  const store = await openBarStore(folder);
  expect(await store.list()).toEqual([]);
  expect(await store.lastTime(KEY)).toBeUndefined();
  const all = batch(1, 0);
  const rows = Array.from({ length: 1000 }, (_, i) => [i, 1 + i] as const);
  expect(await store.append(KEY, series(rows))).toBe(1000);
  expect(await store.append({ ...KEY, asset: "ETH" }, all)).toBe(BATCH);

  expect(await store.list()).toEqual([KEY, { ...KEY, asset: "ETH" }]);
  expect(await store.lastTime(KEY)).toBe(START + 999 * HOUR_MS);
  const market = await store.read({ intervalMs: HOUR_MS });
  expect(market.series).toEqual([
    { asset: "BTC", quote: "USDT", ...series(rows) },
    { asset: "ETH", quote: "USDT", ...all },
  ]);
  expect(market.name).toBe("test-usdt-1h");
  for (const month of ["2022-01", "2022-02", "2022-03"])
    expect(statSync(partition(folder, month)).size).toBeGreaterThan(0);
  expect(await isBarStore(folder)).toBe(true);
  expect(await isBarStore(base)).toBe(false);
  store.close();

  // Any Parquet reader sees the documented columns and times.
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  writeFileSync(join(base, "copy.parquet"), readFileSync(partition(folder, "2022-02")));
  const reader = await connection.runAndReadAll(
    `SELECT min(time)::VARCHAR, max(time)::VARCHAR FROM '${join(base, "copy.parquet")}' WHERE open < high`,
  );
  expect(reader.getRows()).toEqual([["2022-02-01 00:00:00", "2022-02-28 23:00:00"]]);
});

test("behaviour: a folder with a store is a source of its own, with the interval that it has", async () => {
  const folder = newFolder();
  const store = await openBarStore(folder);
  await store.append({ ...KEY, intervalMs: 4 * HOUR_MS }, batch(1, 0));
  const source = storeSource(folder, { exchange: "test" });
  expect((await source.load({ assets: ["BTC"] })).series).toEqual([
    { asset: "BTC", quote: "USDT", ...batch(1, 0) },
  ]);
  expect((await source.load({ intervalMs: HOUR_MS })).series).toEqual([]);
  await store.append(KEY, batch(1, 1));
  expect((await source.load({})).series[0]!.time).toEqual(batch(1, 1).time);
  store.close();
});

test("behaviour: reads select assets and times, from included, to excluded", async () => {
  const store = await openBarStore(newFolder());
  await store.append(KEY, series(Array.from({ length: 1000 }, (_, i) => [i, 1])));
  const at = (hour: number) => unixMillis(START + hour * HOUR_MS);
  const part = await store.read({ intervalMs: HOUR_MS, from: at(280), to: at(300) });
  expect(part.series[0]!.time[0]).toBe(at(280));
  expect(part.series[0]!.time.at(-1)).toBe(at(299));
  expect((await store.read({ intervalMs: HOUR_MS, from: at(5000) })).series).toEqual([]);
  // In the very month of the last bars, but after them.
  expect((await store.read({ intervalMs: HOUR_MS, from: at(1001) })).series).toEqual([]);
  const first = await store.read({ intervalMs: HOUR_MS, from: at(280), limit: 3 });
  expect(Array.from(first.series[0]!.time)).toEqual([at(280), at(281), at(282)]);
  expect((await store.read({ intervalMs: 2 * HOUR_MS })).series).toEqual([]);
  expect((await store.read({ intervalMs: HOUR_MS, assets: ["ETH"] })).series).toEqual([]);
  store.close();
});

test("behaviour: appending the same bars again changes nothing, not even a file", async () => {
  const folder = newFolder();
  const store = await openBarStore(folder);
  await store.append(KEY, batch(1, 0));
  const before = statSync(partition(folder, "2022-01"), { bigint: true });
  expect(await store.append(KEY, batch(1, 0))).toBe(0);
  const after = statSync(partition(folder, "2022-01"), { bigint: true });
  expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
  store.close();
});

test("behaviour: any sequence of appends leaves what a map from time to the latest bar would hold", async () => {
  const row = fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 5 }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(row, { maxLength: 40 }), { maxLength: 5 }), async (appends) => {
      const folder = newFolder();
      const store = await openBarStore(folder);
      const twin = new Map<number, number>();
      for (const rows of appends) {
        const before = new Map(twin);
        for (const [hour, price] of rows) twin.set(hour, price);
        const changed = [...twin].filter(([hour, price]) => before.get(hour) !== price).length;
        expect(await store.append(KEY, series(rows))).toBe(changed);
      }
      store.close();
      const expected = series([...twin].toSorted(([a], [b]) => a - b));
      const found = await readOne(folder);
      expect(found?.time ?? new Float64Array(0)).toEqual(expected.time);
      expect(found?.bars.close ?? new Float64Array(0)).toEqual(expected.bars.close);
    }),
    { seed: 5, numRuns: 12 },
  );
});

test("behaviour: ranges that were asked for are remembered and joined", async () => {
  const folder = newFolder();
  const store = await openBarStore(folder);
  expect(await store.covered(KEY)).toEqual([]);
  await store.append(KEY, batch(1, 0), { from: 10, to: 20 });
  await store.append(KEY, series([]), { from: 20, to: 30 });
  await store.append(KEY, batch(1, 0), { from: 50, to: 60 });
  store.close();
  const again = await openBarStore(folder);
  expect(await again.covered(KEY)).toEqual([
    { from: 10, to: 30 },
    { from: 50, to: 60 },
  ]);
  again.close();
});

const WRITER = fileURLToPath(new URL("../test/store-writer.ts", import.meta.url));
const startWriter = (
  folder: string,
  asset: string,
  seed: number,
  batches: number,
  size = BATCH,
  intervalMs = HOUR_MS,
) => {
  const child = spawn(
    process.execPath,
    [WRITER, folder, asset, ...[seed, batches, size, intervalMs].map(String)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let text = "";
  child.stdout.on("data", (data) => {
    text += data;
  });
  return {
    child,
    acknowledged: () => text.split("\n").filter((line) => line.startsWith("ack ")).length,
    firstAck: new Promise<void>((resolve) => child.stdout.once("data", () => resolve())),
    ended: new Promise<number | null>((resolve) => child.once("close", resolve)),
  };
};

test("behaviour: a writer killed at any moment loses nothing acknowledged and corrupts nothing", async () => {
  // Large files make the time in which one is half written long enough to be hit.
  const [size, minute] = [10_000, 60_000];
  const random = seededRandom(1, "kills");
  const folder = newFolder();
  const place = dirname(partition(folder, "2022-01")).replace("interval=1h", "interval=1m");
  let total = 0;
  let caughtHalfWritten = 0;
  for (let round = 0; round < 8; round++) {
    const writer = startWriter(folder, "BTC", round, 100, size, minute);
    await writer.firstAck;
    if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 150 * random.uniform()));
    else for await (const _ of watch(place)) break; // The first change of any file: a write has just begun or ended.
    writer.child.kill("SIGKILL");
    await writer.ended;
    const batches = writer.acknowledged();
    total += batches;
    caughtHalfWritten += files(folder).filter((name) => name.endsWith(".tmp")).length;
    const store = await openBarStore(folder);
    expect(files(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    const { time, bars } = (await store.read({ intervalMs: minute })).series[0]!;
    expect(time).toEqual(Float64Array.from(time, (_, i) => START + i * minute));
    for (let n = 0; n < batches; n++)
      for (const column of ["open", "high", "low", "close", "volume"] as const) {
        const expected = batchOf(round, n, size, minute).bars[column];
        expect(bars[column].slice(n * size, (n + 1) * size)).toEqual(expected);
      }
    store.close();
  }
  console.log(
    `killed a writer 8 times, ${caughtHalfWritten} times with a half-written file, after ${total} batches`,
  );
  expect(total).toBeGreaterThanOrEqual(8);
  expect(caughtHalfWritten).toBeGreaterThan(0);
}, 60_000);

test("behaviour: a half-written file is not read and is removed at the next open", async () => {
  const folder = newFolder();
  const store = await openBarStore(folder);
  await store.append(KEY, batch(1, 0));
  store.close();
  const whole = readFileSync(partition(folder, "2022-01"));
  const leftover = join(dirname(partition(folder, "2022-01")), ".2022-01.parquet.123-4.tmp");
  writeFileSync(leftover, whole.subarray(0, whole.length / 2));
  expect((await readOne(folder))!.time).toEqual(batch(1, 0).time);
  expect(files(folder).some((name) => name.endsWith(".tmp"))).toBe(false);
});

test("behaviour: two processes that write at once both get all of theirs in", async () => {
  const folder = newFolder();
  const [one, two] = [startWriter(folder, "BTC", 1, 8), startWriter(folder, "BTC", 1, 8)];
  const other = startWriter(folder, "ETH", 2, 8);
  expect(await Promise.all([one.ended, two.ended, other.ended])).toEqual([0, 0, 0]);
  expect((await readOne(folder, "BTC"))!.time.length).toBe(8 * BATCH);
  expect((await readOne(folder, "ETH"))!.bars.open.slice(7 * BATCH)).toEqual(batch(2, 7).bars.open);
}, 30_000);

test("behaviour: appends of one process that are not awaited one by one do not disturb each other", async () => {
  const folder = newFolder();
  const store = await openBarStore(folder);
  await Promise.all(Array.from({ length: 6 }, (_, n) => store.append(KEY, batch(1, n))));
  store.close();
  expect((await readOne(folder))!.time.length).toBe(6 * BATCH);
});

test("error: a store that another process keeps busy is named, with its owner, after the wait", async () => {
  const folder = newFolder();
  const store = await openBarStore(folder, { lockWaitMs: 100 });
  await store.append(KEY, batch(1, 0));
  const holder = new DatabaseSync(join(folder, ".lock"));
  holder.exec("BEGIN EXCLUSIVE");
  const attempt = store.append(KEY, batch(1, 1));
  await expect(attempt).rejects.toThrow(StoreBusyError);
  await expect(attempt).rejects.toThrow(`pid ${process.pid}`);
  holder.close();
  expect(await store.append(KEY, batch(1, 1))).toBe(BATCH);
  store.close();
});

test.each([
  ["exchange", { exchange: "../../etc" }],
  ["exchange", { exchange: "Binance" }],
  ["quote", { quote: "" }],
  ["quote", { quote: "US'; DROP TABLE incoming; --" }],
  ["asset", { asset: ".." }],
  ["asset", { asset: "BTC/../ETH" }],
  ["asset", { asset: "A\0" }],
  ["intervalMs", { intervalMs: 0 }],
  ["intervalMs", { intervalMs: 1500.5 }],
])("error: %s that is no name is refused before anything is written", async (field, change) => {
  const folder = newFolder();
  const store = await openBarStore(folder);
  const attempt = (async () => store.append({ ...KEY, ...change }, batch(1, 0)))();
  await expect(attempt).rejects.toThrow(BadBarKeyError);
  await expect(attempt).rejects.toThrow(field);
  expect(await store.list()).toEqual([]);
  store.close();
});

test("error: a time that is none is refused", async () => {
  const store = await openBarStore(newFolder());
  const { bars } = series([[0, 1]]);
  for (const time of [Number.NaN, 0.5, -1, 9e15])
    await expect(async () => store.append(KEY, { time: Float64Array.of(time), bars })).rejects.toThrow(
      BadBarKeyError,
    );
  store.close();
});

test("error: the same asset from two exchanges must be chosen", async () => {
  const store = await openBarStore(newFolder());
  await store.append(KEY, batch(1, 0));
  await store.append({ ...KEY, exchange: "other" }, batch(1, 0));
  await expect(store.read({ intervalMs: HOUR_MS })).rejects.toThrow(AmbiguousBarsError);
  await expect(store.read({ intervalMs: HOUR_MS })).rejects.toThrow("other BTC/USDT and test BTC/USDT");
  expect((await store.read({ intervalMs: HOUR_MS, exchange: "other" })).name).toBe("other-usdt-1h");
  store.close();
});

test("error: a damaged file is named and left alone", async () => {
  const folder = newFolder();
  const store = await openBarStore(folder);
  await store.append(KEY, batch(1, 0));
  const path = partition(folder, "2022-01");
  writeFileSync(path, readFileSync(path).subarray(0, 100));
  await expect(store.read({ intervalMs: HOUR_MS })).rejects.toThrow(CorruptBarFileError);
  await expect(store.append(KEY, batch(1, 0))).rejects.toThrow(path);
  expect(statSync(path).size).toBe(100);
  store.close();
});

/** A file system of 256 KiB, where this machine lets us mount one. */
function mountTiny(): string | undefined {
  const at = join(base, "tiny");
  mkdirSync(at);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", at], { stdio: "ignore" });
    return at;
  } catch {
    console.log("left out: the store on a full disk, because no small file system can be mounted here");
    return undefined;
  }
}
const tiny = mountTiny();
afterAll(() => {
  if (tiny) execFileSync("umount", ["--lazy", tiny]);
});

test.skipIf(!tiny)(
  "error: a full disk is named, leaves nothing half done and keeps what was there",
  async () => {
    const folder = join(tiny!, "store");
    const store = await openBarStore(folder);
    await store.append(KEY, batch(1, 0));
    writeFileSync(join(tiny!, "filler"), new Uint8Array(0));
    try {
      for (let kib = 0; kib < 512; kib++)
        writeFileSync(join(tiny!, "filler"), new Uint8Array(1024), { flag: "a" });
    } catch {
      // Full, as wanted.
    }
    const attempt = store.append({ ...KEY, asset: "ETH" }, batch(1, 1), { from: 0, to: 1 });
    await expect(attempt).rejects.toThrow(DiskFullError);
    await expect(attempt).rejects.toThrow("no space left to write");
    expect(files(folder).filter((name) => name.includes("tmp") || name.includes("ETH"))).toEqual([]);
    rmSync(join(tiny!, "filler"));
    expect(
      (await store.read({ intervalMs: HOUR_MS })).series.map(({ asset, time }) => [asset, time.length]),
    ).toEqual([["BTC", BATCH]]);
    expect(await store.append({ ...KEY, asset: "ETH" }, batch(1, 1))).toBe(BATCH);
    store.close();
  },
);

test("default: intervals have names, both ways", () => {
  expect([60_000, HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS, 90_000].map(intervalLabel)).toEqual([
    "1m",
    "1h",
    "4h",
    "1d",
    "90s",
  ]);
  expect(["1m", "1h", "4h", "1d", "1w"].map(parseInterval)).toEqual([6e4, 36e5, 144e5, 864e5, 6048e5]);
  for (const bad of ["", "h", "0h", "1y", "1.5h", "1h;"])
    expect(() => parseInterval(bad)).toThrow(BadBarKeyError);
});
