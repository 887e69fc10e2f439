import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openJournal } from "@ballast/agent";
import {
  describeReport,
  HOUR_MS,
  isoTime,
  openArtefactStore,
  type UnixMillis,
  unixMillis,
  writeParquet,
} from "@ballast/data";
import { LOOKBACK_HOURS, modelId } from "@ballast/model";
import {
  type BacktestFile,
  type BacktestPlan,
  type BacktestRecord,
  type BacktestSpec,
  BadConfigError,
  checkCoverage,
  checkPlan,
  freeze,
  identityOf,
  type ModelPlan,
  openModelCache,
  openRunStore,
  readBacktestFile,
  runBacktest,
  toBacktestPlan,
  toRetraining,
  toSpecs,
} from "@ballast/training";
import { toBarColumns, toTradeColumns } from "./backtestColumns.ts";
import { writeComparison } from "./compareRuns.ts";
import { readConfigText } from "./configFile.ts";
import { checkWritable, writeWhole } from "./folders.ts";
import { interruptible } from "./interrupt.ts";
import { findManifest } from "./models.ts";
import type { Terminal } from "./terminal.ts";
import { readRaw, toMillis } from "./trainingData.ts";

export interface BacktestOptions {
  readonly config?: string;
  readonly bars?: string;
  readonly assets?: string[];
  readonly from?: UnixMillis;
  readonly until?: UnixMillis;
  readonly policy?: string[];
  readonly model?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** Of the block bootstrap behind the report's intervals. */
const RESAMPLES = 1_000;

/** `ballast backtest`: the policies one after the other over the same market, each in a folder of its own. */
export async function runBacktests(options: BacktestOptions, terminal: Terminal): Promise<void> {
  const plan = toPlan(options);
  checkPlan(plan);
  checkWritable(plan.out, "--out");
  const models = await readModels(plan, terminal);
  const market = await readMarket(plan, terminal);
  const specs = toSpecs(plan, market, models);
  const kept = "what was run is kept, and the same command goes on";
  const runs = await interruptible(kept, async (signal) => {
    const made = [];
    for (const spec of specs) made.push(await runOne(plan, spec, terminal, signal));
    return made;
  });
  const comparison = { out: plan.out, resamples: RESAMPLES, seed: 1 };
  const { table, report } = await writeComparison(
    runs.map(({ record }) => record),
    comparison,
    terminal,
  );
  for (const line of table) terminal.say(line);
  terminal.result(options.json ? JSON.stringify({ out: plan.out, report, runs }) : report);
}

/** Options before the file before defaults. Errors: BadConfigError. */
export function toPlan(options: BacktestOptions): BacktestPlan {
  const { config, bars, assets, from, until, policy, model, out } = options;
  const file = config === undefined ? {} : readBacktestFile(readConfigText(config), config);
  const base = file.portfolio?.base ?? "USDC";
  const tickers = assets && [base, ...assets.filter((asset) => asset !== base)];
  const given: BacktestFile = {
    ...(bars !== undefined && { data: { bars } }),
    ...(tickers && {
      assets: tickers.slice(1),
      portfolio: { targets: Object.fromEntries(tickers.map((asset) => [asset, 1 / tickers.length])) },
    }),
    ...(from !== undefined && { from: isoTime(from) }),
    ...(until !== undefined && { until: isoTime(until) }),
    ...(policy && {
      policies: policy.map(
        (name) => file.policies?.find(({ label, name: known }) => (label ?? known) === name) ?? { name },
      ),
    }),
    ...(model !== undefined && { model }),
    ...(out !== undefined && { out }),
  };
  return toBacktestPlan(file, given);
}

/** Errors: AssetMissingError, and those of sources and quality control. */
async function readMarket(plan: BacktestPlan, terminal: Terminal) {
  const { data, assets } = plan;
  const raw = await readRaw({ data, assets: [...assets] }, terminal, true);
  const at = (time: string | undefined) => (time === undefined ? undefined : toMillis(time));
  const [from, until] = [at(plan.from), at(plan.until)];
  checkCoverage(raw, {
    from: from === undefined ? undefined : unixMillis(from - LOOKBACK_HOURS * HOUR_MS),
    to: until,
  });
  // One asset against the base asset is a portfolio.
  const { market, report } = freeze(raw, { now: unixMillis(Date.now()), until, assets, allowOneAsset: true });
  for (const note of describeReport(report)) terminal.say(note);
  return market;
}

/** A plan's models; the frozen one with the end of its training, which its manifest says. */
async function readModels(plan: BacktestPlan, terminal: Terminal): Promise<ModelPlan> {
  const retraining = toRetraining(plan, (line) => terminal.say(line));
  if (retraining !== undefined) return retraining;
  const { model, artefacts } = plan;
  const isStored = model === "champion" || /^0x[0-9a-f]+$/i.test(model);
  const file = isStored ? undefined : readModelFile(model);
  const { modelId: id, dataset } = await findManifest(file ? modelId(file) : model, artefacts);
  const trainedUntil = toMillis(dataset.until);
  if (file !== undefined) return { kind: "frozen", bytes: file, trainedUntil };
  const store = await openArtefactStore(artefacts);
  try {
    return { kind: "frozen", bytes: await store.get(id), trainedUntil };
  } finally {
    store.close();
  }
}

function readModelFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new BadConfigError(
      "model",
      path,
      `is none of none, linear, network, champion and no model's id, and cannot be read as a file (${code}).`,
    );
  }
}

