import type { ForecasterName } from "./manifest.ts";

/** Losses on consecutive forecast times of one test block, over all assets. */
export interface SpanScore {
  /** First and last forecast time (ISO 8601, UTC); targets reach further by their horizon. */
  readonly from: string;
  readonly until: string;
  /** Index in the manifest's folds of the fit that forecast it. */
  readonly fold: number;
  /** Forecasts scored at each horizon: times × assets. */
  readonly rows: number;
  /** Mean QLIKE of each forecaster by horizon, in the order of the manifest's metrics. */
  readonly qlike: Readonly<Record<ForecasterName, readonly number[]>>;
}

/** Forecast probabilities of one bin against what happened. */
export interface ObservedBin {
  /** Mean probability said. */
  readonly forecast: number;
  /** Share that came true. */
  readonly observed: number;
  readonly count: number;
}

/** What was said out of sample and what came: over time, of probabilities and of quantiles. Six digits; plain JSON. */
export interface OutOfSampleReport {
  /** In time order, none across two test blocks; together all that the manifest's metrics are of. */
  readonly spans: readonly SpanScore[];
  /** That a weight of a generic vault is outside its band within the horizon. */
  readonly breach: {
    readonly horizonHours: number;
    /** First and last forecast time (ISO 8601, UTC): the test blocks after the first, or that one where it is alone. */
    readonly from: string;
    readonly until: string;
    /** In tenths of the probability, ascending; empty ones left out. `raw` is before recalibration. */
    readonly raw: readonly ObservedBin[];
    /** With what was known where each block began. */
    readonly recalibrated: readonly ObservedBin[];
  };
  /** One per horizon, of realised variance. */
  readonly quantiles: readonly {
    readonly horizonHours: number;
    readonly rows: number;
    readonly levels: readonly number[];
    /** By level, the share of outcomes at or below the network's quantile; ideally the level. */
    readonly observed: readonly number[];
  }[];
}
