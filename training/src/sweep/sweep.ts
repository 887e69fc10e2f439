import {
  type ArtefactStore,
  BallastError,
  canonicalJson,
  type Hex,
  isoTime,
  type Progress,
  type UnixMillis,
} from "@ballast/data";
import { LOOKBACK_HOURS } from "@ballast/model";
import { chooseBackend } from "../backend.ts";
import { type Dataset, LONGEST_HORIZON_HOURS, TooLittleHistoryError, toDataset } from "../dataset.ts";
import { datasetBytes } from "../jobs/dataset-bytes.ts";
import { datasetBefore, type Trial, type TrialResult, type TrialRunner, trialKey } from "../jobs/trial.ts";
import type { PanelMarket } from "../panel.ts";
import type { TrainConfig } from "../train.ts";
import { toFolds } from "../walkforward.ts";
import { byLoss, type Rung, toRungs, toSurvivors } from "./halving.ts";
import type { SweepJournal } from "./journal.ts";
import { configAt, type SearchSpace } from "./space.ts";

export interface SweepPlan {
  /** Trial 0, and what the space does not name; `maxEpochs` is the budget of the last rung. */
  readonly base: TrainConfig;
  readonly space: SearchSpace;
  readonly trials: number;
  /** Of the choice of configurations; each trial is fitted with the seed of `base`. */
  readonly seed: number;
}

export interface SweepContext {
  readonly artefacts: Pick<ArtefactStore, "put">;
  readonly runner: TrialRunner;
  /** Opens the journal of what is to be swept. */
  readonly journal: (identity: Readonly<Record<string, unknown>>) => SweepJournal;
  readonly log: (line: string) => void;
  /** Runs a long step that reports its progress: the features, then the trials. */
  readonly track: <T>(
    label: string,
    work: (report: (progress: Progress) => void) => Promise<T>,
  ) => Promise<T>;
  readonly signal?: AbortSignal | undefined;
}

export interface RankedTrial {
  readonly index: number;
  /** On the rung it came to. */
  readonly loss: number | null;
  readonly epochs: number;
  /** The values of the space's keys. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface SweepOutcome {
  readonly format: "ballast-sweep/1";
  readonly market: { readonly name: string; readonly root: Hex };
  /** The times all trials saw; the first test fold of `train` begins later. */
  readonly dataset: { readonly root: Hex; readonly from: string; readonly until: string };
  readonly backend: string;
  readonly seed: number;
  /** As planned; beside its trials the start, number 0, runs on each rung. */
  readonly rungs: readonly Rung[];
  /** Trials that came farther first, then by loss. */
  readonly ranking: readonly RankedTrial[];
  readonly best: TrainConfig;
}

export class NothingConvergedError extends BallastError {
  readonly code = "NOTHING_CONVERGED";
  readonly trials: number;
  constructor(trials: number) {
    super(`all ${trials} trials diverged. Narrow the space, above all to smaller learning rates.`);
    this.trials = trials;
  }
}

/** Number of the configuration that a sweep starts from. */
const START = 0;
/** Hours of forecast times before the first test fold below which a validation loss is noise. */
const LEAST_INNER_HOURS = 1200;

/**
 * The part of a data set that a sweep may see: what `train` fits its first fold on, which ends an embargo
 * before the first test block. No trial can look further, as it is given nothing more. Throws
 * TooLittleHistoryError.
 */
export function toInnerDataset(dataset: Dataset, config: TrainConfig): Dataset {
  const [first] = toFolds(dataset.times.length, dataset.strideHours, config);
  const inner = datasetBefore(dataset, Math.max(0, first!.trainEnd));
  if (inner.times.length * dataset.strideHours >= LEAST_INNER_HOURS) return inner;
  const margin = LOOKBACK_HOURS + LONGEST_HORIZON_HOURS;
  const needed = (LEAST_INNER_HOURS + LONGEST_HORIZON_HOURS) / (1 - config.testShare) + margin;
  throw new TooLittleHistoryError(dataset.times.length * dataset.strideHours + margin, Math.ceil(needed));
}

/**
 * Searches the space for the configuration with the least validation loss, by successive halving, on the times
 * before the first test fold of `train`. Results come from the journal where it has them. The outcome depends
 * on market, `until` and plan alone, not on the runner, its workers or their order. Throws what `toDataset`
 * and the runner throw, TooLittleHistoryError, SweepChangedError, NothingConvergedError, and the signal's reason.
 */
