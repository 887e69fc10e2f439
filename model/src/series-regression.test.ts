import { HOUR_MS, seededRandom, unixMillis } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { type HourlySeries, toHourlySeries } from "./hourly-series.ts";
import { conformalQuantile, fitRidge, quantileOf, toSeriesRows } from "./series-regression.ts";
import { weekMedian } from "./series-terms.ts";

const end = unixMillis(Date.UTC(2023, 10, 1, 5));
const randomSeries = (hours: number): HourlySeries => {
  const random = seededRandom(2);
  const publishedAt = Float64Array.from({ length: hours }, (_, i) => end - (hours - 1 - i) * HOUR_MS);
  const value = publishedAt.map(() => Math.exp(random.normal()));
  return toHourlySeries({ publishedAt, value }, "log", end, hours);
};

describe("conformalQuantile", () => {
  it("default: holds the next of few draws as often as it says, where the sample's own quantiles do not", () => {
    const random = seededRandom(11);
    const [trials, count] = [4000, 30];
    const inside = { conformal: 0, plain: 0 };
    for (let trial = 0; trial < trials; trial++) {
      const sample = Array.from({ length: count }, () => random.normal()).sort((a, b) => a - b);
      const next = random.normal();
      const isIn = (quantile: (level: number) => number) => next >= quantile(0.05) && next <= quantile(0.95);
      if (isIn((level) => conformalQuantile(sample, level, count))) inside.conformal++;
      if (isIn((level) => quantileOf(sample, level))) inside.plain++;
    }
    // Standard error √(0.9·0.1/4000) = 0.005.
    expect(Math.abs(inside.conformal / trials - 0.9)).toBeLessThan(0.015);
    expect(inside.plain / trials).toBeLessThan(0.885);
  });

  it("behaviour: the median stays, many errors change next to nothing, and one says its own value", () => {
    const sample = Array.from({ length: 200 }, (_, i) => i);
    expect(conformalQuantile(sample, 0.5, 20)).toBe(quantileOf(sample, 0.5));
    expect(conformalQuantile(sample, 0.95, 1e6)).toBeCloseTo(quantileOf(sample, 0.95), 3);
    expect(conformalQuantile([3], 0.05, 1)).toBe(3);
  });
});

describe("toSeriesRows", () => {
  it("default: the terms and targets of plain loops", () => {
    const series = randomSeries(500);
    const { x } = series;
    for (const [h, horizon] of [1, 4, 24, 30, 168].entries()) {
      const row = toSeriesRows(series, [1, 4, 24, 30, 168])[h]![77]!;
      const t = 168 + 77;
      expect(row.hour).toBe(t);
      const now = x[t]!;
      let day = 0;
      for (let back = 0; back < 24; back++) day += x[t - back]! / 24;
      const week: number[] = [];
      for (let back = 0; back < 168; back++) week.push(x[t - back]!);
      week.sort((a, b) => a - b);
      const median = (week[83]! + week[84]!) / 2;
      let dayBefore = t + horizon;
      while (dayBefore > t) dayBefore -= 24;
      let weekBefore = t + horizon;
      while (weekBefore > t) weekBefore -= 168;
      const date = new Date(end - (499 - t) * HOUR_MS);
      const hour = (2 * Math.PI * date.getUTCHours()) / 24;
      // 1970-01-01, hour 0 of all, was a Thursday.
      const hourOfWeek = ((date.getUTCDay() + 3) % 7) * 24 + date.getUTCHours();
      const expected = [
        ...[1, 2, 3, 6, 12, 24, 168].map((lag) => x[t - lag]! - now),
        ...[day - now, median - now, x[dayBefore]! - now, x[weekBefore]! - now],
        ...[Math.sin(hour), Math.cos(hour), Math.sin(2 * hour), Math.cos(2 * hour)],
        ...[Math.sin((2 * Math.PI * hourOfWeek) / 168), Math.cos((2 * Math.PI * hourOfWeek) / 168), 1],
      ];
      expect(row.terms.length).toBe(expected.length);
      for (const [i, value] of expected.entries()) expect(row.terms[i]!).toBeCloseTo(value, 10);
      let [sum, lowest] = [0, Number.POSITIVE_INFINITY];
      for (let k = 1; k <= horizon; k++) {
        sum += x[t + k]! / horizon;
        lowest = Math.min(lowest, x[t + k]!);
      }
      expect(row.ahead[0]).toBeCloseTo(x[t + horizon]! - now, 12);
      expect(row.ahead[1]).toBeCloseTo(sum - now, 12);
      expect(row.ahead[2]).toBeCloseTo(lowest - now, 12);
      let squares = 0;
      for (let back = 0; back < 24; back++) squares += (x[t - back]! - x[t - back - 1]!) ** 2 / 24;
      expect(row.spread[0]).toBeCloseTo(0.5 * Math.log(squares), 12);
      expect(row.spread[2]).toBeCloseTo(now - median, 12);
    }
  });

  it("behaviour: hours near a gap are left out, the others stay", () => {
    const series = randomSeries(700);
    const whole = toSeriesRows(series, [4])[0]!;
    const holed = { ...series, x: series.x.slice() };
    holed.x[300] = Number.NaN;
    expect(weekMedian(holed, 310)).toBeNaN();
    const rows = toSeriesRows(holed, [4])[0]!;
    const touched = (hour: number) => hour >= 300 - 4 && hour <= 300 + 168;
    expect(rows).toEqual(whole.filter(({ hour }) => !touched(hour)));
    expect(rows.length).toBeLessThan(whole.length);
  });
});

describe("fitRidge", () => {
  it("default: no gradient is left of the penalised squares", () => {
    const random = seededRandom(4);
    const scale = [1, 10, 0.1];
    const inputs = Array.from({ length: 60 }, () =>
      Float64Array.of(...scale.map((s) => s * random.normal() + s), 1),
    );
    const y = inputs.map((z) => 2 * z[0]! - z[1]! + random.normal() + 5);
    for (const ridge of [0, 0.3]) {
      const beta = fitRidge(inputs, y, ridge);
      for (let i = 0; i < 4; i++) {
        let gradient = 0;
        let [mean, square] = [0, 0];
        for (const [r, z] of inputs.entries()) {
          const fitted = z.reduce((sum, v, j) => sum + v * beta[j]!, 0);
          gradient += ((y[r]! - fitted) * z[i]!) / 60;
          mean += z[i]! / 60;
          square += z[i]! ** 2 / 60;
        }
        // The last input is 1: its variance, and so its penalty, is 0.
        expect(gradient - ridge * (square - mean * mean) * beta[i]!).toBeCloseTo(0, 10);
      }
    }
  });

  it("behaviour: a constant input and an infinite penalty leave the mean", () => {
    const inputs = [1, 2, 3].map((v) => Float64Array.of(7, v, 1));
    const line = fitRidge(inputs, [1, 2, 3], 0);
    for (const [i, value] of [0, 1, 0].entries()) expect(line[i]).toBeCloseTo(value, 12);
    expect(fitRidge(inputs, [1, 2, 6], Number.POSITIVE_INFINITY)).toEqual([0, 0, 3]);
  });
});

describe("quantileOf", () => {
  it("default: values stand at (i + ½)/n, lines between them, ends beyond", () => {
    expect([0, 0.125, 0.25, 0.5, 0.875, 1].map((p) => quantileOf([1, 2, 4, 8], p))).toEqual([
      1, 1, 1.5, 3, 8, 8,
    ]);
    expect(quantileOf([3], 0.9)).toBe(3);
  });
});
