import { DAY_MS, HOUR_MS } from "@ballast/data";
import { HORIZONS_HOURS, type NetworkArtefact, QUANTILE_LEVELS } from "@ballast/model";

/** log(realised/forecast) of forecasts that were not fitted to what came, or hardly. */
export interface Errors {
  /** When each forecast was made, ms. */
  readonly times: Float64Array;
  /** Index of its asset. */
  readonly asset: Float64Array;
  readonly log: Float64Array;
}

/** Errors so recent make the quantiles: those of a regime that is over say little of this one's. */
const WINDOW_DAYS = 120;
/** Days of errors of its own that move an asset's quantiles half the way from those of all. */
const HALF_WAY_DAYS = 40;

/**
 * Sets the quantiles of the artefact and of each of its assets from the errors of the last WINDOW_DAYS whose
 * outcome had ended by `at` (ms): split conformal prediction (Vovk, Gammerman & Shafer 2005) on a rolling window, by
 * asset where it has errors enough. `errors` are [source][horizon], made `strideHours` apart. The window and the
 * share were chosen on hourly bars before 2021-12 and on 5-minute bars before 2024-06.
 */
export function withQuantiles(
  artefact: NetworkArtefact,
  errors: readonly (readonly Errors[])[],
  at: number,
  strideHours: number,
): NetworkArtefact {
  const quantiles = HORIZONS_HOURS.map((hours, h) => {
    const all: number[] = [];
    const own = artefact.assets.map((): number[] => []);
    for (const source of errors) {
      const { times, asset, log } = source[h]!;
      for (let i = 0; i < times.length; i++) {
        if (times[i]! < at - WINDOW_DAYS * DAY_MS || times[i]! + hours * HOUR_MS > at) continue;
        all.push(log[i]!);
        own[asset[i]!]!.push(log[i]!);
      }
    }
    const pooled = quantilesOf(all);
    return {
      pooled,
      own: own.map((sample) => {
        if (sample.length === 0) return pooled;
        const days = (sample.length * strideHours) / 24;
        const share = days / (days + HALF_WAY_DAYS);
        return quantilesOf(sample).map((q, i) => share * q + (1 - share) * pooled[i]! + 0);
      }),
    };
  });
  return {
    ...artefact,
    logQuantiles: quantiles.map(({ pooled }) => pooled),
    assets: artefact.assets.map((effect, a) => ({
      ...effect,
      logQuantiles: quantiles.map(({ own }) => own[a]!),
    })),
  };
}

/** Quantiles at QUANTILE_LEVELS of a sample that is not empty (Hyndman & Fan 1996, type 7). */
export function quantilesOf(sample: readonly number[]): Float64Array {
  const sorted = Float64Array.from(sample).sort();
  return Float64Array.from(QUANTILE_LEVELS, (level) => {
    const at = level * (sorted.length - 1);
    const low = sorted[Math.floor(at)]!;
    return low + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - low) + 0;
  });
}
