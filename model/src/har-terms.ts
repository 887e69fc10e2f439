import type { RealisedMeasure, RealisedMeasures } from "./har-measures.ts";

/**
 * What the variance ahead is regressed on, next to a constant; "means" are over each of the lags.
 * - `har`: means of rv (Corsi 2009).
 * - `log-har`: their logs, for the log of the variance ahead (Andersen, Bollerslev & Diebold 2007).
 * - `har-j`: those of `har`, and the jump of the first lag (the same).
 * - `char`: means of bv (Bollerslev, Patton & Quaedvlieg 2016).
 * - `shar`: those of `har`, the first split by the sign of the returns (Patton & Sheppard 2015).
 * - `harq`: those of `har`, and √rq·rv of the first lag, which trusts a noisy rv less (BPQ 2016).
 */
export type HarKind = "har" | "log-har" | "har-j" | "char" | "shar" | "harq";
export const HAR_KINDS: readonly HarKind[] = ["har", "log-har", "har-j", "char", "shar", "harq"];

/** Day, week and month in trading days (Corsi 2009). */
export const CORSI_LAGS: readonly number[] = [1, 5, 22];

/** One regressor: its value at the end of a period. */
export interface HarTerm {
  readonly name: string;
  readonly measures: readonly RealisedMeasure[];
  at(measures: RealisedMeasures, period: number): number;
}

/** The regressors of a kind, without the constant; `floor` stands for 0 under a logarithm. */
export function harTerms(kind: HarKind, lags: readonly number[], floor: number): HarTerm[] {
  const base: RealisedMeasure = kind === "char" ? "bv" : "rv";
  const mean = (measure: RealisedMeasure, lag: number): HarTerm => ({
    name: `${measure}_${lag}`,
    measures: [measure],
    at: (measures, period) => meanOver(measures[measure], period, lag),
  });
  const means = lags.map((lag) => mean(base, lag));
  const first = lags[0]!;
  switch (kind) {
    case "har":
    case "char":
      return means;
    case "log-har":
      return means.map((term) => ({
        ...term,
        name: `log_${term.name}`,
        at: (measures, period) => Math.log(Math.max(term.at(measures, period), floor)),
      }));
    case "har-j":
      return [...means, mean("jump", first)];
    case "shar":
      return [mean("rsPlus", first), mean("rsMinus", first), ...means.slice(1)];
    case "harq": {
      const product: HarTerm = {
        name: `sqrt_rq_rv_${first}`,
        measures: ["rq"],
        at: (m, period) => Math.sqrt(meanOver(m.rq, period, first)) * meanOver(m.rv, period, first),
      };
      return [...means, product];
    }
  }
}

/** The mean of the `length` values that end with number `end`. */
export function meanOver(values: Float64Array, end: number, length: number): number {
  let sum = 0;
  for (let i = end - length + 1; i <= end; i++) sum += values[i]!;
  return sum / length;
}
