import { resolve } from "node:path";
import type { BacktestRequest, DataSet } from "@ballast/api";
import { BallastError } from "@ballast/data";
import {
  type BacktestFile,
  type BacktestPlan,
  checkPlan,
  readBacktestFile,
  toBacktestPlan,
} from "@ballast/training";
import { findManifest } from "../models.ts";

export class BadBacktestError extends BallastError {
  readonly code = "BAD_BACKTEST";
}

export class UnknownDataSetError extends BallastError {
  readonly code = "UNKNOWN_DATA_SET";
  constructor(name: string | undefined, known: readonly string[]) {
    super(
      `${name === undefined ? "data is missing" : `${name} is no data set here`}; choose one of ${known.join(", ")}.`,
    );
  }
}

export class BacktestTooLargeError extends BallastError {
  readonly code = "BACKTEST_TOO_LARGE";
  constructor(bars: number, assets: number, policies: number, most: number) {
    super(
      `${bars} bars × ${assets} assets × ${policies} policies are ${bars * assets * policies}, and at most ${most} are run ` +
        "here at once. Take a shorter period, fewer assets or fewer policies.",
    );
  }
}

/** The data set that a request names, or the only one. Error: UnknownDataSetError. */
export function chooseDataSet(name: string | undefined, known: readonly string[]): string {
  const chosen = name ?? (known.length === 1 ? known[0] : undefined);
  if (chosen === undefined || !known.includes(chosen)) throw new UnknownDataSetError(name, known);
  return chosen;
}

export interface Places {
  /** Folder of the data set. */
  readonly bars: string;
  readonly artefacts: string;
  readonly out: string;
}

/** The file of settings that runs a request. Places come from the service alone. */
export const toFile = (
  { data: _, ...request }: BacktestRequest,
  { bars, artefacts, out }: Places,
): BacktestFile => ({
  ...(request as BacktestFile),
  data: { bars: resolve(bars) },
  artefacts: resolve(artefacts),
  out: resolve(out),
});

/**
 * All that can be known to be wrong before a backtest is queued.
 * Errors: BadBacktestError, BacktestTooLargeError.
 */
export async function checkFile(file: BacktestFile, set: DataSet, mostSteps: number): Promise<void> {
  let plan: BacktestPlan;
  try {
    plan = toBacktestPlan(readBacktestFile(JSON.stringify(file), "the request"));
    checkPlan(plan);
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
    throw new BadBacktestError(error.message);
  }
  const missing = plan.assets.find((asset) => !set.assets.includes(asset));
  if (missing !== undefined)
    throw new BadBacktestError(`${set.name} has no ${missing}; it has ${set.assets.join(", ")}.`);
  if (plan.model !== "none" && plan.model !== "linear")
    await findManifest(plan.model, plan.artefacts).catch((error: unknown) => {
      if (!(error instanceof BallastError)) throw error;
      throw new BadBacktestError(
        `model is ${plan.model}, and there is none such here; /v1/models lists what there is.`,
      );
    });
  const at = (time: string | undefined, otherwise: number): number =>
    time === undefined ? otherwise : Date.parse(time);
  const [from, until] = [at(plan.from, set.from), at(plan.until, set.until)];
  if (!(from < until)) throw new BadBacktestError("from is not before until.");
  const period = Math.min(until, set.until) - Math.max(from, set.from);
  const bars = Math.max(0, Math.ceil(period / set.intervalMs));
  if (bars === 0)
    throw new BadBacktestError(
      `${set.name} has no bars in that period; it has those from ${new Date(set.from).toISOString()} to ${new Date(set.until).toISOString()}.`,
    );
  if (bars * plan.assets.length * plan.policies.length > mostSteps)
    throw new BacktestTooLargeError(bars, plan.assets.length, plan.policies.length, mostSteps);
}
