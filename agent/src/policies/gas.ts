import { DAY_MS, type Snapshot } from "@ballast/data";
import type { Forecast, SeriesAhead } from "@ballast/model";

/**
 * Units of gas of a rebalance of the vault, measured on the devnet: rebalances of one, two and three swaps take 245,831,
 * 372,714 and 499,560, 64,000 of each swap in the pool. An attestation on chain is a transaction of its own.
 */
export const REBALANCE_GAS = { fixed: 118_970, perSwap: 126_870, attestation: 494_224 } as const;

const BASE_FEE = "base_fee_gwei";

/** What the forecast says of the base fee; undefined where it says nothing. */
export const baseFeeAhead = ({ costs }: Forecast): SeriesAhead | undefined =>
  costs?.series.find(({ name }) => name === BASE_FEE);

/** The base fee over the lowest that is expected within `hours`; undefined where none is forecast within them. */
export function gasOverLowestAhead(forecast: Forecast, hours: number): number | undefined {
  const fee = baseFeeAhead(forecast);
  const lowest = fee?.lowest[fee.horizonsHours.findLastIndex((horizon) => horizon <= hours)]?.mean;
  return fee !== undefined && lowest !== undefined && lowest > 0 ? fee.now / lowest : undefined;
}

/** The last base fee and the median of the past week's, gwei above 0; undefined where there is none. */
export function gasOfWeek({
  exogenous,
  at,
}: Pick<Snapshot, "exogenous" | "at">): { readonly now: number; readonly median: number } | undefined {
  const series = exogenous.find(({ name }) => name === BASE_FEE);
  if (series === undefined) return undefined;
  const week = series.value.filter((_, i) => series.publishedAt[i]! > at - 7 * DAY_MS).sort();
  const now = series.value.at(-1);
  const median = week[Math.floor(week.length / 2)];
  return now !== undefined && median !== undefined && now > 0 && median > 0 ? { now, median } : undefined;
}

/** The index of the horizon nearest to so many hours; the first of two. */
export const nearestHorizon = (horizonsHours: readonly number[], hours: number): number =>
  horizonsHours.reduce(
    (best, horizon, i) => (Math.abs(horizon - hours) < Math.abs(horizonsHours[best]! - hours) ? i : best),
    0,
  );
