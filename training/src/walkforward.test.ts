import { HOUR_MS, type Market, unixMillis } from "@ballast/data";
import {
  FEATURE_COUNT,
  fitLogHar,
  forecastWith,
  HORIZONS_HOURS,
  LOOKBACK_HOURS,
  predictLogHar,
  qlike,
} from "@ballast/model";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { chooseBackend } from "./backend.ts";
import { type Dataset, toDataset } from "./dataset.ts";
import { datasetBefore } from "./jobs/trial.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "./markets.fixture.ts";
import { toRows } from "./rows.ts";
import { type OutOfSample, scoreForecasts, toFolds, walkForward } from "./walkforward.ts";

describe("toFolds", () => {
  it("behaviour: blocks tile the end of the times, and no target of a training row reaches into its block", () => {
    const shapes = fc.record({
      times: fc.integer({ min: 800, max: 20_000 }),
      strideHours: fc.constantFrom(1, 5, 11, 13),
      folds: fc.integer({ min: 1, max: 6 }),
      testShare: fc.double({ min: 0.1, max: 0.6, noNaN: true }),
    });
    fc.assert(
      fc.property(shapes, ({ times, strideHours, ...config }) => {
        const folds = toFolds(times, strideHours, config);
        expect(folds).toHaveLength(config.folds);
        expect(folds.at(-1)!.testEnd).toBe(times);
        for (const [k, { trainEnd, testStart, testEnd }] of folds.entries()) {
          expect(testEnd).toBeGreaterThan(testStart);
          if (k > 0) expect(testStart).toBe(folds[k - 1]!.testEnd);
          // The last training time is trainEnd − 1; its longest target ends 168 h later.
          expect((trainEnd - 1) * strideHours + 168).toBeLessThanOrEqual(testStart * strideHours);
        }
      }),
      { seed: 1 },
    );
  });
});

