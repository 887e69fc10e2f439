import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { BallastError, writeParquet } from "@ballast/data";
import {
  type BacktestRecord,
  COMPARED,
  type Comparison,
  compareRecords,
  type Estimate,
  readBacktestRecord,
  showFigure,
  showP,
  toBacktestHeadline,
  toBacktestPage,
  toComparisonColumns,
  toComparisonJson,
} from "@ballast/training";
import { checkWritable, writeWhole } from "./folders.ts";
import type { Terminal } from "./terminal.ts";

export interface CompareRunsOptions {
  readonly baseline?: string;
  readonly resamples: number;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

/** A path that leads to no record of a backtest. */
export class NoRecordError extends BallastError {
  readonly code = "NO_RECORD";
  readonly path: string;
  constructor(path: string, problem: string) {
    super(`${path} ${problem}. Give a record.json of \`ballast backtest\`, or a folder that has one.`);
    this.path = path;
  }
}

const RECORD = "record.json";

/** Errors: NoRecordError, BadRecordError, NotComparableError, RecordNamesError, FolderError, DiskFullError. */
export async function runCompare(
  paths: readonly string[],
  options: CompareRunsOptions,
  terminal: Terminal,
): Promise<void> {
  checkWritable(options.out, "--out");
  const { table, json } = await writeComparison(paths.flatMap(findRecords), options, terminal);
  if (options.json) {
    for (const line of table) terminal.say(line);
    terminal.result(JSON.stringify(json));
  } else terminal.result(table.join("\n"));
}

/** What `writeComparison` has written, for whoever reads the terminal. */
export interface WrittenComparison {
  /** Headline and table. */
  readonly table: readonly string[];
  /** The figures without those of the windows, and where the report is. */
  readonly json: object;
  readonly report: string;
}

/** Sets records side by side in `out`, as compare.html, compare.json and compare.parquet. Errors as `runCompare`. */
export async function writeComparison(
  paths: readonly string[],
  { out, baseline, resamples, seed }: Omit<CompareRunsOptions, "json">,
  terminal: Terminal,
): Promise<WrittenComparison> {
  const files = [...new Set(paths.map((file) => resolve(file)))];
  terminal.step(`Reading ${files.length === 1 ? "one record" : `${files.length} records`}.`);
  const records = files.map(readRecord);
  terminal.step(`Comparing them, ${resamples} times resampled.`);
  const comparison = compareRecords(records, { baseline, resamples, seed });
  mkdirSync(out, { recursive: true });
  const place = (extension: string) => join(out, `compare.${extension}`);
  const json = toComparisonJson(comparison);
  writeWhole(place("json"), `${JSON.stringify(json, null, 2)}\n`);
  await writeParquet(place("parquet"), toComparisonColumns(comparison));
  writeWhole(place("html"), toBacktestPage(comparison));
  terminal.say(`Report: ${place("html")}; the figures: ${place("json")} and ${place("parquet")}`);
  const policies = json.policies.map(({ windows: _, ...policy }) => policy);
  return {
    table: [toBacktestHeadline(comparison), "", ...toTable(comparison)],
    json: { ...json, policies, report: place("html") },
    report: place("html"),
  };
}

/** A file as it is; of a folder its record, else those of the folders in it, by name. Error: NoRecordError. */
export function findRecords(path: string): string[] {
  if (!existsSync(path)) throw new NoRecordError(path, "does not exist");
  if (!statSync(path).isDirectory()) return [path];
  const own = join(path, RECORD);
  if (existsSync(own)) return [own];
  const inside = readdirSync(path)
    .sort()
    .map((name) => join(path, name, RECORD))
    .filter((file) => existsSync(file));
  if (inside.length === 0) throw new NoRecordError(path, `has no ${RECORD}, nor has a folder in it`);
  return inside;
}

function readRecord(file: string): BacktestRecord {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new NoRecordError(file, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  return readBacktestRecord(text, file);
}

/** Columns of the table on a terminal; all metrics are in the files. */
const SHOWN = [
  ["trackingError", "TE %/y"],
  ["cost", "cost bps/y"],
  ["outsideBand", "outside %"],
  ["trades", "trades/y"],
  ["gasPaidOverDayLow", "gas/day low"],
  ["regret", "regret bps/y"],
  ["return", "return %"],
] as const;
const LONGEST_NAME = 28;

/** Policies down, the metrics that matter most across, the cost at equal tracking error with its interval and p last. */
export function toTable({ policies, baseline }: Comparison): string[] {
  const ratio = { scale: 1, digits: 3, unit: "" };
  const range = ({ low, high }: Estimate, shown: typeof ratio) =>
    low === null || high === null ? "" : ` (${showFigure(low, shown)} to ${showFigure(high, shown)})`;
  const head = ["policy", ...SHOWN.map(([, label]) => label), "cost at equal TE, to baseline"];
  const rows = policies.map(({ name, metrics, costRatio }) => [
    name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name,
    ...SHOWN.map(([id]) => showFigure(metrics[id]!.estimate, COMPARED.find((row) => row.id === id)!.shown)),
    name === baseline
      ? "baseline"
      : costRatio === undefined
        ? "–"
        : `${showFigure(costRatio.estimate, ratio)}${range(costRatio, ratio)} p ${showP(costRatio.p)}`,
  ]);
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  "),
  );
}
