import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isoTime, type Market, seededRandom, unixMillis } from "@ballast/data";
import { fitGarch, HORIZONS_HOURS, qlike } from "@ballast/model";
import {
  areaUnderCurve,
  type BreachOutcomes,
  brierSkill,
  CALIBRATION_VAULT,
  chooseBackend,
  christoffersen,
  type Dataset,
  DEFAULT_TRAIN_CONFIG,
  dieboldMariano,
  expectedCalibrationError,
  kupiec,
  modelConfidenceSet,
  type OutOfSample,
  type PanelMarket,
  reliabilityTable,
  toBreachOutcomes,
  toCalibrated,
  toDataset,
  toFolds,
  toPanelMean,
  walkForward,
} from "@ballast/training";
import { readPanel, writeSyntheticBars } from "./bars.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import { toCostRows } from "./costs.ts";
import { measureInterleaved, type Row, toMilliseconds, toTimedRow } from "./measure.ts";
import { type Panel, toHistory, toPanels } from "./variance-panel.ts";

const REFITS = 18;
const QUICK_REFITS = 2;
/** Twice what a model is trained on by default, for more times to be tested on. */
const ROWS = 60_000;
const SYNTHETIC_HOURS = 365 * 24;
const HORIZONS = HORIZONS_HOURS.length;
const LEVELS = 5;
/** Probability of leaving the best model out of the Model Confidence Set. */
const MCS_SIZE = 0.1;
const MCS_RESAMPLES = 1000;
const CALIBRATION_BINS = 10;
/** Below this p-value a coverage test rejects. */
const COVERAGE_SIZE = 0.05;

/**
 * Every volatility model on the same windows of a walk-forward, with the coverage of the network's intervals and
 * the skill of breach probabilities, on the folder's bars as `train` would see them.
 */
export async function forecast({ bars, isQuick, refits, log }: BenchmarkOptions): Promise<Row[]> {
  const own = bars === undefined ? mkdtempSync(join(tmpdir(), "ballast-bench-bars-")) : undefined;
  try {
    if (own !== undefined) await writeSyntheticBars(own, SYNTHETIC_HOURS);
    const market = await readPanel(bars ?? own!);
    log(`${market.assets.join(", ")}: ${market.length} bars of all from ${isoTime(market.start)}`);
    const [first] = market.earlier ?? [];
    if (first !== undefined)
      log(`learnt from, too: bars since ${isoTime(first.start)}, first of ${first.assets.join(", ")}`);
    const folds = refits ?? (isQuick ? QUICK_REFITS : REFITS);
    return await measure(market, folds, isQuick, log);
  } finally {
    if (own !== undefined) rmSync(own, { recursive: true });
  }
}

async function measure(
  market: PanelMarket,
  refits: number,
  isQuick: boolean,
  log: (line: string) => void,
): Promise<Row[]> {
  const config = {
    ...DEFAULT_TRAIN_CONFIG,
    maxRows: ROWS,
    folds: refits,
    ...(isQuick && { maxRows: 6_000, maxEpochs: 2 }),
  };
  await chooseBackend("wasm", log);
  const started = performance.now();
  const startMb = process.resourceUsage().maxRSS / 1024;
  const until = unixMillis(market.start + market.length * market.intervalMs);
  const dataset = await toDataset(market, { until, maxRows: config.maxRows });
  const folds = toFolds(dataset.times.length, dataset.strideHours, config);
  log(
    `${dataset.times.length} times, one each ${dataset.strideHours} h; tested from ` +
      `${isoTime(dataset.times[folds[0]!.testStart]!)}, fitted ${refits} times`,
  );
  let told = 0;
  const outOfSample = await walkForward(dataset, folds, config, {
    seed: config.seed,
    onShare: (share) => {
      if (share < told + 0.1) return;
      told = share;
      log(`network, linear and log-HAR, ${(100 * share).toFixed(0)} %`);
    },
  });
  const pooledSeconds = (performance.now() - started) / 1000;
  const panels = await toPanels(market, dataset, outOfSample, (name) => log(name));
  for (const { name, failures } of panels) for (const failure of failures) log(`${name}: ${failure}`);
  const seconds = (performance.now() - started) / 1000;
  const scores = toScores(dataset, outOfSample, panels);
  process.stdout.write(`${toModelTable(scores)}\n\n`);
  log("breach probabilities of generic vaults");
  const breaches = toBreachOutcomes(market, dataset, outOfSample, config.calibrationTimes);
  const peakMb = process.resourceUsage().maxRSS / 1024;
  return [
    ...toAccuracyRows(scores),
    ...toCoverageRows(dataset, outOfSample),
    ...toBreachRows(breaches),
    ...toCostRows(market, log),
    await measureGarch(market),
    row("walk_forward_s", seconds, "s", "less", "network, linear and log-HAR alone", pooledSeconds),
    row("peak_memory_mb", peakMb, "MB", "less", "before the walk-forward", startMb),
  ];
}

