import type { SimMarket } from "./market.ts";

/** What one run holds while it walks; the scans read and write it. */
export interface Walk {
  /** Units held of each column, after the last trade. */
  readonly units: Float64Array;
  /** Targets, one per column. */
  readonly targets: Float64Array;
  /** Value at the last bar seen, after its trade; 1 at the start. */
  value: number;
  /** Sum of squared differences between the run's growth, before costs, and the frictionless constant mix's. */
  squares: number;
}

/** The widths at which a scan stops. */
export interface Attention {
  /** Half-widths, one per column, shares of the value; negative stops at once. */
  readonly widths: Float64Array;
  /** Factor of the widths at each bar, where there is one. */
  readonly scale: Float64Array | undefined;
  /** Largest factor that counts; the factor itself where there is no scale. */
  readonly cap: number;
}

/**
 * Walks from bar `from` with holdings as they are until the first bar at which a weight is further from target
 * than its width, that bar included, or to `to`, that bar not. Returns the bar where it stopped.
 */
export type Scan = (market: SimMarket, walk: Walk, attention: Attention, from: number, to: number) => number;

/**
 * For any number of assets. Its loop over the assets costs three times what `scanFour` takes.
 */
export const scanMany: Scan = ({ price, mix, stride }, walk, { widths, scale, cap }, from, to) => {
  const { units, targets } = walk;
  let { value, squares } = walk;
  let t = from;
  scanning: for (let row = from * stride; t < to; t++, row += stride) {
    let now = 0;
    for (let i = 0; i < stride; i++) now += units[i]! * price[row + i]!;
    const difference = now / value - mix[t]!;
    squares += difference * difference;
    value = now;
    const limit = now * (scale === undefined ? cap : Math.min(scale[t]!, cap));
    for (let i = 0; i < stride; i++) {
      const deviation = units[i]! * price[row + i]! - targets[i]! * now;
      if (Math.abs(deviation) > widths[i]! * limit) break scanning;
    }
  }
  walk.value = value;
  walk.squares = squares;
  return t;
};

/** The same for a stride of four, with everything that does not change in registers. */
export const scanFour: Scan = ({ price, mix }, walk, { widths, scale, cap }, from, to) => {
  const [u0, u1, u2, u3] = four(walk.units);
  const [w0, w1, w2, w3] = four(walk.targets);
  const [a0, a1, a2, a3] = four(widths);
  let { value, squares } = walk;
  let t = from;
  for (let row = from * 4; t < to; t++, row += 4) {
    const x0 = u0 * price[row]!;
    const x1 = u1 * price[row + 1]!;
    const x2 = u2 * price[row + 2]!;
    const x3 = u3 * price[row + 3]!;
    const now = x0 + x1 + x2 + x3;
    const difference = now / value - mix[t]!;
    squares += difference * difference;
    value = now;
    const limit = now * (scale === undefined ? cap : Math.min(scale[t]!, cap));
    if (
      Math.abs(x0 - w0 * now) > a0 * limit ||
      Math.abs(x1 - w1 * now) > a1 * limit ||
      Math.abs(x2 - w2 * now) > a2 * limit ||
      Math.abs(x3 - w3 * now) > a3 * limit
    )
      break;
  }
  walk.value = value;
  walk.squares = squares;
  return t;
};

type Four = readonly [number, number, number, number];
const four = (a: Float64Array): Four => [a[0]!, a[1]!, a[2]!, a[3]!];
