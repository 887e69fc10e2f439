import {
  FEATURE_COUNT,
  type ForecasterName,
  fitLogHar,
  HORIZONS_HOURS,
  type HorizonScore,
  type NetworkArtefact,
  predictLogHar,
  qlike,
  toForward,
} from "@ballast/model";
import { type Dataset, LONGEST_HORIZON_HOURS } from "./dataset.ts";
import { dieboldMariano } from "./evaluation/dieboldmariano.ts";
import { type FitConfig, type FitContext, fitNetwork, type NetworkFit } from "./fit.ts";

export interface WalkForwardConfig {
  readonly folds: number;
  /** Last part of the times that is forecast, in `folds` blocks of equal length. */
  readonly testShare: number;
}

/** One expanding window: fitted on times [0, trainEnd), forecast on [testStart, testEnd). */
export interface Fold {
  readonly trainEnd: number;
  readonly testStart: number;
  readonly testEnd: number;
}

/** Forecasts nobody fitted on: what each forecaster said about times after its training. */
export interface OutOfSample {
  readonly folds: readonly Fold[];
  /** The network of each fold. */
  readonly artefacts: readonly NetworkArtefact[];
  readonly fits: readonly Pick<NetworkFit, "epochs" | "belief">[];
  /** First row of the tables below in the dataset. */
  readonly firstRow: number;
  /** [row][horizon] variance per hour. */
  readonly forecasts: Readonly<Record<ForecasterName, Float64Array>>;
}

const HORIZONS = HORIZONS_HOURS.length;

/**
 * Expanding windows over `times` forecast times. Training stops an embargo of the longest horizon before the
 * block it is tested on, so that no target it saw reaches into the block.
 */
export function toFolds(times: number, strideHours: number, { folds, testShare }: WalkForwardConfig): Fold[] {
  const embargo = Math.ceil(LONGEST_HORIZON_HOURS / strideHours);
  const first = Math.round(times * (1 - testShare));
  const edge = (k: number) => first + Math.round(((times - first) * k) / folds);
  return Array.from({ length: folds }, (_, k) => ({
    trainEnd: edge(k) - embargo,
    testStart: edge(k),
    testEnd: edge(k + 1),
  }));
}

/** Fits network, pooled linear and per-asset log-HAR on every fold, and forecasts its block with each and EWMA. */
export async function walkForward(
  dataset: Dataset,
  folds: readonly Fold[],
  config: FitConfig,
  context: FitContext,
): Promise<OutOfSample> {
  const assets = dataset.assets.length;
  const firstRow = folds[0]!.testStart * assets;
  const rows = folds[folds.length - 1]!.testEnd * assets - firstRow;
  const table = () => new Float64Array(rows * HORIZONS);
  const forecasts = { network: table(), linear: table(), logHar: table(), ewma: table() };
  const artefacts: NetworkArtefact[] = [];
  const fits: Pick<NetworkFit, "epochs" | "belief">[] = [];
  for (const [k, fold] of folds.entries()) {
    const onShare = (share: number) => context.onShare?.((k + share) / folds.length);
    const fit = await fitNetwork(dataset, fold.trainEnd, config, { ...context, onShare });
    artefacts.push(fit.artefact);
    fits.push({ epochs: fit.epochs, belief: fit.belief });
    const network = toForward(fit.artefact);
    const linear = toForward(fit.linearOnly);
    for (let asset = 0; asset < assets; asset++) {
      const trainRows = Int32Array.from({ length: fold.trainEnd }, (_, t) => t * assets + asset);
      const logHar = fitLogHar(dataset.features, dataset.targets, trainRows);
      for (let t = fold.testStart; t < fold.testEnd; t++) {
        const row = t * assets + asset;
        const out = (row - firstRow) * HORIZONS;
        network.run(dataset.features, row * FEATURE_COUNT, forecasts.network.subarray(out, out + HORIZONS));
        linear.run(dataset.features, row * FEATURE_COUNT, forecasts.linear.subarray(out, out + HORIZONS));
        for (let h = 0; h < HORIZONS; h++) {
          forecasts.logHar[out + h] = predictLogHar(logHar, dataset.features, row * FEATURE_COUNT, h);
          forecasts.ewma[out + h] = dataset.ewma[row]!;
        }
      }
    }
  }
  return { folds, artefacts, fits, firstRow, forecasts };
}

/** QLIKE per horizon; the tests run over the mean loss of the assets at each time. */
export function scoreForecasts(dataset: Dataset, { firstRow, forecasts }: OutOfSample): HorizonScore[] {
  const assets = dataset.assets.length;
  const times = forecasts.network.length / HORIZONS / assets;
  return HORIZONS_HOURS.map((horizonHours, h) => {
    const losses = (name: ForecasterName) => {
      const perTime = new Float64Array(times);
      for (let r = 0; r < times * assets; r++) {
        const y = dataset.targets[(firstRow + r) * HORIZONS + h]!;
        const t = Math.floor(r / assets);
        perTime[t] = perTime[t]! + qlike(y, forecasts[name][r * HORIZONS + h]!) / assets;
      }
      return perTime;
    };
    const byName = {
      network: losses("network"),
      linear: losses("linear"),
      logHar: losses("logHar"),
      ewma: losses("ewma"),
    };
    const lag = Math.ceil(horizonHours / dataset.strideHours);
    const t = (other: ForecasterName) =>
      dieboldMariano(
        byName.network.map((loss, i) => loss - byName[other][i]!),
        lag,
      ).t;
    const means = mapScores((name) => mean(byName[name]));
    return {
      horizonHours,
      qlike: means,
      ratioToLogHar: mapScores((name) => means[name] / means.logHar),
      tAgainstLogHar: t("logHar"),
      tAgainstLinear: t("linear"),
    };
  });
}

const mapScores = (score: (name: ForecasterName) => number): Record<ForecasterName, number> => ({
  network: score("network"),
  linear: score("linear"),
  logHar: score("logHar"),
  ewma: score("ewma"),
});

const mean = (x: Float64Array): number => x.reduce((sum, v) => sum + v, 0) / x.length;
