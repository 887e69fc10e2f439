import { HOUR_MS, type Market, type RawMarket, unixMillis } from "@ballast/data";
import {
  fitSeries,
  forecastHash,
  lookbackBars,
  readModel,
  toForecaster,
  toHourlySeries,
} from "@ballast/model";
import { beforeAll, describe, expect, it } from "vitest";
import { scoreCosts } from "./costs.ts";
import { type FittedCosts, fitCosts } from "./fit-costs.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "./markets.fixture.ts";
import { LEAST_HISTORY_HOURS, train } from "./train.ts";

const HOURS = 1500;
const until = unixMillis(START + HOURS * HOUR_MS);
let raw: RawMarket;
let market: Market;
let fitted: FittedCosts;
beforeAll(async () => {
  raw = await syntheticRaw(5, HOURS + 300, ["BTC", "ETH"]);
  market = clean(raw);
  fitted = fitCosts(market, until);
});

const edited = (edit: (value: number, time: number) => number): Market =>
  clean({
    ...raw,
    exogenous: raw.exogenous.map((series) => ({
      ...series,
      value: series.value.map((v, i) => edit(v, series.publishedAt[i]!)),
    })),
  });

describe("fitCosts", () => {
  it("default: fits each series on all that was public, and scores it out of sample", () => {
    const known = market.past(until).exogenous("base_fee_gwei", 1e6);
    // The first hour's value is published at its end.
    const series = toHourlySeries(known, "log", until, HOURS - 1);
    expect(fitted.models.map(({ series: name }) => name)).toEqual(["aave.usdc.utilisation", "base_fee_gwei"]);
    expect(fitted.models[1]!.model).toEqual(fitSeries(series));
    const [utilisation, fee] = fitted.report.served;
    expect(utilisation).toMatchObject({ transform: "logit", refits: 6 });
    expect(fee).toMatchObject({ transform: "log", hours: 1499, scoredFrom: "2021-02-01T08:00:00Z" });
    const scores = scoreCosts(series, { from: 750, refitHours: 125 });
    expect(fee!.scores.map(({ rSquared }) => rSquared)).toEqual(scores.map(({ rSquared }) => rSquared));
    expect(fee!.scores.map(({ horizonHours, count }) => [horizonHours, count])).toEqual([
      [1, 748],
      [4, 745],
      [24, 725],
    ]);
    expect(
      fee!.scores.map(({ pinballRatio, tAgainstPersistence }) => [pinballRatio, tAgainstPersistence]),
    ).toEqual(scores.map(({ pinballRatio, dieboldMariano }) => [pinballRatio, dieboldMariano.t]));
    expect(fitted.report.leftOut).toEqual([]);
  });

  it("behaviour: what is published after `until` changes nothing", () => {
    expect(
      fitCosts(
        edited((v, t) => (t > until ? v * 0.3 : v)),
        until,
      ),
    ).toEqual(fitted);
    expect(
      fitCosts(
        edited((v, t) => (t > until - HOUR_MS ? v * 0.9 : v)),
        until,
      ),
    ).not.toEqual(fitted);
  });

  it("behaviour: no series, none; one that is too short or never moved is left out with the reason", () => {
    expect(fitCosts(clean({ ...raw, exogenous: [] }), until)).toEqual({
      models: [],
      report: { served: [], leftOut: [] },
    });
    const short = fitCosts(market, unixMillis(START + 1000 * HOUR_MS));
    expect(short.models).toEqual([]);
    expect(short.report.leftOut).toMatchObject([
      { series: "aave.usdc.utilisation" },
      { series: "base_fee_gwei", reason: expect.stringMatching(/^It has 999 hours, and 1058 are needed/) },
    ]);
    const still = fitCosts(
      edited(() => 0.5),
      until,
    );
    expect(still.report.leftOut.map(({ reason }) => reason)).toEqual(["It never moved.", "It never moved."]);
  });

  it("behaviour: a series full of holes is left out by name, the other one stays", () => {
    const holed = clean({
      ...raw,
      exogenous: raw.exogenous.map((series) => {
        if (series.name !== "base_fee_gwei") return series;
        // Two days of every five are missing: no week is known throughout.
        const kept = Array.from(series.publishedAt.keys()).filter((i) => i % 120 >= 48);
        return {
          ...series,
          publishedAt: Float64Array.from(kept, (i) => series.publishedAt[i]!),
          value: Float64Array.from(kept, (i) => series.value[i]!),
        };
      }),
    });
    const { models, report } = fitCosts(holed, until);
    expect(models.map(({ series }) => series)).toEqual(["aave.usdc.utilisation"]);
    expect(report.leftOut).toMatchObject([
      { series: "base_fee_gwei", reason: expect.stringMatching(/^Only 0 hours of the series/) },
    ]);
  });

  it("error: an abort stops it", () => {
    expect(() => fitCosts(market, until, AbortSignal.abort(new Error("stopped")))).toThrow("stopped");
  });
});

describe("costs ahead of a trained model", () => {
  it("default: named in its manifest, part of its bytes, served at every later hour, and never looking ahead", async () => {
    const trainedUntil = unixMillis(START + LEAST_HISTORY_HOURS * HOUR_MS);
    const late = await syntheticRaw(5, LEAST_HISTORY_HOURS + 60, ["BTC", "ETH"]);
    const whole = clean(late);
    const { bytes, manifest } = await train(whole, SMALL_CONFIG, {
      until: trainedUntil,
      log: () => {},
      backend: "wasm",
    });
    const artefact = readModel(bytes);
    const names = ["aave.usdc.utilisation", "base_fee_gwei"];
    expect(manifest.costs!.served.map(({ series }) => series)).toEqual(names);
    expect(artefact.costs).toEqual(fitCosts(whole, trainedUntil).models);

    const forecaster = toForecaster(artefact);
    for (const hours of [0, 1, 24]) {
      const at = unixMillis(trainedUntil + hours * HOUR_MS);
      const forecast = forecaster(whole.past(at).snapshot(lookbackBars(HOUR_MS)));
      expect(forecast.costs!.series.map(({ name }) => name)).toEqual(names);
      const changed = clean({
        ...late,
        exogenous: late.exogenous.map((series) => ({
          ...series,
          value: series.value.map((v, i) => (series.publishedAt[i]! > at ? v * 0.2 : v)),
        })),
      });
      const again = forecaster(changed.past(at).snapshot(lookbackBars(HOUR_MS)));
      expect(forecastHash(again)).toBe(forecastHash(forecast));
    }
    const silent: string[] = [];
    const without = await train(clean({ ...late, exogenous: [] }), SMALL_CONFIG, {
      until: trainedUntil,
      log: (line) => silent.push(line),
      backend: "wasm",
    });
    expect(without.artefact).not.toHaveProperty("costs");
    expect(without.manifest.costs).toEqual({ served: [], leftOut: [] });
    expect(silent).toContain("Costs ahead: the market has no series that could be forecast.");
  }, 60_000);
});
