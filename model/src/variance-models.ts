import { fitGarch, type GarchOptions } from "./garch.ts";
import { forecastGarchRows } from "./garch-forecast.ts";
import { fitHar, forecastHarRows, type HarOptions } from "./har.ts";
import type { RealisedMeasures } from "./har-measures.ts";
import { HAR_KINDS } from "./har-terms.ts";

/** What a variance model of one series sees, oldest first, one entry per period. */
export interface VarianceHistory {
  /** Log return of each period. */
  readonly returns: Float64Array;
  /** Measures of each period, from the returns within it. */
  readonly measures: RealisedMeasures;
}

/** A fitted model: forecasts at the end of every period of a history, of which row i reads no period after i. */
export interface FittedVariance {
  /** [period][horizon] mean variance per period over the next `horizons` periods; NaN without enough history. */
  forecastRows(history: VarianceHistory): Float64Array;
}

/** A model of one series' variance that a walk-forward can fit on any window, like any other. */
export interface VarianceModel {
  /** E.g. `gjr-student-t` or `harq`. */
  readonly name: string;
  /** Fits on the periods from … to − 1; reads no other. */
  fit(history: VarianceHistory, from: number, to: number): FittedVariance;
}

export const garchModel = (options: GarchOptions, horizons: readonly number[]): VarianceModel => ({
  name: `${options.kind}-${options.distribution ?? "normal"}`,
  fit: (history, from, to) => {
    const { model } = fitGarch(history.returns.subarray(from, to), options);
    return { forecastRows: ({ returns }) => forecastGarchRows(model, returns, horizons) };
  },
});

export const harModel = (options: HarOptions): VarianceModel => ({
  name: options.weighting === "wls" ? `${options.kind}-wls` : options.kind,
  fit: ({ measures }, from, to) => {
    const model = fitHar(measures, options, from, to);
    return { forecastRows: (history) => forecastHarRows(model, history.measures) };
  },
});

/** Every GARCH and HAR there is, with a zero mean and the given HAR lags. */
export const varianceModels = (
  horizons: readonly number[],
  lags?: readonly number[],
): readonly VarianceModel[] => [
  ...(["garch", "gjr", "egarch"] as const).flatMap((kind) =>
    (["normal", "student-t"] as const).map((distribution) =>
      garchModel({ kind, distribution, mean: "zero" }, horizons),
    ),
  ),
  ...HAR_KINDS.map((kind) => harModel({ kind, horizons, ...(lags === undefined ? {} : { lags }) })),
];
