import { connectRedis, type LinkEvents, type RedisLink, RedisUnreachableError } from "@ballast/agent";
import type { JobState } from "bullmq";
import { MOST_ATTEMPTS } from "./threads.ts";

/** Loaded where it is used: most commands never speak to Redis. */
const loadBullMq = () => import("bullmq");
/** Longer than Redis takes for an answer. */
const ANSWER_MS = 5_000;

export interface QueuedJob<Data, Result> {
  readonly id: string;
  readonly data: Data;
  readonly state: "waiting" | "active" | "completed" | "failed";
  /** What its worker said last; undefined before that. */
  readonly progress: unknown;
  /** When it was begun last, and when it ended, ms UTC. */
  readonly begunAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Of one that is completed. */
  readonly result: Result | undefined;
  /** Of one that failed. */
  readonly failure: string | undefined;
}

/** Jobs by id on a Redis; whoever opens the same name has the same jobs. */
export interface JobQueue<Data, Result> {
  readonly link: RedisLink;
  /** One that is there already stays as it is. */
  add(id: string, data: Data): Promise<void>;
  find(id: string): Promise<QueuedJob<Data, Result> | undefined>;
  /** Of jobs in these states; those that wait in the order in which they will be begun. */
  ids(...states: QueuedJob<Data, Result>["state"][]): Promise<string[]>;
  /** Puts other data in the place of a job's. */
  update(id: string, data: Data): Promise<void>;
  /** Begins one anew that failed. */
  retry(id: string): Promise<void>;
  /** False where a worker is at it. */
  remove(id: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface JobQueueOptions extends LinkEvents {
  /** What ended is kept for so many seconds, and so many of them; without it all are. */
  readonly kept?: { readonly age: number; readonly count: number };
  /** Fails at once while Redis is gone, where it would wait. */
  readonly isImpatient?: boolean;
}

/** Errors: RedisUnreachableError where there is no Redis to begin with. */
export async function openJobQueue<Data, Result>(
  url: string,
  name: string,
  { kept, isImpatient = false, ...events }: JobQueueOptions = {},
): Promise<JobQueue<Data, Result>> {
  const impatient = { maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: ANSWER_MS };
  const link = await connectRedis(url, events, isImpatient ? impatient : {});
  const { Job, Queue } = await loadBullMq();
  const queue = new Queue(name, { connection: link.redis });
  // A lost connection is told by the link, once.
  queue.on("error", () => {});
  const fromId = (id: string) => Job.fromId<Data, Result>(queue, id);

  return {
    link,
    async add(id, data) {
      const removal = kept && { removeOnComplete: kept, removeOnFail: kept };
      await queue.add("job", data, { jobId: id, ...removal });
    },
    async find(id) {
      const [job, state] = await Promise.all([fromId(id), queue.getJobState(id)]);
      if (job === undefined || state === "unknown") return undefined;
      const { data, progress, processedOn, finishedOn, returnvalue, failedReason } = job;
      const known = toState(state, finishedOn !== undefined);
      return {
        id,
        data,
        state: known,
        progress: progress === 0 ? undefined : progress,
        begunAt: processedOn,
        endedAt: finishedOn,
        result: known === "completed" ? returnvalue : undefined,
        failure: known === "failed" ? failedReason : undefined,
      };
    },
    ids: (...states) => queue.getRanges(states, 0, -1, true),
    async update(id, data) {
      await (await fromId(id))?.updateData(data);
    },
    async retry(id) {
      await (await fromId(id))?.retry("failed", { resetAttemptsStarted: true });
    },
    remove: async (id) => (await queue.remove(id)) === 1,
    async close() {
      link.close();
      await queue.close().catch(() => {});
    },
  };
}

/** The job was read a moment before its state: what ended in between is shown as ended the next time. */
function toState(state: JobState, hasEnded: boolean): QueuedJob<unknown, unknown>["state"] {
  if (state === "completed" || state === "failed") return hasEnded ? state : "active";
  return state === "active" ? "active" : "waiting";
}

export interface JobWorkerOptions<Data, Result> {
  readonly url: string;
  /** The queue's name. */
  readonly name: string;
  /** Jobs at once. */
  readonly count: number;
  readonly log: (line: string) => void;
  /** A job whose worker gives no sign for this long is given to another. Default 30 s. */
  readonly silenceMs?: number | undefined;
  /**
   * Runs one; what it throws is the job's failure. Once the signal is aborted it ends as soon as it can, and what it
   * throws then gives the job back.
   */
  readonly run: (job: RunningJob<Data>, signal: AbortSignal) => Promise<Result>;
}

export interface RunningJob<Data> {
  readonly id: string;
  readonly data: Data;
  /** Shows how far it is; what comes while the one before is on its way is left out. */
  report(progress: object): void;
}

/**
 * Takes jobs from a queue and runs them until it is closed. While Redis is gone it waits. A job that is running when it
 * closes goes back to the queue; one that has lost `MOST_ATTEMPTS` workers fails. Errors: RedisUnreachableError.
 */
export async function startJobWorker<Data, Result>({
  url,
  name,
  count,
  log,
  silenceMs = 30_000,
  run,
}: JobWorkerOptions<Data, Result>): Promise<{ readonly address: string; close(): Promise<void> }> {
  const link = await connectRedis(url, {
    onLost: () => log(`Redis at ${link.address} is gone; waiting for it.`),
    onBack: () => log(`Redis at ${link.address} is back.`),
  });
  const closing = new AbortController();
  const { WaitingError, Worker } = await loadBullMq();
  const worker = new Worker<Data, Result>(
    name,
    async (job, token) => {
      let isReporting = false;
      const report = (progress: object): void => {
        if (isReporting) return;
        isReporting = true;
        const told = job.updateProgress(progress).catch(() => {});
        void told.then(() => {
          isReporting = false;
        });
      };
      try {
        return await run({ id: job.id!, data: job.data, report }, closing.signal);
      } catch (error) {
        if (!closing.signal.aborted) throw error;
        await job.moveToWait(token);
        throw new WaitingError();
      }
    },
    {
      autorun: false,
      connection: link.redis,
      concurrency: count,
      lockDuration: silenceMs,
      stalledInterval: silenceMs / 2,
      maxStalledCount: MOST_ATTEMPTS - 1,
    },
  );
  // A lost connection is told above, once; a job that fails is told to whoever asks for it.
  worker.on("error", () => {});
  try {
    // Where Redis goes before all its connections stand, a worker that runs already would wait for ever.
    await worker.waitUntilReady();
  } catch (error) {
    await worker.close(true);
    link.close();
    throw new RedisUnreachableError(link.address, (error as Error).message);
  }
  worker
    .run()
    .catch((error: Error) => log(`Nothing more is taken from Redis at ${link.address}: ${error.message}`));
  return {
    address: link.address,
    async close() {
      closing.abort();
      // Without Redis nothing can be given back: the lock of the job ends by itself.
      await worker.close(link.redis.status !== "ready");
      link.close();
    },
  };
}