const row = (
  name: string,
  value: number,
  unit: string,
  better: Row["better"],
  peer: string,
  peerValue: number,
): Row => ({ name, value, unit, better, peer, peerValue });

interface Score {
  readonly horizonHours: number;
  readonly models: readonly {
    readonly name: string;
    /** Mean QLIKE as a ratio to log-HAR's; NaN where a forecast is missing. */
    readonly ratio: number;
    /** Diebold-Mariano against log-HAR; below 0 is better. */
    readonly t: number;
    readonly isInConfidenceSet: boolean;
  }[];
}

/** The tests run over the mean loss of the assets at each time. */
function toScores(dataset: Dataset, { firstRow, forecasts }: OutOfSample, panels: readonly Panel[]): Score[] {
  const assets = dataset.assets.length;
  const tables = new Map<string, Float64Array>([
    ["network", forecasts.network],
    ["pooled-linear", forecasts.linear],
    ["log-har-hourly", forecasts.logHar],
    ["ewma", forecasts.ewma],
    ...panels.map(({ name, forecasts: table }) => [name, table] as const),
  ]);
  return HORIZONS_HOURS.map((horizonHours, h) => {
    const lossOf = (table: Float64Array): Float64Array | undefined => {
      const cells = Float64Array.from({ length: table.length / HORIZONS }, (_, r) =>
        qlike(dataset.targets[(firstRow + r) * HORIZONS + h]!, table[r * HORIZONS + h]!),
      );
      return cells.every(Number.isFinite) ? toPanelMean(cells, assets) : undefined;
    };
    const losses = new Map([...tables].map(([name, table]) => [name, lossOf(table)]));
    const benchmark = losses.get("log-har-hourly")!;
    const lag = Math.ceil(horizonHours / dataset.strideHours);
    const known = [...losses].filter((entry): entry is [string, Float64Array] => entry[1] !== undefined);
    const { included } = modelConfidenceSet(
      known.map(([, loss]) => loss),
      {
        size: MCS_SIZE,
        statistic: "max",
        random: seededRandom(1, `mcs ${horizonHours}`),
        // Half a week at least: losses cluster as volatility does.
        meanBlock: Math.ceil(Math.max(84, 2 * horizonHours) / dataset.strideHours),
        resamples: MCS_RESAMPLES,
      },
    );
    const best = new Set(included.map((i) => known[i]![0]));
    return {
      horizonHours,
      models: [...losses].map(([name, loss]) => ({
        name,
        ratio: loss === undefined ? Number.NaN : mean(loss) / mean(benchmark),
        t:
          loss === undefined
            ? Number.NaN
            : dieboldMariano(
                loss.map((x, i) => x - benchmark[i]!),
                lag,
              ).t,
        isInConfidenceSet: best.has(name),
      })),
    };
  });
}

const mean = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0) / values.length;

function toModelTable(scores: readonly Score[]): string {
  const cell = (value: number) => (Number.isNaN(value) ? "—" : value.toFixed(3));
  const head = `QLIKE as a ratio to log-HAR of each asset, Diebold-Mariano t against it, * in the ${100 * (1 - MCS_SIZE)} % Model Confidence Set`;
  const names = scores[0]!.models.map(({ name }) => name);
  const width = Math.max(...names.map((name) => name.length));
  const title = scores.map(({ horizonHours }) => `${horizonHours} h`.padStart(18)).join("");
  const lines = names.map((name, m) => {
    const cells = scores.map(({ models }) => {
      const { ratio, t, isInConfidenceSet } = models[m]!;
      return `${cell(ratio)} (${Number.isNaN(t) ? "—" : t.toFixed(1)})${isInConfidenceSet ? "*" : " "}`.padStart(
        18,
      );
    });
    return `${name.padEnd(width)}${cells.join("")}`;
  });
  return [head, `${"".padEnd(width)}${title}`, ...lines].join("\n");
}

