import { Worker } from "node:worker_threads";
import { type Trial, TrialFailedError, type TrialResult, type TrialRunner } from "./trial.ts";

export type ThreadAnswer = { readonly result: TrialResult } | { readonly error: string };

export interface ThreadOptions {
  /** Folder of the artefact store that holds the trials' data sets. */
  readonly artefacts: string;
  readonly startThread?: ((artefacts: string) => Worker) | undefined;
}

/** Threads that each run one trial at a time; as many as there are trials at once. */
export interface TrialThreads {
  /** Throws TrialFailedError and the signal's reason; a trial that is stopped ends with its thread. */
  score(trial: Trial, signal?: AbortSignal): Promise<TrialResult>;
  close(): Promise<void>;
}

/** Times a trial is begun before the death of its worker is held to be its own fault. */
export const MOST_ATTEMPTS = 3;

export const startTrialThread = (artefacts: string): Worker =>
  // Options of this process, such as those of a test runner, are not the thread's.
  new Worker(new URL("./trial-thread.ts", import.meta.url), { workerData: { artefacts }, execArgv: [] });

export function openTrialThreads({ artefacts, startThread = startTrialThread }: ThreadOptions): TrialThreads {
  const idle: Worker[] = [];
  const alive = new Set<Worker>();

  function start(): Worker {
    const thread = startThread(artefacts);
    alive.add(thread);
    thread.on("exit", () => {
      alive.delete(thread);
      if (idle.includes(thread)) idle.splice(idle.indexOf(thread), 1);
    });
    // Whoever waits for the thread hears of it; without a listener it would end the process.
    thread.on("error", () => {});
    return thread;
  }

  return {
    async score(trial, signal) {
      for (let attempt = 1; ; attempt++) {
        signal?.throwIfAborted();
        const thread = idle.pop() ?? start();
        const answer = await ask(thread, trial, signal);
        if ("died" in answer) {
          if (attempt < MOST_ATTEMPTS) continue;
          throw new TrialFailedError(trial, attempt, answer.died);
        }
        idle.push(thread);
        if ("error" in answer) throw new TrialFailedError(trial, 1, answer.error);
        return answer.result;
      }
    },
    async close() {
      await Promise.all([...alive].map((thread) => thread.terminate()));
    },
  };
}

function ask(
  thread: Worker,
  trial: Trial,
  signal: AbortSignal | undefined,
): Promise<ThreadAnswer | { readonly died: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<ThreadAnswer | { readonly died: string }>();
  const onError = (error: Error) => resolve({ died: error.message });
  const onExit = (status: number) => resolve({ died: `its thread ended with status ${status}` });
  const onAbort = () => {
    reject(signal?.reason);
    void thread.terminate();
  };
  thread.once("message", resolve).once("error", onError).once("exit", onExit);
  signal?.addEventListener("abort", onAbort);
  thread.postMessage(trial);
  return promise.finally(() => {
    thread.off("message", resolve).off("error", onError).off("exit", onExit);
    signal?.removeEventListener("abort", onAbort);
  });
}

/** Runs trials on `count` threads of this process. */
export function threadRunner({ count, ...options }: ThreadOptions & { readonly count: number }): TrialRunner {
  const threads = openTrialThreads(options);
  return {
    async run(trials, onResult, signal) {
      const failed = new AbortController();
      const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
      const queue = trials.values();
      const lanes = Array.from({ length: Math.min(count, trials.length) }, async () => {
        for (const trial of queue) onResult(trial, await threads.score(trial, stop));
      });
      try {
        await Promise.all(lanes);
      } catch (error) {
        // The others stop at once, and nothing of them is reported after this has thrown.
        failed.abort(error);
        await Promise.allSettled(lanes);
        throw error;
      }
    },
    close: () => threads.close(),
  };
}
