import { shrinkToMeanCorrelation, trackingScale } from "@ballast/agent";
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
    for (let k = 0; k < n * n; k++) own[k] = running[k]! / weight;
    shrinkToMeanCorrelation(own, n);
    scale[block++] = trackingScale(own, targets);
  }
  return { covariance, scale, barsPerBlock: BARS_PER_BLOCK };
}
