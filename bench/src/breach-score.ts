import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isoTime, type Market, type UnixMillis, unixMillis } from "@ballast/data";
import type { IntegerNetwork } from "@ballast/model";
import {
  areaUnderCurve,
  CALIBRATION_VAULT,
  chooseBackend,
  DEFAULT_TRAIN_CONFIG,
  fitBreachNetwork,
  toBreachOutcomes,
  toBreachScores,
  toDataset,
  toFolds,
  walkForward,
} from "@ballast/training";
import { readMostTraded, writeSyntheticBars } from "./bars.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import type { Row } from "./measure.ts";

const SYNTHETIC_HOURS = 365 * 24;

/**
 * What a vault gives up by judging for itself: the loss of integers against the floats they were made from, and how
 * well its score ranks breaches within a day beside the first-passage formula with the whole forecaster, both asked
 * the same questions about times after their training.
 */
export async function breachScore({ bars, isQuick, log, until }: BenchmarkOptions): Promise<Row[]> {
  const own = bars === undefined ? mkdtempSync(join(tmpdir(), "ballast-bench-bars-")) : undefined;
  try {
    if (own !== undefined) await writeSyntheticBars(own, SYNTHETIC_HOURS);
    const market = await readMostTraded(bars ?? own!, Number.MAX_SAFE_INTEGER);
    const end = unixMillis(
      Math.min(until ?? Number.POSITIVE_INFINITY, market.start + market.length * market.intervalMs),
    );
    log(`breach score: ${market.assets.length} assets from ${isoTime(market.start)} until ${isoTime(end)}`);
    return await measure(market, end, isQuick, log);
  } finally {
    if (own !== undefined) rmSync(own, { recursive: true });
  }
}

async function measure(
  market: Market,
  until: UnixMillis,
  isQuick: boolean,
  log: (line: string) => void,
): Promise<Row[]> {
  const config = { ...DEFAULT_TRAIN_CONFIG, ...(isQuick && { maxRows: 6_000, maxEpochs: 2, folds: 1 }) };
  const { seed, maxRows, calibrationTimes } = config;
  await chooseBackend("wasm", log);
  const dataset = await toDataset(market, { until, maxRows });
  const folds = toFolds(dataset.times.length, dataset.strideHours, config);
  const networks: IntegerNetwork[] = [];
  for (const { testStart } of folds) {
    const known = unixMillis(dataset.times[testStart]!);
    networks.push((await fitBreachNetwork(market, { until: known, maxRows, seed })).network);
    log(`breach network of what was known at ${isoTime(known)}`);
  }
  const { report } = await fitBreachNetwork(market, { until, maxRows, seed });
  const outOfSample = await walkForward(dataset, folds, config, { seed });
  const outcomes = toBreachOutcomes(market, dataset, outOfSample, calibrationTimes);
  const scores = toBreachScores(market, dataset, folds, networks, calibrationTimes);
  const loss = (qlike: "qlike" | "qlikeFloat") =>
    report.horizons.reduce((sum, horizon) => sum + horizon[qlike] / report.horizons.length, 0);
  const worst = Math.max(...report.horizons.map(({ quantisationLossPct }) => quantisationLossPct));
  log(
    `QLIKE ${loss("qlike").toFixed(4)} of integers, ${loss("qlikeFloat").toFixed(4)} of floats, mean over horizons`,
  );
  for (const { band, horizonHours, auc, brierSkill, frequency } of report.breach)
    log(
      `score on the last quarter, ${(100 * band).toFixed(1)} pp, ${horizonHours} h: AUC ${auc.toFixed(3)}, ` +
        `Brier skill ${brierSkill.toFixed(3)}, ${(100 * frequency).toFixed(2)} % breached`,
    );
  const ranks = CALIBRATION_VAULT.bands.map((band, b): Row => {
    const asked = (_: number, i: number) => outcomes.band[i] === b;
    const outcome = outcomes.outcome.filter(asked);
    return {
      name: `breach_score_auc_24h_${Math.round(band * 1e4)}bp`,
      value: areaUnderCurve(toRanks(scores.filter(asked)), outcome),
      unit: "AUC",
      better: "more",
      peer: "first-passage formula with the whole forecaster",
      peerValue: areaUnderCurve(outcomes.raw.filter(asked), outcome),
    };
  });
  return [
    {
      name: "quantisation_qlike_loss_pct",
      value: worst,
      unit: "%",
      better: "less",
      peer: "the bound it must keep, worst horizon",
      peerValue: 0.5,
    },
    ...ranks,
  ];
}

/** To probabilities in the order of the scores, as `areaUnderCurve` wants them. */
const toRanks = (scores: Float64Array): Float64Array => scores.map((s) => 1 / (1 + 2 ** (-s / 1024)));
