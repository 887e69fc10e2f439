import { requireThat } from "../evaluation/sample.ts";
import { type Execution, NO_COSTS, type SwapCosts, venueOf } from "./execution.ts";
import { mevAllowance, type Route } from "./mev.ts";
import { PoolExhaustedError, type PoolState, poolDepth, swapExactIn } from "./pool.ts";
import { MAX_TICK, sqrtPriceOfTick } from "./pool-math.ts";
import { TradeExceedsPoolError } from "./sim-result.ts";
import { type AttestationKind, rebalanceGas } from "./true-costs.ts";

/** A Uniswap v3 pool of an asset and the base asset, whatever its price. */
export interface PoolVenue {
  /** Fee tier, millionths: 500 is 5 bp. */
  readonly fee: number;
  readonly liquidity: PoolReserve | PoolTicks;
}

/** Liquidity that goes with the price: always a constant-product pool with so much of the base asset in it. */
export interface PoolReserve {
  /** Virtual reserve of the base asset, dollars, above 0; half of what a pool of full range holds. */
  readonly reserve: number;
}

/** Liquidity as the pool's contract keeps it, at fixed prices. */
export interface PoolTicks {
  readonly ticks: PoolState["ticks"];
  readonly tickSpacing: number;
  /** Whether the asset is token0, the one whose price the ticks count. */
  readonly isAssetToken0: boolean;
  readonly assetDecimals: number;
  readonly baseDecimals: number;
}

export interface PoolExecutionOptions {
  readonly venues: Readonly<Record<string, PoolVenue>>;
  readonly route: Route;
  readonly attestation: AttestationKind;
}

/**
 * Swaps in Uniswap v3 pools by their own integer arithmetic. The dollars of a swap are what goes in, the fee included, at the
 * market's price, to which arbitrage is taken to have brought the pool since the last one. A swap throws
 * TradeExceedsPoolError where the pool runs out of liquidity, or where it is larger than a pool given by its reserve; also
 * BadPoolError, NoVenueError and OutOfRangeError.
 */
export function poolExecution({ venues, route, attestation }: PoolExecutionOptions): Execution {
  return {
    name: `uniswap-v3 ${route.kind}`,
    gasUnits: (swaps) => rebalanceGas(swaps, attestation),
    swapCosts(asset, dollars, price, at) {
      const venue = venueOf(venues, asset, dollars, price);
      if (dollars === 0) return NO_COSTS;
      return swapIn(venue, route, { asset, dollars, price, at });
    },
  };
}

interface Order {
  readonly asset: string;
  readonly dollars: number;
  readonly price: number;
  readonly at: number;
}

/** Smallest units that keep a double's digits where no token says how many it has. */
const DECIMALS = 18;
const SPACING = 60;
const FULL_RANGE = Math.floor(MAX_TICK / SPACING) * SPACING;

function swapIn(venue: PoolVenue, route: Route, { asset, dollars, price, at }: Order): SwapCosts {
  const traded = Math.abs(dollars);
  const layout = "ticks" in venue.liquidity ? venue.liquidity : fullRange(venue.liquidity, price);
  const exceeds = (depth: number) =>
    new TradeExceedsPoolError(`${new Date(at).toISOString()}, in ${asset},`, traded, depth);
  if ("reserve" in venue.liquidity && traded > venue.liquidity.reserve)
    throw exceeds(venue.liquidity.reserve);
  const pool = toPoolState(venue.fee, layout, price);
  const assetUnit = 10 ** layout.assetDecimals;
  const baseUnit = 10 ** layout.baseDecimals;
  const isBuy = dollars > 0;
  const [unitIn, worthIn] = isBuy ? [baseUnit, 1] : [assetUnit, price];
  const [unitOut, worthOut] = isBuy ? [assetUnit, price] : [baseUnit, 1];
  const amountIn = BigInt(Math.round((traded / worthIn) * unitIn));
  const toWorth = (amount: bigint, unit: number, worth: number) => (Number(amount) / unit) * worth;
  try {
    const swap = swapExactIn(pool, layout.isAssetToken0 !== isBuy, amountIn);
    const fee = toWorth(swap.fee, unitIn, worthIn);
    const lost = toWorth(amountIn, unitIn, worthIn) - toWorth(swap.amountOut, unitOut, worthOut);
    const depth = poolDepth(pool, !layout.isAssetToken0) / baseUnit;
    return {
      fee,
      spread: 0,
      // What the doubles around the pool's integers lose can be more than a dust trade's impact.
      impact: Math.max(0, lost - fee),
      mev: mevAllowance(route, { dollars: traded, fee: venue.fee / 1e6, depth }),
    };
  } catch (error) {
    if (error instanceof PoolExhaustedError)
      throw exceeds(toWorth(error.amountIn - error.left, unitIn, worthIn));
    throw error;
  }
}

/** L = y/√p of the reserve y (v3 white paper, eq. 2.2), from the lowest tick to the highest. */
function fullRange({ reserve }: PoolReserve, price: number): PoolTicks {
  requireThat(reserve > 0 && Number.isFinite(reserve), "pool's reserve", reserve, "dollars above 0");
  const liquidity = BigInt(Math.round((reserve / Math.sqrt(price)) * 10 ** DECIMALS));
  return {
    ticks: [
      { tick: -FULL_RANGE, liquidityNet: liquidity },
      { tick: FULL_RANGE, liquidityNet: -liquidity },
    ],
    tickSpacing: SPACING,
    isAssetToken0: true,
    assetDecimals: DECIMALS,
    baseDecimals: DECIMALS,
  };
}

/** The pool once its price is `price` dollars, with the liquidity that its ticks leave in range there. */
export function toPoolState(fee: number, layout: PoolTicks, price: number): PoolState {
  const { ticks, tickSpacing, isAssetToken0, assetDecimals, baseDecimals } = layout;
  const inUnits = price * 10 ** (baseDecimals - assetDecimals);
  const sqrtPriceX96 = BigInt(Math.round(Math.sqrt(isAssetToken0 ? inUnits : 1 / inUnits) * 2 ** 96));
  const tick = tickAt(sqrtPriceX96);
  const liquidity = ticks.reduce((sum, each) => (each.tick <= tick ? sum + each.liquidityNet : sum), 0n);
  return { sqrtPriceX96, tick, liquidity, fee, tickSpacing, ticks };
}

/** Greatest tick whose price is not above; the logarithm is off by one at most. */
function tickAt(sqrtPriceX96: bigint): number {
  const guess = Math.floor((2 * Math.log(Number(sqrtPriceX96) / 2 ** 96)) / Math.log(1.0001));
  requireThat(Math.abs(guess) < MAX_TICK, "pool's tick", guess, `within ±${MAX_TICK}`);
  if (sqrtPriceOfTick(guess) > sqrtPriceX96) return guess - 1;
  return sqrtPriceOfTick(guess + 1) <= sqrtPriceX96 ? guess + 1 : guess;
}
