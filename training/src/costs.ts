import { HOUR_MS } from "@ballast/data";
import {
  COST_HORIZONS_HOURS,
  fitSeries,
  forecastSeries,
  fromTransformed,
  type HourlySeries,
  QUANTILE_LEVELS,
  SERIES_LOOKBACK_HOURS,
  SERIES_TARGETS,
  type SeriesModel,
  type SeriesOptions,
  type SeriesTarget,
  toTransformed,
} from "@ballast/model";
import { type DieboldMariano, dieboldMariano } from "./evaluation/dieboldmariano.ts";
import { pinballLoss } from "./evaluation/losses.ts";
import { requireThat } from "./evaluation/sample.ts";

export interface CostWalk extends SeriesOptions {
  /** First hour of the series (an index) to forecast from; what lies before it is only learnt from. */
  readonly from: number;
  /** Targets end before this hour. Default the series' length. */
  readonly to?: number | undefined;
  /** Hours between two fits, each on all hours until then. Default 24. */
  readonly refitHours?: number | undefined;
}

/** How well one horizon of a series was forecast, on its transformed scale. */
export interface CostScore {
  readonly horizonHours: number;
  /** Forecasts scored; hours that are unknown, or whose target is, are not. */
  readonly count: number;
  /** 1 − squared errors of the value at the horizon over its squared deviations from its mean in the window. */
  readonly rSquared: number;
  /** The same of the present value taken for the forecast. */
  readonly persistenceRSquared: number;
  /** Mean pinball loss at QUANTILE_LEVELS over that of persistence: the present value plus quantiles of past changes. */
  readonly pinballRatio: number;
  /** Of that loss against persistence's; negative where the forecast loses less. */
  readonly dieboldMariano: DieboldMariano;
  /** Shares of realised targets within the 5 % and 95 % quantiles. */
  readonly coverage90: Readonly<Record<SeriesTarget, number>>;
  /** Mean over hours of the lowest value ahead divided by the present one: as expected, and as it came. */
  readonly lowestRatio: { readonly forecast: number; readonly realised: number };
}

/**
 * Walks forward through a series: fits at `from` and every `refitHours` after on the hours until then, forecasts
 * every hour, and scores each horizon. No hour later than a forecast's is read for it. Throws what `fitSeries`
 * does, OutOfRangeError, and TooFewObservationsError where fewer than two forecasts can be scored.
 */
export function scoreCosts(series: HourlySeries, walk: CostWalk): CostScore[] {
  const { from, to = series.x.length, refitHours = 24, horizonsHours = COST_HORIZONS_HOURS } = walk;
  requireThat(
    Number.isInteger(refitHours) && refitHours >= 1,
    "refitHours",
    refitHours,
    "a whole number from 1",
  );
  requireThat(
    Number.isInteger(from) && from >= SERIES_LOOKBACK_HOURS - 1 && from < to,
    "from",
    from,
    `a whole number from ${SERIES_LOOKBACK_HOURS - 1} and before the end`,
  );
  requireThat(Number.isInteger(to) && to <= series.x.length, "to", to, "at most the hours of the series");
  const tallies = horizonsHours.map((horizon) => newTally(horizon));
  let model: SeriesModel | undefined;
  let changes: number[][] = [];
  for (let t = from; t < to; t++) {
    if (model === undefined || (t - from) % refitHours === 0) {
      const known = untilHour(series, t);
      model = fitSeries(known, walk);
      changes = horizonsHours.map((horizon) => quantilesOfChanges(known.x, horizon));
    }
    const week = series.x.subarray(t - SERIES_LOOKBACK_HOURS + 1, t + 1);
    if (!week.every(Number.isFinite)) continue;
    const forecast = forecastSeries(model, series, t);
    for (const [h, horizon] of horizonsHours.entries()) {
      if (t + horizon >= to) continue;
      const ahead = series.x.subarray(t + 1, t + 1 + horizon);
      if (!ahead.every(Number.isFinite)) continue;
      const realised = {
        last: ahead.at(-1)!,
        mean: ahead.reduce((sum, v) => sum + v, 0) / horizon,
        lowest: ahead.reduce((a, b) => Math.min(a, b)),
      };
      const now = series.x[t]!;
      const tally = tallies[h]!;
      tally.realised.push(realised.last);
      tally.squares.push((realised.last - forecast.last[h]!.transformedMean) ** 2);
      tally.persistenceSquares.push((realised.last - now) ** 2);
      let [loss, persistenceLoss] = [0, 0];
      for (const [q, level] of QUANTILE_LEVELS.entries()) {
        const quantile = toTransformed(forecast.last[h]!.quantiles[q]!, series.transform);
        loss += pinballLoss(realised.last, quantile, level) / QUANTILE_LEVELS.length;
        persistenceLoss += pinballLoss(realised.last, now + changes[h]![q]!, level) / QUANTILE_LEVELS.length;
      }
      tally.losses.push(loss);
      tally.persistenceLosses.push(persistenceLoss);
      for (const target of SERIES_TARGETS) {
        const value = fromTransformed(realised[target], series.transform);
        const { quantiles } = forecast[target][h]!;
        if (value >= quantiles[0]! && value <= quantiles.at(-1)!) tally.inside[target]++;
      }
      tally.lowest.push(forecast.lowest[h]!.mean / forecast.now);
      tally.lowestRealised.push(fromTransformed(realised.lowest, series.transform) / forecast.now);
    }
  }
  return tallies.map(toScore);
}

const newTally = (horizon: number) => ({
  horizon,
  realised: [] as number[],
  squares: [] as number[],
  persistenceSquares: [] as number[],
  losses: [] as number[],
  persistenceLosses: [] as number[],
  inside: { last: 0, mean: 0, lowest: 0 } as Record<SeriesTarget, number>,
  lowest: [] as number[],
  lowestRealised: [] as number[],
});

function toScore(tally: ReturnType<typeof newTally>): CostScore {
  const count = tally.realised.length;
  const difference = Float64Array.from(tally.losses, (loss, i) => loss - tally.persistenceLosses[i]!);
  const center = mean(tally.realised);
  const variance = mean(tally.realised.map((y) => (y - center) ** 2));
  return {
    horizonHours: tally.horizon,
    count,
    dieboldMariano: dieboldMariano(difference, tally.horizon),
    rSquared: 1 - mean(tally.squares) / variance,
    persistenceRSquared: 1 - mean(tally.persistenceSquares) / variance,
    pinballRatio: mean(tally.losses) / mean(tally.persistenceLosses),
    coverage90: {
      last: tally.inside.last / count,
      mean: tally.inside.mean / count,
      lowest: tally.inside.lowest / count,
    },
    lowestRatio: { forecast: mean(tally.lowest), realised: mean(tally.lowestRealised) },
  };
}

/** The series as it stood at hour t. */
const untilHour = (series: HourlySeries, t: number): HourlySeries => ({
  ...series,
  end: (series.end - (series.x.length - 1 - t) * HOUR_MS) as HourlySeries["end"],
  x: series.x.slice(0, t + 1),
});

/** At QUANTILE_LEVELS, of x one horizon later minus x. */
function quantilesOfChanges(x: Float64Array, horizon: number): number[] {
  const changes: number[] = [];
  for (let t = 0; t + horizon < x.length; t++) {
    const change = x[t + horizon]! - x[t]!;
    if (Number.isFinite(change)) changes.push(change);
  }
  changes.sort((a, b) => a - b);
  return QUANTILE_LEVELS.map((level) => changes[Math.floor(level * changes.length)]!);
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
