/**
 * Prices as numbers into the integers of feeds and pools. The price is read as the decimal that `toFixed`
 * prints, so the same number gives the same integers on every machine.
 */

const PRICE_DIGITS = 18;
export const FEED_DECIMALS = 8;

const toPriceWad = (price: number): bigint => BigInt(price.toFixed(PRICE_DIGITS).replace(".", ""));

/** US dollars as a Chainlink answer with 8 decimals, rounded down. */
export const toAnswerDown = (price: number): bigint =>
  toPriceWad(price) / 10n ** BigInt(PRICE_DIGITS - FEED_DECIMALS);

/** Whole tokens in smallest units, rounded down, exact in the 18 digits behind the point of the decimal number. */
export const toUnitsDown = (amount: number, decimals: number): bigint =>
  (toPriceWad(amount) * 10n ** BigInt(decimals)) / 10n ** BigInt(PRICE_DIGITS);

/** Largest r with r² ≤ value (Newton's iteration from above). */
export const sqrtDown = (value: bigint): bigint => {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
};

export interface Pair {
  readonly assetDecimals: number;
  readonly baseDecimals: number;
  /** Whether the asset sorts before the base token, so that it is the pool's token0. */
  readonly isAssetToken0: boolean;
}

/** Uniswap v3's sqrt(token1 / token0) × 2^96, in smallest units, rounded down. `price` is base per whole asset. */
export const toSqrtPriceX96Down = (price: number, pair: Pair): bigint => {
  const base = toPriceWad(price) * 10n ** BigInt(pair.baseDecimals);
  const asset = 10n ** BigInt(PRICE_DIGITS + pair.assetDecimals);
  const [token1, token0] = pair.isAssetToken0 ? [base, asset] : [asset, base];
  return sqrtDown((token1 << 192n) / token0);
};

/**
 * Liquidity L of a full-range position for which the price of the asset rises by 2 % when `depthBase` of the
 * base token, in whole tokens, is paid for it: Δbase = L · √p · (√1.02 − 1) with p in base per asset, smallest
 * units (Uniswap v3 white paper, eq. 6.14 and 6.16).
 */
export const toLiquidityDown = (depthBase: number, price: number, pair: Pair): bigint => {
  const rawPrice = price * 10 ** (pair.baseDecimals - pair.assetDecimals);
  return BigInt(
    Math.floor((depthBase * 10 ** pair.baseDecimals) / (Math.sqrt(rawPrice) * (Math.sqrt(1.02) - 1))),
  );
};

/** The widest ticks that a pool of this spacing takes. */
export const fullRange = (tickSpacing: number): readonly [lower: number, upper: number] => {
  const upper = Math.floor(887_272 / tickSpacing) * tickSpacing;
  return [-upper, upper];
};
