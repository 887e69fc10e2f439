import { setImmediate } from "node:timers/promises";
import { BallastError, HOUR_MS, isoTime, type Market, type UnixMillis, unixMillis } from "@ballast/data";
import {
  barsPerHour,
  HORIZONS_HOURS,
  LOOKBACK_HOURS,
  modelBytes,
  modelId,
  type NetworkArtefact,
  qlike,
  toForecaster,
  VARIANCE_FLOOR_PER_HOUR,
} from "@ballast/model";
import { LONGEST_HORIZON_HOURS, strideFor } from "./dataset.ts";
import { dieboldMariano } from "./evaluation/dieboldmariano.ts";
import { refuseUnsound } from "./soundness.ts";

/** Forecast times a window must reach over, at least: a month. */
const LEAST_WINDOW_HOURS = 720;
/** Hours of bars after both trainings that a challenge needs. */
export const LEAST_CHALLENGE_HOURS = LEAST_WINDOW_HOURS + LONGEST_HORIZON_HOURS;
/** One-sided probability below which a challenger has won. */
export const CHALLENGE_LEVEL = 0.05;
/** Forecasts per model, about: more say little more, as their windows overlap. */
const MOST_FORECASTS = 3000;

export class WindowTooShortError extends BallastError {
  readonly code = "WINDOW_TOO_SHORT";
  readonly hours: number;
  constructor(hours: number, from: number) {
    super(
      `there are ${Math.max(0, Math.floor(hours))} hours of bars after ${isoTime(from)}, which neither model has seen; a comparison needs ${LEAST_CHALLENGE_HOURS} ` +
        `(${LEAST_WINDOW_HOURS} to forecast at, and ${LONGEST_HORIZON_HOURS} to see what came). Load later bars, or wait for them.`,
    );
    this.hours = hours;
  }
}

/** Two models on a window neither was trained on. Plain JSON. */
export interface Challenge {
  readonly champion: string;
  readonly challenger: string;
  /** First forecast, and end of the last target (ISO 8601, UTC). */
  readonly from: string;
  readonly until: string;
  readonly times: number;
  readonly horizons: readonly {
    readonly horizonHours: number;
    readonly champion: number;
    readonly challenger: number;
    /** Of mean QLIKE, challenger over champion; below 1 the challenger is better. */
    readonly ratio: number;
    readonly t: number;
  }[];
  /** Mean over the horizons of `ratio`, and Diebold-Mariano of its excess over 1. */
  readonly ratio: number;
  readonly t: number;
  /** One-sided: of a t as low as this where the challenger is no better. */
  readonly pValue: number;
}

export interface ChallengeRequest {
  readonly champion: NetworkArtefact;
  readonly challenger: NetworkArtefact;
  /** End of the later of the two trainings. */
  readonly from: UnixMillis;
  readonly signal?: AbortSignal | undefined;
  readonly onShare?: ((share: number) => void) | undefined;
}

/**
 * Lets both models forecast, the way the agent does, at times from `from` to a longest horizon before the market's end,
 * and scores them against what came. Throws WindowTooShortError, DeadAssetError, TokenChangedError, what the
 * forecasters throw, and the signal's reason.
 */
