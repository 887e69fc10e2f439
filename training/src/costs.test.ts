import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HOUR_MS, seededRandom, unixMillis } from "@ballast/data";
import { fitSeries, forecastSeries, type HourlySeries, toHourlySeries } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { scoreCosts } from "./costs.ts";

const folder = process.env.BALLAST_TEST_DATA;
if (folder === undefined)
  console.log("BALLAST_TEST_DATA is not set: forecasts of recorded base fees are left out");

/** A daily wave and an AR(1) around ln 20. */
function waves(hours: number): HourlySeries {
  const random = seededRandom(8);
  let deviation = 0;
  const x = Float64Array.from({ length: hours }, (_, i) => {
    deviation = 0.8 * deviation + 0.2 * random.normal();
    return Math.log(20) + 0.4 * Math.sin((2 * Math.PI * i) / 24) + deviation;
  });
  return { transform: "log", end: unixMillis(Date.UTC(2023, 9, 1)), x };
}

const until = (series: HourlySeries, hours: number): HourlySeries => ({
  ...series,
  end: unixMillis(series.end - (series.x.length - hours) * HOUR_MS),
  x: series.x.slice(0, hours),
});

describe("scoreCosts", () => {
  it("default: the scores of plain loops over forecasts made one after the other", () => {
    const series = waves(1100);
    const { x } = series;
    const [score] = scoreCosts(series, { from: 800, to: 1090, refitHours: 100, horizonsHours: [4] });
    const realised: number[] = [];
    let [squares, persistence, inside, lowest, loss, persistenceLoss] = [0, 0, 0, 0, 0, 0];
    let known = until(series, 801);
    let model = fitSeries(known, { horizonsHours: [4] });
    for (let t = 800; t + 4 < 1090; t++) {
      if (t === 900 || t === 1000) {
        known = until(series, t + 1);
        model = fitSeries(known, { horizonsHours: [4] });
      }
      const forecast = forecastSeries(model, until(series, t + 1));
      const y = x[t + 4]!;
      realised.push(y);
      squares += (y - forecast.last[0]!.transformedMean) ** 2;
      persistence += (y - x[t]!) ** 2;
      const low = Math.exp(Math.min(x[t + 1]!, x[t + 2]!, x[t + 3]!, x[t + 4]!));
      const [first, , , , last] = forecast.lowest[0]!.quantiles;
      if (low >= first! && low <= last!) inside++;
      lowest += low / Math.exp(x[t]!);
      const changes: number[] = [];
      for (let s = 0; s + 4 < known.x.length; s++) changes.push(x[s + 4]! - x[s]!);
      changes.sort((a, b) => a - b);
      for (const [q, level] of [0.05, 0.25, 0.5, 0.75, 0.95].entries()) {
        const miss = y - Math.log(forecast.last[0]!.quantiles[q]!);
        loss += Math.max(level * miss, (level - 1) * miss);
        const other = y - x[t]! - changes[Math.floor(level * changes.length)]!;
        persistenceLoss += Math.max(level * other, (level - 1) * other);
      }
    }
    const n = realised.length;
    const mean = realised.reduce((sum, y) => sum + y, 0) / n;
    const total = realised.reduce((sum, y) => sum + (y - mean) ** 2, 0);
    expect(score!.count).toBe(286);
    expect(n).toBe(286);
    expect(score!.rSquared).toBeCloseTo(1 - squares / total, 10);
    expect(score!.persistenceRSquared).toBeCloseTo(1 - persistence / total, 10);
    expect(score!.pinballRatio).toBeCloseTo(loss / persistenceLoss, 10);
    expect(score!.coverage90.lowest).toBeCloseTo(inside / n, 12);
    expect(score!.lowestRatio.realised).toBeCloseTo(lowest / n, 10);
    expect(score!.dieboldMariano.meanDifference).toBeCloseTo((loss - persistenceLoss) / (5 * n), 10);
  }, 60_000);

  it("behaviour: hours from `to` on change no score; unknown hours are not scored", () => {
    const series = waves(1000);
    const walk = { from: 800, to: 900, refitHours: 50, horizonsHours: [1, 4] };
    const scores = scoreCosts(series, walk);
    const later = { ...series, x: series.x.map((v, i) => (i < 900 ? v : 3 * v)) };
    expect(scoreCosts(later, walk)).toEqual(scores);
    const holed = { ...series, x: series.x.slice() };
    holed.x[890] = Number.NaN;
    // Of 99 and 96, those from the hole on and those whose target it is part of.
    expect(scoreCosts(holed, walk).map(({ count }) => count)).toEqual([99 - 10, 96 - 10]);
  });

  it("error: a start without a week before it, an end beyond the series, no hours between fits", () => {
    const series = waves(900);
    expect(() => scoreCosts(series, { from: 100 })).toThrow(/from/);
    expect(() => scoreCosts(series, { from: 880, to: 880 })).toThrow(/from/);
    expect(() => scoreCosts(series, { from: 800, to: 901 })).toThrow(/at most the hours/);
    expect(() => scoreCosts(series, { from: 800, refitHours: 0 })).toThrow(/refitHours/);
    expect(() => scoreCosts(series, { from: 400 })).toThrow(/Only \d+ hours/);
  });

  it.skipIf(folder === undefined)(
    "behaviour: on recorded base fees of 2023 beats persistence at every horizon, by far at four hours",
    () => {
      const text = readFileSync(join(folder!, "ethereum-gas", "base-fee-hourly-2023q4.csv"), "utf8");
      const rows = text
        .trim()
        .split("\n")
        .slice(1)
        .map((line) => line.split(","));
      // The median of an hour is known when the hour is over.
      const publishedAt = Float64Array.from(rows, ([hour]) => Date.parse(hour!.replace(" ", "T")) + HOUR_MS);
      const value = Float64Array.from(rows, ([, fee]) => Number(fee));
      const series = toHourlySeries(
        { publishedAt, value },
        "log",
        unixMillis(publishedAt.at(-1)!),
        publishedAt.length,
      );
      const scores = scoreCosts(series, { from: 700, refitHours: 72, horizonsHours: [1, 4, 12, 24] });
      for (const { rSquared, persistenceRSquared, pinballRatio, coverage90, lowestRatio } of scores) {
        expect(rSquared).toBeGreaterThan(persistenceRSquared);
        expect(pinballRatio).toBeLessThan(1);
        expect(coverage90.last).toBeGreaterThan(0.8);
        expect(Math.abs(lowestRatio.forecast - lowestRatio.realised)).toBeLessThan(0.05);
      }
      // A linear forecast four hours ahead is known to explain 51 % of the log's variance, persistence 44 %.
      expect(scores[1]!.rSquared).toBeGreaterThan(0.51);
      expect(scores[1]!.rSquared - scores[1]!.persistenceRSquared).toBeGreaterThan(0.07);
      expect(scores[1]!.dieboldMariano.t).toBeLessThan(-2.5);
    },
    60_000,
  );
});
