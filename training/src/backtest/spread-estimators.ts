import { mean, requireLength, requireSample, requireThat } from "../evaluation/sample.ts";

/** Equal bars without gaps between them; prices above 0, low ≤ close ≤ high. */
export interface RangeBars {
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
}

export interface SpreadEstimate {
  /** Bid-ask spread, share of the price; 0 where the bars say none. */
  readonly spread: number;
  /**
   * Its 95 % interval: `most` is what the bars cannot exclude. Both are 0 where returns trend from bar to bar, against
   * the estimator's assumption, so that it says nothing.
   */
  readonly least: number;
  readonly most: number;
}

/** ln²-products of one bar and the next, 4(c − η)(c − η⁺), whose mean is the square of the spread; one fewer than bars. */
export function spreadProducts({ high, low, close }: RangeBars): Float64Array {
  const middle = high.map((h, t) => Math.log(h * low[t]!) / 2);
  return Float64Array.from({ length: Math.max(0, close.length - 1) }, (_, t) => {
    const c = Math.log(close[t]!);
    return 4 * (c - middle[t]!) * (c - middle[t + 1]!);
  });
}

/**
 * Spread from closes and mid-ranges: S² = 4·E[(c − η)(c − η⁺)] with c the log close, η the mean of log high and log
 * low, η⁺ that of the next bar (Abdi & Ranaldo 2017, averaged before the root as their "monthly corrected"
 * estimate). The interval is of the mean, with its first autocovariance, as neighbouring products share a bar. Throws as
 * `requireSample` below three bars, and OutOfRangeError.
 */
export function abdiRanaldoSpread(bars: RangeBars): SpreadEstimate {
  checkBars(bars, 3);
  const products = spreadProducts(bars);
  const square = mean(products);
  const centred = products.map((x) => x - square);
  let variance = 0;
  for (let t = 0; t < centred.length; t++)
    variance += centred[t]! ** 2 + (t === 0 ? 0 : centred[t]! * centred[t - 1]!);
  const deviation = Math.sqrt(Math.max(0, variance)) / centred.length;
  const root = (x: number) => Math.sqrt(Math.max(0, x));
  const reach = 1.96 * deviation;
  return { spread: root(square), least: root(square - reach), most: root(square + reach) };
}

const CURVATURE = 3 - 2 * Math.SQRT2;

/**
 * Spread from highs and lows of pairs of bars (Corwin & Schultz 2012, eqs. 14 and 18), negative ones set to zero, as
 * they do, and averaged; that biases it upwards where the spread is small beside the range. Share of the price. No
 * correction for gaps overnight: these markets have no night. Throws as `requireSample` below two bars, and
 * OutOfRangeError.
 */
export function corwinSchultzSpread(bars: RangeBars): number {
  checkBars(bars, 2);
  const { high, low } = bars;
  let sum = 0;
  for (let t = 1; t < high.length; t++) {
    const beta = Math.log(high[t - 1]! / low[t - 1]!) ** 2 + Math.log(high[t]! / low[t]!) ** 2;
    const gamma = Math.log(Math.max(high[t - 1]!, high[t]!) / Math.min(low[t - 1]!, low[t]!)) ** 2;
    const alpha = (Math.sqrt(2 * beta) - Math.sqrt(beta)) / CURVATURE - Math.sqrt(gamma / CURVATURE);
    // 2(e^α − 1)/(e^α + 1)
    sum += Math.max(0, 2 * Math.tanh(alpha / 2));
  }
  return sum / (high.length - 1);
}

function checkBars({ high, low, close }: RangeBars, needed: number): void {
  requireSample("highs", high, needed);
  requireLength("lows", low, high.length);
  requireLength("closes", close, high.length);
  for (let t = 0; t < high.length; t++) {
    requireThat(low[t]! > 0, `low of bar ${t}`, low[t]!, "above 0");
    const isWithin = low[t]! <= close[t]! && close[t]! <= high[t]!;
    requireThat(isWithin, `close of bar ${t}`, close[t]!, `from its low ${low[t]} to its high ${high[t]}`);
  }
}
