import {
  FEATURE_COUNT,
  type ForecasterName,
  fitLogHar,
  HORIZONS_HOURS,
  type HorizonScore,
  type NetworkArtefact,
  predictLogHar,
  QUANTILE_LEVELS,
  qlike,
  toForward,
} from "@ballast/model";
import { type Dataset, LONGEST_HORIZON_HOURS, timesKnownAt } from "./dataset.ts";
import { dieboldMariano } from "./evaluation/dieboldmariano.ts";
import { type FitConfig, type FitContext, fitNetwork, type NetworkFit } from "./fit.ts";

export interface WalkForwardConfig {
  readonly folds: number;
  /** Last part of the times that is forecast, in `folds` blocks of equal length. */
  readonly testShare: number;
}

/**
 * One expanding window: fitted at time index `testStart`, on every target that has ended by then, which keeps an
 * embargo of each horizon's own length; forecast on [testStart, testEnd).
 */
export interface Fold {
  /** End of the times whose targets have all ended at `testStart`; shorter targets are known of later times too. */
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
  /** [row][horizon][level]: the network's quantiles at QUANTILE_LEVELS, variance per hour. */
  readonly quantiles: Float64Array;
  /** [row][horizon] variance per hour. */
  readonly forecasts: Readonly<Record<ForecasterName, Float64Array>>;
}

const HORIZONS = HORIZONS_HOURS.length;
const LEVELS = QUANTILE_LEVELS.length;

/**
 * Expanding windows over `times` forecast times: the last `testShare` of them in `folds` equal blocks, each after
 * an embargo of the longest horizon for the targets that are so long.
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

/**
 * Fits network, pooled linear and per-asset log-HAR on every fold, and forecasts its block with each and EWMA.
 * The quantiles of a block come from the errors known at its start: those of the blocks before it, and those of
 * its own fit's rehearsal.
 */
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
  const quantiles = new Float64Array(rows * HORIZONS * LEVELS);
  const artefacts: NetworkArtefact[] = [];
  const fits: Pick<NetworkFit, "epochs" | "belief">[] = [];
  for (const [k, fold] of folds.entries()) {
    const at = dataset.times[fold.testStart]!;
    const onShare = (share: number) => context.onShare?.((k + share) / folds.length);
    const fit = await fitNetwork(dataset, at, config, { ...context, onShare });
    const logQuantiles = HORIZONS_HOURS.map((hours, h) => {
      const known = timesKnownAt(dataset.times, at, hours) * assets;
      return quantilesOf([
        fit.residuals[h]!,
        residuals(dataset, { firstRow, forecasts }, h, Math.max(0, known - firstRow)),
      ]);
    });
    const artefact = { ...fit.artefact, logQuantiles };
    artefacts.push(artefact);
    fits.push({ epochs: fit.epochs, belief: fit.belief });
    const network = toForward(artefact);
    const linear = toForward(fit.linearOnly);
    for (let asset = 0; asset < assets; asset++) {
      const known = HORIZONS_HOURS.map((hours) =>
        Int32Array.from(
          { length: timesKnownAt(dataset.times, at, hours) },
          (_, time) => time * assets + asset,
        ),
      );
      const logHar = fitLogHar(dataset.features, dataset.targets, known);
      for (let t = fold.testStart; t < fold.testEnd; t++) {
        const row = t * assets + asset;
        const out = (row - firstRow) * HORIZONS;
        network.run(dataset.features, row * FEATURE_COUNT, forecasts.network.subarray(out, out + HORIZONS));
        linear.run(dataset.features, row * FEATURE_COUNT, forecasts.linear.subarray(out, out + HORIZONS));
        for (let h = 0; h < HORIZONS; h++) {
          forecasts.logHar[out + h] = predictLogHar(logHar, dataset.features, row * FEATURE_COUNT, h);
          forecasts.ewma[out + h] = dataset.ewma[row]!;
          for (let q = 0; q < LEVELS; q++) {
            quantiles[(out + h) * LEVELS + q] = forecasts.network[out + h]! * Math.exp(logQuantiles[h]![q]!);
          }
        }
      }
    }
  }
  return { folds, artefacts, fits, firstRow, quantiles, forecasts };
}

/** log(realised/network's forecast) at one horizon, of all out-of-sample rows or the first `count`. */
export function residuals(
  dataset: Dataset,
  { firstRow, forecasts }: Pick<OutOfSample, "firstRow" | "forecasts">,
  horizon: number,
  count = forecasts.network.length / HORIZONS,
): Float64Array {
  return Float64Array.from({ length: count }, (_, r) =>
    Math.log(
      dataset.targets[(firstRow + r) * HORIZONS + horizon]! / forecasts.network[r * HORIZONS + horizon]!,
    ),
  );
}

/** Quantiles at QUANTILE_LEVELS of all the samples together (Hyndman & Fan 1996, type 7). */
export function quantilesOf(samples: readonly Float64Array[]): Float64Array {
  const sorted = Float64Array.from(samples.flatMap((sample) => [...sample])).sort();
  return Float64Array.from(QUANTILE_LEVELS, (level) => {
    const at = level * (sorted.length - 1);
    const low = sorted[Math.floor(at)]!;
    return low + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - low) + 0;
  });
}

/** QLIKE per horizon; the tests run over the mean loss of the assets at each time. */
export function scoreForecasts(
  dataset: Dataset,
  { firstRow, forecasts, quantiles }: OutOfSample,
): HorizonScore[] {
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
    let inside = 0;
    for (let r = 0; r < times * assets; r++) {
      const y = dataset.targets[(firstRow + r) * HORIZONS + h]!;
      const at = (r * HORIZONS + h) * LEVELS;
      if (y >= quantiles[at]! && y <= quantiles[at + LEVELS - 1]!) inside++;
    }
    return {
      horizonHours,
      qlike: means,
      ratioToLogHar: mapScores((name) => means[name] / means.logHar),
      tAgainstLogHar: t("logHar"),
      tAgainstLinear: t("linear"),
      coverage90: inside / (times * assets),
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
