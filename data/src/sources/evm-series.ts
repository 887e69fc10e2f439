import { BallastError } from "../errors.ts";
import type { Exogenous } from "../market.ts";

export class BadObservationError extends BallastError {
  readonly code = "BAD_OBSERVATION";
  readonly series: string;
  readonly publishedAt: number;
  readonly value: number;
  constructor(series: string, publishedAt: number, value: number) {
    super(
      `${series}: ${value} published at ${publishedAt} ms is not a finite number at a finite time: leave it out or mend it`,
    );
    this.series = series;
    this.publishedAt = publishedAt;
    this.value = value;
  }
}

export interface Observation {
  /** When it became public, ms: for a chain, the time of the block that holds it. */
  readonly publishedAt: number;
  readonly value: number;
}

/**
 * Observations, in any order, as a series in the order of their publication. Of several published at the same
 * moment the last one given stays: it is what was known once that moment had passed.
 * @throws BadObservationError for a value or time that is not finite
 */
export const toExogenous = (name: string, unit: string, observations: readonly Observation[]): Exogenous => {
  const byTime = new Map<number, number>();
  for (const { publishedAt, value } of observations) {
    if (!Number.isFinite(value) || !Number.isFinite(publishedAt)) {
      throw new BadObservationError(name, publishedAt, value);
    }
    byTime.set(publishedAt, value);
  }
  const publishedAt = Float64Array.from(byTime.keys()).sort();
  return { name, unit, publishedAt, value: publishedAt.map((time) => byTime.get(time)!) };
};
