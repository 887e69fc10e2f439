import fc from "fast-check";
import { expect, test } from "vitest";
import { subtractRanges, type TimeRange, unionRanges } from "./ranges.ts";

const range = fc.tuple(fc.nat(30), fc.nat(30)).map(([from, to]): TimeRange => ({ from, to }));
/** The dumb twin: the set of whole times below 31. */
const times = (ranges: readonly TimeRange[]): number[] =>
  Array.from({ length: 31 }, (_, t) => t).filter((t) => ranges.some(({ from, to }) => from <= t && t < to));

test("default: ranges are joined and cut", () => {
  expect(
    unionRanges([
      { from: 5, to: 9 },
      { from: 1, to: 5 },
      { from: 20, to: 20 },
    ]),
  ).toEqual([{ from: 1, to: 9 }]);
  expect(
    subtractRanges({ from: 0, to: 10 }, [
      { from: 2, to: 4 },
      { from: 9, to: 12 },
    ]),
  ).toEqual([
    { from: 0, to: 2 },
    { from: 4, to: 9 },
  ]);
});

test("behaviour: union and difference hold the same times as sets do, disjoint and ascending", () => {
  fc.assert(
    fc.property(range, fc.array(range), (whole, parts) => {
      const union = unionRanges(parts);
      const rest = subtractRanges(whole, parts);
      expect(times(union)).toEqual(times(parts));
      expect(times(rest)).toEqual(times([whole]).filter((t) => !times(parts).includes(t)));
      for (const list of [union, rest])
        for (let i = 0; i < list.length; i++) {
          expect(list[i]!.from).toBeLessThan(list[i]!.to);
          if (i > 0) expect(list[i]!.from).toBeGreaterThan(list[i - 1]!.to);
        }
    }),
    { seed: 1 },
  );
});
