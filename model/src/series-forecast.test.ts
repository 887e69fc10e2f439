import { HOUR_MS, seededRandom, unixMillis } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HourlySeries, type SeriesTransform, toHourlySeries } from "./hourly-series.ts";
import {
  BadSeriesOptionError,
  fitExogenous,
  fitSeries,
  forecastBaseFee,
  forecastExogenous,
  forecastSeries,
  type SeriesForecast,
  TooShortSeriesError,
  UnknownExogenousError,
  UnknownHoursError,
} from "./series-forecast.ts";
import { randomSnapshot } from "./snapshots.fixture.ts";

const start = Date.UTC(2023, 8, 1);
const PERSISTENCE = 0.8;
const NOISE = 0.2;
const season = (hour: number) => 0.4 * Math.sin((2 * Math.PI * hour) / 24);

/** Published on the hour: ln 20 + a daily wave + an AR(1), through a transform. */
function simulate(hours: number, toValue: (x: number) => number = Math.exp, seed = 1) {
  const random = seededRandom(seed);
  let deviation = 0;
  const value = Float64Array.from({ length: hours }, (_, i) => {
    deviation = PERSISTENCE * deviation + NOISE * random.normal();
    return toValue(Math.log(20) + season(i + 1) + deviation);
  });
  return { publishedAt: value.map((_, i) => start + (i + 1) * HOUR_MS), value };
}
const endOf = (hours: number) => unixMillis(start + hours * HOUR_MS);
const hourly = (hours: number, transform: SeriesTransform = "log", seed = 1) => {
  const toValue = transform === "log" ? Math.exp : transform === "identity" ? (x: number) => x : logistic;
  return toHourlySeries(simulate(hours, toValue, seed), transform, endOf(hours), hours);
};
const logistic = (x: number) => 1 / (1 + Math.exp(3 - x));
const until = (series: HourlySeries, hours: number): HourlySeries => ({
  ...series,
  end: endOf(hours),
  x: series.x.slice(0, hours),
});
const numbers = (f: SeriesForecast) =>
  [f.last, f.mean, f.lowest].flat().flatMap((t) => [t.transformedMean, t.mean, ...t.quantiles]);

