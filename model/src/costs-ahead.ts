import { ForecastRangeError } from "./forecast-range.ts";
import { SERIES_TARGETS, type SeriesTarget } from "./series-regression.ts";

/** The predictive distribution of one target at one horizon, in the series' unit. */
export interface CostDistribution {
  readonly mean: number;
  /** At the levels of `CostsAhead`, ascending. */
  readonly quantiles: readonly number[];
}

/**
 * One series ahead: its value in the `last` hour of each horizon, the `mean` of the hours until then (geometric for a
 * fee, whose logs are averaged) and the `lowest` hour among them; each has one distribution per horizon.
 */
export interface SeriesAhead extends Readonly<Record<SeriesTarget, readonly CostDistribution[]>> {
  /** As in `Snapshot.exogenous`: `base_fee_gwei`. */
  readonly name: string;
  /** In the hour before the forecast, in the series' unit. */
  readonly now: number;
  readonly horizonsHours: readonly number[];
}

/** What a forecast says of fees, rates and liquidity. */
export interface CostsAhead {
  /** Ascending, each in (0, 1). */
  readonly levels: readonly number[];
  /** Ascending by name; at least one. */
  readonly series: readonly SeriesAhead[];
}

/** Series come in units from 10⁻³ gwei to 10²⁴ of liquidity: digits that count are the same share of each. */
const DIGITS = 6;
const PPM = 1e6;

/** Rounds values to six significant decimal digits and levels to 10⁻⁶. Idempotent. Throws ForecastRangeError. */
export function quantiseCosts({ levels, series }: CostsAhead): CostsAhead {
  return {
    levels: levels.map((level, q) => {
      if (!(level > 0 && level < 1)) throw new ForecastRangeError(`costs.levels[${q}]`, level);
      return Math.round(level * PPM) / PPM;
    }),
    series: series.map((one) => {
      const rounded = (target: SeriesTarget) =>
        one[target].map(({ mean, quantiles }, h) => {
          const path = `costs.${one.name}.${target}[${h}]`;
          return {
            mean: toDigits(`${path}.mean`, mean),
            quantiles: quantiles.map((value, q) => toDigits(`${path}.quantiles[${q}]`, value)),
          };
        });
      return {
        name: one.name,
        now: toDigits(`costs.${one.name}.now`, one.now),
        horizonsHours: [...one.horizonsHours],
        last: rounded("last"),
        mean: rounded("mean"),
        lowest: rounded("lowest"),
      };
    }),
  };
}

/** Never −0, which would print and compare unlike 0. */
function toDigits(field: string, value: number): number {
  if (!Number.isFinite(value)) throw new ForecastRangeError(field, value);
  return Number(value.toPrecision(DIGITS)) + 0;
}

/**
 * What quantised costs add to the canonical bytes of a forecast:
 *
 *     uint8 3 (of the third version) | uint8 Q | Q × uint32 level·10⁶ | uint16 S | S × series
 *     series: uint8 length, UTF-8 name | float64 now | uint16 H | H × uint32 horizon (h)
 *             | H × distribution of `last` | H × of `mean` | H × of `lowest`
 *     distribution: float64 mean | Q × float64 quantile
 *
 * Integers and IEEE 754 floats are big-endian; each float is the one nearest to its six digits.
 */
export function costsBytes({ levels, series }: CostsAhead): Uint8Array {
  const parts: Buffer[] = [];
  const add = (size: number, write: (bytes: Buffer) => void) => {
    const bytes = Buffer.alloc(size);
    write(bytes);
    parts.push(bytes);
  };
  const uint8 = (value: number) => add(1, (bytes) => bytes.writeUInt8(value));
  const uint16 = (value: number) => add(2, (bytes) => bytes.writeUInt16BE(value));
  const uint32 = (value: number) => add(4, (bytes) => bytes.writeUInt32BE(value));
  const float64 = (value: number) => add(8, (bytes) => bytes.writeDoubleBE(value));
  uint8(WITH_COSTS);
  uint8(levels.length);
  for (const level of levels) uint32(Math.round(level * PPM));
  uint16(series.length);
  for (const one of series) {
    const name = Buffer.from(one.name, "utf8");
    uint8(name.length);
    parts.push(name);
    float64(one.now);
    uint16(one.horizonsHours.length);
    for (const hours of one.horizonsHours) uint32(hours);
    for (const { mean, quantiles } of SERIES_TARGETS.flatMap((target) => one[target])) {
      float64(mean);
      for (const value of quantiles) float64(value);
    }
  }
  return Buffer.concat(parts);
}

/** Begins what the third version of the encoding adds to the others. */
const WITH_COSTS = 3;
