/** One policy's place: tracking error and cost, both a year, from 0. */
export interface Place {
  readonly trackingError: number;
  readonly cost: number;
}

/** Tracking errors further apart than this factor are not translated into each other: no law holds that far. */
export const COMPARABLE = 2;

export const isComparable = (a: Place, b: Place): boolean =>
  Math.max(a.trackingError, b.trackingError) <= COMPARABLE * Math.min(a.trackingError, b.trackingError);

/**
 * What a policy would cost at another tracking error: cost · (own/other)^elasticity. Of proportional costs the elasticity
 * is 1, of costs per trade 2: turnover goes as 1/h and trades as 1/h² of a band's half-width h, as tracking error goes.
 */
export const costAt = (place: Place, trackingError: number, elasticity: number): number =>
  place.cost * (place.trackingError / trackingError) ** elasticity;

/** 1 and the share of gas in what all policies paid: between the two laws. 1 where nothing was paid. */
export const elasticityOf = (gas: number, cost: number): number => (cost > 0 ? 1 + gas / cost : 1);

/**
 * How much more each policy cost than the best one in hindsight would have at the same tracking error; from 0. One that is
 * too far away to be translated counts with what it cost where it tracked no worse, and not at all where it tracked worse.
 */
export function toRegrets(places: readonly Place[], elasticity: number): number[] {
  return places.map((own) => {
    const costs = places.map((other) => {
      if (isComparable(own, other) && own.trackingError > 0)
        return costAt(other, own.trackingError, elasticity);
      return other.trackingError <= own.trackingError ? other.cost : Number.POSITIVE_INFINITY;
    });
    return Math.max(0, own.cost - Math.min(own.cost, ...costs));
  });
}