function toAccuracyRows(scores: readonly Score[]): Row[] {
  return scores.flatMap(({ horizonHours, models }) => {
    const of = (name: string) => models.find((model) => model.name === name)!;
    const network = of("network");
    const linear = of("pooled-linear");
    const rivals = models.filter(({ name, ratio }) => name !== "network" && !Number.isNaN(ratio));
    const rival = rivals.reduce((best, model) => (model.ratio < best.ratio ? model : best));
    const h = `${horizonHours}h`;
    return [
      row(
        `qlike_vs_loghar_${h}`,
        network.ratio,
        "ratio",
        "less",
        `best of the others, ${rival.name}`,
        rival.ratio,
      ),
      row(`qlike_vs_pooled_linear_${h}`, network.ratio / linear.ratio, "ratio", "less", "pooled linear", 1),
      row(`dm_t_${h}`, network.t, "t", "less", "pooled linear against log-HAR", linear.t),
    ];
  });
}

function toCoverageRows(dataset: Dataset, { firstRow, quantiles }: OutOfSample): Row[] {
  const assets = dataset.assets.length;
  return HORIZONS_HOURS.flatMap((horizonHours, h) => {
    const misses = Uint8Array.from({ length: quantiles.length / (HORIZONS * LEVELS) }, (_, r) => {
      const y = dataset.targets[(firstRow + r) * HORIZONS + h]!;
      const at = (r * HORIZONS + h) * LEVELS;
      return y < quantiles[at]! || y > quantiles[at + LEVELS - 1]! ? 1 : 0;
    });
    // Targets that overlap miss together, so the tests see every horizon-th time alone.
    const every = Math.ceil(horizonHours / dataset.strideHours);
    const passes = { kupiec: 0, christoffersen: 0 };
    for (let asset = 0; asset < assets; asset++) {
      const apart = misses.filter((_, r) => r % assets === asset && Math.floor(r / assets) % every === 0);
      const missed = apart.reduce((sum, m) => sum + m, 0);
      if (kupiec(missed, apart.length, 0.1).pValue > COVERAGE_SIZE) passes.kupiec++;
      if (christoffersen(apart, 0.1).independence.pValue > COVERAGE_SIZE) passes.christoffersen++;
    }
    const coverage = 1 - misses.reduce((sum, m) => sum + m, 0) / misses.length;
    const h1 = `${horizonHours}h`;
    const share = "share of assets wanted";
    return [
      row(`coverage90_${h1}`, coverage, "share", "more", "nominal", 0.9),
      row(`kupiec_passed_${h1}`, passes.kupiec / assets, "share", "more", share, 0.75),
      row(`christoffersen_passed_${h1}`, passes.christoffersen / assets, "share", "more", share, 0.75),
    ];
  });
}

/**
 * Skill is over the observed frequency of the same predictions. AUC is the mean of those within each band, as a
 * wide band is known to hold better than a narrow one; the calibration error is over all bands together.
 */
function toBreachRows(outcomes: BreachOutcomes): Row[] {
  const { raw, outcome, band } = outcomes;
  const calibrated = toCalibrated(outcomes);
  const uncalibrated = "the same, not recalibrated";
  const ece = (p: Float64Array) =>
    expectedCalibrationError(reliabilityTable(p, outcome, CALIBRATION_BINS, "equal-count"));
  const hours = `${CALIBRATION_VAULT.horizonHours}h`;
  const bands = CALIBRATION_VAULT.bands;
  const of = <T extends Float64Array | Uint8Array>(b: number, values: T) =>
    values.filter((_, i) => band[i] === b) as T;
  const auc = (p: Float64Array) =>
    bands.reduce((sum, _, b) => sum + areaUnderCurve(of(b, p), of(b, outcome)) / bands.length, 0);
  return [
    ...bands.map((width, b) => {
      const skill = (p: Float64Array) => brierSkill(of(b, p), of(b, outcome));
      const name = `brier_skill_${(100 * width).toString()}pp`;
      return row(name, skill(calibrated), "skill", "more", uncalibrated, skill(raw));
    }),
    row(`breach_auc_${hours}`, auc(calibrated), "AUC", "more", uncalibrated, auc(raw)),
    row(`breach_ece_${hours}`, ece(calibrated), "share", "less", uncalibrated, ece(raw)),
  ];
}

const GARCH_RETURNS = 2_000;

async function measureGarch(market: Market): Promise<Row> {
  const { returns } = toHistory(market, 0);
  const sample = returns.subarray(Math.max(0, returns.length - GARCH_RETURNS));
  const { own, peer } = await measureInterleaved(
    {
      own: { run: () => fitGarch(sample, { kind: "garch", mean: "zero" }) },
      peer: { run: () => fitGarch(sample, { kind: "gjr", mean: "zero" }) },
    },
    { warmUp: 5, samples: 20 },
  );
  const about = {
    name: "garch_fit_ms",
    unit: "ms",
    better: "less",
    peer: "GJR on the same returns",
  } as const;
  return toTimedRow(about, own, peer, toMilliseconds);
}
