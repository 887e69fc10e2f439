import { gasFallOf, type TriggerSignals, type TriggerSurface, triggerFactor } from "@ballast/agent";
import { HOUR_MS, unixMillis } from "@ballast/data";
import {
  fitHar,
  fitSeries,
  forecastHarRows,
  forecastSeries,
  type HourlySeries,
  type RealisedMeasures,
  SERIES_LOOKBACK_HOURS,
} from "@ballast/model";
import { requireLength, requireThat } from "../evaluation/sample.ts";

/** Signals at each bar, NaN where one is not known. */
export interface SignalColumns {
  readonly gasRatio: Float64Array;
  readonly gasFall: Float64Array;
  /** ln of the fee expected on the mean of the next USUAL_FEE_HOURS, in the unit of the fees. */
  readonly usualFee: Float64Array;
  readonly volatilityRatio: Float64Array;
}
export type GasColumns = Omit<SignalColumns, "volatilityRatio">;

/** Hours within which gas may fall: the field's patience. */
export const GAS_HORIZON_HOURS = 18;
/** Hours ahead over whose mean a fee is called usual. */
const USUAL_FEE_HOURS = 6;
const VOLATILITY_HOURS = 24;
const USUAL_HOURS = 720;
const GAS_REFIT_HOURS = 24;
const VARIANCE_REFIT_HOURS = 168;
const HAR_LAGS = [1, 6, 24, 168];

/** ln of hourly gas at the end of each bar of an hour; `end` is when the last of them ends. */
const toSeries = (logGas: Float64Array, end: number): HourlySeries => ({
  transform: "log",
  end: unixMillis(end),
  x: logGas,
});

/**
 * Gas signals as they could have been had: the present fee over the median of its week, and the expected fall from a
 * forecast fitted anew each day on the hours until then. From bar `from` on, which needs SERIES_LOOKBACK_HOURS before
 * it and enough hours to fit on; NaN before. `logGas[t]` is the fee's log in the hour that ends at bar t's close.
 */
export function gasSignals(logGas: Float64Array, start: number, from: number): GasColumns {
  const { gasRatio, gasFall, usualFee } = unknownGas(logGas.length);
  const endOf = (t: number) => start + t * HOUR_MS;
  let model: ReturnType<typeof fitSeries> | undefined;
  for (let t = from; t < logGas.length; t++) {
    if (model === undefined || (t - from) % GAS_REFIT_HOURS === 0) {
      model = fitSeries(toSeries(logGas.slice(0, t + 1), endOf(t)), {
        horizonsHours: [USUAL_FEE_HOURS, GAS_HORIZON_HOURS],
      });
    }
    const week = toSeries(logGas.slice(t + 1 - SERIES_LOOKBACK_HOURS, t + 1), endOf(t));
    gasRatio[t] = Math.exp(logGas[t]! - weekMedian(logGas, t));
    const forecast = forecastSeries(model, week);
    gasFall[t] = gasFallOf(forecast);
    usualFee[t] = forecast.mean[0]!.transformedMean;
  }
  return { gasRatio, gasFall, usualFee };
}

/** Where nothing is known of gas. */
export function unknownGas(length: number): GasColumns {
  const unknown = () => new Float64Array(length).fill(Number.NaN);
  return { gasRatio: unknown(), gasFall: unknown(), usualFee: unknown() };
}

function weekMedian(x: Float64Array, t: number): number {
  const sorted = x.slice(Math.max(0, t - 167), t + 1).sort();
  return sorted[sorted.length >> 1]!;
}

/** Volatility over usual, three ways: by a forecast, by the last day alone, and as it came. */
export interface VolatilityColumns {
  readonly forecast: Float64Array;
  readonly trailing: Float64Array;
  readonly realised: Float64Array;
}

/**
 * Square roots of mean variance per hour over its mean of the last USUAL_HOURS: of the day ahead by log-HAR, fitted
 * anew each week on the hours until then; of the day past; and of the day ahead as it came. Mean of the assets. From
 * bar `from` on, NaN before; `variances` are each asset's, hour by hour.
 */
export function volatilitySignals(variances: readonly Float64Array[], from: number): VolatilityColumns {
  const length = variances[0]?.length ?? 0;
  requireThat(from >= USUAL_HOURS, "first bar with signals", from, `at least ${USUAL_HOURS}`);
  const column = () => new Float64Array(length).fill(Number.NaN);
  const out = { forecast: column(), trailing: column(), realised: column() };
  for (const list of Object.values(out)) list.fill(0, from);
  for (const variance of variances) {
    requireLength("variances", variance, length);
    const forecast = forecastVariance(variance, from);
    const sums = new Float64Array(length + 1);
    for (let t = 0; t < length; t++) sums[t + 1] = sums[t]! + variance[t]!;
    const meanOf = (a: number, b: number) => (sums[b]! - sums[a]!) / (b - a);
    for (let t = from; t < length; t++) {
      const usual = meanOf(t + 1 - USUAL_HOURS, t + 1);
      const end = Math.min(length, t + 1 + VOLATILITY_HOURS);
      const add = (list: Float64Array, mean: number) => {
        list[t] = list[t]! + Math.sqrt(Math.max(mean, MIN_SHARE * usual) / usual) / variances.length;
      };
      add(out.forecast, forecast[t]!);
      add(out.trailing, meanOf(t + 1 - VOLATILITY_HOURS, t + 1));
      add(out.realised, end > t + 1 ? meanOf(t + 1, end) : usual);
    }
  }
  return out;
}

/** A day without any movement is no reason for a factor of zero. */
const MIN_SHARE = 1e-3;

function forecastVariance(variance: Float64Array, from: number): Float64Array {
  const out = new Float64Array(variance.length);
  const measures: RealisedMeasures = {
    rv: variance,
    bv: variance,
    rsPlus: variance,
    rsMinus: variance,
    rq: variance,
    jump: variance,
  };
  const options = { kind: "log-har", horizons: [VOLATILITY_HOURS], lags: HAR_LAGS } as const;
  for (let t = from; t < variance.length; t += VARIANCE_REFIT_HOURS) {
    const model = fitHar(measures, options, 0, t + 1);
    const end = Math.min(variance.length, t + VARIANCE_REFIT_HOURS);
    const start = t + 1 - HAR_LAGS.at(-1)!;
    const rows = forecastHarRows(model, sliced(measures, start, end));
    for (let i = t; i < end; i++) out[i] = rows[i - start]!;
  }
  return out;
}

const sliced = (measures: RealisedMeasures, from: number, to: number): RealisedMeasures =>
  Object.fromEntries(
    Object.entries(measures).map(([name, column]) => [name, column.subarray(from, to)]),
  ) as unknown as RealisedMeasures;

/** The surface's factor at each bar, for `ReactiveRule.scale`. */
export function toScale(
  surface: TriggerSurface,
  { gasRatio, gasFall, volatilityRatio }: Omit<SignalColumns, "usualFee">,
): Float64Array {
  const known = (x: number): number | undefined => (Number.isNaN(x) ? undefined : x);
  return gasRatio.map((ratio, t) => {
    const signals: TriggerSignals = {
      gasRatio: known(ratio),
      gasFall: known(gasFall[t]!),
      volatilityRatio: known(volatilityRatio[t]!),
    };
    return triggerFactor(surface, signals);
  });
}
