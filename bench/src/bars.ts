import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import {
  type BarColumns,
  fileSource,
  type Market,
  syntheticSource,
  toMarket,
  unixMillis,
} from "@ballast/data";
import { freeze, type PanelMarket, presentOf } from "@ballast/training";
import { measureInterleaved, type Plan, type Row, toTimedRow } from "./measure.ts";

const SYNTHETIC_SEED = 1;
const SYNTHETIC_START = unixMillis(Date.UTC(2022, 0, 1));
const DATA_FILE = /\.(json|feather|arrow|csv|parquet)(\.gz)?$/i;
/** A month of hours: long enough to rank assets by, and there for each of them. */
const RANKING_BARS = 720;

/** Writes a seeded synthetic market as freqtrade keeps one: a JSON file of rows per asset. */
export async function writeSyntheticBars(folder: string, hours: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const raw = await syntheticSource({ seed: SYNTHETIC_SEED, hours, start: SYNTHETIC_START }).load({});
  for (const { asset, quote, time, bars } of raw.series) {
    const rows = Array.from(time, (ms, i) => [ms, ...toCells(bars, i)]);
    await writeFile(join(folder, `${asset}_${quote}-1h.json`), JSON.stringify(rows));
  }
}

const toCells = ({ open, high, low, close, volume }: BarColumns, i: number): number[] =>
  [open, high, low, close, volume].map((column) => column[i]!);

/** The `count` assets of a folder with the largest money volume in their last month, as a clean market. */
export async function readMostTraded(folder: string, count: number): Promise<Market> {
  const raw = await fileSource(folder).load({});
  const assets = raw.series
    .map(({ asset, bars: { close, volume } }) => {
      const from = Math.max(0, close.length - RANKING_BARS);
      const money = close.subarray(from).reduce((sum, price, i) => sum + price * volume[from + i]!, 0);
      return { asset, money };
    })
    .sort((x, y) => y.money - x.money || (x.asset < y.asset ? -1 : 1))
    .slice(0, count)
    .map(({ asset }) => asset);
  return toMarket(raw, { now: presentOf(raw), assets }).market;
}

/** All assets of a folder as `ballast train` sees them: with what some have before the others begin. */
export async function readPanel(folder: string): Promise<PanelMarket> {
  const raw = await fileSource(folder).load({});
  return freeze(raw, { now: presentOf(raw) }).market;
}

/** Files of a folder to a clean market, all assets, beside the least that any reader of these files must do. */
export async function measureIngestion(folder: string, plan: Plan): Promise<Row> {
  const raw = await fileSource(folder).load({});
  const now = presentOf(raw);
  const bars = raw.series.reduce((sum, { time }) => sum + time.length, 0);
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory() && DATA_FILE.test(entry.name))
    .map(({ name }) => name);
  const isJson = files.every((name) => /\.json(\.gz)?$/i.test(name));
  const readBare = async () => {
    let read: unknown;
    for (const name of files) {
      const bytes = await readFile(join(folder, name));
      read = !isJson ? bytes : JSON.parse((/\.gz$/i.test(name) ? gunzipSync(bytes) : bytes).toString("utf8"));
    }
    return read;
  };
  const { own, peer } = await measureInterleaved(
    {
      own: { run: async () => toMarket(await fileSource(folder).load({}), { now }) },
      peer: { run: readBare },
    },
    plan,
  );
  return toTimedRow(
    {
      name: "bars_ingested_per_s",
      unit: "bars/s",
      better: "more",
      peer: isJson
        ? "JSON.parse of the same files, nothing kept or checked"
        : "reading the same bytes, unparsed",
    },
    own,
    peer,
    (milliseconds) => bars / (milliseconds / 1000),
  );
}
