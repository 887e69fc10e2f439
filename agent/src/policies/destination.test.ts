import { fromWad, toWadNearest, wad } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toDestination, toDestinationWad } from "./destination.ts";

const ONE = 10n ** 18n;
const shares = (parts: readonly number[]) => {
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / sum);
};
const arbitrary = fc.integer({ min: 2, max: 8 }).chain((n) =>
  fc.record({
    weights: fc
      .array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: n, maxLength: n })
      .map(shares),
    targets: fc
      .array(fc.double({ min: 0.1, max: 1, noNaN: true }), { minLength: n, maxLength: n })
      .map(shares),
    widths: fc.array(fc.double({ min: 0, max: 0.1, noNaN: true }), { minLength: n, maxLength: n }),
    keep: fc.constantFrom(0, 0.25, 0.5, 1),
  }),
);
const of = (
  weights: readonly number[],
  targets: readonly number[],
  widths: readonly number[],
  keep: number,
) => {
  const out = new Float64Array(targets.length);
  toDestination(weights, targets, widths, keep, out);
  return [...out];
};
const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

describe("toDestination", () => {
  it("default: back to target, to the edge and half way, of two assets", () => {
    expect(of([0.6, 0.4], [0.5, 0.5], [0.04, 0.04], 0)).toEqual([0.5, 0.5]);
    expect(of([0.6, 0.4], [0.5, 0.5], [0.04, 0.04], 1)).toEqual([0.54, 0.46]);
    expect(of([0.6, 0.4], [0.5, 0.5], [0.04, 0.04], 0.5)).toEqual([0.52, 0.48]);
  });
  it("default: the side with more to spare gives way", () => {
    // +0.10 is cut to +0.04; −0.03 and −0.07 are cut to −0.03 and −0.04, and shrink by 4/7 to match.
    const [a, b, c] = of([0.5, 0.3, 0.2], [0.4, 0.33, 0.27], [0.04, 0.04, 0.04], 1);
    expect(a).toBeCloseTo(0.44, 15);
    expect(b).toBeCloseTo(0.33 - (0.03 * 4) / 7, 15);
    expect(c).toBeCloseTo(0.27 - (0.04 * 4) / 7, 15);
  });
  it("behaviour: sums to one, ends within the widths, moves nothing away from its target", () => {
    fc.assert(
      fc.property(arbitrary, ({ weights, targets, widths, keep }) => {
        const to = of(weights, targets, widths, keep);
        expect(sum(to)).toBeCloseTo(1, 12);
        for (const [i, weight] of to.entries()) {
          const before = weights[i]! - targets[i]!;
          const after = weight - targets[i]!;
          expect(Math.abs(after)).toBeLessThanOrEqual(keep * widths[i]! + 1e-15);
          expect(Math.abs(after)).toBeLessThanOrEqual(Math.abs(before) + 1e-15);
          expect(after * before).toBeGreaterThanOrEqual(-1e-16);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
  it("behaviour: fixed point says the same as doubles, and sums to exactly one", () => {
    fc.assert(
      fc.property(arbitrary, ({ weights, targets, widths, keep }) => {
        const exact = (list: readonly number[]) => {
          const wads = list.map(toWadNearest);
          const rest = ONE - wads.reduce((a, b) => a + b, 0n);
          return wads.map((w, i) => wad(i === 0 ? w + rest : w));
        };
        const to = toDestinationWad(
          exact(weights),
          exact(targets),
          widths.map(toWadNearest),
          toWadNearest(keep),
        );
        expect(to.reduce((a, b) => a + b, 0n)).toBe(ONE);
        const doubles = of(weights, targets, widths, keep);
        for (const [i, w] of to.entries()) expect(fromWad(w)).toBeCloseTo(doubles[i]!, 12);
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});
