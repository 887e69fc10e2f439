import { HOUR_MS } from "@ballast/data";
import { FEATURE_COUNT, FEATURE_NAMES, HORIZONS_HOURS, type Layer } from "@ballast/model";
import { fitPooled, gramMatrices } from "./linear.ts";
import type { Rows } from "./rows.ts";

const HORIZONS = HORIZONS_HOURS.length;
const CORE = new Set([1, 4, 24, 72, 168, 720].map((hours) => `log_rv_${hours}h`));
const IS_CORE = FEATURE_NAMES.map((name) => CORE.has(name));
/** Prior standard deviation of a coefficient of the cascade, and of any other with a long history. */
const CORE_DEVIATION = 0.2;
const OTHER_DEVIATION = 0.1;
/** From this many hours of history on, nearly a year, it has seen more than one regime. */
const LONG_HISTORY_HOURS = 8000;
/** Share, 0..1, of a long history that `hours` are. */
export const toTrust = (hours: number): number => Math.min(1, hours / LONG_HISTORY_HOURS);
/** Per horizon, the power of that share by which a shorter history is trusted less. */
const HISTORY_POWER = [0.5, 0.75, 1, 1] as const;
/** Errors of forecasts a week apart count as independent, those of longer horizons two horizons apart. */
const LEAST_BLOCK_HOURS = 168;

/**
 * The pooled linear forecast of every horizon, from standardised inputs [row][feature]. `known` are, per horizon,
 * how many of the first rows have a known target. The scale of its prior was chosen on hourly bars before
 * 2021-12 and on 5-minute bars before 2024-06.
 */
export function fitPooledForecast(
  rows: Rows,
  inputs: Float32Array,
  known: readonly number[],
  ridge: number,
): Layer {
  const weights = new Float64Array(HORIZONS * FEATURE_COUNT);
  const bias = new Float64Array(HORIZONS);
  const grams = gramMatrices({ inputs: FEATURE_COUNT, z: inputs }, known);
  for (const [h, horizonHours] of HORIZONS_HOURS.entries()) {
    const count = known[h]!;
    const y = Float64Array.from({ length: count }, (_, r) => rows.targets[r * HORIZONS + h]!);
    const trust = toTrust(hoursOf(rows, count)) ** HISTORY_POWER[h]!;
    const blockMs = Math.max(LEAST_BLOCK_HOURS, 2 * horizonHours) * HOUR_MS;
    const fitted = fitPooled(
      { rows: count, inputs: FEATURE_COUNT, z: inputs, y },
      {
        ridge,
        deviation: Float64Array.from(IS_CORE, (isCore) =>
          isCore ? CORE_DEVIATION : OTHER_DEVIATION * trust,
        ),
        isCore: IS_CORE,
        blocks: Int32Array.from({ length: count }, (_, r) => (rows.times[r]! - rows.times[0]!) / blockMs),
      },
      grams[h],
    );
    weights.set(fitted.weights, h * FEATURE_COUNT);
    bias[h] = fitted.bias;
  }
  return { inputs: FEATURE_COUNT, outputs: HORIZONS, weights, bias };
}

/** Hours that the first `count` rows span. */
export const hoursOf = ({ times, strideHours }: Rows, count: number): number =>
  count === 0 ? 0 : (times[count - 1]! - times[0]!) / HOUR_MS + strideHours;
