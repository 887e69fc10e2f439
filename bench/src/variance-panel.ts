import { HOUR_MS, type Market, unixMillis } from "@ballast/data";
import {
  barsPerHour,
  HORIZONS_HOURS,
  type RealisedMeasures,
  realisedMeasures,
  type VarianceHistory,
  type VarianceModel,
  varianceModels,
} from "@ballast/model";
import type { Dataset, OutOfSample } from "@ballast/training";

/** Hour, day, week and month, as the log-HAR that all are held against. */
const LAGS_HOURS = [1, 24, 168, 720];

/** Forecasts of one model for every asset: [row][horizon] variance per hour, as the walk-forward's own tables. */
export interface Panel {
  readonly name: string;
  readonly forecasts: Float64Array;
  /** What stopped a fit, by asset, in its own words. */
  readonly failures: readonly string[];
}

/**
 * Every GARCH and HAR of one series, fitted on each asset's hours before each fold of the walk-forward, and
 * forecast at the same times as the network. A fit that fails leaves NaN in its block.
 */
export async function toPanels(
  market: Market,
  dataset: Dataset,
  { folds, firstRow, forecasts }: OutOfSample,
  onModel: (name: string) => void,
): Promise<Panel[]> {
  const assets = dataset.assets.length;
  const horizons = HORIZONS_HOURS.length;
  const histories = market.assets.map((_, asset) => toHistory(market, asset));
  /** Hours of the history that have passed at a time: its period 0 is the market's second hour. */
  const periodsAt = (time: number) => (time - market.start) / HOUR_MS - 1;
  const panels: Panel[] = [];
  for (const model of varianceModels(HORIZONS_HOURS, LAGS_HOURS)) {
    onModel(model.name);
    const table = new Float64Array(forecasts.network.length).fill(Number.NaN);
    const failures = new Set<string>();
    for (const { testStart, testEnd } of folds) {
      for (let asset = 0; asset < assets; asset++) {
        const history = histories[asset]!;
        const rows = forecastRows(model, history, periodsAt(dataset.times[testStart]!), failures);
        if (rows === undefined) continue;
        for (let t = testStart; t < testEnd; t++) {
          const period = periodsAt(dataset.times[t]!) - 1;
          const out = (t * assets + asset - firstRow) * horizons;
          for (let h = 0; h < horizons; h++) table[out + h] = rows[period * horizons + h]!;
        }
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    panels.push({ name: model.name, forecasts: table, failures: [...failures] });
  }
  return panels;
}

function forecastRows(
  model: VarianceModel,
  history: VarianceHistory,
  until: number,
  failures: Set<string>,
): Float64Array | undefined {
  try {
    return model.fit(history, 0, until).forecastRows(history);
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message: string };
    if (typeof code !== "string") throw error;
    failures.add(`${code}: ${message}`);
    return undefined;
  }
}

/** Hourly returns and measures of one asset, from its second hour on. */
export function toHistory(market: Market, asset: number): VarianceHistory {
  const perHour = barsPerHour(market.intervalMs);
  const past = market.past(unixMillis(market.start + market.length * market.intervalMs));
  const { close } = past.bars(asset, past.length);
  const hours = Math.floor(close.length / perHour) - 1;
  const intraday = Float64Array.from({ length: hours * perHour }, (_, i) =>
    Math.log(close[perHour + i]! / close[perHour + i - 1]!),
  );
  const returns = Float64Array.from({ length: hours }, (_, h) =>
    Math.log(close[(h + 2) * perHour - 1]! / close[(h + 1) * perHour - 1]!),
  );
  return { returns, measures: perHour > 1 ? realisedMeasures(intraday, perHour) : ofOneReturn(returns) };
}

/** The measures of hours that are one bar each: their sums have one term, and bipower pairs it with the last. */
function ofOneReturn(returns: Float64Array): RealisedMeasures {
  const rv = returns.map((r) => r * r);
  const bv = returns.map((r, i) => (Math.PI / 2) * Math.abs(r * (returns[i - 1] ?? r)));
  return {
    rv,
    bv,
    rsPlus: returns.map((r) => (r > 0 ? r * r : 0)),
    rsMinus: returns.map((r) => (r < 0 ? r * r : 0)),
    rq: rv.map((v) => (v * v) / 3),
    jump: rv.map((v, i) => Math.max(0, v - bv[i]!)),
  };
}
