import { BallastError, canonicalJson, type Hex, keccak } from "@ballast/data";
import type { Dataset } from "../dataset.ts";
import type { FitConfig } from "../fit.ts";
import { scoreForecasts, toFolds, walkForward } from "../walkforward.ts";

/** One fit to be scored: everything its result depends on, so that any worker gets the same bits. */
export interface Trial {
  /** Root of the data set, which is its name in the artefact store. */
  readonly dataset: Hex;
  readonly config: FitConfig;
  readonly seed: number;
  /** Most epochs that a member may take; the budget that successive halving hands out. */
  readonly epochs: number;
  /** Backend and version the loss is defined by: `wasm 4.22.0`. */
  readonly backend: string;
}

export interface TrialResult {
  /** Mean over the horizons of QLIKE as a ratio to per-asset log-HAR; null where the fit diverged. */
  readonly loss: number | null;
}

/** Names a trial by what it is. */
export const trialKey = (trial: Trial): Hex =>
  keccak(new TextEncoder().encode(canonicalJson({ ...trial, config: { ...trial.config } })));

export class TrialFailedError extends BallastError {
  readonly code = "TRIAL_FAILED";
  readonly trial: Hex;
  readonly attempts: number;
  constructor(trial: Trial, attempts: number, reason: string) {
    const key = trialKey(trial);
    super(
      `trial ${key} failed ${attempts === 1 ? "" : `${attempts} times `}(${reason}). ` +
        "Cure this and run the same command again: finished trials are kept.",
    );
    this.trial = key;
    this.attempts = attempts;
  }
}

/** Runs trials somewhere: in threads of this process, or on the workers of a queue. */
export interface TrialRunner {
  /**
   * Runs all, in any order, and reports each as it ends. A trial whose worker dies is run again, with the same
   * result. Throws TrialFailedError, what the transport throws, and the signal's reason; what was reported
   * before stands.
   */
  run(
    trials: readonly Trial[],
    onResult: (trial: Trial, result: TrialResult) => void,
    signal?: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Last part of a trial's data set on which it is scored. */
export const VALIDATION_SHARE = 0.2;

/** The part of a data set before time index `end`, with what is earlier than all, sharing its memory. */
export function datasetBefore(dataset: Dataset, end: number): Dataset {
  const { assets, strideHours, times, earlier } = dataset;
  const first = (table: Float64Array) => table.subarray(0, (table.length / times.length) * end);
  return {
    assets,
    strideHours,
    times: times.subarray(0, end),
    features: first(dataset.features),
    targets: first(dataset.targets),
    ewma: first(dataset.ewma),
    ...(earlier !== undefined && { earlier }),
  };
}

/**
 * Fits on the first part of a data set with at most `epochs` epochs, and scores on its last
 * `VALIDATION_SHARE`, an embargo of the longest horizon later: mean over the horizons of QLIKE as a ratio to
 * per-asset log-HAR. It sees the data set it is given and nothing else; a sweep gives it the times before the
 * first test fold. Null where the fit diverged. Equal arguments give equal bits on a reproducible backend.
 */
export async function validationLoss(
  dataset: Dataset,
  config: FitConfig,
  seed: number,
  epochs: number,
  signal?: AbortSignal,
): Promise<number | null> {
  const folds = toFolds(dataset.times.length, dataset.strideHours, { folds: 1, testShare: VALIDATION_SHARE });
  const bounded = { ...config, maxEpochs: Math.min(epochs, config.maxEpochs) };
  const outOfSample = await walkForward(dataset, folds, bounded, { seed, signal });
  const scores = scoreForecasts(dataset, outOfSample);
  const loss = scores.reduce((sum, { ratioToLogHar }) => sum + ratioToLogHar.network, 0) / scores.length;
  return Number.isFinite(loss) ? loss : null;
}
