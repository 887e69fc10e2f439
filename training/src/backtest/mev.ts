import { requireThat } from "../evaluation/sample.ts";

/**
 * How a trade reaches its pool, with what others take on the way.
 * - `public`: seen by everybody in the mempool. Assumed: it is sandwiched whenever that pays, to the last cent that its
 *   minimum leaves. `tolerance`: how much less than the fair value, beyond the pool's fee, the minimum allows, share.
 *   `attackDollars`: what the attacker's two transactions cost besides the pool's fees (gas, and what the block's
 *   builder asks).
 * - `private`: a relay that shows it to nobody until it is in a block. Assumed: `leak`, the share of the trade that is
 *   lost all the same. A relay also takes longer: see `latencyCost`.
 * - `batch`: an auction that settles all orders at one price, so that there is no order of them to play with.
 *   Assumed: `surplus`, the share of the trade that the winning solver keeps.
 */
export type Route =
  | { readonly kind: "public"; readonly tolerance: number; readonly attackDollars: number }
  | { readonly kind: "private"; readonly leak: number }
  | { readonly kind: "batch"; readonly surplus: number };

export interface Exposed {
  /** What is traded, from 0. */
  readonly dollars: number;
  /** Of the pool, share. */
  readonly fee: number;
  /** Virtual reserve of the base asset in the pool, dollars. */
  readonly depth: number;
}

/**
 * Dollars that others take of a trade, from 0. On a public route: with the trade x in a pool of reserve R and fee f,
 * x's own impact x/R uses up some of the tolerance τ and leaves δ = τ − x/R. An attacker who buys δR/2 first pushes the
 * price by δ, so that the trade gets its minimum and loses δx; selling again after it gains δx and costs fees of fδR.
 * So it pays where δ(x − fR) is above what the attack costs, to first order in x/R. With τ at most f it never does. (The
 * sandwich as in Zhou, Qin, Torres, Le & Gervais 2021, "High-frequency trading on decentralized on-chain exchanges"; the
 * bound is tried by brute force on the exact pool.) With x/R above τ the trade's own minimum refuses it, and nothing is taken.
 * Throws OutOfRangeError.
 */
export function mevAllowance(route: Route, { dollars, fee, depth }: Exposed): number {
  const requireShare = (name: string, share: number) =>
    requireThat(share >= 0 && share < 1, name, share, "a share from 0 to below 1");
  switch (route.kind) {
    case "public": {
      requireShare("tolerance", route.tolerance);
      requireThat(route.attackDollars >= 0, "attack's cost", route.attackDollars, "dollars from 0");
      const room = Math.max(0, route.tolerance - dollars / depth);
      return room * (dollars - fee * depth) > route.attackDollars ? room * dollars : 0;
    }
    case "private":
      requireShare("leak", route.leak);
      return route.leak * dollars;
    case "batch":
      requireShare("surplus", route.surplus);
      return route.surplus * dollars;
  }
}
