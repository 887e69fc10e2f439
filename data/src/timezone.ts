import { BallastError } from "./errors.ts";
import { logReturns, robustScale } from "./series.ts";
import { HOUR_MS } from "./units.ts";

export class ShiftedAssetError extends BallastError {
  readonly code = "SHIFTED_ASSET";
  readonly asset: string;
  /** How many hours its bars lie late (positive) or early against the others. */
  readonly hours: number;
  constructor(asset: string, hours: number, correlation: number, atZero: number) {
    const towards = hours > 0 ? "late" : "early";
    super(
      `${asset} moves with the other assets ${Math.abs(hours)} h ${towards} (correlation ${correlation.toFixed(2)}, ` +
        `${atZero.toFixed(2)} unshifted): its times are in another zone. Export ${asset} again in UTC, or leave it out.`,
    );
    this.asset = asset;
    this.hours = hours;
  }
}

/** Zones lie between UTC−12 and UTC+14, some on half hours. */
const MAX_SHIFT_HOURS = 14;
const MIN_RETURNS = 500;
/** Below this the lagged correlation of returns is nothing to refuse a market for. */
const MIN_CORRELATION = 0.25;
/** Standard errors of a correlation, 1/√n, that the shifted one must lie above zero and above the unshifted one. */
const MIN_STANDARD_ERRORS = 6;
/** Returns are cut at this many robust standard deviations, lest one crash decide. */
const CUT_SCALES = 4;

/**
 * Refuses a market in which one asset's bars carry another zone's clock. Assets of one market move together
 * within the same bar; one whose returns match the mean of the others at a lag of hours, and not at once, is
 * shifted. Of two assets it cannot be said which: the later one is named. Quiet for short or uncorrelated
 * markets and for intervals that do not divide an hour.
 * @throws ShiftedAssetError
 */
export const refuseShifted = (
  assets: readonly string[],
  closes: readonly Float64Array[],
  intervalMs: number,
): void => {
  const count = (closes[0]?.length ?? 0) - 1;
  if (assets.length < 2 || count < MIN_RETURNS || HOUR_MS % intervalMs !== 0) return;
  const returns = closes.map((close) => standardised(logReturns(close)));
  const sum = new Float64Array(count);
  for (const series of returns) {
    for (let i = 0; i < count; i++) sum[i] = sum[i]! + series[i]!;
  }
  const stepsPerHour = HOUR_MS / intervalMs;
  const step = stepsPerHour % 2 === 0 ? stepsPerHour / 2 : stepsPerHour;

  let worst: { asset: number; lag: number; correlation: number; atZero: number } | undefined;
  returns.forEach((own, asset) => {
    const others = sum.map((value, i) => value - own[i]!);
    const atZero = correlationAt(own, others, 0);
    for (let lag = step; lag <= MAX_SHIFT_HOURS * stepsPerHour && 2 * lag < count; lag += step) {
      for (const signed of [lag, -lag]) {
        const correlation = correlationAt(own, others, signed);
        const margin = MIN_STANDARD_ERRORS / Math.sqrt(count);
        const isShifted = correlation > Math.max(MIN_CORRELATION, 2 * Math.max(atZero, 0) + margin);
        // On a tie, as between two assets, the positive lag: the later one.
        if (isShifted && correlation > (worst?.correlation ?? 0) + 1e-9)
          worst = { asset, lag: signed, correlation, atZero };
      }
    }
  });
  if (worst !== undefined) {
    throw new ShiftedAssetError(
      assets[worst.asset]!,
      worst.lag / stepsPerHour,
      worst.correlation,
      worst.atZero,
    );
  }
};

const standardised = (returns: Float64Array): Float64Array => {
  const scale = robustScale(returns);
  return returns.map((value) => (scale > 0 ? Math.max(-CUT_SCALES, Math.min(CUT_SCALES, value / scale)) : 0));
};

/** Correlation of own[i + lag] with others[i]; means are taken as zero, as returns' are. */
const correlationAt = (own: Float64Array, others: Float64Array, lag: number): number => {
  const from = Math.max(0, -lag);
  const to = Math.min(own.length, own.length - lag);
  let [product, ownSquare, otherSquare] = [0, 0, 0];
  for (let i = from; i < to; i++) {
    const a = own[i + lag]!;
    const b = others[i]!;
    product += a * b;
    ownSquare += a * a;
    otherSquare += b * b;
  }
  return ownSquare > 0 && otherSquare > 0 ? product / Math.sqrt(ownSquare * otherSquare) : 0;
};
