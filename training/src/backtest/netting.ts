import { requireThat } from "../evaluation/sample.ts";

/** A wish to have so many dollars' worth of one asset, at the market's price, in another. */
export interface PairOrder {
  readonly from: string;
  readonly to: string;
  /** From 0. */
  readonly dollars: number;
}

/** One swap against the base asset: above 0 buys the asset, below 0 sells it; dollars at the market's price. */
export interface Leg {
  readonly asset: string;
  readonly dollars: number;
}

/** Less than this share of all that is ordered is rounding. */
const DUST = 1e-12;

/**
 * What is left of all orders once each goes through the base asset and what one buys another sells: at most one leg an
 * asset, sells first, so that they fund the buys. Throws OutOfRangeError.
 */
export function netThroughBase(orders: readonly PairOrder[], base: string): Leg[] {
  const net = new Map<string, number>();
  const add = (asset: string, dollars: number) => net.set(asset, (net.get(asset) ?? 0) + dollars);
  let gross = 0;
  for (const { from, to, dollars } of orders) {
    requireThat(
      dollars >= 0 && Number.isFinite(dollars),
      `order of ${from} for ${to}`,
      dollars,
      "dollars from 0",
    );
    add(from, -dollars);
    add(to, dollars);
    gross += dollars;
  }
  net.delete(base);
  const legs = [...net].map(([asset, dollars]) => ({ asset, dollars }));
  const isLeft = ({ dollars }: Leg) => Math.abs(dollars) > DUST * gross;
  return legs.filter(isLeft).sort((a, b) => Math.sign(a.dollars) - Math.sign(b.dollars));
}
