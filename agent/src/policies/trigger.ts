import { HOUR_MS } from "@ballast/data";
import type { Forecast, SeriesForecast } from "@ballast/model";
import type { PolicyInput } from "../types.ts";
import { baseFeeAhead, gasOfWeek, nearestHorizon } from "./gas.ts";

/**
 * How much wider or narrower than a fixed threshold a trigger is. All zero is the fixed threshold; `gasPower` alone
 * widens with present gas, `volatilityPower` alone follows the volatility, `gasFallWeight` reads the forecast of gas.
 */
export interface TriggerSurface {
  /** α: power of gas over usual. */
  readonly gasPower: number;
  /** β: weight of the expected fall of gas; below 0 widens, above 0 narrows where gas is expected to become cheaper. */
  readonly gasFallWeight: number;
  /** γ: power of the forecast volatility over the usual one. */
  readonly volatilityPower: number;
}

/** Where the surface is read; what is undefined is not known, and its term is left out. */
export interface TriggerSignals {
  /** Present gas over the median of its past week. */
  readonly gasRatio: number | undefined;
  /** Expected fall of the log of gas from now to the lowest hour of the gas model's last horizon, from 0. */
  readonly gasFall: number | undefined;
  /** Forecast volatility over the usual one. */
  readonly volatilityRatio: number | undefined;
}

export const FIXED_THRESHOLD: TriggerSurface = { gasPower: 0, gasFallWeight: 0, volatilityPower: 0 };

/** What a surface says far outside of where it was fitted is not followed. */
const LOG_LIMIT = Math.log(4);

/** exp(α·ln gasRatio − β·gasFall + γ·ln volatilityRatio), from ¼ to 4. */
export function triggerFactor(surface: TriggerSurface, signals: TriggerSignals): number {
  const { gasRatio = 1, gasFall = 0, volatilityRatio = 1 } = signals;
  const log =
    surface.gasPower * Math.log(gasRatio) -
    surface.gasFallWeight * gasFall +
    surface.volatilityPower * Math.log(volatilityRatio);
  return Math.exp(Math.max(-LOG_LIMIT, Math.min(LOG_LIMIT, log)));
}

/** `gasFall` of a forecast of the log of gas. */
export const gasFallOf = ({ now, lowest }: SeriesForecast): number =>
  Math.max(0, Math.log(now) - lowest.at(-1)!.transformedMean);

/** Where the volatility comes from: the forecast, or the day past. */
export type VolatilitySource = "forecast" | "trailing";

/** The signals of a live decision, as far as the surface reads them. */
export function toSignals(
  { snapshot, forecast }: PolicyInput,
  surface: TriggerSurface,
  volatility: VolatilitySource,
): TriggerSignals {
  const { gasPower, gasFallWeight, volatilityPower } = surface;
  const week = gasPower === 0 ? undefined : gasOfWeek(snapshot);
  return {
    gasRatio: week && week.now / week.median,
    gasFall: gasFallWeight !== 0 && forecast ? gasFallAhead(forecast) : undefined,
    volatilityRatio: volatilityPower !== 0 ? ratioOf(snapshot, forecast, volatility) : undefined,
  };
}

/**
 * `gasFallOf` of what a forecast says of costs: the median of the lowest hour stands for the mean of its log, which it
 * is where the log is symmetric. Unknown where the forecast has no base fee.
 */
function gasFallAhead(forecast: Forecast): number | undefined {
  const { costs } = forecast;
  const fee = baseFeeAhead(forecast);
  if (costs === undefined || fee === undefined) return undefined;
  const median = fee.lowest.at(-1)?.quantiles[costs.levels.indexOf(0.5)];
  return median !== undefined && median > 0 && fee.now > 0
    ? Math.max(0, Math.log(fee.now / median))
    : undefined;
}

const ratioOf = (
  snapshot: PolicyInput["snapshot"],
  forecast: Forecast | undefined,
  source: VolatilitySource,
): number | undefined =>
  source === "trailing" ? trailingRatioOf(snapshot) : forecast && volatilityRatioOf(snapshot, forecast);

/** Hours whose mean variance is the usual one of the day past; as many as there are serve, beyond the day itself. */
const USUAL_HOURS = 720;
/** A day without any movement is no reason for a factor of zero. */
const MIN_SHARE = 1e-3;

/** Mean over the assets of the volatility of the last day over that of the last USUAL_HOURS; as the backtest's. */
function trailingRatioOf({ bars, intervalMs }: PolicyInput["snapshot"]): number | undefined {
  const perDay = Math.round((VOLATILITY_HOURS * HOUR_MS) / intervalMs);
  let sum = 0;
  for (const { close } of bars) {
    const returns = Math.min(close.length - 1, Math.round((USUAL_HOURS * HOUR_MS) / intervalMs));
    if (returns <= perDay) return undefined;
    let [day, usual] = [0, 0];
    for (let t = close.length - returns; t < close.length; t++) {
      const square = Math.log(close[t]! / close[t - 1]!) ** 2;
      usual += square / returns;
      if (t >= close.length - perDay) day += square / perDay;
    }
    if (!(usual > 0)) return undefined;
    sum += Math.sqrt(Math.max(day / usual, MIN_SHARE));
  }
  return bars.length > 0 ? sum / bars.length : undefined;
}

/** Hours over which the volatility is asked for; the nearest of the forecast's horizons serves. */
const VOLATILITY_HOURS = 24;

/** Mean over the assets of forecast volatility per hour over that of the whole snapshot; unknown where that has none. */
function volatilityRatioOf(snapshot: PolicyInput["snapshot"], forecast: Forecast): number | undefined {
  const h = nearestHorizon(forecast.horizonsHours, VOLATILITY_HOURS);
  let sum = 0;
  for (const [i, asset] of forecast.assets.entries()) {
    const close = snapshot.bars[snapshot.assets.indexOf(asset)]?.close;
    if (close === undefined || close.length < 2) return undefined;
    let variance = 0;
    for (let t = 1; t < close.length; t++) variance += Math.log(close[t]! / close[t - 1]!) ** 2;
    const hours = ((close.length - 1) * snapshot.intervalMs) / HOUR_MS;
    sum += Math.sqrt(forecast.variance[i]![h]! / forecast.horizonsHours[h]! / (variance / hours));
  }
  const ratio = sum / forecast.assets.length;
  return ratio > 0 && Number.isFinite(ratio) ? ratio : undefined;
}
