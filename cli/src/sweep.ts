import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BallastError, openArtefactStore, type UnixMillis, unixMillis } from "@ballast/data";
import {
  DEFAULT_SPACE,
  formatTrainingPlan,
  openSweepJournal,
  queueRunner,
  readSpace,
  type SweepOutcome,
  sweep,
  threadRunner,
} from "@ballast/training";
import { checkWritable, writeWhole } from "./folders.ts";
import { interruptible } from "./interrupt.ts";
import type { Terminal } from "./terminal.ts";
import { toPlan } from "./train.ts";
import { fetchPlanned, readDataset } from "./trainingData.ts";

export interface SweepOptions {
  readonly config?: string;
  readonly set?: string[];
  readonly bars?: string;
  readonly store?: string;
  readonly assets?: string[];
  readonly until?: UnixMillis;
  readonly trials: number;
  readonly space: string;
  readonly seed: number;
  readonly threads: number;
  readonly redis?: string;
  readonly artefacts?: string;
  readonly out: string;
  readonly json?: boolean;
}

export class UnreadableOptionFileError extends BallastError {
  readonly code = "UNREADABLE_OPTION_FILE";
  readonly path: string;
  constructor(option: string, path: string, cause: NodeJS.ErrnoException) {
    super(
      `${option} ${path} cannot be read (${cause.code ?? cause.message}). Give a file this user may read.`,
    );
    this.path = path;
  }
}

/** Trials shown at the end; all are in the JSON. */
const SHOWN = 10;

export async function runSweep(options: SweepOptions, terminal: Terminal): Promise<void> {
  // The seed given is that of the search; trials are fitted with that of the training file.
  const { seed, trials, threads, redis, out, ...chosen } = options;
  const plan = toPlan(chosen);
  const space =
    options.space === "default" ? DEFAULT_SPACE : readSpace(read("--space", options.space), options.space);
  await fetchPlanned(plan, terminal);
  const market = await readDataset(plan, unixMillis(Date.now()), terminal, true);
  const until = unixMillis(market.start + market.length * market.intervalMs);
  checkWritable(out, "--out");
  checkWritable(plan.artefacts, "--artefacts");
  const log = (line: string) => terminal.say(line);
  const runner =
    redis === undefined
      ? threadRunner({ artefacts: plan.artefacts, count: threads })
      : await queueRunner({ url: redis, log });
  const artefacts = await openArtefactStore(plan.artefacts);
  const where = redis === undefined ? `${threads} threads` : "the workers of the queue";
  terminal.step(`Sweeping ${trials} configurations on ${where}; no trial sees the test folds.`);
  try {
    const kept = "finished trials are kept, and the same command goes on";
    const outcome = await interruptible(kept, (signal) =>
      sweep(
        market,
        until,
        { base: plan.training, space, trials, seed },
        {
          artefacts,
          runner,
          journal: (identity) => openSweepJournal(join(out, "sweep.sqlite"), identity),
          log,
          track: (label, work) => terminal.track(label, work),
          signal,
        },
      ),
    );
    const best = join(out, "best.yaml");
    writeWhole(best, formatTrainingPlan({ ...plan, training: outcome.best }));
    writeWhole(join(out, "sweep.json"), `${JSON.stringify(outcome, null, 2)}\n`);
    for (const line of toTable(outcome)) terminal.say(line);
    terminal.say(`Score the choice once on the test folds: ballast train --config ${best}`);
    terminal.result(options.json ? JSON.stringify(outcome) : best);
  } finally {
    await runner.close();
    artefacts.close();
  }
}

function read(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UnreadableOptionFileError(option, path, error as NodeJS.ErrnoException);
  }
}

/** The best trials, one a line, the loss as a ratio to log-HAR. */
export function toTable({ ranking, rungs }: Pick<SweepOutcome, "ranking" | "rungs">): string[] {
  const keys = Object.keys(ranking[0]?.values ?? {});
  const rows = ranking
    .slice(0, SHOWN)
    .map(({ index, epochs, loss, values }) => [
      index === 0 ? "0 (start)" : String(index),
      String(epochs),
      loss?.toFixed(4) ?? "diverged",
      ...keys.map((key) => JSON.stringify(values[key])),
    ]);
  const table = [["trial", "epochs", "loss", ...keys], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const described = rungs.map(({ trials, epochs }) => `${trials} of ${epochs} epochs`).join(", ");
  return [
    `Validation loss as a ratio to log-HAR, below 1 is better; trials: ${described}:`,
    ...table.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join("  ")),
  ];
}
