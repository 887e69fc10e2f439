import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { parkinsonVariance, qlike, realisedVariance, toHourlyMeasures } from "./realised.ts";

describe("qlike", () => {
  it("default: y/f − ln(y/f) − 1", () => {
    expect(qlike(2, 1)).toBeCloseTo(0.306852819, 9); // 2 − ln 2 − 1
    expect(qlike(1, 2)).toBeCloseTo(0.193147181, 9); // ½ + ln 2 − 1
    expect(qlike(0.3, 0.3)).toBe(0);
  });
});

describe("realised measures", () => {
  it("default: squared log returns of the bars after `from`", () => {
    const close = Float64Array.of(100, 110, 99, 99);
    expect(realisedVariance(close, 0, 3)).toBeCloseTo(Math.log(1.1) ** 2 + Math.log(0.9) ** 2, 15);
    expect(realisedVariance(close, 2, 3)).toBe(0);
  });

  it("default: Parkinson's range, both ends included", () => {
    // ln(e^0.1)² / (4 ln 2) each.
    const high = Float64Array.of(Math.exp(0.1), Math.exp(0.1));
    expect(parkinsonVariance(high, Float64Array.of(1, 1), 0, 1)).toBeCloseTo((2 * 0.01) / (4 * Math.LN2), 15);
  });
});

describe("toHourlyMeasures", () => {
  const random = seededRandom(4);
  const column = (scale: number) => Float64Array.from({ length: 60 }, () => 100 + scale * random.uniform());
  const bars = { open: column(1), close: column(1), low: column(1), high: column(2), volume: column(9) };
  const measures = toHourlyMeasures(bars, 12);

  it("default: an hour's sums over its own twelve bars, and over its last minutes", () => {
    const { close, high, low, volume } = bars;
    expect(measures.close).toEqual(Float64Array.of(11, 23, 35, 47, 59).map((i) => close[i]!));
    for (const hour of [1, 4]) {
      const first = 12 * hour;
      const own = Array.from({ length: 12 }, (_, i) => first + i);
      const returns = own.map((i) => Math.log(close[i]! / close[i - 1]!));
      const sum = (f: (r: number) => number) => returns.reduce((total, r) => total + f(r), 0);
      expect(measures.variance[hour]).toBeCloseTo(realisedVariance(close, first - 1, first + 11), 15);
      expect(measures.downside[hour]).toBeCloseTo(
        sum((r) => (r < 0 ? r * r : 0)),
        15,
      );
      expect(measures.quarticity[hour]).toBeCloseTo(
        sum((r) => r ** 4),
        15,
      );
      expect(measures.range[hour]).toBeCloseTo(parkinsonVariance(high, low, first, first + 11), 15);
      expect(measures.volume[hour]).toBeCloseTo(
        own.reduce((total, i) => total + volume[i]!, 0),
        9,
      );
      for (const [p, count] of [1, 3, 6].entries()) {
        const from = first + 12 - count;
        const part = measures.parts[p]!;
        expect(part.variance[hour]).toBeCloseTo(realisedVariance(close, from - 1, first + 11), 15);
        expect(part.range[hour]).toBeCloseTo(parkinsonVariance(high, low, from, first + 11), 15);
      }
    }
  });

  it("behaviour: the same bits for an hour wherever the columns begin; no parts where bars are longer", () => {
    const later = (x: Float64Array) => x.subarray(24);
    const cut = toHourlyMeasures(
      {
        open: later(bars.open),
        close: later(bars.close),
        low: later(bars.low),
        high: later(bars.high),
        volume: later(bars.volume),
      },
      12,
    );
    expect(cut.variance[1]).toBe(measures.variance[3]);
    expect(cut.parts[1]!.range[2]).toBe(measures.parts[1]!.range[4]);
    expect(toHourlyMeasures(bars, 1).parts).toEqual([undefined, undefined, undefined]);
    expect(toHourlyMeasures(bars, 2).parts.map((part) => part !== undefined)).toEqual([false, false, true]);
  });
});
