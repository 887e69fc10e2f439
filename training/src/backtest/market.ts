import { BallastError } from "@ballast/data";

/** Closes of a basket as the simulator walks through them. Made by `toSimMarket`; shared between threads. */
export interface SimMarket {
  /** Holdings, the base asset included where it has a share. */
  readonly assets: number;
  readonly bars: number;
  /** Numbers from one bar to the next in `price`: at least FEWEST_COLUMNS; columns beyond the assets are worth 0. */
  readonly stride: number;
  /** [bar][column], in the base asset. */
  readonly price: Float64Array;
  /** Target shares, summing to one. */
  readonly targets: readonly number[];
  /** Value at each bar over that at the bar before of the frictionless constant mix; 1 at the first. */
  readonly mix: Float64Array;
}

/** So that the fast scan can read four columns whatever the basket. */
export const FEWEST_COLUMNS = 4;
/** Target shares are doubles; their sum may miss one by rounding alone. */
const SUM_TOLERANCE = 1e-9;

export class WeightsNotOneError extends BallastError {
  readonly code = "WEIGHTS_NOT_ONE";
  readonly sum: number;
  constructor(sum: number) {
    super(`The target weights sum to ${sum}. Give shares above 0 that sum to 1.`);
    this.sum = sum;
  }
}

export class MissingPriceError extends BallastError {
  readonly code = "MISSING_PRICE";
  readonly asset: number;
  readonly bar: number;
  readonly value: number;
  constructor(asset: number, bar: number, value: number) {
    super(
      `Asset number ${asset} has the price ${value} at bar ${bar}. Shorten the period to where every asset has bars, ` +
        "or leave the asset out.",
    );
    this.asset = asset;
    this.bar = bar;
    this.value = value;
  }
}

export class UnequalBarsError extends BallastError {
  readonly code = "UNEQUAL_BARS";
  readonly counts: readonly number[];
  constructor(counts: readonly number[]) {
    super(
      `The basket's series have ${counts.join(", ")} bars. Give two or more assets, each with the same bars.`,
    );
    this.counts = counts;
  }
}

/**
 * A basket for the simulator. `closes`: per holding its close at every bar in the base asset, all ones for the base
 * asset; `targets` in the same order. Throws UnequalBarsError, WeightsNotOneError and MissingPriceError.
 */
export function toSimMarket(closes: readonly ArrayLike<number>[], targets: readonly number[]): SimMarket {
  const assets = closes.length;
  const bars = closes[0]?.length ?? 0;
  if (assets < 2 || targets.length !== assets || bars < 2 || closes.some(({ length }) => length !== bars))
    throw new UnequalBarsError(closes.map(({ length }) => length));
  const sum = targets.reduce((total, weight) => total + weight, 0);
  if (!(Math.abs(sum - 1) <= SUM_TOLERANCE) || !targets.every((weight) => weight > 0))
    throw new WeightsNotOneError(sum);
  const stride = Math.max(FEWEST_COLUMNS, assets);
  const price = sharedNumbers(bars * stride);
  const mix = sharedNumbers(bars).fill(1);
  for (const [i, close] of closes.entries()) {
    for (let t = 0; t < bars; t++) {
      const p = close[t]!;
      if (!(p > 0 && p < Number.POSITIVE_INFINITY)) throw new MissingPriceError(i, t, p);
      price[t * stride + i] = p;
    }
  }
  for (let t = 1; t < bars; t++) {
    let growth = 0;
    for (let i = 0; i < assets; i++) {
      growth += targets[i]! * (price[t * stride + i]! / price[(t - 1) * stride + i]!);
    }
    mix[t] = growth;
  }
  return { assets, bars, stride, price, targets: [...targets], mix };
}

const sharedNumbers = (length: number): Float64Array =>
  new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
