import type { SeriesTransform } from "./hourly-series.ts";
import type { SeriesTarget } from "./series-regression.ts";

/** How well one horizon of a series was forecast out of sample, on its transformed scale; null where undefined. */
export interface CostHorizonScore {
  readonly horizonHours: number;
  /** Hours forecast and scored. */
  readonly count: number;
  /** Of the value at the horizon; of the model and of the present value taken for the forecast. */
  readonly rSquared: number | null;
  readonly persistenceRSquared: number | null;
  /** Pinball loss over that of persistence with quantiles of past changes; below 1 is better. */
  readonly pinballRatio: number | null;
  /** Diebold-Mariano t of that loss against persistence's; negative is better. */
  readonly tAgainstPersistence: number | null;
  /** Shares of outcomes within the 5 % and 95 % quantiles. */
  readonly coverage90: Readonly<Record<SeriesTarget, number>>;
}

/** A manifest's word on the series it forecasts and those it leaves out. Plain JSON. */
export interface CostsReport {
  /** Ascending by series. */
  readonly served: readonly {
    readonly series: string;
    readonly transform: SeriesTransform;
    /** Hours learnt from, and where the walk forward that gave the scores began (ISO 8601, UTC). */
    readonly hours: number;
    readonly scoredFrom: string;
    /** Fits of that walk. */
    readonly refits: number;
    /** One per horizon. */
    readonly scores: readonly CostHorizonScore[];
  }[];
  readonly leftOut: readonly { readonly series: string; readonly reason: string }[];
}