export async function sweep(
  market: PanelMarket,
  until: UnixMillis,
  plan: SweepPlan,
  context: SweepContext,
): Promise<SweepOutcome> {
  const { artefacts, log, track, signal } = context;
  const { base, space, seed } = plan;
  const { name, version } = await chooseBackend("wasm", log);
  const backend = `${name} ${version}`;
  const whole = await track("features", (onProgress) =>
    toDataset(market, { until, maxRows: base.maxRows, signal, onProgress }),
  );
  const dataset = toInnerDataset(whole, base);
  const root = await artefacts.put(datasetBytes(dataset), "dataset");
  const drawn = Array.from({ length: plan.trials }, (_, index) => configAt(space, base, index, seed));
  const configs = [...new Map(drawn.map((config) => [canonicalJson({ ...config }), config])).values()];
  if (configs.length < drawn.length)
    log(`Of ${drawn.length} configurations drawn ${configs.length} differ; each of these is one trial.`);
  const rungs = toRungs(configs.length, base.maxEpochs);
  const toTrial = (index: number, epochs: number): Trial => ({
    dataset: root,
    config: configs[index]!,
    seed: base.seed,
    epochs,
    backend,
  });
  const journal = context.journal({ data: root, configuration: { ...base }, space, seed, backend });
  try {
    const reached = await track("sweep", (report) => climb(rungs, toTrial, journal, context, report));
    const ranking = configs
      .map((config, index) => ({
        index,
        ...reached.get(index)!,
        values: Object.fromEntries(Object.keys(space).map((key) => [key, config[key as keyof TrainConfig]])),
      }))
      .sort((a, b) => b.epochs - a.epochs || byLoss(a, b));
    const [first] = ranking;
    if (first === undefined || first.loss === null) throw new NothingConvergedError(configs.length);
    return {
      format: "ballast-sweep/1",
      market: { name: market.name, root: market.hash },
      dataset: { root, from: isoTime(dataset.times[0]!), until: isoTime(dataset.times.at(-1)!) },
      backend,
      seed,
      rungs,
      ranking,
      best: configs[first.index]!,
    };
  } finally {
    journal.close();
  }
}

type Reached = Pick<RankedTrial, "loss" | "epochs">;

/** Runs rung after rung; returns where each trial came to. */
async function climb(
  rungs: readonly Rung[],
  toTrial: (index: number, epochs: number) => Trial,
  journal: SweepJournal,
  { runner, log, signal }: SweepContext,
  report: (progress: Progress) => void,
): Promise<ReadonlyMap<number, Reached>> {
  const reached = new Map<number, Reached>();
  let begun = 0;
  let entrants = Array.from({ length: rungs[0]!.trials }, (_, index) => index);
  for (const [k, { epochs }] of rungs.entries()) {
    const label = `rung ${k + 1} of ${rungs.length}`;
    const later = rungs.slice(k + 1).reduce((sum, rung) => sum + rung.trials * rung.epochs, 0);
    const total = begun + entrants.length * epochs + later;
    const indexOf = new Map(entrants.map((index) => [trialKey(toTrial(index, epochs)), index]));
    const missing: Trial[] = [];
    let done = 0;
    const settle = (key: Hex, { loss }: TrialResult) => {
      reached.set(indexOf.get(key)!, { loss, epochs });
      done += epochs;
    };
    for (const [key, index] of indexOf) {
      const known = journal.find(key);
      if (known === undefined) missing.push(toTrial(index, epochs));
      else settle(key, known);
    }
    if (done > 0) log(`${label}: ${done / epochs} of ${entrants.length} trials are in the journal already.`);
    report({ done: begun + done, total, label });
    await runner.run(
      missing,
      (trial, result) => {
        const key = trialKey(trial);
        journal.record(key, result);
        settle(key, result);
        report({ done: begun + done, total, label });
      },
      signal,
    );
    begun += entrants.length * epochs;
    const scored = entrants.map((index) => ({ index, loss: reached.get(index)!.loss }));
    const survivors = new Set(toSurvivors(scored, rungs[k + 1]?.trials ?? 0));
    // The start goes all the way, so that the winner is measured against it at the same cost.
    if (reached.get(START)!.loss !== null) survivors.add(START);
    entrants = [...survivors];
    if (entrants.length === 0) break;
  }
  return reached;
}
