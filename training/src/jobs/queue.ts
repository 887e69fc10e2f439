import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "@ballast/data";
import { openJobQueue, startJobWorker } from "./job-queue.ts";
import { RedisGoneError } from "./redis.ts";
import { MOST_ATTEMPTS, type TrialThreads } from "./threads.ts";
import { type Trial, TrialFailedError, type TrialResult, type TrialRunner, trialKey } from "./trial.ts";

/** One queue for all sweeps on a Redis: a trial is named by its content, so that equal trials run once. */
const QUEUE = "ballast-trials";
const KEPT = { age: 7 * 24 * 3600, count: 100_000 };

export interface QueueRunnerOptions {
  readonly url: string;
  readonly log: (line: string) => void;
  /** How long Redis may be gone before a run gives up. Default ten minutes. */
  readonly patienceMs?: number | undefined;
  /** How often to look for results. Default half a second. */
  readonly pollMs?: number | undefined;
}

/**
 * Hands trials to the workers of a BullMQ queue. While Redis is gone it waits and says so; when Redis is back,
 * be it empty, the trials without a result are queued again. After `patienceMs` `run` throws RedisGoneError.
 * Throws RedisUnreachableError where there is no Redis to begin with.
 */
export async function queueRunner({
  url,
  log,
  patienceMs = 600_000,
  pollMs = 500,
}: QueueRunnerOptions): Promise<TrialRunner> {
  let giveUp: ((error: Error) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const queue = await openJobQueue<Trial, TrialResult>(url, QUEUE, {
    kept: KEPT,
    onLost() {
      const seconds = Math.round(patienceMs / 1000);
      log(`Redis at ${link.address} is gone; waiting up to ${seconds} s for it. Finished trials are kept.`);
      timer = setTimeout(() => giveUp?.(new RedisGoneError(link.address, seconds)), patienceMs);
    },
    onBack() {
      log(`Redis at ${link.address} is back.`);
      clearTimeout(timer);
    },
  });
  const { link } = queue;

  /** The result of a trial, where there is one; queues it where it is not known, or failed in an earlier run. */
  async function look(key: Hex, trial: Trial, isFirst: boolean): Promise<TrialResult | undefined> {
    const job = await queue.find(key);
    if (job === undefined) await queue.add(key, trial);
    else if (job.state === "completed") return job.result;
    else if (job.state !== "failed") return undefined;
    else if (isFirst) await queue.retry(key);
    else throw toFailure(trial, job.failure ?? "for no reason that was given");
    return undefined;
  }

  return {
    async run(trials, onResult, signal) {
      const waiting = new Map(trials.map((trial) => [trialKey(trial), trial]));
      const seen = new Set<Hex>();
      const { promise: stopped, reject } = Promise.withResolvers<never>();
      stopped.catch(() => {});
      giveUp = reject;
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort);
      try {
        signal?.throwIfAborted();
        while (waiting.size > 0) {
          for (const [key, trial] of waiting) {
            const result = await Promise.race([look(key, trial, !seen.has(key)), stopped]);
            seen.add(key);
            if (result === undefined) continue;
            waiting.delete(key);
            onResult(trial, result);
          }
          // A look at each of many trials is work for Redis, too.
          if (waiting.size > 0) await Promise.race([sleep(Math.max(pollMs, waiting.size)), stopped]);
        }
      } finally {
        giveUp = undefined;
        signal?.removeEventListener("abort", onAbort);
        // No worker shall begin what nobody waits for; those that run one come to its end.
        if (link.redis.status === "ready")
          await Promise.allSettled([...waiting.keys()].map((key) => queue.remove(key)));
      }
    },
    async close() {
      clearTimeout(timer);
      await queue.close();
    },
  };
}

const toFailure = (trial: Trial, reason: string): TrialFailedError =>
  reason.includes("stalled more than allowable limit")
    ? new TrialFailedError(trial, MOST_ATTEMPTS, "each worker that ran it died")
    : new TrialFailedError(trial, 1, reason);

export interface QueueWorkerOptions {
  readonly url: string;
  readonly threads: TrialThreads;
  /** Trials at once. */
  readonly count: number;
  readonly log: (line: string) => void;
  /** A trial whose worker gives no sign for this long is given to another. Default 30 s. */
  readonly silenceMs?: number | undefined;
}

/**
 * Takes trials from the queue and runs them until it is closed. While Redis is gone it waits. A trial that is
 * running when it closes goes back to the queue. Throws RedisUnreachableError.
 */
export async function startQueueWorker({
  threads,
  log,
  ...options
}: QueueWorkerOptions): Promise<{ close(): Promise<void> }> {
  const worker = await startJobWorker<Trial, TrialResult>({
    ...options,
    name: QUEUE,
    log,
    async run({ id, data }, signal) {
      log(`trial ${id}: at most ${data.epochs} epochs`);
      // The trial runs in a thread of its own, so that this one can renew the job's lock meanwhile.
      const result = await threads.score(data, signal);
      log(`trial ${id}: loss ${result.loss?.toFixed(4) ?? "none, it diverged"}`);
      return result;
    },
  });
  log(`Waiting for trials from Redis at ${worker.address}, ${options.count} at once.`);
  return worker;
}
