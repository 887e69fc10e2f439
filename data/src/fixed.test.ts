import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DivisionByZeroError,
  formatWad,
  fromUnits,
  fromWad,
  mulDivDown,
  mulDivUp,
  NegativeAmountError,
  NotFiniteError,
  toUnitsDown,
  toWadDown,
  toWadNearest,
  toWadUp,
} from "./fixed.ts";
import { wad } from "./units.ts";

const ONE = 10n ** 18n;
const seed = 20_221_011;
const anyDouble = fc.double({ noNaN: true, noDefaultInfinity: true });

/** The exact decimal expansion of a double, by ECMAScript's own printer: an independent way to the same digits. */
const twinDown = (x: number): bigint => {
  // A double of magnitude 2^-20..2^60 has at most 72 decimals; toFixed prints up to 100 exactly.
  const [whole, fraction] = Math.abs(x).toFixed(80).split(".");
  const exact = BigInt(whole! + fraction!);
  const cut = 10n ** 62n;
  const magnitude = exact / cut;
  return x >= 0 ? magnitude : -(exact % cut === 0n ? magnitude : magnitude + 1n);
};

describe("fixed point", () => {
  it.each([
    [0, 0n],
    [-0, 0n],
    [1, ONE],
    [0.1, 100000000000000006n], // 0.1000000000000000055511…
    [0.3, 299999999999999989n], // 0.299999999999999988897…
    [1e-18, 1n],
    [5e-19, 1n], // the double nearest to 5e-19 is 5.0000000000000004e-19
    [Number.MIN_VALUE, 0n],
    [123456.789, 123456789000000004307367n], // 123456.789000000004307366907596588134765625
    [2 ** -19, 1907348632812n], // 1907348632812.5, a tie: to even
    [3 * 2 ** -19, 5722045898438n], // 5722045898437.5, a tie: to even
    [-(2 ** -19), -1907348632812n],
    [2 ** 70, 2n ** 70n * ONE],
    [-1.5, (-3n * ONE) / 2n],
  ])("default: toWadNearest(%f)", (x, expected) => expect(toWadNearest(x)).toBe(expected));

  it("behaviour: down agrees with the printed decimal expansion", () => {
    const inRange = fc
      .double({ min: -(2 ** 60), max: 2 ** 60, noNaN: true })
      .filter((x) => x === 0 || Math.abs(x) > 2 ** -20);
    fc.assert(
      fc.property(inRange, (x) => {
        expect(toWadDown(x)).toBe(twinDown(x));
        expect(toWadUp(x)).toBe(-twinDown(-x));
      }),
      { seed, numRuns: 2000 },
    );
  });

  it("behaviour: down ≤ nearest ≤ up, at most one apart", () => {
    fc.assert(
      fc.property(anyDouble, (x) => {
        const [down, nearest, up] = [toWadDown(x), toWadNearest(x), toWadUp(x)];
        expect(down <= nearest && nearest <= up && up - down <= 1n).toBe(true);
      }),
      { seed },
    );
  });

  it("behaviour: fromWad is the double nearest to the exact quotient", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (w) => {
        // ECMAScript parses decimal literals correctly rounded: an independent referee.
        expect(fromWad(wad(w))).toBe(Number(`${w}e-18`));
      }),
      { seed, numRuns: 2000 },
    );
  });

  it("behaviour: a double of ordinary size survives the way there and back", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-2, max: 1e15, noNaN: true }), (x) => {
        expect(fromWad(toWadNearest(x))).toBe(x);
      }),
      { seed },
    );
  });

  it("behaviour: mulDiv rounds the exact quotient, whatever the signs", () => {
    fc.assert(
      fc.property(
        fc.bigInt(),
        fc.bigInt(),
        fc.bigInt().filter((c) => c !== 0n),
        (a, b, c) => {
          const sign = c < 0n ? -1n : 1n;
          const down = mulDivDown(a, b, c);
          expect(sign * down * c <= sign * a * b && sign * a * b < sign * (down + 1n) * c).toBe(true);
          expect(mulDivUp(a, b, c) - down).toBe(down * c === a * b ? 0n : 1n);
        },
      ),
      { seed },
    );
  });

  it.each([
    [1.9999999, 6, 1_999_999n],
    [0.1, 18, 100000000000000005n],
    [3, 0, 3n],
    [1e-9, 6, 0n],
  ])("default: toUnitsDown(%f, %i)", (x, decimals, expected) =>
    expect(toUnitsDown(x, decimals)).toBe(expected),
  );

  it("default: fromUnits", () => {
    expect(fromUnits(1_999_999n, 6)).toBe(1.999999);
    expect(fromUnits(0n, 6)).toBe(0);
  });

  it.each([
    [0n, 18, "0"],
    [1n, 18, "0.000000000000000001"],
    [-1n, 18, "-0.000000000000000001"],
    [-1n, 4, "0"],
    [1_500_000_000_000_000_000n, 18, "1.5"],
    [-12_345_678_900_000_000_000n, 2, "-12.34"],
    [10n ** 20n, 0, "100"],
  ])("default: formatWad(%s, %i)", (w, places, text) => expect(formatWad(wad(w), places)).toBe(text));

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "error: %f has no fixed-point value",
    (x) => {
      for (const convert of [toWadNearest, toWadDown, toWadUp])
        expect(() => convert(x)).toThrow(NotFiniteError);
    },
  );

  it("error: a negative amount, a zero divisor", () => {
    expect(() => toUnitsDown(-1e-30, 6)).toThrow(NegativeAmountError);
    expect(() => mulDivDown(1n, 1n, 0n)).toThrow(DivisionByZeroError);
    expect(() => mulDivUp(1n, 1n, 0n)).toThrow(DivisionByZeroError);
  });
});
