import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { exactLog } from "./exact-log.ts";

/** ln x to 60 digits by ln x = 2·artanh((x − 1)/(x + 1)) in whole numbers, for a double that is a ratio of them. */
function lnDigits(numerator: bigint, denominator: bigint): bigint {
  const one = 10n ** 60n;
  const y = ((numerator - denominator) * one) / (numerator + denominator);
  let term = y;
  let sum = 0n;
  for (let n = 1n; term !== 0n; n += 2n) {
    sum += term / n;
    term = (((term * y) / one) * y) / one;
  }
  return 2n * sum;
}

describe("exactLog", () => {
  it("default: the bits of V8, whose Math.log is made from the same source, over all magnitudes", () => {
    const random = seededRandom(3, "log");
    const view = new DataView(new ArrayBuffer(8));
    const differing: number[] = [];
    for (let n = 0; n < 200_000; n++) {
      view.setInt32(0, random.integer(0x7ff00000));
      view.setInt32(4, random.integer(2 ** 31) * 2);
      const x = view.getFloat64(0);
      const near = 1 + (random.uniform() - 0.5) * 2 ** -random.integer(52);
      for (const y of [x, near]) if (exactLog(y) !== Math.log(y)) differing.push(y);
    }
    expect(differing).toEqual([]);
  });

  it.each([3, 0.7, 1.0009765625, 1.5, 2, 0.0625])(
    "behaviour: within one unit in the last place at %d",
    (x) => {
      const denominator = 2n ** 60n;
      const exact = lnDigits(BigInt(x * 2 ** 60), denominator);
      const found = exactLog(x);
      // Ten digits more than a double has.
      const error = Number(BigInt(Math.round(found * 2 ** 52)) * 10n ** 60n - exact * 2n ** 52n) / 10 ** 60;
      expect(Math.abs(error)).toBeLessThan(1 + Math.abs(found));
    },
  );

  it.each([
    [1, 0],
    [0, Number.NEGATIVE_INFINITY],
    [-0, Number.NEGATIVE_INFINITY],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, Number.NaN],
    [-1, Number.NaN],
    [Number.NaN, Number.NaN],
    [Number.MIN_VALUE, Math.log(Number.MIN_VALUE)],
    [Number.MAX_VALUE, Math.log(Number.MAX_VALUE)],
  ])("behaviour: ln %d is %d", (x, y) => {
    expect(exactLog(x)).toBe(y);
  });
});
