import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { BallastError } from "@ballast/data";
import type { SimMarket } from "./market.ts";
import type { ReactiveRule, SimCosts, SimOptions } from "./rule.ts";
import type { SimResult } from "./sim-result.ts";
import { simulate } from "./simulate.ts";

/** Many rules over one market, at the same costs. */
export interface RuleSweep {
  readonly market: SimMarket;
  readonly rules: readonly ReactiveRule[];
  readonly costs: SimCosts;
  readonly options: SimOptions;
}

/** What a thread is given: the sweep, and the counters it shares with the others. */
export interface ThreadTask {
  readonly sweep: RuleSweep;
  /** [0]: the next rule nobody has taken; [number]: 1 once that thread has begun. */
  readonly counters: Int32Array;
  readonly number: number;
}
type Numbered = readonly (readonly [index: number, result: SimResult])[];
export type ThreadAnswer = { readonly results: Numbered } | { readonly error: string };

export class SweepThreadError extends BallastError {
  readonly code = "SWEEP_THREAD";
  constructor(reason: string) {
    super(`A thread of the sweep failed: ${reason} Correct the rule or the costs it names.`);
  }
}

/**
 * Runs every rule and returns the results in their order, whatever the number of threads (default: one per
 * processor). This thread works too, so that a short sweep does not wait for others to start; the market is shared,
 * not copied. Throws as `simulate`, or SweepThreadError with its message.
 */
export async function sweepRules(
  sweep: RuleSweep,
  threads: number = availableParallelism(),
): Promise<readonly SimResult[]> {
  const others = Math.max(0, Math.min(threads, sweep.rules.length) - 1);
  const counters = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * (others + 1)));
  const helpers = Array.from({ length: others }, (_, i) => startThread({ sweep, counters, number: i + 1 }));
  try {
    const done = [runShare({ sweep, counters, number: 0 })];
    for (const [i, { answer }] of helpers.entries()) {
      // One that has not begun by now finds nothing left to take.
      if (Atomics.load(counters, i + 1) === 1) done.push(await answer);
    }
    const results = new Array<SimResult>(sweep.rules.length);
    for (const [index, result] of done.flat()) results[index] = result;
    return results;
  } finally {
    await Promise.all(helpers.map(({ thread }) => thread.terminate()));
  }
}

/** Takes one rule after the other until none is left. */
export function runShare({ sweep, counters }: ThreadTask): Numbered {
  const { market, rules, costs, options } = sweep;
  const done: [number, SimResult][] = [];
  for (let i = Atomics.add(counters, 0, 1); i < rules.length; i = Atomics.add(counters, 0, 1)) {
    done.push([i, simulate(market, rules[i]!, costs, options)]);
  }
  return done;
}

function startThread(task: ThreadTask): { readonly thread: Worker; readonly answer: Promise<Numbered> } {
  // Options of this process, such as those of a test runner, are not the thread's.
  const thread = new Worker(new URL("./sweep-thread.ts", import.meta.url), {
    workerData: task,
    execArgv: [],
  });
  const { promise, resolve, reject } = Promise.withResolvers<Numbered>();
  thread.once("message", (message: ThreadAnswer) =>
    "error" in message ? reject(new SweepThreadError(message.error)) : resolve(message.results),
  );
  thread.once("error", reject);
  thread.once("exit", (status) => reject(new SweepThreadError(`it ended with status ${status}.`)));
  // Nobody may be waiting when it is ended early.
  promise.catch(() => {});
  return { thread, answer: promise };
}
