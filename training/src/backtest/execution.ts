import { BallastError } from "@ballast/data";
import { requireThat } from "../evaluation/sample.ts";

/** What one swap of an asset against the base asset costs, dollars, each from 0. */
export interface SwapCosts {
  readonly fee: number;
  readonly spread: number;
  readonly impact: number;
  readonly mev: number;
}

export interface Execution {
  readonly name: string;
  /** `dollars` > 0 buys the asset, < 0 sells it. Throws TradeExceedsPoolError. Pure. */
  swapCosts(asset: string, dollars: number, price: number, at: number): SwapCosts;
  /** Gas units of one rebalance with so many swaps, and of its attestation. */
  gasUnits(swaps: number): { readonly rebalance: number; readonly attestation: number };
}

export class NoVenueError extends BallastError {
  readonly code = "NO_VENUE";
  readonly asset: string;
  readonly known: readonly string[];
  constructor(asset: string, known: readonly string[]) {
    super(
      `There is nowhere to trade ${asset}, only ${known.join(", ") || "nothing"}. Give it a venue as well.`,
    );
    this.asset = asset;
    this.known = known;
  }
}

/** The asset's venue, once the swap makes sense at all. Throws NoVenueError and OutOfRangeError. */
export function venueOf<Venue>(
  venues: Readonly<Record<string, Venue>>,
  asset: string,
  dollars: number,
  price: number,
): Venue {
  if (!Object.hasOwn(venues, asset)) throw new NoVenueError(asset, Object.keys(venues));
  requireThat(Number.isFinite(dollars), `trade in ${asset}`, dollars, "a finite number of dollars");
  requireThat(price > 0 && Number.isFinite(price), `price of ${asset}`, price, "dollars above 0");
  return venues[asset]!;
}

export const NO_COSTS: SwapCosts = { fee: 0, spread: 0, impact: 0, mev: 0 };

/** Dollars in all. */
export const totalOf = ({ fee, spread, impact, mev }: SwapCosts): number => fee + spread + impact + mev;
