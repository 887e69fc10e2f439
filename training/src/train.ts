import type { ArtefactStore, Hex, Progress, UnixMillis } from "@ballast/data";
import { isoTime, unixMillis } from "@ballast/data";
import {
  barsPerHour,
  FEATURE_NAMES,
  LOOKBACK_HOURS,
  type ModelManifest,
  manifestBytes,
  modelBytes,
  modelId,
  type NetworkArtefact,
  networkBytes,
  networkId,
} from "@ballast/model";
import { version_core } from "@tensorflow/tfjs-core";
import { type BackendName, chooseBackend } from "./backend.ts";
import { fitBreachNetwork } from "./breach-network.ts";
import { type BreachOutcomes, fitCalibration, toBreachOutcomes } from "./calibration.ts";
import { type Dataset, LONGEST_HORIZON_HOURS, TooLittleHistoryError, toDataset } from "./dataset.ts";
import { type FitConfig, fitNetwork } from "./fit.ts";
import { fitCosts } from "./fit-costs.ts";
import { withQuantiles } from "./intervals.ts";
import { toOutOfSampleReport } from "./out-of-sample.ts";
import type { PanelMarket } from "./panel.ts";
import { toRows } from "./rows.ts";
import { refuseUnsound } from "./soundness.ts";
import {
  type OutOfSample,
  outOfSampleErrors,
  scoreForecasts,
  toFolds,
  type WalkForwardConfig,
  walkForward,
} from "./walkforward.ts";

export interface TrainConfig extends FitConfig, WalkForwardConfig {
  readonly seed: number;
  /**
   * Upper bound of the rows (times × assets) since all assets are there; the stride between times follows from it,
   * and that of what is learnt of earlier times is the same.
   */
  readonly maxRows: number;
  /** Times of the test blocks on which breach probabilities are calibrated. */
  readonly calibrationTimes: number;
}

/**
 * Chosen walk-forward on hourly bars of nine assets before 2020-10 and of sixteen before 2022-01, and on 5-minute
 * bars before 2024-06; one choice for all markets.
 */
export const DEFAULT_TRAIN_CONFIG: TrainConfig = {
  seed: 1,
  maxRows: 30_000,
  hidden: [24, 12],
  members: 3,
  batchRows: 1024,
  learningRate: 2e-3,
  weightDecay: 3e-3,
  maxEpochs: 10,
  patience: 4,
  validationShare: 0.2,
  ridge: 1,
  correlationHalfLifeHours: 96,
  folds: 3,
  testShare: 0.45,
  calibrationTimes: 1000,
};

/** Training times below which a walk-forward has no room for its embargoes. */
const LEAST_TRAINING_HOURS = 1200;
/** Hours of bars that training needs at least, whatever the interval. */
export const LEAST_HISTORY_HOURS = LOOKBACK_HOURS + LONGEST_HORIZON_HOURS + LEAST_TRAINING_HOURS;

/** What was forecast out of sample, and what came: all that a report is made of. */
export interface Evaluated {
  readonly dataset: Dataset;
  readonly outOfSample: OutOfSample;
  readonly breaches: BreachOutcomes;
}

export interface TrainedModel {
  readonly artefact: NetworkArtefact;
  readonly modelId: Hex;
  /** Canonical bytes of the artefact; `modelId` is their hash. */
  readonly bytes: Uint8Array;
  readonly manifest: ModelManifest;
}

export interface TrainContext {
  /** End of training: nothing at or after it is read. */
  readonly until: UnixMillis;
  readonly log: (line: string) => void;
  readonly backend?: BackendName | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called once, before the final fit. */
  readonly onEvaluated?: ((evaluated: Evaluated) => void) | undefined;
}

/** Progress is reported in thousandths of the whole, by the time the parts usually take. */
const PROGRESS_TOTAL = 1000;
const SHARES = { features: 0.12, walkForward: 0.58, calibration: 0.05 };

/**
 * Trains a model on a market, and on what came before it, up to `until`: dataset, walk-forward with its scores,
 * calibration of breach probabilities on those out-of-sample forecasts, models of costs ahead, and the final fit on
 * everything. The same market,
 * configuration and reproducible backend give the same `modelId`. Throws TooLittleHistoryError,
 * ConstantSeriesError, DeadAssetError, TokenChangedError, NotFiniteError, UnsupportedIntervalError,
 * NoBackendError, and the signal's reason.
 */
