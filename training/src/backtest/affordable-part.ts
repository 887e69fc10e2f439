import { requireThat } from "../evaluation/sample.ts";
import { type Execution, totalOf } from "./execution.ts";
import type { Leg } from "./netting.ts";
import { TradeExceedsPoolError } from "./sim-result.ts";

export interface PartialOrder extends Leg {
  readonly price: number;
  readonly at: number;
}

const HALVINGS = 50;

/**
 * How much of a trade to do now so that its costs are at most `mostRate` of it: dollars with the order's sign, all of
 * it where it is cheap enough, 0 where not even a dollar's worth is. The largest such part where costs grow faster than
 * size, as fee, spread and impact do; an allowance for sandwiches jumps, so that beyond the jump a larger part may keep to
 * the rate again. What a venue cannot take counts as too dear. Throws as the execution does otherwise.
 */
export function affordablePart(execution: Execution, order: PartialOrder, mostRate: number): number {
  requireThat(mostRate >= 0, "most rate", mostRate, "a share from 0");
  const { asset, dollars, price, at } = order;
  const isAffordable = (share: number) => {
    try {
      const part = share * dollars;
      return totalOf(execution.swapCosts(asset, part, price, at)) <= mostRate * Math.abs(part);
    } catch (error) {
      if (error instanceof TradeExceedsPoolError) return false;
      throw error;
    }
  };
  if (dollars === 0 || isAffordable(1)) return dollars;
  let [good, bad] = [Math.min(1, 1 / Math.abs(dollars)), 1];
  if (!isAffordable(good)) return 0;
  for (let i = 0; i < HALVINGS; i++) {
    const share = (good + bad) / 2;
    if (isAffordable(share)) good = share;
    else bad = share;
  }
  return good * dollars;
}
