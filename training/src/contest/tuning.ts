import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { BallastError, type Progress } from "@ballast/data";
import { openTuning, type Share, type Tuned, tunedOf } from "../backtest/contest.ts";
import { FAMILIES } from "../backtest/families.ts";
import type { Window } from "../backtest/protocol.ts";
import type { Kept } from "./kept.ts";
import { type ContestPlan, foldsOf, type Ground, toContestOptions } from "./plan.ts";

/** A setting, and how many trials it took to find. */
export interface Tuning {
  readonly trials: number;
  readonly tuned: Tuned;
}

export interface TuningOptions {
  /** One per processor where absent. The result does not depend on it. */
  readonly threads?: number | undefined;
  /** Settings of runs before this one, which are not looked for again; none where absent. */
  readonly kept?: Kept | undefined;
  /** Told after each share of the work; `done` counts trials. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Shapes of one family to try on one window. */
export interface Job {
  readonly window: Window;
  /** Index into FAMILIES. */
  readonly family: number;
  readonly shapes: Window;
}
export interface Tried {
  readonly share: Share;
  readonly trials: number;
}
export type TuningAnswer = Tried | { readonly error: string };

export class TuningThreadError extends BallastError {
  readonly code = "TUNING_THREAD";
  constructor(reason: string) {
    super(`A thread that tunes failed: ${reason} Run it again with one thread to see where.`);
  }
}

const SHAPES_PER_JOB = 10;

/**
 * Tunes every family on the first window of every fold, [fold][family] as in FAMILIES. Jobs are the same whatever the
 * number of threads, and each is put where it belongs, so that the result is too, to the bit. A thread holds the arenas
 * of one window at a time; prices and gas are shared. Throws as `simulate`, TuningThreadError and the signal's reason.
 */
export async function tuneFamilies(
  ground: Ground,
  plan: ContestPlan,
  { threads = availableParallelism(), kept, onProgress = () => {}, signal }: TuningOptions = {},
): Promise<Tuning[][]> {
  const windows = foldsOf(ground, plan).map(({ tune }) => tune);
  const places = windows.flatMap((window) =>
    FAMILIES.map((family, f) => ({ window, family: f, known: kept?.read(window, family.name) })),
  );
  const jobs = places.flatMap(({ window, family, known }, place) =>
    known !== undefined ? [] : sharesOf(plan.shapes).map((shapes) => ({ place, window, family, shapes })),
  );
  const tried = places.map((): Tried[] => []);
  const tunings = places.map(({ known }) => known);
  const perShape = toContestOptions(ground, plan).widths.length;
  const total = jobs.reduce((sum, { shapes }) => sum + (shapes.to - shapes.from) * perShape, 0);
  let done = 0;
  const put = (place: number, shapes: Window, result: Tried) => {
    const mine = tried[place]!;
    mine[shapes.from / SHAPES_PER_JOB] = result;
    done += result.trials;
    const { window, family } = places[place]!;
    const { name } = FAMILIES[family]!;
    if (Object.keys(mine).length === sharesOf(plan.shapes).length) {
      const trials = mine.reduce((sum, share) => sum + share.trials, 0);
      const tuning = { trials, tuned: tunedOf(mine.map(({ share }) => share)) };
      tunings[place] = tuning;
      tried[place] = [];
      kept?.write(window, name, tuning);
    }
    onProgress({ done, total, label: `tuning ${name}` });
  };
  const count = Math.min(threads, jobs.length);
  const lanes = count > 1 ? openThreads(ground, plan, count) : [{ run: inline(ground, plan), stop() {} }];
  const queue = jobs.values();
  const stopAll = () => Promise.all(lanes.map((lane) => lane.stop()));
  const abort = () => void stopAll();
  signal?.addEventListener("abort", abort);
  try {
    await Promise.all(
      lanes.map(async ({ run }) => {
        for (const { place, ...job } of queue) {
          signal?.throwIfAborted();
          put(place, job.shapes, await run(job));
        }
      }),
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    await stopAll();
  }
  return windows.map((_, w) => FAMILIES.map((_, f) => tunings[w * FAMILIES.length + f]!));
}

const sharesOf = (shapes: number): Window[] =>
  Array.from({ length: Math.ceil(shapes / SHAPES_PER_JOB) }, (_, k) => ({
    from: k * SHAPES_PER_JOB,
    to: Math.min(shapes, (k + 1) * SHAPES_PER_JOB),
  }));

/** Does jobs one after the other; those of one window in a row share its arenas. */
export function openTuner(ground: Ground, plan: ContestPlan): (job: Job) => Tried {
  const options = toContestOptions(ground, plan);
  let open: { readonly window: Window; readonly tune: ReturnType<typeof openTuning> } | undefined;
  return ({ window, family, shapes }) => {
    if (open?.window.from !== window.from || open.window.to !== window.to) {
      open = undefined;
      open = { window, tune: openTuning(window, options) };
    }
    let trials = 0;
    const share = open.tune(FAMILIES[family]!, shapes, () => trials++);
    return { share, trials };
  };
}

function inline(ground: Ground, plan: ContestPlan): (job: Job) => Promise<Tried> {
  const tune = openTuner(ground, plan);
  return async (job) => {
    // Between two jobs, Ctrl-C and the progress have their turn.
    await setImmediate();
    return tune(job);
  };
}

interface Lane {
  run(job: Job): Promise<Tried>;
  stop(): unknown;
}

function openThreads(ground: Ground, plan: ContestPlan, count: number): Lane[] {
  const task = { ground: toShared(ground), plan };
  return Array.from({ length: count }, () => {
    // Options of this process, such as those of a test runner, are not the thread's.
    const thread = new Worker(new URL("./tuning-thread.ts", import.meta.url), {
      workerData: task,
      execArgv: [],
    });
    let waiting: PromiseWithResolvers<Tried> | undefined;
    let failure: TuningThreadError | undefined;
    const fail = (reason: string) => {
      failure ??= new TuningThreadError(reason);
      waiting?.reject(failure);
    };
    thread.on("message", (answer: TuningAnswer) =>
      "error" in answer ? fail(answer.error) : waiting?.resolve(answer),
    );
    thread.on("error", (error) => fail(`${error.message}.`));
    thread.on("exit", (status) => fail(`it ended with status ${status}.`));
    return {
      async run(job) {
        // It may have ended before anybody asked it for anything.
        if (failure !== undefined) throw failure;
        waiting = Promise.withResolvers();
        thread.postMessage(job);
        return waiting.promise;
      },
      stop: () => thread.terminate(),
    };
  });
}

/** The same with every column in memory that threads share. */
function toShared<T>(value: T): T {
  if (value instanceof Float64Array) {
    const shared = new Float64Array(new SharedArrayBuffer(value.byteLength));
    shared.set(value);
    return shared as T;
  }
  if (value instanceof Map) return new Map([...value].map(([key, column]) => [key, toShared(column)])) as T;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toShared(part)])) as T;
}
