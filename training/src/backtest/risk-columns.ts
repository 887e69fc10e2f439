import { trackingScale } from "@ballast/agent";
import type { SimMarket } from "./market.ts";

/** Covariances of a basket's returns as they were known, for rules that measure deviations by them. */
export interface RiskColumns {
  /** [block][asset][asset], simple returns per bar; 0 for the base asset. */
  readonly covariance: Float64Array;
  /** [block]: `trackingScale`. */
  readonly scale: Float64Array;
  /** Bar t belongs to block ⌊t / barsPerBlock⌋, whose covariance is of bars until that block's first. */
  readonly barsPerBlock: number;
}

const BARS_PER_BLOCK = 24;
/** Of the exponential weights, in bars of an hour. */
const HALF_LIFE = 480;
/** Of the way from each correlation to their mean (constant correlation, Ledoit & Wolf 2003). */
const SHRINKAGE = 0.5;

/**
 * Covariances of the bars until `from` and, block by block, until later ones; columns for bars from `from` on, whose
 * first block begins there. `market` holds bars before `from` to begin with: some HALF_LIFEs of them.
 */
export function toRiskColumns(market: SimMarket, from: number, base: number | undefined): RiskColumns {
  const { assets: n, bars, stride, price, targets } = market;
  const keep = 2 ** (-1 / HALF_LIFE);
  const running = new Float64Array(n * n);
  const returns = new Float64Array(n);
  let weight = 0;
  const blocks = Math.ceil((bars - from) / BARS_PER_BLOCK);
  const covariance = new Float64Array(blocks * n * n);
  const scale = new Float64Array(blocks);
  for (let t = 1, block = 0; block < blocks; t++) {
    for (let i = 0; i < n; i++)
      returns[i] = i === base ? 0 : price[t * stride + i]! / price[(t - 1) * stride + i]! - 1;
    weight = weight * keep + 1;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) running[i * n + j] = running[i * n + j]! * keep + returns[i]! * returns[j]!;
    }
    if (t !== from + block * BARS_PER_BLOCK) continue;
    const own = covariance.subarray(block * n * n, (block + 1) * n * n);
    shrink(running, weight, n, own);
    scale[block++] = trackingScale(own, targets);
  }
  return { covariance, scale, barsPerBlock: BARS_PER_BLOCK };
}

function shrink(running: Float64Array, weight: number, n: number, out: Float64Array): void {
  const deviation = Float64Array.from({ length: n }, (_, i) => Math.sqrt(running[i * n + i]! / weight));
  let mean = 0;
  let pairs = 0;
  const correlation = (i: number, j: number) =>
    running[i * n + j]! / weight / (deviation[i]! * deviation[j]!);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      if (deviation[i] === 0 || deviation[j] === 0) continue;
      mean += correlation(i, j);
      pairs++;
    }
  }
  mean = pairs === 0 ? 0 : mean / pairs;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (deviation[i] === 0 || deviation[j] === 0) continue;
      const rho = i === j ? 1 : correlation(i, j) + SHRINKAGE * (mean - correlation(i, j));
      out[i * n + j] = rho * deviation[i]! * deviation[j]!;
    }
  }
}
