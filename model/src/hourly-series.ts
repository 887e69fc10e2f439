import { BallastError, HOUR_MS, isoTime, type UnixMillis, unixMillis } from "@ballast/data";

/** The scale a series is forecast on: `log` of a positive value, `logit` of a share, or the value itself. */
export type SeriesTransform = "log" | "logit" | "identity";

/** What is known of a series: an `Exogenous`, or what a `Past` or a Snapshot hands out of one. */
export interface PublishedSeries {
  /** When each value became public, ms, ascending. */
  readonly publishedAt: Float64Array;
  readonly value: Float64Array;
}

/** A series on whole hours, transformed, oldest first. */
export interface HourlySeries {
  readonly transform: SeriesTransform;
  /** Where the last hour ends; hour i ends (length − 1 − i) hours before. */
  readonly end: UnixMillis;
  /**
   * Mean of the transformed values published in each hour; where there were none, that of the hour before, for at
   * most MAX_CARRY_HOURS, then NaN.
   */
  readonly x: Float64Array;
}

/** A value is believed to hold for a day after it was published. */
export const MAX_CARRY_HOURS = 24;

/** A share of 0 or 1 has no logit; it is taken as this far from it. */
const LOGIT_EDGE = 1e-6;

export class BadSeriesValueError extends BallastError {
  readonly code = "BAD_SERIES_VALUE";
  readonly value: number;
  readonly time: number;
  constructor(value: number, time: number, transform: SeriesTransform) {
    const range = { log: "above 0", logit: "from 0 to 1", identity: "finite" }[transform];
    super(
      `The series is ${value} at ${isoTime(time)}, but one with the transform "${transform}" has to be ${range}. ` +
        `Correct the value, or choose another transform.`,
    );
    this.value = value;
    this.time = time;
  }
}

/**
 * The `hours` hours up to `at`, from the values published by then: later ones are not read. Hours are counted back
 * from `at`, each without its beginning and with its end. Values may come by the block, by the minute or by the
 * hour. Throws BadSeriesValueError for a value that the transform cannot take.
 */
export function toHourlySeries(
  series: PublishedSeries,
  transform: SeriesTransform,
  at: UnixMillis,
  hours: number,
): HourlySeries {
  const sum = new Float64Array(hours);
  const count = new Int32Array(hours);
  let before = Number.NaN;
  let beforeHour = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < series.value.length && series.publishedAt[i]! <= at; i++) {
    const time = series.publishedAt[i]!;
    const value = series.value[i]!;
    if (!isWithin(value, transform)) throw new BadSeriesValueError(value, time, transform);
    const x = toTransformed(value, transform);
    const hour = hours - 1 - Math.floor((at - time) / HOUR_MS);
    if (hour < 0) {
      before = x;
      beforeHour = hour;
    } else {
      sum[hour] = sum[hour]! + x;
      count[hour] = count[hour]! + 1;
    }
  }
  const x = new Float64Array(hours);
  for (let hour = 0; hour < hours; hour++) {
    if (count[hour]! > 0) {
      before = sum[hour]! / count[hour]!;
      beforeHour = hour;
    }
    x[hour] = hour - beforeHour <= MAX_CARRY_HOURS ? before : Number.NaN;
  }
  return { transform, end: unixMillis(at), x };
}

const isWithin = (value: number, transform: SeriesTransform): boolean =>
  Number.isFinite(value) &&
  (transform === "identity" || (transform === "log" ? value > 0 : value >= 0 && value <= 1));

/** The value on the scale it is forecast on; the ends of a share are moved in by 10⁻⁶. */
export function toTransformed(value: number, transform: SeriesTransform): number {
  if (transform === "identity") return value;
  if (transform === "log") return Math.log(value);
  const share = Math.min(1 - LOGIT_EDGE, Math.max(LOGIT_EDGE, value));
  return Math.log(share / (1 - share));
}

/** Back from the scale of the forecast to the series' own unit. */
export const fromTransformed = (x: number, transform: SeriesTransform): number =>
  transform === "log" ? Math.exp(x) : transform === "logit" ? 1 / (1 + Math.exp(-x)) : x;
