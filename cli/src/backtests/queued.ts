import type { BacktestJob, BacktestJobs } from "@ballast/api";
import { BallastError, isoTime, unixMillis } from "@ballast/data";
import { openJobQueue } from "@ballast/training";
import { openDataSets } from "./dataSets.ts";
import { openIds } from "./ids.ts";
import {
  BACKTEST_LIMITS,
  type BacktestLimits,
  BacktestOverError,
  BacktestsUnavailableError,
  NoSuchBacktestError,
  QueueFullError,
} from "./limits.ts";
import { checkFile, toFile } from "./plan.ts";
import {
  type BacktestQueue,
  findAll,
  isForgotten,
  prune,
  QUEUE,
  type QueuedBacktest,
  type QueuedOutcome,
  toBacktestJob,
} from "./queue.ts";
import { fetchResult, type ResultFile } from "./results.ts";

export interface QueuedBacktestsOptions {
  readonly url: string;
  /** Folders of bars by the name that a request chooses them by; workers have the same under the same names. */
  readonly dataSets: Readonly<Record<string, string>>;
  readonly artefacts: string;
  readonly limits?: Partial<BacktestLimits>;
  /** ms */
  readonly clock: () => number;
  readonly log: (line: string) => void;
}

/** How often a watched backtest is looked at. */
const LOOK_MS = 250;

/**
 * Backtests that any number of processes share on a Redis: what one is sent, each other shows and may cancel, and workers
 * run. A cancelled one is so at once; its worker stops within a second. Errors: RedisUnreachableError.
 */
export async function openQueuedBacktests(
  options: QueuedBacktestsOptions,
): Promise<BacktestJobs & { close(): Promise<void> }> {
  const { url, dataSets, artefacts, clock, log } = options;
  const limits = { ...BACKTEST_LIMITS, ...options.limits };
  const queue: BacktestQueue = await openJobQueue<QueuedBacktest, QueuedOutcome>(url, QUEUE, {
    isImpatient: true,
    onLost: () => log(`Redis at ${queue.link.address} is gone; backtests wait for it.`),
    onBack: () => log(`Redis at ${queue.link.address} is back.`),
  });
  const { redis, address } = queue.link;
  const sets = openDataSets(dataSets);
  const ids = openIds(clock);
  const now = (): string => isoTime(unixMillis(clock()));
  let isOpen = true;

  /** What is asked of Redis fails in one way, whatever the reason. */
  const ask = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((error: Error) => {
      throw error instanceof BallastError ? error : new BacktestsUnavailableError(address, error.message);
    });

  async function get(id: string): Promise<BacktestJob | undefined> {
    const job = await ask(queue.find(id));
    return job === undefined || isForgotten(job, clock()) ? undefined : toBacktestJob(job);
  }

  /**
   * Takes a backtest back that found no room among those before it. Counted only now, by the order in the queue: of
   * two processes that submit at once each sees the other's, or comes before it.
   */
  async function refuseWithoutRoom(id: string, owner: string): Promise<void> {
    const waiting = await findAll(queue, "waiting");
    const place = waiting.findIndex((job) => job.id === id);
    const before = waiting.slice(0, Math.max(0, place)).filter(({ data }) => data.cancelledAt === null);
    const own = before.filter(({ data }) => data.owner === owner).length;
    if (own < limits.queuedPerOwner && before.length < limits.queued) return;
    // A worker that has begun it meanwhile has made the room.
    if (!(await queue.remove(id))) return;
    throw own >= limits.queuedPerOwner
      ? new QueueFullError(own, "of this key")
      : new QueueFullError(before.length, "of all keys");
  }

  async function read(id: string, file: ResultFile): Promise<string | undefined> {
    const job = await get(id);
    return job?.state === "done" ? ask(fetchResult(redis, id, file)) : undefined;
  }

  return {
    dataSets: sets.all,
    async submit(request, owner) {
      const { bars, described } = await sets.choose(request.data);
      const id = ids.next();
      await checkFile(toFile(request, { bars, artefacts, out: id }), described, limits.mostSteps);
      const data = { owner, request, set: described.name, submittedAt: now(), cancelledAt: null };
      await ask(queue.add(id, data));
      await ask(refuseWithoutRoom(id, owner));
      return (await get(id)) ?? toBacktestJob({ ...NEW, id, data });
    },
    get,
    async list({ limit, cursor }) {
      const all = await ask(queue.ids("waiting", "active", "completed", "failed"));
      const rest = all.filter((id) => cursor === undefined || id < cursor).sort((a, b) => (a < b ? 1 : -1));
      const page = rest.slice(0, limit);
      const items = await Promise.all(page.map(get));
      return {
        items: items.filter((job) => job !== undefined),
        nextCursor: rest.length > limit ? page.at(-1) : undefined,
      };
    },
    async cancel(id) {
      const job = await ask(queue.find(id));
      if (job === undefined) throw new NoSuchBacktestError(id);
      const shown = toBacktestJob(job);
      if (shown.endedAt !== null) throw new BacktestOverError(shown);
      const data = { ...job.data, cancelledAt: now() };
      await ask(queue.update(id, data));
      await ask(prune(queue, limits));
      return toBacktestJob({ ...job, data });
    },
    async result(id) {
      const text = await read(id, "figures");
      return text === undefined ? undefined : JSON.parse(text);
    },
    read,
    watch(id, listener) {
      let last = "";
      let timer: NodeJS.Timeout | undefined;
      const look = async (): Promise<void> => {
        // Without Redis there is nothing new to tell.
        const job = await get(id).catch(() => undefined);
        if (timer === undefined || !isOpen) return;
        const text = JSON.stringify(job);
        if (job !== undefined && text !== last) listener(job);
        last = text ?? last;
        timer = timer && setTimeout(look, LOOK_MS);
      };
      timer = setTimeout(look, 0);
      return () => {
        clearTimeout(timer);
        timer = undefined;
      };
    },
    async close() {
      isOpen = false;
      await queue.close();
    },
  };
}

/** One that nobody has looked at yet. */
const NEW = {
  state: "waiting",
  progress: undefined,
  begunAt: undefined,
  endedAt: undefined,
  result: undefined,
  failure: undefined,
} as const;
