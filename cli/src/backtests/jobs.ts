import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { resolve } from "node:path";
import type { BacktestJob, BacktestJobs, BacktestRequest, DataSet } from "@ballast/api";
import { isoTime, unixMillis } from "@ballast/data";
import { describeDataSet } from "./dataSets.ts";
import { type Ending, type EngineRun, startEngine } from "./engine.ts";
import {
  BACKTEST_LIMITS,
  type BacktestLimits,
  BacktestOverError,
  NoSuchBacktestError,
  QueueFullError,
} from "./limits.ts";
import { checkFile, chooseDataSet, toFile } from "./plan.ts";
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

/** One that runs: why it was stopped, where it was, and when its end has been noted. */
interface Run {
  readonly engine: EngineRun;
  readonly isNoted: Promise<void>;
  cause?: "cancelled" | "late" | "closing";
}

const isOver = ({ state }: BacktestJob): boolean => state !== "queued" && state !== "running";

/**
 * A queue of backtests in this process, kept on the disk: what waited or ran when the process ended goes on in the next.
 * Errors: StoreBusyError where another process has the folder.
 */
export async function openBacktestJobs(options: BacktestJobsOptions): Promise<RunningBacktestJobs> {
  const { folder, dataSets, artefacts, clock, log } = options;
  const limits = { ...BACKTEST_LIMITS, ...options.limits };
  const names = Object.keys(dataSets);
  const release = await holdFolder(folder);
  const store = openJobStore(folder);
  const jobs = new Map<string, BacktestJob>();
  const beingSaved = new Map<string, BacktestJob>();
  const runs = new Map<string, Run>();
  const changes = new EventEmitter().setMaxListeners(0);
  const described = new Map<string, Promise<DataSet>>();
  let isClosing = false;
  let latest = 0;

  const change = (id: string, part: Partial<BacktestJob>): BacktestJob => {
    const job = { ...jobs.get(id)!, ...part };
    jobs.set(id, job);
    changes.emit(id, job);
    return job;
  };
  const now = (): string => isoTime(unixMillis(clock()));
  const all = (): BacktestJob[] => [...jobs.values()];
  const describe = (name: string): Promise<DataSet> => {
    const known = described.get(name) ?? describeDataSet(name, dataSets[name]!);
    described.set(name, known);
    // What could not be read is read again the next time.
    known.catch(() => described.delete(name));
    return known;
  };

  /** In the order of submission, and never twice the same. */
  const newId = (): string => {
    latest = Math.max(clock(), latest + 1);
    return latest.toString(16).padStart(12, "0") + randomBytes(6).toString("hex");
  };

  async function pump(): Promise<void> {
    if (isClosing || runs.size >= limits.running) return;
    const next = all().find(({ id, state }) => state === "queued" && !runs.has(id));
    if (next === undefined) return;
    const run = begin(next);
    void pump();
    await run;
    void pump();
  }

  async function begin({ id, startedAt, request, progress }: BacktestJob): Promise<void> {
    const { policies = [{ name: "threshold" }] } = request as BacktestRequest;
    const labels = policies.map(({ name, label = name }) => label);
    const engine = startEngine(store.configOf(id), limits.memoryMb, ({ step, done, total }) => {
      const before = labels.indexOf(step);
      if (runs.get(id)?.cause !== undefined) return;
      change(id, {
        progress:
          before < 0
            ? { ...jobs.get(id)!.progress, step }
            : { step, done: before * total + done, total: labels.length * total },
      });
    });
    const { promise: isNoted, resolve: note } = Promise.withResolvers<void>();
    const run: Run = { engine, isNoted };
    runs.set(id, run);
    const timer = setTimeout(() => {
      run.cause ??= "late";
      void engine.stop();
    }, limits.mostSeconds * 1000);
    await keep(change(id, { state: "running", startedAt: startedAt ?? now(), progress }));
    const ending = await engine.ended;
    clearTimeout(timer);
    const end = toEnd(ending, run.cause);
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
    if (ending.kind === "died" && run.cause === undefined)
      log(`backtest ${id} ended without a word: ${ending.stderr}`);
  }

  const toEnd = (ending: Ending, cause: string | undefined): Pick<BacktestJob, "state" | "error"> => {
    if (ending.kind === "done") return { state: "done", error: null };
    if (cause === "cancelled") return { state: "cancelled", error: null };
    if (cause === "closing") return { state: "queued", error: null };
    const failed = (code: string, detail: string) => ({ state: "failed" as const, error: { code, detail } });
    if (cause === "late")
      return failed(
        "BACKTEST_TOO_SLOW",
        `It took longer than ${limits.mostSeconds} s. Take a shorter period, fewer assets or fewer policies.`,
      );
    if (ending.kind === "failed") return failed(ending.code, withoutPlaces(ending.detail));
    return failed("BACKTEST_DIED", "Its process ended without a word; the server's log has what it left.");
  };

  /** Where things are on the server is nobody's business. */
  const withoutPlaces = (text: string): string =>
    [
      [resolve(folder), "the backtests"],
      [resolve(artefacts), "the models"],
      ...names.map((name) => [resolve(dataSets[name]!), name]),
    ]
      .sort(([a = ""], [b = ""]) => b.length - a.length)
      .reduce((rest, [place = "", called = ""]) => rest.replaceAll(place, called), text);

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
    latest = Math.max(latest, Number.parseInt(job.id.slice(0, 12), 16));
  }
  void pump();

  return {
    dataSets: () => Promise.all(names.map(describe)),
    async submit(request, owner) {
      const name = chooseDataSet(request.data, names);
      const id = newId();
      const file = toFile(request, { bars: dataSets[name]!, artefacts, out: store.outOf(id) });
      await checkFile(file, await describe(name), limits.mostSteps);
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
    get: (id) => jobs.get(id),
    list({ limit, cursor }) {
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
      run.cause ??= "cancelled";
      await run.engine.stop();
      await run.isNoted;
      return jobs.get(id)!;
    },
    result: async (id) => (jobs.get(id)?.state === "done" ? store.result(id) : undefined),
    read: async (id, file) => (jobs.get(id)?.state === "done" ? store.read(id, file) : undefined),
    onChange(id, listener) {
      changes.on(id, listener);
      return () => changes.off(id, listener);
    },
    async close() {
      isClosing = true;
      const left = [...runs.values()].map(async (run) => {
        run.cause ??= "closing";
        await run.engine.stop();
        await run.isNoted;
      });
      await Promise.all(left);
      await release();
    },
  };
}
