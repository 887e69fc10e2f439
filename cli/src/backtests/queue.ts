import type { BacktestJob } from "@ballast/api";
import { isoTime, unixMillis } from "@ballast/data";
import type { JobQueue, QueuedJob } from "@ballast/training";
import type { CourseEnd } from "./course.ts";
import type { BacktestLimits } from "./limits.ts";
import { KEPT_MS, removeResults } from "./results.ts";

/** One queue for all processes on a Redis. */
export const QUEUE = "ballast-backtests";

export interface QueuedBacktest extends Pick<BacktestJob, "owner" | "submittedAt" | "request"> {
  /** The data set, by the name that all who share the queue have for it. */
  readonly set: string;
  /** Set by whoever cancels it; the worker that runs it looks. */
  readonly cancelledAt: string | null;
}

export interface QueuedOutcome extends CourseEnd {
  readonly progress: BacktestJob["progress"];
  /** That its results take in Redis. */
  readonly bytes: number;
}

export type BacktestQueue = JobQueue<QueuedBacktest, QueuedOutcome>;
type Queued = QueuedJob<QueuedBacktest, QueuedOutcome>;

const WAITING: BacktestJob["progress"] = { step: "waiting", done: 0, total: 0 };
const toTime = (at: number | undefined): string | null => (at === undefined ? null : isoTime(unixMillis(at)));

/** A job of the queue as the service shows it. What was cancelled stays so, however its worker ended. */
export function toBacktestJob({
  id,
  data,
  state,
  progress,
  begunAt,
  endedAt,
  result,
  failure,
}: Queued): BacktestJob {
  const { owner, submittedAt, request, cancelledAt } = data;
  const job: BacktestJob = {
    id,
    owner,
    state: state === "active" ? "running" : "queued",
    submittedAt,
    startedAt: toTime(begunAt),
    endedAt: toTime(endedAt),
    progress: (progress as BacktestJob["progress"] | undefined) ?? WAITING,
    error: null,
    request,
  };
  if (cancelledAt !== null) return { ...job, state: "cancelled", endedAt: cancelledAt };
  if (result !== undefined)
    return { ...job, state: result.state, error: result.error, progress: result.progress };
  if (failure === undefined) return job;
  const detail = "No worker brought it to its end; their logs have what it left.";
  return { ...job, state: "failed", error: { code: "BACKTEST_DIED", detail } };
}

/** Every job, those that wait in the order in which they will be begun. */
export async function findAll(queue: BacktestQueue, ...states: Queued["state"][]): Promise<Queued[]> {
  const found = await Promise.all((await queue.ids(...states)).map((id) => queue.find(id)));
  return found.filter((job) => job !== undefined);
}

/** Removes the oldest of what is over, as far as there are too many, or their results take too much of Redis. */
export async function prune(queue: BacktestQueue, limits: BacktestLimits): Promise<void> {
  const all = await findAll(queue, "waiting", "completed", "failed");
  const over = all
    .filter(({ state, data }) => state !== "waiting" || data.cancelledAt !== null)
    .sort((a, b) => (a.id < b.id ? 1 : -1));
  let bytes = 0;
  for (const [newer, { id, result }] of over.entries()) {
    bytes += result?.bytes ?? 0;
    if (newer < limits.kept && bytes <= limits.keptMb * 2 ** 20) continue;
    if (await queue.remove(id)) await removeResults(queue.link.redis, id);
  }
}

/** Whether its results are gone by their age, and it with them. */
export const isForgotten = ({ endedAt }: Pick<Queued, "endedAt">, now: number): boolean =>
  endedAt !== undefined && now - endedAt > KEPT_MS;
