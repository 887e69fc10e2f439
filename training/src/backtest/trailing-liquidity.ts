import { requireLength, requireSample, requireThat } from "../evaluation/sample.ts";
import type { Liquidity } from "./impact-book.ts";
import { type RangeBars, spreadProducts } from "./spread-estimators.ts";

export interface LiquidityBars extends RangeBars {
  /** Units of the asset traded, per bar. */
  readonly volume: Float64Array;
  /** When the first bar closed, ms, and the bars' length. */
  readonly firstClose: number;
  readonly barMs: number;
}

const DAY_MS = 86_400_000;

/**
 * Liquidity as the last `window` bars that had closed by a time show it: spread by Abdi & Ranaldo, but no less than
 * `leastSpread`; standard deviation of log-returns and money volume, both for a day. Throws as `requireSample`, and
 * OutOfRangeError; what it returns throws OutOfRangeError where fewer bars had closed, and where nothing moved or
 * traded in them.
 */
export function trailingLiquidity(
  bars: LiquidityBars,
  window: number,
  leastSpread: number,
): (at: number) => Liquidity {
  const { close, volume, firstClose, barMs } = bars;
  requireSample("closes", close, window + 1);
  for (const [name, column] of Object.entries({ high: bars.high, low: bars.low, volume }))
    requireLength(name, column, close.length);
  requireThat(Number.isInteger(window) && window >= 2, "window", window, "a whole number of bars from 2");
  requireThat(leastSpread >= 0 && leastSpread < 1, "least spread", leastSpread, "a share from 0 to below 1");
  const products = sumsOf(spreadProducts(bars));
  const squares = sumsOf(close.map((c, t) => (t === 0 ? 0 : Math.log(c / close[t - 1]!) ** 2)));
  const money = sumsOf(close.map((c, t) => c * volume[t]!));
  const perDay = DAY_MS / barMs;
  return (at) => {
    const closed = Math.min(close.length, Math.floor((at - firstClose) / barMs) + 1);
    requireThat(closed > window, "number of closed bars", closed, `above the window of ${window}`);
    const over = (sums: Float64Array, from: number) => (sums[closed]! - sums[from]!) / (closed - from);
    const from = closed - window;
    // A product is known when the later of its two bars has closed.
    const square = (products[closed - 1]! - products[from]!) / (window - 1);
    const volatility = Math.sqrt(over(squares, from) * perDay);
    const traded = over(money, from) * perDay;
    requireThat(volatility > 0, "trailing volatility", volatility, "above 0");
    requireThat(traded > 0, "trailing volume", traded, "dollars above 0");
    return { spread: Math.max(leastSpread, Math.sqrt(Math.max(0, square))), volatility, volume: traded };
  };
}

/** Sum of the first n values at n. */
function sumsOf(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let t = 0; t < values.length; t++) sums[t + 1] = sums[t]! + values[t]!;
  return sums;
}
