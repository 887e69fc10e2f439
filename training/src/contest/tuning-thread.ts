import { parentPort, workerData } from "node:worker_threads";
import { BallastError } from "@ballast/data";
import type { ContestPlan, Ground } from "./plan.ts";
import { type Job, openTuner, type TuningAnswer } from "./tuning.ts";

/** The code of one thread that tunes: one answer a job. */
const { ground, plan } = workerData as { readonly ground: Ground; readonly plan: ContestPlan };
const tune = openTuner(ground, plan);

function answer(job: Job): TuningAnswer {
  try {
    return tune(job);
  } catch (error) {
    return { error: error instanceof BallastError ? error.message : String((error as Error).stack) };
  }
}

parentPort?.on("message", (job: Job) => parentPort?.postMessage(answer(job)));