describe("fitSeries and forecastSeries", () => {
  it("default: comes near the best forecast of a daily wave with an AR(1), and covers what it says", () => {
    const hours = 4000;
    const series = hourly(hours);
    const model = fitSeries(until(series, 2500));
    for (const [h, horizon] of model.horizonsHours.entries()) {
      let [error, best, persistence, inside, below, n] = [0, 0, 0, 0, 0, 0];
      for (let t = 2500; t + horizon < hours; t++) {
        const forecast = forecastSeries(model, series, t).last[h]!;
        const y = series.x[t + horizon]!;
        const deviation = series.x[t]! - Math.log(20) - season(t + 1);
        const truth = Math.log(20) + season(t + 1 + horizon) + PERSISTENCE ** horizon * deviation;
        error += (y - forecast.transformedMean) ** 2;
        best += (y - truth) ** 2;
        persistence += (y - series.x[t]!) ** 2;
        inside += Math.exp(y) >= forecast.quantiles[0]! && Math.exp(y) <= forecast.quantiles[4]! ? 1 : 0;
        below += Math.exp(y) < forecast.quantiles[2]! ? 1 : 0;
        n++;
      }
      expect(error / best).toBeLessThan(1.12);
      expect((persistence - error) / (persistence - best)).toBeGreaterThan(0.75);
      // At 24 h the 1,500 errors are worth about 150: 2.5 % a standard error.
      expect(Math.abs(inside / n - 0.9)).toBeLessThan(0.06);
      expect(Math.abs(below / n - 0.5)).toBeLessThan(0.08);
    }
  });

  it("default: the expected lowest of the hours ahead is right on average, and so is the mean in gwei", () => {
    const series = hourly(4000);
    const model = fitSeries(until(series, 2500), { horizonsHours: [6, 24] });
    for (const [h, horizon] of model.horizonsHours.entries()) {
      const [said, came] = [
        [0, 0],
        [0, 0],
      ];
      for (let t = 2500; t + horizon < 4000; t++) {
        const forecast = forecastSeries(model, series, t);
        const ahead = series.x.subarray(t + 1, t + 1 + horizon).map(Math.exp);
        said[0] = said[0]! + forecast.lowest[h]!.mean;
        came[0] = came[0]! + ahead.reduce((a, b) => Math.min(a, b));
        said[1] = said[1]! + forecast.last[h]!.mean;
        came[1] = came[1]! + ahead.at(-1)!;
      }
      // The AR(1), of deviation 0.33, is worth 167 independent draws in 1,500 hours: 2.6 % a standard error.
      expect(Math.abs(said[0]! / came[0]! - 1)).toBeLessThan(0.07);
      expect(Math.abs(said[1]! / came[1]! - 1)).toBeLessThan(0.07);
    }
  });

  it("behaviour: on a random walk, where persistence is best, loses next to nothing against it", () => {
    const random = seededRandom(9);
    let sum = 3;
    const x = Float64Array.from({ length: 2500 }, () => {
      sum += 0.05 * random.normal();
      return sum;
    });
    const series: HourlySeries = { transform: "log", end: endOf(2500), x };
    const squares = (belief?: number) => {
      const model = fitSeries(until(series, 1500), { belief });
      return model.horizonsHours.map((horizon, h) => {
        let total = 0;
        for (let t = 1500; t + horizon < 2500; t++)
          total += (x[t + horizon]! - forecastSeries(model, series, t).last[h]!.transformedMean) ** 2;
        return total;
      });
    };
    const [chosen, fixed, persistence] = [squares(), squares(30), squares(Number.POSITIVE_INFINITY)];
    for (let h = 0; h < 3; h++) {
      expect(chosen[h]! / persistence[h]!).toBeLessThan(1.03);
      expect(chosen[h]!).toBeLessThanOrEqual(fixed[h]!);
    }
  });

  it("behaviour: fees times c give forecasts times c", () => {
    const series = simulate(900);
    const model = fitExogenous(series, "log", endOf(900));
    const forecast = forecastSeries(model, toHourlySeries(series, "log", endOf(900), 169));
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (c) => {
        const scaled = { ...series, value: series.value.map((v) => v * c) };
        const scaledModel = fitExogenous(scaled, "log", endOf(900));
        const other = forecastSeries(scaledModel, toHourlySeries(scaled, "log", endOf(900), 169));
        for (const target of ["last", "mean", "lowest"] as const)
          for (const [h, { mean, quantiles, transformedMean }] of forecast[target].entries()) {
            expect(other[target][h]!.mean / (c * mean)).toBeCloseTo(1, 7);
            expect(other[target][h]!.transformedMean - Math.log(c)).toBeCloseTo(transformedMean, 7);
            for (const [q, value] of quantiles.entries())
              expect(other[target][h]!.quantiles[q]! / (c * value)).toBeCloseTo(1, 7);
          }
      }),
      { seed: 1, numRuns: 5 },
    );
  });

  it("behaviour: what comes after t changes no bit of a forecast made at t, nor of a model fitted to t", () => {
    const series = simulate(1000);
    const t = 900;
    const perturbed = { ...series, value: series.value.map((v, i) => (i < t ? v : 1e6 / (1 + v))) };
    const models = [series, perturbed].map((s) => fitExogenous(s, "log", endOf(t)));
    expect(models[1]).toEqual(models[0]);
    const forecasts = [series, perturbed].map((s, i) =>
      forecastSeries(models[i]!, toHourlySeries(s, "log", endOf(1000), 1000), t - 1),
    );
    expect(forecasts[1]).toEqual(forecasts[0]);
    expect(forecasts[0]!.at).toBe(endOf(t));
    // The test would see a leak: the forecast an hour later differs.
    const later = [series, perturbed].map((s) =>
      forecastSeries(models[0]!, toHourlySeries(s, "log", endOf(1000), 1000), t),
    );
    expect(later[1]).not.toEqual(later[0]);
  });

  it("behaviour: quantiles ascend, shares stay shares, and the lowest of more hours is never higher", () => {
    for (const transform of ["log", "logit", "identity"] as const) {
      const series = hourly(1200, transform, 6);
      const model = fitSeries(until(series, 1000));
      for (let t = 1000; t < 1200; t += 7) {
        const forecast = forecastSeries(model, series, t);
        for (const { quantiles, mean } of [forecast.last, forecast.mean, forecast.lowest].flat()) {
          expect(quantiles).toEqual([...quantiles].sort((a, b) => a - b));
          if (transform !== "identity") expect(Math.min(mean, ...quantiles)).toBeGreaterThan(0);
          if (transform === "logit") expect(Math.max(mean, ...quantiles)).toBeLessThan(1);
        }
        for (let h = 1; h < 3; h++) {
          expect(forecast.lowest[h]!.mean).toBeLessThanOrEqual(forecast.lowest[h - 1]!.mean);
          for (const [q, value] of forecast.lowest[h]!.quantiles.entries())
            expect(value).toBeLessThanOrEqual(forecast.lowest[h - 1]!.quantiles[q]!);
        }
      }
    }
  });

  it("behaviour: an infinite belief is persistence and a constant; a constant series stays where it is", () => {
    const series = hourly(1000);
    const model = fitSeries(series, { belief: Number.POSITIVE_INFINITY });
    for (const { coefficients } of model.regressions.flat())
      expect(coefficients.slice(0, -1).every((c) => c === 0)).toBe(true);
    const flat = { ...series, x: series.x.map(() => Math.log(30)) };
    const { last, lowest } = forecastSeries(fitSeries(flat), flat);
    for (const { mean, quantiles } of [...last, ...lowest])
      for (const value of [mean, ...quantiles]) expect(value).toBeCloseTo(30, 9);
  });

  it("behaviour: the model survives JSON, bit for bit", () => {
    const series = hourly(1000);
    const model = fitSeries(series);
    const forecast = forecastSeries(model, series);
    expect(numbers(forecast).every(Number.isFinite)).toBe(true);
    expect(forecastSeries(JSON.parse(JSON.stringify(model)), series)).toEqual(forecast);
  });

  it("error: too short, unknown hours, bad options", () => {
    expect(() => fitSeries(hourly(500))).toThrow(TooShortSeriesError);
    expect(() => fitSeries({ transform: "log", end: endOf(0), x: new Float64Array(0) })).toThrow(
      /Only 0 hours/,
    );
    const series = hourly(800);
    const model = fitSeries(series);
    expect(() => forecastSeries(model, series, 167)).toThrow(UnknownHoursError);
    expect(() => forecastSeries(model, series, 800)).toThrow(UnknownHoursError);
    expect(numbers(forecastSeries(model, series, 168)).every(Number.isFinite)).toBe(true);
    const holed = { ...series, x: series.x.slice() };
    holed.x[750] = Number.NaN;
    expect(() => forecastSeries(model, holed)).toThrow(/2023-10-04T08:00:00Z/);
    for (const horizonsHours of [[], [0], [1.5], [4, 1], [4, 4], [169]])
      expect(() => fitSeries(series, { horizonsHours })).toThrow(BadSeriesOptionError);
    expect(() => fitSeries(series, { belief: -1 })).toThrow(/belief is -1/);
    expect(() => fitSeries(series, { belief: Number.NaN })).toThrow(BadSeriesOptionError);
  });
});

describe("forecasts of a snapshot", () => {
  const series = simulate(1000);
  const model = fitExogenous(series, "log", endOf(1000));
  const snapshot = (names: readonly string[]) =>
    randomSnapshot({
      seed: 1,
      assets: 1,
      at: endOf(1000),
      exogenous: names.map((name) => ({ name, unit: "gwei", ...series })),
    });

  it("default: the base fee, as from the hours themselves", () => {
    const forecast = forecastBaseFee(model, snapshot(["pool.liquidity", "base_fee_gwei"]));
    expect(forecast).toEqual(forecastSeries(model, hourly(1000)));
    expect(forecast.now).toBeCloseTo(series.value.at(-1)!, 10);
    expect(forecastExogenous(model, snapshot(["pool.liquidity"]), "pool.liquidity")).toEqual(forecast);
  });

  it("error: a series the snapshot has not", () => {
    expect(() => forecastBaseFee(model, snapshot([]))).toThrow(UnknownExogenousError);
    expect(() => forecastBaseFee(model, snapshot(["a", "b"]))).toThrow(
      /no series base_fee_gwei; it has a, b/,
    );
  });
});
