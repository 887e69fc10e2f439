import { requireThat } from "../evaluation/sample.ts";
import { type Execution, NO_COSTS, venueOf } from "./execution.ts";
import { exchangeGas } from "./order-book.ts";
import { TradeExceedsPoolError } from "./sim-result.ts";
import type { AttestationKind } from "./true-costs.ts";

/** What is known of a market's depth where its book is not: shares are of the price. */
export interface Liquidity {
  /** Between best bid and best ask, share, from 0. */
  readonly spread: number;
  /** Standard deviation of a day's log-return. */
  readonly volatility: number;
  /** Dollars traded in a day. */
  readonly volume: number;
}

export interface ImpactVenue {
  /** Share of what is traded. */
  readonly takerFee: number;
  /** As known at that time, ms; a constant, or `trailingLiquidity`. */
  readonly liquidityAt: (at: number) => Liquidity;
}

/**
 * Y of the square-root law I(Q) = Y·σ·√(Q/V), which is of order one in every market that was looked at (Tóth et al.
 * 2011, "Anomalous price impact and the critical nature of liquidity in financial markets"; of bitcoin: Donier & Bonart
 * 2015, "A million metaorder analysis of market impact on the bitcoin"). Assumed to be one.
 */
export const IMPACT_PREFACTOR = 1;

/** Beyond this share of a day's volume nobody has measured the law, and a trade is refused. */
export const LARGEST_PARTICIPATION = 0.1;

/** How far a trade of `dollars` moves the price, share: its last dollar pays this, the mean one two thirds of it. */
export function squareRootImpact(dollars: number, { volatility, volume }: Liquidity): number {
  checkLiquidity(volatility, volume);
  return IMPACT_PREFACTOR * volatility * Math.sqrt(dollars / volume);
}

/** The same law from the other side: dollars on offer within so much (share) of the middle on one side of the book. */
export function depthWithin(distance: number, { volatility, volume }: Liquidity): number {
  checkLiquidity(volatility, volume);
  requireThat(distance >= 0, "distance", distance, "a share from 0");
  return volume * (distance / (IMPACT_PREFACTOR * volatility)) ** 2;
}

/** Factor for `SimCosts.rootImpacts`: a trade of x dollars costs (2/3)·Y·σ/√V · x^1.5 against the price. */
export function toRootImpact({ volatility, volume }: Liquidity): number {
  checkLiquidity(volatility, volume);
  return ((2 / 3) * IMPACT_PREFACTOR * volatility) / Math.sqrt(volume);
}

/**
 * Market orders against a book of which only spread, volatility and volume are known: half the spread, and the
 * square-root law. Throws TradeExceedsPoolError above a tenth of a day's volume, NoVenueError and OutOfRangeError.
 */
export function impactExecution(
  venues: Readonly<Record<string, ImpactVenue>>,
  attestation: AttestationKind,
): Execution {
  return {
    name: "square-root-impact",
    gasUnits: () => exchangeGas(attestation),
    swapCosts(asset, dollars, price, at) {
      const { takerFee, liquidityAt } = venueOf(venues, asset, dollars, price);
      if (dollars === 0) return NO_COSTS;
      const traded = Math.abs(dollars);
      const liquidity = liquidityAt(at);
      requireThat(
        takerFee >= 0 && takerFee < 1,
        `taker fee of ${asset}`,
        takerFee,
        "a share from 0 to below 1",
      );
      requireThat(liquidity.spread >= 0, `spread of ${asset}`, liquidity.spread, "a share from 0");
      const impact = traded * (2 / 3) * squareRootImpact(traded, liquidity);
      const most = LARGEST_PARTICIPATION * liquidity.volume;
      if (traded > most)
        throw new TradeExceedsPoolError(`${new Date(at).toISOString()}, in ${asset},`, traded, most);
      return { fee: takerFee * traded, spread: (liquidity.spread / 2) * traded, impact, mev: 0 };
    },
  };
}

function checkLiquidity(volatility: number, volume: number): void {
  requireThat(volatility > 0 && Number.isFinite(volatility), "volatility", volatility, "above 0");
  requireThat(volume > 0 && Number.isFinite(volume), "volume", volume, "dollars above 0");
}