interface RunSummary {
  readonly name: string;
  readonly record: string;
  readonly bars: number;
  readonly trades: number;
  readonly value: number;
  readonly mix: number;
  readonly decisionsDigest: string;
  /** Of this process; null where it had nothing left to run. */
  readonly barsPerSecond: number | null;
}

async function runOne(
  plan: BacktestPlan,
  spec: BacktestSpec,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<RunSummary> {
  const folder = join(plan.out, spec.name);
  const { models } = spec;
  const fitted = { market: spec.market.hash, ...(models.kind === "retrained" && models.settings) };
  const store = await openRunStore(folder, identityOf(plan, spec));
  const cache = await openModelCache(join(plan.out, "models"), fitted);
  const done = (await store.load())?.bars ?? 0;
  terminal.step(`Running ${spec.name}, ${isoTime(spec.from)} to ${isoTime(spec.to)}.`);
  if (done > 0) terminal.say(`Going on after ${done} bars that were run before.`);
  const journal = plan.journal ? openJournal(join(folder, "journal.sqlite")) : undefined;
  const begun = performance.now();
  let record: BacktestRecord;
  try {
    record = await terminal.track(spec.name, (onProgress) =>
      runBacktest(spec, { store, cache, checkpointBars: plan.checkpointBars, journal, signal, onProgress }),
    );
  } finally {
    journal?.close();
  }
  const seconds = (performance.now() - begun) / 1000;
  const path = join(folder, "record.json");
  writeWhole(path, JSON.stringify(record));
  await writeParquet(join(folder, "bars.parquet"), toBarColumns(record));
  await writeParquet(join(folder, "trades.parquet"), toTradeColumns(record));
  for (const note of record.notes) terminal.say(note);
  const { at, value, mix } = record.bars;
  const rate = at.length > done ? (at.length - done) / seconds : null;
  terminal.say(
    `${at.length} bars${rate === null ? "" : ` at ${Math.round(rate)} a second`}, ${record.trades.length} trades, ` +
      `${Math.round(value.at(-1)!)} dollars against ${Math.round(mix.at(-1)!)} of the constant mix. Record ${path}.`,
  );
  return {
    name: spec.name,
    record: path,
    bars: at.length,
    trades: record.trades.length,
    value: value.at(-1)!,
    mix: mix.at(-1)!,
    decisionsDigest: record.decisionsDigest,
    barsPerSecond: rate,
  };
}