export async function train(
  market: PanelMarket,
  config: TrainConfig,
  context: TrainContext,
): Promise<TrainedModel> {
  const { until, log, signal, onProgress } = context;
  const hours = market.past(until).length / barsPerHour(market.intervalMs);
  if (hours < LEAST_HISTORY_HOURS) throw new TooLittleHistoryError(hours, LEAST_HISTORY_HOURS);
  refuseUnsound(market, until);
  const report = (label: string, from: number, share: number) => (done: number) =>
    onProgress?.({ done: Math.round(PROGRESS_TOTAL * (from + share * done)), total: PROGRESS_TOTAL, label });

  /** Where the market ends before `until`, no target reaches further. */
  const known = Math.min(until, market.start + market.length * market.intervalMs);

  const [first] = market.earlier ?? [];
  if (first !== undefined)
    log(
      `learning, too, from what is outside the overlap, since ${isoTime(first.start)}, first of ${first.assets.join(", ")}`,
    );
  const backend = await chooseBackend(context.backend, log);
  const onFeatures = report("features", 0, SHARES.features);
  const dataset = await toDataset(market, {
    until,
    maxRows: config.maxRows,
    signal,
    onProgress: ({ done, total }) => onFeatures(done / (total ?? done)),
  });

  let begun = SHARES.features;
  const folds = toFolds(dataset.times.length, dataset.strideHours, config);
  const outOfSample = await walkForward(dataset, folds, config, {
    seed: config.seed,
    signal,
    onShare: report("walk-forward", begun, SHARES.walkForward),
  });
  const metrics = scoreForecasts(dataset, outOfSample);
  begun += SHARES.walkForward;

  const breaches = toBreachOutcomes(market, dataset, outOfSample, config.calibrationTimes);
  const calibration = fitCalibration(breaches);
  context.onEvaluated?.({ dataset, outOfSample, breaches });
  begun += SHARES.calibration;

  const costs = fitCosts(market, unixMillis(known), signal);
  for (const { series, reason } of costs.report.leftOut) log(`Costs ahead: ${series} is left out. ${reason}`);
  if (costs.models.length === 0) log("Costs ahead: the market has no series that could be forecast.");

  const breach = await fitBreachNetwork(market, {
    until: unixMillis(known),
    maxRows: config.maxRows,
    seed: config.seed,
    signal,
  });
  const breachBytes = networkBytes(breach.network);

  const final = await fitNetwork(toRows(dataset), dataset.assets, known, config, {
    seed: config.seed,
    signal,
    onShare: report("final fit", begun, 1 - begun),
  });
  const errors = [final.errors, outOfSampleErrors(dataset, outOfSample)];
  const artefact: NetworkArtefact = {
    ...withQuantiles(final.artefact, errors, known, dataset.strideHours),
    breachCalibration: { a: calibration.a, b: calibration.b },
    ...(costs.models.length > 0 && { costs: costs.models }),
    breachNetwork: `0x${Buffer.from(breachBytes).toString("hex")}`,
  };
  const bytes = modelBytes(artefact);
  const id = modelId(bytes);
  onProgress?.({ done: PROGRESS_TOTAL, total: PROGRESS_TOTAL, label: "done" });

  const timeAt = (index: number) => isoTime(dataset.times[Math.min(index, dataset.times.length - 1)]!);
  const manifest: ModelManifest = {
    format: "ballast-manifest/1",
    modelId: id,
    dataset: {
      root: market.hash,
      name: market.name,
      assets: market.assets,
      intervalMs: market.intervalMs,
      from: isoTime(market.start),
      until: isoTime(known),
      times: dataset.times.length,
      strideHours: dataset.strideHours,
    },
    configuration: { ...config },
    features: FEATURE_NAMES,
    backend,
    versions: { node: process.versions.node, v8: process.versions.v8, tfjsCore: version_core },
    folds: folds.map((fold, k) => ({
      trainUntil: timeAt(fold.testStart),
      testFrom: timeAt(fold.testStart),
      testUntil: timeAt(fold.testEnd),
      ...outOfSample.fits[k]!,
    })),
    metrics,
    calibration,
    outOfSample: toOutOfSampleReport(dataset, outOfSample, breaches),
    costs: costs.report,
    breachNetwork: { id: networkId(breachBytes), ...breach.report },
  };
  return { artefact, modelId: id, bytes, manifest };
}

/** Stores a model and its manifest by content hash; returns both hashes. Throws what the store throws. */
export async function storeModel(
  store: Pick<ArtefactStore, "put">,
  model: TrainedModel,
): Promise<{ modelId: Hex; manifestHash: Hex }> {
  const id = await store.put(model.bytes, "model");
  const manifestHash = await store.put(manifestBytes(model.manifest), "manifest");
  return { modelId: id, manifestHash };
}
