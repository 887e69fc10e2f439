import { EventEmitter } from "node:events";
import type { BacktestJob, BacktestJobs } from "@ballast/api";
import { isoTime, unixMillis } from "@ballast/data";
import { type Course, startCourse } from "./course.ts";
import { openDataSets } from "./dataSets.ts";
import { openIds } from "./ids.ts";
import {
  BACKTEST_LIMITS,
  type BacktestLimits,
  BacktestOverError,
  NoSuchBacktestError,
  QueueFullError,
} from "./limits.ts";
import { checkFile, toFile } from "./plan.ts";
import { holdFolder, openJobStore } from "./store.ts";

export interface BacktestJobsOptions {
  /** Where backtests are kept; one process at a time. */
  readonly folder: string;
  /** Folders of bars by the name that a request chooses them by. */
  readonly dataSets: Readonly<Record<string, string>>;
  readonly artefacts: string;
  readonly limits?: Partial<BacktestLimits>;
  /** ms */
  readonly clock: () => number;
  readonly log: (line: string) => void;
}

export interface RunningBacktestJobs extends BacktestJobs {
  /** Stops what runs with a checkpoint; the next process on the same folder goes on. */
  close(): Promise<void>;
}

/** One that runs, and when its end has been noted. */
interface Run {
  readonly course: Course;
  readonly isNoted: Promise<void>;
}

const isOver = ({ state }: BacktestJob): boolean => state !== "queued" && state !== "running";

/**
 * A queue of backtests in this process, kept on the disk: what waited or ran when the process ended goes on in the next.
 * Errors: StoreBusyError where another process has the folder.
 */
export async function openBacktestJobs(options: BacktestJobsOptions): Promise<RunningBacktestJobs> {
  const { folder, dataSets, artefacts, clock, log } = options;
  const limits = { ...BACKTEST_LIMITS, ...options.limits };
  const release = await holdFolder(folder);
  const store = openJobStore(folder);
  const sets = openDataSets(dataSets);
  const ids = openIds(clock);
  const jobs = new Map<string, BacktestJob>();
  const beingSaved = new Map<string, BacktestJob>();
  const runs = new Map<string, Run>();
  const changes = new EventEmitter().setMaxListeners(0);
  let isClosing = false;

  const change = (id: string, part: Partial<BacktestJob>): BacktestJob => {
    const job = { ...jobs.get(id)!, ...part };
    jobs.set(id, job);
    changes.emit(id, job);
    return job;
  };
  const now = (): string => isoTime(unixMillis(clock()));
  const all = (): BacktestJob[] => [...jobs.values()];
  async function pump(): Promise<void> {
    if (isClosing || runs.size >= limits.running) return;
    const next = all().find(({ id, state }) => state === "queued" && !runs.has(id));
    if (next === undefined) return;
    const run = begin(next);
    void pump();
    await run;
    void pump();
  }

  async function begin(job: BacktestJob): Promise<void> {
    const { id, startedAt } = job;
    const course = startCourse({
      job,
      config: store.configOf(id),
      limits,
      names: { [folder]: "the backtests", [artefacts]: "the models", ...sets.names },
      onProgress: (progress) => change(id, { progress }),
      log,
    });
    const { promise: isNoted, resolve: note } = Promise.withResolvers<void>();
    runs.set(id, { course, isNoted });
    await keep(change(id, { state: "running", startedAt: startedAt ?? now() }));
    const end = await course.ended;
    if (end.state !== "done" && end.state !== "queued") await store.removeRun(id);
    const { progress: at } = jobs.get(id)!;
    await keep(
      change(id, {
        ...end,
        endedAt: end.state === "queued" ? null : now(),
        ...(end.state === "done" && { progress: { ...at, step: "", done: at.total } }),
      }),
    );
    runs.delete(id);
    note();
  }

  /** A state that cannot be written is said; the backtest itself goes on. */
  const keep = (job: BacktestJob): Promise<void> =>
    store.save(job).catch((error: Error) => log(`backtest ${job.id}: ${error.message}`));

  async function prune(): Promise<void> {
    const over = all().filter(isOver);
    for (const { id } of over.slice(0, Math.max(0, over.length - limits.kept))) {
      jobs.delete(id);
      await store.remove(id);
    }
  }

  for (const job of store.load((path) =>
    log(`${path} is no backtest that could be read; it is left alone.`),
  )) {
    jobs.set(job.id, isOver(job) ? job : { ...job, state: "queued" });
    ids.after(job.id);
  }
  void pump();

  return {
    dataSets: sets.all,
    async submit(request, owner) {
      const { bars, described } = await sets.choose(request.data);
      const id = ids.next();
      const file = toFile(request, { bars, artefacts, out: store.outOf(id) });
      await checkFile(file, described, limits.mostSteps);
      const waiting = [...all().filter(({ state }) => state === "queued"), ...beingSaved.values()];
      const own = waiting.filter((job) => job.owner === owner).length;
      if (own >= limits.queuedPerOwner) throw new QueueFullError(own, "of this key");
      if (waiting.length >= limits.queued) throw new QueueFullError(waiting.length, "of all keys");
      const job: BacktestJob = {
        id,
        owner,
        state: "queued",
        submittedAt: now(),
        startedAt: null,
        endedAt: null,
        progress: { step: "waiting", done: 0, total: 0 },
        error: null,
        request,
      };
      // Begun only once all of it is on the disk, and counted from now on.
      beingSaved.set(id, job);
      try {
        await store.saveConfig(id, file);
        await store.save(job);
        jobs.set(id, job);
      } catch (error) {
        await store.remove(id);
        throw error;
      } finally {
        beingSaved.delete(id);
      }
      await prune();
      void pump();
      return jobs.get(id)!;
    },
    get: async (id) => jobs.get(id),
    async list({ limit, cursor }) {
      const rest = all()
        .filter(({ id }) => cursor === undefined || id < cursor)
        .sort((a, b) => (a.id < b.id ? 1 : -1));
      const items = rest.slice(0, limit);
      return { items, nextCursor: rest.length > limit ? items.at(-1)!.id : undefined };
    },
    async cancel(id) {
      const job = jobs.get(id);
      if (job === undefined) throw new NoSuchBacktestError(id);
      if (isOver(job)) throw new BacktestOverError(job);
      const run = runs.get(id);
      if (run === undefined) {
        const cancelled = change(id, { state: "cancelled", endedAt: now() });
        await keep(cancelled);
        return cancelled;
      }
      await run.course.stop("cancelled");
      await run.isNoted;
      return jobs.get(id)!;
    },
    result: async (id) => (jobs.get(id)?.state === "done" ? store.result(id) : undefined),
    read: async (id, file) => (jobs.get(id)?.state === "done" ? store.read(id, file) : undefined),
    watch(id, listener) {
      const job = jobs.get(id);
      if (job !== undefined) listener(job);
      changes.on(id, listener);
      return () => changes.off(id, listener);
    },
    async close() {
      isClosing = true;
      const left = [...runs.values()].map(async (run) => {
        await run.course.stop("closing");
        await run.isNoted;
      });
      await Promise.all(left);
      await release();
    },
  };
}
