import { setImmediate } from "node:timers/promises";
import { HOUR_MS, isoTime, type Market, type UnixMillis, unixMillis } from "@ballast/data";
import {
  barsPerHour,
  calibrate,
  FEATURE_COUNT,
  featureRows,
  LOOKBACK_HOURS,
  lookbackBars,
  type NetworkArtefact,
} from "@ballast/model";
import { CALIBRATION_VAULT, toBreachOutcomes } from "./calibration.ts";
import { calibrationCusum, populationStability } from "./evaluation/stability.ts";

/** A reason to train again before the schedule says so. */
export interface Drift {
  readonly kind: "features" | "calibration";
  /** In words, with the numbers. */
  readonly reason: string;
}

/** Younger than this, a training is not judged: a few days are no distribution. */
export const LEAST_DRIFT_HOURS = 7 * 24;
const MOST_RECENT_HOURS = 30 * 24;
/** Hours before the training that windows of it are compared with. */
const REFERENCE_HOURS = 365 * 24;
/** Prime to 24 and 7, so that all hours of the week are met. */
const STRIDE_HOURS = 11;
/** Windows of the reference without which their spread says nothing. */
const LEAST_WINDOWS = 5;
/** Standard deviations of the reference's own windows, and Siddiqi's (2006) bound of a shift: both are exceeded. */
const FEATURE_SIGMAS = 3;
const FEATURE_SHIFT = 0.25;
/** Of the vault's weights and bands one is followed: those of one time move together. */
const FOLLOWED_BAND = 1;
const FOLLOWED_WEIGHT = 1;

export interface DriftRequest {
  readonly model: NetworkArtefact;
  /** End of what the model was trained on. */
  readonly trainedUntil: UnixMillis;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks for drift in the bars since a training, 7 days of them at least. Features: the population stability
 * index, mean over the features, of the last (at most 30) days since against the year before the training, where
 * it exceeds 0.25 and what windows of the same length within that year reach against the rest of it by three of
 * their standard deviations; volatility wanders, and a fixed bound alone would alarm each month. Calibration: the
 * chart of `calibrationCusum` of the model's breach probability, one non-overlapping day after the other.
 * Undefined where neither shows, or where there is too little to say. Throws the signal's reason.
 */
export async function findDrift(market: Market, request: DriftRequest): Promise<Drift | undefined> {
  const end = market.start + market.length * market.intervalMs;
  if ((end - request.trainedUntil) / HOUR_MS < LEAST_DRIFT_HOURS) return undefined;
  return (await featureDrift(market, end, request)) ?? calibrationDrift(market, request);
}

async function featureDrift(
  market: Market,
  end: number,
  { trainedUntil, signal }: DriftRequest,
): Promise<Drift | undefined> {
  const earliest = market.start + LOOKBACK_HOURS * HOUR_MS;
  const from = Math.max(earliest, trainedUntil - REFERENCE_HOURS * HOUR_MS);
  const reference = await sampleFeatures(market, from, trainedUntil, signal);
  const recentFrom = Math.max(trainedUntil, end - MOST_RECENT_HOURS * HOUR_MS);
  const recent = await sampleFeatures(market, recentFrom, end, signal);
  const windows: number[] = [];
  for (let at = 0; at + recent.length <= reference.length; at += recent.length) {
    const rest = [...reference.slice(0, at), ...reference.slice(at + recent.length)];
    windows.push(meanStability(rest, reference.slice(at, at + recent.length)));
    await setImmediate();
    signal?.throwIfAborted();
  }
  if (windows.length < LEAST_WINDOWS) return undefined;
  const mean = windows.reduce((sum, x) => sum + x, 0) / windows.length;
  const variance = windows.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (windows.length - 1);
  const limit = Math.max(FEATURE_SHIFT, mean + FEATURE_SIGMAS * Math.sqrt(variance));
  const found = meanStability(reference, recent);
  if (found <= limit) return undefined;
  const reason = `features since ${isoTime(recentFrom)} have a stability index of ${found.toFixed(2)}, above ${limit.toFixed(2)}`;
  return { kind: "features", reason };
}

/** Rows of features at times from <= t < until, all assets one below the other at each. */
async function sampleFeatures(
  market: Market,
  from: number,
  until: number,
  signal: AbortSignal | undefined,
): Promise<Float64Array[]> {
  const times: Float64Array[] = [];
  const lookback = lookbackBars(market.intervalMs);
  const first = Math.ceil((from - market.start) / HOUR_MS);
  for (let hour = first; market.start + hour * HOUR_MS < until; hour += STRIDE_HOURS) {
    const snapshot = market.past(unixMillis(market.start + hour * HOUR_MS)).snapshot(lookback);
    const rows = featureRows(snapshot);
    const joined = new Float64Array(rows.length * FEATURE_COUNT);
    for (const [i, row] of rows.entries()) joined.set(row, i * FEATURE_COUNT);
    times.push(joined);
    if (times.length % 32 === 0) await setImmediate();
    signal?.throwIfAborted();
  }
  return times;
}

function meanStability(reference: readonly Float64Array[], current: readonly Float64Array[]): number {
  let sum = 0;
  for (let f = 0; f < FEATURE_COUNT; f++)
    sum += populationStability(column(reference, f), column(current, f));
  return sum / FEATURE_COUNT;
}

function column(times: readonly Float64Array[], feature: number): Float64Array {
  const assets = (times[0]?.length ?? 0) / FEATURE_COUNT;
  const out = new Float64Array(times.length * assets);
  for (const [t, rows] of times.entries())
    for (let a = 0; a < assets; a++) out[t * assets + a] = rows[a * FEATURE_COUNT + feature]!;
  return out;
}

function calibrationDrift(market: Market, { model, trainedUntil }: DriftRequest): Drift | undefined {
  const { horizonHours, bands } = CALIBRATION_VAULT;
  const first = Math.max(LOOKBACK_HOURS, Math.ceil((trainedUntil - market.start) / HOUR_MS));
  const last = Math.floor(market.length / barsPerHour(market.intervalMs)) - horizonHours;
  const count = Math.floor((last - first) / horizonHours) + 1;
  if (count < 1) return undefined;
  const times = Float64Array.from(
    { length: count },
    (_, k) => market.start + (first + k * horizonHours) * HOUR_MS,
  );
  const fold = { trainEnd: 0, testStart: 0, testEnd: count };
  const outcomes = toBreachOutcomes(market, { times }, { folds: [fold], artefacts: [model] }, count);
  const perTime = outcomes.raw.length / count;
  const followed = Array.from(
    times,
    (_, k) => k * perTime + FOLLOWED_BAND * (perTime / bands.length) + FOLLOWED_WEIGHT,
  );
  const said = Float64Array.from(followed, (i) => calibrate(outcomes.raw[i]!, model.breachCalibration));
  const { alarm } = calibrationCusum(
    said,
    Uint8Array.from(followed, (i) => outcomes.outcome[i]!),
  );
  if (alarm < 0) return undefined;
  const at = isoTime(times[alarm]!);
  return { kind: "calibration", reason: `breach probabilities are off since the training, as of ${at}` };
}