export async function challenge(market: Market, request: ChallengeRequest): Promise<Challenge> {
  const { from, signal, onShare } = request;
  const perHour = barsPerHour(market.intervalMs);
  const end = unixMillis(market.start + market.length * market.intervalMs);
  const first = Math.max(Math.ceil((from - market.start) / HOUR_MS), LOOKBACK_HOURS);
  const hours = (end - market.start) / HOUR_MS - first;
  if (hours < LEAST_CHALLENGE_HOURS) throw new WindowTooShortError(hours, market.start + first * HOUR_MS);
  refuseUnsound(market, end);

  const stride = strideFor(hours - LONGEST_HORIZON_HOURS, 1, MOST_FORECASTS);
  const count = Math.floor((hours - LONGEST_HORIZON_HOURS) / stride) + 1;
  const all = market.past(end);
  const squares = market.assets.map((_, asset) => cumulativeSquares(all.bars(asset, all.length).close));
  const forecasters = [toForecaster(request.champion), toForecaster(request.challenger)] as const;
  const losses = forecasters.map(() => HORIZONS_HOURS.map(() => new Float64Array(count)));
  for (let k = 0; k < count; k++) {
    const bar = (first + k * stride) * perHour;
    const snapshot = market
      .past(unixMillis(market.start + bar * market.intervalMs))
      .snapshot(LOOKBACK_HOURS * perHour);
    for (const [m, forecast] of forecasters.entries()) {
      const { variance } = forecast(snapshot);
      for (const [h, horizon] of HORIZONS_HOURS.entries()) {
        const floor = VARIANCE_FLOOR_PER_HOUR * horizon;
        for (const [asset, square] of squares.entries()) {
          const realised = Math.max(square[bar + horizon * perHour]! - square[bar]!, floor);
          const loss = losses[m]![h]!;
          loss[k] = loss[k]! + qlike(realised, Math.max(variance[asset]![h]!, floor)) / market.assets.length;
        }
      }
    }
    if (k % 64 === 0) {
      await setImmediate();
      signal?.throwIfAborted();
      onShare?.(k / count);
    }
  }
  onShare?.(1);

  const [champion, challenger] = losses as [Float64Array[], Float64Array[]];
  const test = (a: Float64Array, b: Float64Array, horizon: number) =>
    dieboldMariano(
      a.map((loss, k) => loss - b[k]!),
      Math.ceil(horizon / stride),
    );
  const horizons = HORIZONS_HOURS.map((horizonHours, h) => {
    const means = [mean(champion[h]!), mean(challenger[h]!)] as const;
    return {
      horizonHours,
      champion: means[0],
      challenger: means[1],
      ratio: means[1] / means[0],
      t: test(challenger[h]!, champion[h]!, horizonHours).t,
    };
  });
  const units = horizons.map((horizon) => horizon.champion);
  const overall = test(overHorizons(challenger, units), overHorizons(champion, units), LONGEST_HORIZON_HOURS);
  return {
    champion: modelId(modelBytes(request.champion)),
    challenger: modelId(modelBytes(request.challenger)),
    from: isoTime(market.start + first * HOUR_MS),
    until: isoTime(market.start + (first + (count - 1) * stride + LONGEST_HORIZON_HOURS) * HOUR_MS),
    times: count,
    horizons,
    ratio: mean(Float64Array.from(horizons, ({ ratio }) => ratio)),
    t: overall.t,
    pValue: overall.t < 0 ? overall.pValue / 2 : 1 - overall.pValue / 2,
  };
}

export interface Verdict {
  readonly isPromoted: boolean;
  /** Why, in words and figures. */
  readonly reason: string;
}

/**
 * The rule of promotion: a challenger must beat a valid champion with a one-sided p-value below CHALLENGE_LEVEL; an
 * expired champion is replaced by any challenger that is no worse.
 */
export function judge({ ratio, t, pValue }: Challenge, isChampionExpired: boolean): Verdict {
  const figures = `QLIKE ratio ${ratio.toFixed(3)}, t ${t.toFixed(2)}, one-sided p ${pValue.toFixed(3)}`;
  if (isChampionExpired)
    return ratio <= 1
      ? { isPromoted: true, reason: `is no worse than the expired champion: ${figures}` }
      : { isPromoted: false, reason: `is worse than the champion, though that has expired: ${figures}` };
  return pValue < CHALLENGE_LEVEL
    ? { isPromoted: true, reason: `beat the champion: ${figures}` }
    : { isPromoted: false, reason: `did not beat the champion at p < ${CHALLENGE_LEVEL}: ${figures}` };
}

/** out[i]: sum of squared log returns of the bars before bar i. */
function cumulativeSquares(close: Float64Array): Float64Array {
  const out = new Float64Array(close.length + 1);
  for (let i = 1; i < close.length; i++) out[i + 1] = out[i]! + Math.log(close[i]! / close[i - 1]!) ** 2;
  return out;
}

/** Mean over the horizons at each time, each in units of its own, so that the noisy short ones do not drown the rest. */
const overHorizons = (losses: readonly Float64Array[], units: readonly number[]): Float64Array =>
  losses[0]!.map((_, k) => losses.reduce((sum, loss, h) => sum + loss[k]! / units[h]! / losses.length, 0));

const mean = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
