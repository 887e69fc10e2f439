import type { Snapshot } from "@ballast/data";
import type { CostsAhead, SeriesAhead } from "./costs-ahead.ts";
import { QUANTILE_LEVELS } from "./forecast.ts";
import { BadSeriesValueError, type SeriesTransform } from "./hourly-series.ts";
import {
  forecastExogenous,
  type SeriesModel,
  type TargetForecast,
  UnknownExogenousError,
  UnknownHoursError,
} from "./series-forecast.ts";
import { ERROR_POINTS, SERIES_TARGETS, type SeriesRegression } from "./series-regression.ts";
import { SERIES_TERM_COUNT, SPREAD_TERM_COUNT } from "./series-terms.ts";

/** What a trained model knows of one series. Plain values, part of its artefact. */
export interface CostModel {
  /** As in `Snapshot.exogenous`: `base_fee_gwei`. */
  readonly series: string;
  readonly model: SeriesModel;
}

/** Name endings of series that are shares of a whole. */
const SHARES = /(^|[._])(utili[sz]ation|share)$/;

/** `logit` for a series that is called a utilisation or a share and lies within [0, 1], `log` for positive values. */
export function transformOf(name: string, values: Float64Array): SeriesTransform {
  if (SHARES.test(name) && values.every((v) => v >= 0 && v <= 1)) return "logit";
  return values.every((v) => v > 0) ? "log" : "identity";
}

/**
 * The series' distributions ahead of a snapshot, not quantised yet. A series that the snapshot lacks, does not know
 * throughout the week before, or that no longer takes the values its model was fitted to, is left out: what else
 * there is to forecast does not depend on it. Undefined where none is left.
 */
export function forecastCosts(models: readonly CostModel[], snapshot: Snapshot): CostsAhead | undefined {
  const series = models.flatMap(({ series: name, model }): SeriesAhead[] => {
    try {
      const { now, horizonsHours, last, mean, lowest } = forecastExogenous(model, snapshot, name);
      if (![...last, ...mean, ...lowest].every(isFiniteForecast)) return [];
      return [{ name, now, horizonsHours, last, mean, lowest }];
    } catch (error) {
      const isUnknown =
        error instanceof UnknownExogenousError ||
        error instanceof UnknownHoursError ||
        error instanceof BadSeriesValueError;
      if (isUnknown) return [];
      throw error;
    }
  });
  return series.length === 0 ? undefined : { levels: QUANTILE_LEVELS, series };
}

/** The exponential of a forecast far outside what was ever seen may overflow. */
const isFiniteForecast = ({ mean, quantiles }: TargetForecast): boolean =>
  Number.isFinite(mean) && quantiles.every(Number.isFinite);

/** Reads the cost models of an artefact's JSON; `fail` throws what names the field and what was found. */
export function toCostModels(value: unknown, fail: (field: string, found: string) => never): CostModel[] {
  const list = (found: unknown, path: string): unknown[] =>
    Array.isArray(found) ? found : fail(path, found === undefined ? "missing" : "not a list");
  const object = (found: unknown, path: string): Record<string, unknown> =>
    typeof found === "object" && found !== null && !Array.isArray(found)
      ? (found as Record<string, unknown>)
      : fail(path, found === undefined ? "missing" : "not an object");
  const numbers = (found: unknown, path: string, length?: number): number[] => {
    const all = list(found, path);
    if (length !== undefined && all.length !== length)
      fail(path, `${all.length} numbers instead of ${length}`);
    return all.map((x, i) =>
      typeof x === "number" && Number.isFinite(x) ? x : fail(`${path}[${i}]`, String(x)),
    );
  };
  const regression = (found: unknown, path: string): SeriesRegression => {
    const { coefficients, spread, errors } = object(found, path);
    return {
      coefficients: numbers(coefficients, `${path}.coefficients`, SERIES_TERM_COUNT),
      spread: numbers(spread, `${path}.spread`, SPREAD_TERM_COUNT),
      errors: numbers(errors, `${path}.errors`, ERROR_POINTS),
    };
  };
  return list(value, "costs").map((entry, i): CostModel => {
    const path = `costs[${i}]`;
    const { series, model } = object(entry, path);
    if (typeof series !== "string" || series === "" || Buffer.byteLength(series) > 255)
      fail(`${path}.series`, JSON.stringify(series) ?? "missing");
    const { transform, horizonsHours, regressions } = object(model, `${path}.model`);
    if (transform !== "log" && transform !== "logit" && transform !== "identity")
      return fail(`${path}.model.transform`, String(transform));
    const horizons = numbers(horizonsHours, `${path}.model.horizonsHours`);
    if (horizons.length === 0 || !horizons.every((h, k) => Number.isInteger(h) && h > (horizons[k - 1] ?? 0)))
      fail(`${path}.model.horizonsHours`, "not whole hours, ascending");
    const rows = list(regressions, `${path}.model.regressions`);
    if (rows.length !== horizons.length)
      fail(`${path}.model.regressions`, `${rows.length} rows instead of ${horizons.length}`);
    return {
      series: series as string,
      model: {
        transform,
        horizonsHours: horizons,
        regressions: rows.map((row, h) => {
          const at = `${path}.model.regressions[${h}]`;
          const targets = list(row, at);
          if (targets.length !== SERIES_TARGETS.length)
            fail(at, `${targets.length} targets instead of ${SERIES_TARGETS.length}`);
          return targets.map((target, k) => regression(target, `${at}[${k}]`));
        }),
      },
    };
  });
}
