import { BallastError } from "@ballast/data";

/** Numbers as the tests take them. */
export type Sample = Float64Array | Float32Array | Uint8Array | Int32Array;

export class TooFewObservationsError extends BallastError {
  readonly code = "TOO_FEW_OBSERVATIONS";
  readonly sample: string;
  readonly count: number;
  readonly needed: number;
  constructor(sample: string, count: number, needed: number) {
    super(
      `the ${sample} holds ${count} observations, this statistic needs ${needed}. Evaluate a longer window.`,
    );
    this.sample = sample;
    this.count = count;
    this.needed = needed;
  }
}

export class NonFiniteSampleError extends BallastError {
  readonly code = "NON_FINITE_SAMPLE";
  readonly sample: string;
  readonly index: number;
  readonly value: number;
  constructor(sample: string, index: number, value: number) {
    super(
      `observation ${index} of the ${sample} is ${value}, not a finite number. ` +
        "Leave it out of every compared sample, or repair what made it.",
    );
    this.sample = sample;
    this.index = index;
    this.value = value;
  }
}

export class UnequalLengthsError extends BallastError {
  readonly code = "UNEQUAL_LENGTHS";
  readonly sample: string;
  readonly length: number;
  readonly expected: number;
  constructor(sample: string, length: number, expected: number) {
    super(`the ${sample} has length ${length} where ${expected} is expected. Compare the same observations.`);
    this.sample = sample;
    this.length = length;
    this.expected = expected;
  }
}

export class OutOfRangeError extends BallastError {
  readonly code = "OUT_OF_RANGE";
  readonly quantity: string;
  readonly value: number;
  readonly range: string;
  constructor(quantity: string, value: number, range: string) {
    super(`the ${quantity} is ${value}, which is not ${range}. Give one that is.`);
    this.quantity = quantity;
    this.value = value;
    this.range = range;
  }
}

/** Throws TooFewObservationsError below `needed` values and NonFiniteSampleError at the first NaN or infinity. */
export function requireSample(name: string, values: Sample, needed = 1): void {
  if (values.length < needed) throw new TooFewObservationsError(name, values.length, needed);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) throw new NonFiniteSampleError(name, i, values[i]!);
  }
}

/** Throws UnequalLengthsError. */
export function requireLength(name: string, values: Sample, expected: number): void {
  if (values.length !== expected) throw new UnequalLengthsError(name, values.length, expected);
}

/** Throws OutOfRangeError where `isInside` is false; NaN is never inside. `range` says what would be. */
export function requireThat(isInside: boolean, quantity: string, value: number, range: string): void {
  if (!isInside) throw new OutOfRangeError(quantity, value, range);
}

/** Probabilities in [0, 1], at least `needed`. Throws as requireSample, and OutOfRangeError. */
export function requireProbabilities(name: string, values: Float64Array, needed = 1): void {
  requireSample(name, values, needed);
  for (const p of values) requireThat(p >= 0 && p <= 1, name, p, "from 0 to 1");
}

/** Zeros and ones, at least `needed`. Throws TooFewObservationsError and OutOfRangeError. */
export function requireBinary(name: string, values: Uint8Array, needed = 1): void {
  if (values.length < needed) throw new TooFewObservationsError(name, values.length, needed);
  for (const o of values) requireThat(o <= 1, name, o, "0 or 1");
}

/** Arithmetic mean; NaN of nothing. */
export function mean(values: Sample): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** The p-quantile of an ascending, non-empty sample, linear between order statistics (Hyndman & Fan 1996, type 7). */
export function quantileOfSorted(sorted: Float64Array, p: number): number {
  const rank = p * (sorted.length - 1);
  const below = Math.floor(rank);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (rank - below) * (high - low);
}
