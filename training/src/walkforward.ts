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
import { type Dataset, LONGEST_HORIZON_HOURS } from "./dataset.ts";
import { dieboldMariano } from "./evaluation/dieboldmariano.ts";
import { type FitConfig, type FitContext, fitNetwork, type NetworkFit } from "./fit.ts";
import { type Errors, withQuantiles } from "./intervals.ts";
import { type Rows, timesKnownAt, toRows } from "./rows.ts";

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
 * Fits network, pooled linear and per-asset log-HAR on every fold, each on all rows known then, and forecasts its
 * block with each and EWMA. The quantiles of a block come from the errors known at its start: those of the blocks
 * before it, and those of its own fit's rehearsal.
 */
export async function walkForward(
  dataset: Dataset,
  folds: readonly Fold[],
  config: FitConfig,
  context: FitContext,
): Promise<OutOfSample> {
  const assets = dataset.assets.length;
  const firstRow = folds[0]!.testStart * assets;
  const count = folds[folds.length - 1]!.testEnd * assets - firstRow;
  const table = () => new Float64Array(count * HORIZONS);
  const forecasts = { network: table(), linear: table(), logHar: table(), ewma: table() };
  const quantiles = new Float64Array(count * HORIZONS * LEVELS);
  const artefacts: NetworkArtefact[] = [];
  const fits: Pick<NetworkFit, "epochs" | "belief">[] = [];
  const rows = toRows(dataset);
  for (const [k, fold] of folds.entries()) {
    const at = dataset.times[fold.testStart]!;
    const onShare = (share: number) => context.onShare?.((k + share) / folds.length);
    const fit = await fitNetwork(rows, dataset.assets, at, config, { ...context, onShare });
    const before = outOfSampleErrors(dataset, { firstRow, forecasts }, fold.testStart * assets - firstRow);
    const artefact = withQuantiles(fit.artefact, [fit.errors, before], at, dataset.strideHours);
    artefacts.push(artefact);
    fits.push({ epochs: fit.epochs, belief: fit.belief });
    const network = toForward(artefact, dataset.assets);
    const linear = toForward(fit.linearOnly, dataset.assets);
    for (let asset = 0; asset < assets; asset++) {
      const logHar = fitLogHar(rows.features, rows.targets, rowsOf(rows, asset, at));
      const spread = artefact.assets[asset]!.logQuantiles!.map((row) => row.map(Math.exp));
      for (let t = fold.testStart; t < fold.testEnd; t++) {
        const row = t * assets + asset;
        const out = (row - firstRow) * HORIZONS;
        const into = (forecast: Float64Array) => forecast.subarray(out, out + HORIZONS);
        network.run(dataset.features, row * FEATURE_COUNT, into(forecasts.network), asset);
        linear.run(dataset.features, row * FEATURE_COUNT, into(forecasts.linear), asset);
        for (let h = 0; h < HORIZONS; h++) {
          forecasts.logHar[out + h] = predictLogHar(logHar, dataset.features, row * FEATURE_COUNT, h);
          forecasts.ewma[out + h] = dataset.ewma[row]!;
          for (let q = 0; q < LEVELS; q++)
            quantiles[(out + h) * LEVELS + q] = forecasts.network[out + h]! * spread[h]![q]!;
        }
      }
    }
  }
  return { folds, artefacts, fits, firstRow, quantiles, forecasts };
}

/** Per horizon, the rows of one asset whose target has ended by `at`. */
const rowsOf = ({ times, asset: assets }: Rows, asset: number, at: number): Int32Array[] =>
  HORIZONS_HOURS.map((hours) => {
    const known = timesKnownAt(times, at, hours);
    const found: number[] = [];
    for (let row = 0; row < known; row++) if (assets[row] === asset) found.push(row);
    return Int32Array.from(found);
  });

/** [horizon]: the network's errors on all out-of-sample rows, or the first `count`. */
export function outOfSampleErrors(
  { assets, times, targets }: Dataset,
  { firstRow, forecasts }: Pick<OutOfSample, "firstRow" | "forecasts">,
  count = forecasts.network.length / HORIZONS,
): Errors[] {
  const of = (value: (r: number) => number) => Float64Array.from({ length: count }, (_, r) => value(r));
  const made = of((r) => times[Math.floor((firstRow + r) / assets.length)]!);
  const asset = of((r) => (firstRow + r) % assets.length);
  return HORIZONS_HOURS.map((_, h) => ({
    times: made,
    asset,
    log: of((r) => Math.log(targets[(firstRow + r) * HORIZONS + h]! / forecasts.network[r * HORIZONS + h]!)),
  }));
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

export const mapScores = <T>(score: (name: ForecasterName) => T): Record<ForecasterName, T> => ({
  network: score("network"),
  linear: score("linear"),
  logHar: score("logHar"),
  ewma: score("ewma"),
});

const mean = (x: Float64Array): number => x.reduce((sum, v) => sum + v, 0) / x.length;
