import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BacktestJob } from "@ballast/api";
import { BallastError } from "@ballast/data";
import { openJobQueue, startJobWorker } from "@ballast/training";
import { type CourseEnd, labelsOf, startCourse, withoutPlaces } from "./course.ts";
import { openDataSets } from "./dataSets.ts";
import { BACKTEST_LIMITS, type BacktestLimits } from "./limits.ts";
import { toFile } from "./plan.ts";
import { prune, QUEUE, type QueuedBacktest, type QueuedOutcome, toBacktestJob } from "./queue.ts";
import { type ResultFile, saveResults } from "./results.ts";
import { openJobStore } from "./store.ts";

export interface BacktestWorkerOptions {
  readonly url: string;
  /** Where backtests are run; a worker that has the same folder goes on with what another left there. */
  readonly folder: string;
  readonly dataSets: Readonly<Record<string, string>>;
  readonly artefacts: string;
  /** Backtests at once. */
  readonly count: number;
  readonly limits?: Partial<BacktestLimits>;
  /** A backtest whose worker gives no sign for this long is given to another. Default 30 s. */
  readonly silenceMs?: number | undefined;
  readonly log: (line: string) => void;
}

/** How often a worker looks whether its backtest was cancelled. */
const LOOK_MS = 500;

class GivenBackError extends Error {}

/**
 * Runs the backtests of a queue until it is closed; one that is running then goes back to the queue, with a checkpoint in
 * the folder. Where a worker seemed dead and was not, two may run one: each writes the same bits, and the queue takes the
 * end of one. Errors: RedisUnreachableError.
 */
export async function startBacktestWorker(
  options: BacktestWorkerOptions,
): Promise<{ close(): Promise<void> }> {
  const { url, dataSets, artefacts, count, silenceMs, log } = options;
  const limits = { ...BACKTEST_LIMITS, ...options.limits };
  const folder = join(options.folder, "queue");
  const store = openJobStore(folder);
  const sets = openDataSets(dataSets);
  const queue = await openJobQueue<QueuedBacktest, QueuedOutcome>(url, QUEUE);
  const { redis } = queue.link;
  const names = { [folder]: "the backtests", [artefacts]: "the models", ...sets.names };

  async function run(
    id: string,
    { set, request }: QueuedBacktest,
    job: Pick<BacktestJob, "id" | "request" | "progress">,
    onProgress: (progress: BacktestJob["progress"]) => void,
    signal: AbortSignal,
  ): Promise<CourseEnd> {
    const { bars } = await sets.choose(set);
    signal.throwIfAborted();
    const course = startCourse({
      job,
      config: await store.saveConfig(id, toFile(request as never, { bars, artefacts, out: store.outOf(id) })),
      limits,
      names,
      onProgress,
      log,
    });
    const over = new AbortController();
    const close = () => void course.stop("closing");
    signal.addEventListener("abort", close);
    if (signal.aborted) close();
    void stopOnceCancelled(id, course.stop, over.signal);
    const end = await course.ended;
    over.abort();
    signal.removeEventListener("abort", close);
    return end;
  }

  async function stopOnceCancelled(
    id: string,
    stop: (cause: "cancelled") => Promise<void>,
    over: AbortSignal,
  ): Promise<void> {
    while (!over.aborted) {
      const job = await queue.find(id).catch(() => undefined);
      if (job !== undefined && job.data.cancelledAt !== null) return stop("cancelled");
      await sleep(LOOK_MS, undefined, { signal: over }).catch(() => {});
    }
  }

  /** What the engine left, as the service serves it. */
  const filesOf = (id: string, request: QueuedBacktest["request"]): [ResultFile, string][] => {
    const records = labelsOf({ request }).map((record) => ({ record }));
    return (["figures", "report", ...records] as ResultFile[]).flatMap((file) => {
      const text = file === "figures" ? JSON.stringify(store.result(id)) : store.read(id, file);
      return text === undefined ? [] : [[file, text] as [ResultFile, string]];
    });
  };

  async function removeLeftovers(): Promise<void> {
    for (const id of readdirOrNone(folder)) {
      const job = await queue.find(id);
      if (job === undefined || toBacktestJob(job).endedAt !== null) await store.remove(id);
    }
  }

  await removeLeftovers();
  const worker = await startJobWorker<QueuedBacktest, QueuedOutcome>({
    url,
    name: QUEUE,
    count,
    silenceMs,
    log,
    async run({ id, data, report }, signal) {
      let progress: BacktestJob["progress"] = { step: "waiting", done: 0, total: 0 };
      const ended = async (end: CourseEnd, bytes = 0): Promise<QueuedOutcome> => {
        await store.remove(id);
        log(`backtest ${id}: ${end.state}${end.error === null ? "" : `, ${end.error.code}`}`);
        return { ...end, progress, bytes };
      };
      if (data.cancelledAt !== null) return ended({ state: "cancelled", error: null });
      log(`backtest ${id}: begins`);
      try {
        const tell = (now: typeof progress) => {
          progress = now;
          report(now);
        };
        const end = await run(id, data, { id, request: data.request, progress }, tell, signal);
        if (end.state === "queued") throw new GivenBackError();
        if (end.state !== "done") return ended(end);
        progress = { ...progress, step: "", done: progress.total };
        const bytes = await saveResults(redis, id, filesOf(id, data.request), limits.resultMb);
        return ended(end, bytes);
      } catch (error) {
        if (!signal.aborted) log(`backtest ${id}: ${error}`);
        if (!(error instanceof BallastError)) throw error;
        const detail = withoutPlaces(error.message, names);
        return ended({ state: "failed", error: { code: error.code, detail } });
      } finally {
        // The newest is not among them yet.
        void prune(queue, limits).catch(() => {});
      }
    },
  });
  log(`Waiting for backtests from Redis at ${worker.address}, ${count} at once.`);
  return {
    async close() {
      await worker.close();
      await queue.close();
    },
  };
}

const readdirOrNone = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};
