import { BallastError } from "./errors.ts";
import { type Wad, wad } from "./units.ts";

/*
 * The one bridge between the two number worlds. Every double is a whole number of 53 bits times a power of
 * two, so the way into fixed point is whole-number arithmetic and one division: exact up to the rounding that
 * stands in the function's name. Down is towards minus infinity, up towards plus infinity, nearest resolves
 * ties to even.
 */
const WAD_DECIMALS = 18;

export class NotFiniteError extends BallastError {
  readonly code = "NOT_FINITE";
  readonly value: number;
  constructor(value: number) {
    super(
      `${value} has no fixed-point value. Pass a finite number; look for a division by zero or a missing price.`,
    );
    this.value = value;
  }
}

export class NegativeAmountError extends BallastError {
  readonly code = "NEGATIVE_AMOUNT";
  readonly value: number;
  constructor(value: number) {
    super(
      `${value} is no amount of a token. Pass zero or more, and express a direction by the token's side.`,
    );
    this.value = value;
  }
}

export class DivisionByZeroError extends BallastError {
  readonly code = "DIVISION_BY_ZERO";
  constructor(a: bigint, b: bigint) {
    super(
      `${a} × ${b} cannot be divided by zero. Check that the price or total in the denominator is known.`,
    );
  }
}

/** x · 10^18, to the nearest whole number, ties to even. @throws NotFiniteError */
export const toWadNearest = (x: number): Wad => wad(scale(x, WAD_DECIMALS, divideNearest));
/** x · 10^18, down. @throws NotFiniteError */
export const toWadDown = (x: number): Wad => wad(scale(x, WAD_DECIMALS, divideDown));
/** x · 10^18, up. @throws NotFiniteError */
export const toWadUp = (x: number): Wad => wad(scale(x, WAD_DECIMALS, divideUp));

/**
 * An amount of whole tokens in the token's smallest unit, down: never more than x is worth.
 * @throws NotFiniteError, NegativeAmountError
 */
export const toUnitsDown = (x: number, decimals: number): bigint => {
  if (x < 0) throw new NegativeAmountError(x);
  return scale(x, decimals, divideDown);
};

/** The double nearest to w / 10^18, ties to even. */
export const fromWad = (w: Wad): number => fromUnits(w, WAD_DECIMALS);

/** The double nearest to amount / 10^decimals, ties to even: smallest units to whole tokens. */
export const fromUnits = (amount: bigint, decimals: number): number => {
  if (amount < 0n) return -fromUnits(-amount, decimals);
  const denominator = 10n ** BigInt(decimals);
  // At least 64 bits of quotient, the last of them set when anything was cut off: Number() then rounds once
  // and rightly.
  const shift = Math.max(0, 64 + bitLength(denominator) - bitLength(amount));
  const numerator = amount << BigInt(shift);
  const quotient = numerator / denominator;
  const sticky = quotient * denominator === numerator ? quotient : quotient | 1n;
  return Number(sticky) * 2 ** -shift;
};

/** a · b / c, down. @throws DivisionByZeroError */
export const mulDivDown = (a: bigint, b: bigint, c: bigint): bigint => {
  if (c === 0n) throw new DivisionByZeroError(a, b);
  return divideDown(a * b, c);
};

/** a · b / c, up. @throws DivisionByZeroError */
export const mulDivUp = (a: bigint, b: bigint, c: bigint): bigint => {
  if (c === 0n) throw new DivisionByZeroError(a, b);
  return divideUp(a * b, c);
};

/** Exact decimal text without trailing zeros: 1.5, -0.000000000000000001. With `places`, cut towards zero. */
export const formatWad = (w: Wad, places: number = WAD_DECIMALS): string => {
  const digits = (w < 0n ? -w : w).toString().padStart(WAD_DECIMALS + 1, "0");
  const whole = digits.slice(0, -WAD_DECIMALS);
  const fraction = digits.slice(-WAD_DECIMALS).slice(0, places).replace(/0+$/, "");
  const text = fraction === "" ? whole : `${whole}.${fraction}`;
  return w < 0n && text !== "0" ? `-${text}` : text;
};

type Divide = (numerator: bigint, denominator: bigint) => bigint;

const scale = (x: number, decimals: number, divide: Divide): bigint => {
  const { mantissa, exponent } = decompose(x);
  const numerator = mantissa * 10n ** BigInt(decimals);
  return exponent >= 0 ? numerator << BigInt(exponent) : divide(numerator, 1n << BigInt(-exponent));
};

/** x = mantissa · 2^exponent, exactly (IEEE 754-2019, section 3.4). */
const decompose = (x: number): { mantissa: bigint; exponent: number } => {
  if (!Number.isFinite(x)) throw new NotFiniteError(x);
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = biased === 0 ? fraction : fraction | (1n << 52n);
  return { mantissa: bits >> 63n === 1n ? -magnitude : magnitude, exponent: Math.max(biased, 1) - 1075 };
};

/** BigInt division cuts towards zero; one less where that went up. */
const divideDown: Divide = (n, d) => {
  const quotient = n / d;
  return n % d !== 0n && n < 0n !== d < 0n ? quotient - 1n : quotient;
};

const divideUp: Divide = (n, d) => -divideDown(-n, d);

const divideNearest: Divide = (n, d) => {
  const down = divideDown(n, d);
  const twiceRest = 2n * (n - down * d);
  return twiceRest > d || (twiceRest === d && (down & 1n) === 1n) ? down + 1n : down;
};

const bitLength = (positive: bigint): number => (positive === 0n ? 0 : positive.toString(2).length);
