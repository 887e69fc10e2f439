import { HOUR_MS } from "@ballast/data";
import { FEATURE_COUNT, HORIZONS_HOURS } from "@ballast/model";
import type { Dataset } from "./dataset.ts";

/** Rows to learn from, of any assets at any times, ascending in time; all tables row-major. */
export interface Rows {
  /** Hours between two times. */
  readonly strideHours: number;
  /** [row]: forecast time, ms. */
  readonly times: Float64Array;
  /** [row]: index in the dataset's assets. */
  readonly asset: Float64Array;
  /** [row][feature], known at the row's time. */
  readonly features: Float64Array;
  /** [row][horizon]: realised variance per hour over the horizon after the row's time, floored. */
  readonly targets: Float64Array;
}

/**
 * How many of the ascending times have a target over `horizonHours` that has ended by `at`: what was known
 * then, and so all that a fit at `at` may learn from.
 */
export function timesKnownAt(times: Float64Array, at: number, horizonHours: number): number {
  let known = times.length;
  while (known > 0 && times[known - 1]! + horizonHours * HOUR_MS > at) known--;
  return known;
}

/** Every row there is to learn from, oldest first: the earlier ones, the dataset's, and the recent ones. */
export function toRows(dataset: Dataset): Rows {
  const { strideHours, assets, earlier, recent } = dataset;
  const regular = ({ times, features, targets }: Pick<Dataset, "times" | "features" | "targets">): Rows => ({
    strideHours,
    times: Float64Array.from(
      { length: times.length * assets.length },
      (_, r) => times[Math.floor(r / assets.length)]!,
    ),
    asset: Float64Array.from({ length: times.length * assets.length }, (_, r) => r % assets.length),
    features,
    targets,
  });
  const parts = [regular(dataset)];
  if (earlier !== undefined) parts.unshift({ strideHours, ...earlier });
  if (recent !== undefined) parts.push(regular(recent));
  return parts.reduce(joinRows);
}

/** The rows of both, those of x first; they are the earlier ones. */
export function joinRows(x: Rows, y: Rows): Rows {
  const join = (a: Float64Array, b: Float64Array): Float64Array => {
    const out = new Float64Array(a.length + b.length);
    out.set(a);
    out.set(b, a.length);
    return out;
  };
  return {
    strideHours: x.strideHours,
    times: join(x.times, y.times),
    asset: join(x.asset, y.asset),
    features: join(x.features, y.features),
    targets: join(x.targets, y.targets),
  };
}

/** The first rows alone, with their assets numbered anew. */
export const firstRows = (rows: Rows, count: number, toAsset: (asset: number) => number): Rows => ({
  strideHours: rows.strideHours,
  times: rows.times.slice(0, count),
  asset: rows.asset.slice(0, count).map(toAsset),
  features: rows.features.slice(0, count * FEATURE_COUNT),
  targets: rows.targets.slice(0, count * HORIZONS_HOURS.length),
});
