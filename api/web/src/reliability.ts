import type { Decision } from "./api.ts";

export interface Reliability {
  /** What the probabilities are about: a breach within so many hours. */
  readonly hours: number;
  readonly count: number;
  /** Decisions whose hours hold a trade. */
  readonly leftOut: number;
  readonly bins: readonly { readonly forecast: number; readonly observed: number; readonly count: number }[];
}

/** Below it a plot is a curiosity. */
export const MIN_COUNT = 500;
const BINS = 10;

/**
 * Forecast breach probabilities against what came, in bins of a tenth. A decision counts where each of the hours that
 * its forecast is about is known and nobody traded in them: a trade undoes what was forecast.
 * @param decisions Of one run, in any order; one a bar.
 */
export function reliabilityOf(decisions: readonly Decision[], hours: number): Reliability {
  const inOrder = decisions
    .map((decision) => ({ ...decision, time: Date.parse(decision.at) }))
    .toSorted((a, b) => a.time - b.time);
  const end = inOrder.at(-1)?.time ?? 0;
  const sums = Array.from({ length: BINS }, () => ({ forecast: 0, observed: 0, count: 0 }));
  let leftOut = 0;
  for (const [i, { time, breachProbability, action, decision }] of inOrder.entries()) {
    const until = time + hours * 3.6e6;
    const isForecast = breachProbability !== null && !/^0x0+$/.test(decision.forecastHash);
    if (!isForecast || until > end) continue;
    const ahead = inOrder.slice(i + 1).filter((later) => later.time <= until);
    if (action === "rebalance" || ahead.some((later) => later.action === "rebalance")) {
      leftOut++;
      continue;
    }
    const bin = sums[Math.min(BINS - 1, Math.floor(breachProbability * BINS))]!;
    bin.forecast += breachProbability;
    bin.observed += ahead.some(({ isBreached }) => isBreached) ? 1 : 0;
    bin.count++;
  }
  const bins = sums
    .filter(({ count }) => count > 0)
    .map(({ forecast, observed, count }) => ({
      forecast: forecast / count,
      observed: observed / count,
      count,
    }));
  return { hours, leftOut, count: bins.reduce((sum, { count }) => sum + count, 0), bins };
}
