import { BallastError, HOUR_MS, isoTime, type Market, type UnixMillis, unixMillis } from "@ballast/data";
import {
  COST_HORIZONS_HOURS,
  type CostModel,
  type CostsReport,
  fitSeries,
  MIN_SERIES_ROWS,
  SERIES_LOOKBACK_HOURS,
  toHourlySeries,
  transformOf,
} from "@ballast/model";
import { type CostScore, scoreCosts } from "./costs.ts";

/** Hours that one half needs to be learnt from; the other half is scored. */
const LEAST_HALF_HOURS = SERIES_LOOKBACK_HOURS + MIN_SERIES_ROWS + COST_HORIZONS_HOURS.at(-1)!;
/** At most a year is learnt from: fitting takes as long as its hours are many, and fees change their ways. */
const MOST_HOURS = 8760;
/** Fits of the walk forward through the second half. */
const REFITS = 6;

export interface FittedCosts {
  /** Ascending by series; empty where there is none. */
  readonly models: readonly CostModel[];
  readonly report: CostsReport;
}

/**
 * Models of every series that the market publishes, on what was public at `until`: each is scored walking forward
 * through the second half of its hours and then fitted on all of them. A series that is too short, too full of gaps
 * or that never moves is left out, with the reason. Throws the signal's reason.
 */
export function fitCosts(market: Market, until: UnixMillis, signal?: AbortSignal): FittedCosts {
  const models: CostModel[] = [];
  const served: CostsReport["served"][number][] = [];
  const leftOut: CostsReport["leftOut"][number][] = [];
  for (const name of [...market.exogenousNames].sort()) {
    signal?.throwIfAborted();
    const known = market.past(until).exogenous(name, Number.MAX_SAFE_INTEGER);
    const hours = Math.min(MOST_HOURS, Math.floor((until - (known.publishedAt[0] ?? until)) / HOUR_MS));
    const flaw = findFlaw(known.value, hours);
    if (flaw !== undefined) {
      leftOut.push({ series: name, reason: flaw });
      continue;
    }
    try {
      const transform = transformOf(name, known.value);
      const series = toHourlySeries(known, transform, until, hours);
      const from = Math.ceil(hours / 2);
      const scores = scoreCosts(series, { from, refitHours: Math.ceil((hours - from) / REFITS) });
      models.push({ series: name, model: fitSeries(series) });
      const scoredFrom = isoTime(unixMillis(until - (hours - 1 - from) * HOUR_MS));
      served.push({
        series: name,
        transform,
        hours,
        scoredFrom,
        refits: REFITS,
        scores: scores.map(toScore),
      });
    } catch (error) {
      if (!(error instanceof BallastError)) throw error;
      leftOut.push({ series: name, reason: error.message });
    }
  }
  return { models, report: { served, leftOut } };
}

/** Why a series cannot be learnt from, where that is plain before any work. */
function findFlaw(values: Float64Array, hours: number): string | undefined {
  if (hours < 2 * LEAST_HALF_HOURS)
    return `It has ${hours} hours, and ${2 * LEAST_HALF_HOURS} are needed: one half to learn from, the other to score.`;
  if (values.every((v) => v === values[0])) return "It never moved.";
  return undefined;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const toScore = (score: CostScore): CostsReport["served"][number]["scores"][number] => ({
  horizonHours: score.horizonHours,
  count: score.count,
  rSquared: finite(score.rSquared),
  persistenceRSquared: finite(score.persistenceRSquared),
  pinballRatio: finite(score.pinballRatio),
  tAgainstPersistence: finite(score.dieboldMariano.t),
  coverage90: score.coverage90,
});
