import { parentPort, workerData } from "node:worker_threads";
import { BallastError } from "@ballast/data";
import { runShare, type ThreadAnswer, type ThreadTask } from "./sweep.ts";

/** The code of one thread of a sweep: it works with the others until no rule is left and answers once. */
function answer(task: ThreadTask): ThreadAnswer {
  Atomics.store(task.counters, task.number, 1);
  try {
    return { results: runShare(task) };
  } catch (error) {
    return { error: error instanceof BallastError ? error.message : String((error as Error).stack) };
  }
}

parentPort?.postMessage(answer(workerData as ThreadTask));
