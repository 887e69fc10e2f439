import { mulDivDown, mulDivUp } from "@ballast/data";

/*
 * Uniswap v3's TickMath, SqrtPriceMath and SwapMath, bit for bit, for exact input. Prices are square roots of token1
 * per token0 in smallest units, Q64.96. Checked against the published bytecode of the pool.
 */
export const MAX_TICK = 887_272;
const Q96 = 1n << 96n;
const WORD = 1n << 256n;
const MILLION = 1_000_000n;

/** √1.0001^−(2^i) as Q128.128, i from 0 (TickMath.sol). */
const POWERS = [
  0xfffcb933bd6fad37aa2d162d1a594001n,
  0xfff97272373d413259a46990580e213an,
  0xfff2e50f5f656932ef12357cf3c7fdccn,
  0xffe5caca7e10e4e61c3624eaa0941cd0n,
  0xffcb9843d60f6159c9db58835c926644n,
  0xff973b41fa98c081472e6896dfb254c0n,
  0xff2ea16466c96a3843ec78b326b52861n,
  0xfe5dee046a99a2a811c461f1969c3053n,
  0xfcbe86c7900a88aedcffc83b479aa3a4n,
  0xf987a7253ac413176f2b074cf7815e54n,
  0xf3392b0822b70005940c7a398e4b70f3n,
  0xe7159475a2c29b7443b29c7fa6e889d9n,
  0xd097f3bdfd2022b8845ad8f792aa5825n,
  0xa9f746462d870fdf8a65dc1f90e061e5n,
  0x70d869a156d2a1b890bb3df62baf32f7n,
  0x31be135f97d08fd981231505542fcfa6n,
  0x9aa508b5b7a84e1c677de54f3e99bc9n,
  0x5d6af8dedb81196699c329225ee604n,
  0x2216e584f5fa1ea926041bedfe98n,
  0x48a170391f7dc42444e8fa2n,
];

/** √1.0001^tick, Q64.96, rounded up; |tick| at most MAX_TICK. */
export function sqrtPriceOfTick(tick: number): bigint {
  const distance = Math.abs(tick);
  let ratio = 1n << 128n;
  for (const [i, power] of POWERS.entries()) if ((distance >> i) & 1) ratio = (ratio * power) >> 128n;
  if (tick > 0) ratio = (WORD - 1n) / ratio;
  return (ratio + 0xffff_ffffn) >> 32n;
}

const divideUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

const amount0 = (low: bigint, high: bigint, liquidity: bigint, isUp: boolean): bigint => {
  const product = liquidity << 96n;
  return isUp
    ? divideUp(mulDivUp(product, high - low, high), low)
    : mulDivDown(product, high - low, high) / low;
};
const amount1 = (low: bigint, high: bigint, liquidity: bigint, isUp: boolean): bigint =>
  (isUp ? mulDivUp : mulDivDown)(liquidity, high - low, Q96);

function priceAfterInput(price: bigint, liquidity: bigint, amount: bigint, isZeroForOne: boolean): bigint {
  if (!isZeroForOne) return price + (amount << 96n) / liquidity;
  if (amount === 0n) return price;
  const numerator = liquidity << 96n;
  const denominator = numerator + amount * price;
  // The pool takes the other way where its 256 bits would overflow.
  return amount * price < WORD && denominator < WORD
    ? mulDivUp(numerator, price, denominator)
    : divideUp(numerator, numerator / price + amount);
}

/** One step of a swap: how far the price goes towards `target`, and for what. */
export interface SwapStep {
  readonly price: bigint;
  readonly amountIn: bigint;
  readonly amountOut: bigint;
  readonly fee: bigint;
}

/** SwapMath.computeSwapStep for exact input; `feePips` in millionths. */
export function swapStep(
  price: bigint,
  target: bigint,
  liquidity: bigint,
  remaining: bigint,
  feePips: bigint,
): SwapStep {
  const isZeroForOne = price >= target;
  const withoutFee = mulDivDown(remaining, MILLION - feePips, MILLION);
  const toTarget = isZeroForOne
    ? amount0(target, price, liquidity, true)
    : amount1(price, target, liquidity, true);
  const next = withoutFee >= toTarget ? target : priceAfterInput(price, liquidity, withoutFee, isZeroForOne);
  const isThere = next === target;
  if (isZeroForOne) {
    const amountIn = isThere ? toTarget : amount0(next, price, liquidity, true);
    const fee = isThere ? mulDivUp(amountIn, feePips, MILLION - feePips) : remaining - amountIn;
    return { price: next, amountIn, amountOut: amount1(next, price, liquidity, false), fee };
  }
  const amountIn = isThere ? toTarget : amount1(price, next, liquidity, true);
  const fee = isThere ? mulDivUp(amountIn, feePips, MILLION - feePips) : remaining - amountIn;
  return { price: next, amountIn, amountOut: amount0(price, next, liquidity, false), fee };
}