describe("walkForward", () => {
  const context = { seed: 1 };
  let market: Market;
  let dataset: Dataset;
  let outOfSample: OutOfSample;
  const folds = () => toFolds(dataset.times.length, dataset.strideHours, SMALL_CONFIG);

  beforeAll(async () => {
    await chooseBackend("wasm", () => {});
    market = clean(await syntheticRaw(5, 3500, ["BTC", "ETH"]));
    dataset = await toDataset(market, { until: unixMillis(START + 3500 * HOUR_MS), maxRows: 1200 });
    outOfSample = await walkForward(dataset, folds(), SMALL_CONFIG, context);
  });

  it("default: the benchmark is the asset's own log-HAR of the fold", () => {
    const { testStart } = folds()[1]!;
    const at = dataset.times[testStart]!;
    const rows = [1, 4, 24, 168].map((hours) => {
      const known = [...dataset.times].filter((t) => t + hours * HOUR_MS <= at).length;
      return Int32Array.from({ length: known }, (_, t) => t * 2 + 1);
    });
    const logHar = fitLogHar(dataset.features, dataset.targets, rows);
    const row = testStart * 2 + 1;
    expect(outOfSample.forecasts.logHar[(row - outOfSample.firstRow) * 4 + 2]).toBe(
      predictLogHar(logHar, dataset.features, row * FEATURE_COUNT, 2),
    );
  });

  it("default: scores are mean QLIKE per horizon and its ratio to log-HAR", () => {
    const scores = scoreForecasts(dataset, outOfSample);
    const { forecasts, firstRow } = outOfSample;
    for (const [h, score] of scores.entries()) {
      let network = 0;
      let logHar = 0;
      const rows = forecasts.network.length / 4;
      for (let r = 0; r < rows; r++) {
        const y = dataset.targets[(firstRow + r) * 4 + h]!;
        network += qlike(y, forecasts.network[r * 4 + h]!) / rows;
        logHar += qlike(y, forecasts.logHar[r * 4 + h]!) / rows;
      }
      expect(score.qlike.network).toBeCloseTo(network, 10);
      expect(score.ratioToLogHar.network).toBeCloseTo(network / logHar, 10);
      expect(score.ratioToLogHar.logHar).toBe(1);
      expect(Math.sign(score.tAgainstLogHar)).toBe(Math.sign(network - logHar));
      let inside = 0;
      for (let r = 0; r < rows; r++) {
        const y = dataset.targets[(firstRow + r) * 4 + h]!;
        const [low, , , , high] = outOfSample.quantiles.subarray((r * 4 + h) * 5, (r * 4 + h) * 5 + 5);
        if (y >= low! && y <= high!) inside++;
      }
      expect(score.coverage90).toBeCloseTo(inside / rows, 12);
    }
  });

  it("default: quantiles are the forecast times those of the errors known at the block's start", () => {
    const { folds: blocks, firstRow, forecasts, quantiles, artefacts } = outOfSample;
    const row = blocks[1]!.testStart * 2 - firstRow;
    const factors = artefacts[1]!.assets[0]!.logQuantiles![0]!.map(Math.exp);
    for (let q = 0; q < 5; q++)
      expect(quantiles[row * 4 * 5 + q]! / forecasts.network[row * 4]! / factors[q]!).toBeCloseTo(1, 12);
    // Synthetic volatility is as the model supposes it: nine in ten of the outcomes lie within.
    const [first] = scoreForecasts(dataset, outOfSample);
    expect(Math.abs(first!.coverage90 - 0.9)).toBeLessThan(0.08);
  });

  it("default: a forecast is, to the bit, what the fold's model says of a snapshot, but for rounding", () => {
    const { folds: blocks, firstRow, forecasts, quantiles, artefacts } = outOfSample;
    const time = blocks[1]!.testStart + 3;
    const snapshot = market.past(unixMillis(dataset.times[time]!)).snapshot(LOOKBACK_HOURS);
    const said = forecastWith(artefacts[1]!, snapshot);
    const row = time * 2 + 1 - firstRow;
    for (const [h, hours] of HORIZONS_HOURS.entries()) {
      expect(said.variance[1]![h]).toBeCloseTo(forecasts.network[row * 4 + h]! * hours, 11);
      for (let q = 0; q < 5; q++)
        expect(said.quantiles!.variance[1]![h]![q]).toBeCloseTo(
          quantiles[(row * 4 + h) * 5 + q]! * hours,
          11,
        );
    }
  });

  it("default: earlier rows are learnt from by all, and none of them is scored", async () => {
    const half = Math.floor(dataset.times.length / 4);
    const rest = (table: Float64Array) => table.subarray((table.length / dataset.times.length) * half);
    const { times, asset, features, targets } = toRows(datasetBefore(dataset, half));
    const split: Dataset = {
      ...dataset,
      times: rest(dataset.times),
      features: rest(dataset.features),
      targets: rest(dataset.targets),
      ewma: rest(dataset.ewma),
      earlier: { times, asset, features, targets },
    };
    const moved = folds().map(({ trainEnd, testStart, testEnd }) => ({
      trainEnd: trainEnd - half,
      testStart: testStart - half,
      testEnd: testEnd - half,
    }));
    const again = await walkForward(split, moved, SMALL_CONFIG, context);
    expect(again.artefacts).toEqual(outOfSample.artefacts);
    expect(again.forecasts).toEqual(outOfSample.forecasts);
    expect(again.quantiles).toEqual(outOfSample.quantiles);
  });

  it("behaviour: what happens in a block changes no forecast of the fold's models before it", async () => {
    const later = folds()[1]!;
    const changed = {
      ...dataset,
      features: dataset.features.map((x, i) => (i >= later.testStart * 2 * FEATURE_COUNT ? x + 0.3 : x)),
      targets: dataset.targets.map((y, i) => (i >= later.testStart * 2 * 4 ? y * 3 : y)),
    };
    const again = await walkForward(changed, folds(), SMALL_CONFIG, context);
    expect(again.artefacts).toEqual(outOfSample.artefacts);
    const before = (later.testStart * 2 - outOfSample.firstRow) * 4;
    expect(again.forecasts.network.subarray(0, before)).toEqual(
      outOfSample.forecasts.network.subarray(0, before),
    );
  });
});
