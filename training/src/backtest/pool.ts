import { BallastError } from "@ballast/data";
import { MAX_TICK, sqrtPriceOfTick, swapStep } from "./pool-math.ts";

/** A Uniswap v3 pool as its contract stores it. */
export interface PoolState {
  /** √(token1 per token0) in smallest units, Q64.96. */
  readonly sqrtPriceX96: bigint;
  readonly tick: number;
  /** In range now. */
  readonly liquidity: bigint;
  /** Millionths: 500 is 5 bp. */
  readonly fee: number;
  readonly tickSpacing: number;
  /** Initialised ticks, ascending, each with what it adds to the liquidity when crossed upwards. */
  readonly ticks: readonly { readonly tick: number; readonly liquidityNet: bigint }[];
}

export interface Swap {
  readonly amountOut: bigint;
  /** Of the input. */
  readonly fee: bigint;
  readonly sqrtPriceX96: bigint;
}

export class PoolExhaustedError extends BallastError {
  readonly code = "POOL_EXHAUSTED";
  readonly amountIn: bigint;
  readonly left: bigint;
  constructor(amountIn: bigint, left: bigint) {
    super(
      `The pool takes ${amountIn - left} of ${amountIn} and then has no liquidity left. Trade less at a time.`,
    );
    this.amountIn = amountIn;
    this.left = left;
  }
}

export class BadPoolError extends BallastError {
  readonly code = "BAD_POOL";
  constructor(what: string) {
    super(`The pool's ${what}. Read its state again, all at one block.`);
  }
}

/**
 * What the pool gives for exactly `amountIn` of one token, to the smallest unit: the pool's own loop over its ticks
 * (UniswapV3Pool.swap), stepping as it does at the ends of the words of its bitmap, where amounts are rounded.
 * Throws PoolExhaustedError and BadPoolError.
 */
export function swapExactIn(pool: PoolState, isZeroForOne: boolean, amountIn: bigint): Swap {
  checkPool(pool);
  const net = new Map(pool.ticks.map(({ tick, liquidityNet }) => [tick, liquidityNet]));
  let { sqrtPriceX96: price, tick, liquidity } = pool;
  let remaining = amountIn;
  let amountOut = 0n;
  let fee = 0n;
  while (remaining > 0n) {
    const bound = Math.max(-MAX_TICK, Math.min(MAX_TICK, nextTick(pool, tick, isZeroForOne, net)));
    const target = sqrtPriceOfTick(bound);
    const step = swapStep(price, target, liquidity, remaining, BigInt(pool.fee));
    remaining -= step.amountIn + step.fee;
    amountOut += step.amountOut;
    fee += step.fee;
    price = step.price;
    if (price !== target) break;
    const crossed = net.get(bound);
    if (crossed !== undefined) liquidity += isZeroForOne ? -crossed : crossed;
    tick = isZeroForOne ? bound - 1 : bound;
    if (Math.abs(bound) === MAX_TICK && remaining > 0n) throw new PoolExhaustedError(amountIn, remaining);
  }
  return { amountOut, fee, sqrtPriceX96: price };
}

const BITS = 256;

/** TickBitmap.nextInitializedTickWithinOneWord: the next initialised tick, or the end of the bitmap's word. */
function nextTick(
  { tickSpacing }: PoolState,
  tick: number,
  isDown: boolean,
  net: ReadonlyMap<number, bigint>,
): number {
  const from = Math.floor(tick / tickSpacing) + (isDown ? 0 : 1);
  const word = Math.floor(from / BITS) * BITS;
  const end = isDown ? word : word + BITS - 1;
  const direction = isDown ? -1 : 1;
  for (let i = from; i !== end; i += direction) if (net.has(i * tickSpacing)) return i * tickSpacing;
  return end * tickSpacing;
}

function checkPool({ sqrtPriceX96, tick, liquidity, fee, tickSpacing, ticks }: PoolState): void {
  if (!(fee >= 0 && fee < 1_000_000)) throw new BadPoolError(`fee is ${fee} millionths`);
  if (!(Number.isInteger(tickSpacing) && tickSpacing > 0))
    throw new BadPoolError(`tick spacing is ${tickSpacing}`);
  if (liquidity < 0n) throw new BadPoolError(`liquidity is ${liquidity}`);
  const isWithin =
    Math.abs(tick) <= MAX_TICK &&
    sqrtPriceX96 >= sqrtPriceOfTick(tick) &&
    sqrtPriceX96 <= sqrtPriceOfTick(Math.min(MAX_TICK, tick + 1));
  if (!isWithin) throw new BadPoolError(`price ${sqrtPriceX96} is not at its tick ${tick}`);
  const sum = ticks.reduce(
    (total, { tick: at, liquidityNet }) => (at <= tick ? total + liquidityNet : total),
    0n,
  );
  if (ticks.length > 0 && sum !== liquidity)
    throw new BadPoolError(`liquidity is ${liquidity}, but its ticks up to ${tick} add up to ${sum}`);
}

/**
 * Depth of a pool about its present price, for `SimCosts.depths`: a small trade of x in token1 costs x²/depth of it
 * against the price, L·√p, the virtual reserve of token1 (v3 white paper, eq. 2.2). In token1's smallest units; in
 * token0's with `inToken0`.
 */
export const poolDepth = ({ liquidity, sqrtPriceX96 }: PoolState, inToken0 = false): number =>
  inToken0
    ? (Number(liquidity) * 2 ** 96) / Number(sqrtPriceX96)
    : (Number(liquidity) * Number(sqrtPriceX96)) / 2 ** 96;
