import { readFileSync } from "node:fs";
import path from "node:path";
import { HOUR_MS, keccak, type RawMarket, unixMillis } from "@ballast/data";
import {
  forecastWith,
  HORIZONS_HOURS,
  LOOKBACK_HOURS,
  networkBytes,
  networkId,
  readBreachNetwork,
  readManifest,
  readModel,
} from "@ballast/model";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { TooLittleHistoryError } from "./dataset.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "./markets.fixture.ts";
import { LEAST_HISTORY_HOURS, storeModel, type TrainedModel, train } from "./train.ts";

const HOURS = 2600;
const until = unixMillis(START + 2400 * HOUR_MS);
const context = { until, log: () => {}, backend: "wasm" } as const;
const raw = await syntheticRaw(11, HOURS, ["BTC", "ETH"]);
const market = clean(raw);

describe("train", () => {
  let model: TrainedModel;
  const shares: number[] = [];
  beforeAll(async () => {
    model = await train(market, SMALL_CONFIG, {
      ...context,
      onProgress: ({ done, total }) => shares.push(done / total!),
    });
  });

  it("default: an artefact that forecasts, named by its bytes, and a manifest that says where it is from", () => {
    expect(model.modelId).toBe(keccak(model.bytes));
    expect(readModel(model.bytes)).toEqual(model.artefact);
    const forecast = forecastWith(model.artefact, market.past(until).snapshot(LOOKBACK_HOURS));
    expect(forecast.modelId).toBe(model.modelId);
    // Synthetic volatility is between 10 %/y and 400 %/y.
    for (const row of forecast.variance) {
      for (const [h, variance] of row.entries()) {
        const annual = Math.sqrt((variance / HORIZONS_HOURS[h]!) * 8760);
        expect(annual).toBeGreaterThan(0.1);
        expect(annual).toBeLessThan(4);
      }
    }
    const { manifest } = model;
    expect(manifest.dataset.root).toBe(market.hash);
    expect(manifest.dataset.until).toBe("2021-04-11T00:00:00Z");
    expect(manifest.configuration.seed).toBe(SMALL_CONFIG.seed);
    expect(manifest.backend.name).toBe("wasm");
    expect(manifest.metrics.map((m) => m.horizonHours)).toEqual([1, 4, 24, 168]);
    expect(manifest.metrics.every((m) => Number.isFinite(m.qlike.network))).toBe(true);
    expect(manifest.folds).toHaveLength(SMALL_CONFIG.folds);
    const { spans, breach: recorded, quantiles } = manifest.outOfSample!;
    const rows = spans.reduce((sum, span) => sum + span.rows, 0);
    for (const [h, metric] of manifest.metrics.entries()) {
      const whole = spans.reduce((sum, span) => sum + (span.rows / rows) * span.qlike.network[h]!, 0);
      expect(whole / metric.qlike.network).toBeCloseTo(1, 5);
      const [lowest, highest] = [quantiles[h]!.observed[0]!, quantiles[h]!.observed.at(-1)!];
      expect(highest - lowest).toBeCloseTo(metric.coverage90, 2);
    }
    const counted = (bins: typeof recorded.raw) => bins.reduce((sum, { count }) => sum + count, 0);
    expect(counted(recorded.raw)).toBe(counted(recorded.recalibrated));
    expect(counted(recorded.raw)).toBeLessThan(manifest.calibration.predictions);
    expect(Date.parse(recorded.from)).toBeGreaterThanOrEqual(Date.parse(manifest.folds[1]!.testFrom));
    expect(manifest.calibration).toMatchObject(model.artefact.breachCalibration);
    const breach = readBreachNetwork(model.artefact.breachNetwork!);
    expect(manifest.breachNetwork!.id).toBe(networkId(networkBytes(breach)));
    for (const { quantisationLossPct } of manifest.breachNetwork!.horizons)
      expect(quantisationLossPct).toBeLessThan(0.5);
  });

  it("default: progress only rises, from the first report to the whole", () => {
    expect(shares.length).toBeGreaterThan(10);
    expect([...shares].sort((x, y) => x - y)).toEqual(shares);
    expect(shares.at(-1)).toBe(1);
  });

  it("behaviour: the same seed gives the same model, another seed another, and no tensor stays", async () => {
    const before = tf.memory().numTensors;
    const again = await train(market, SMALL_CONFIG, context);
    expect(again.modelId).toBe(model.modelId);
    expect(again.manifest).toEqual(model.manifest);
    expect(tf.memory().numTensors).toBe(before);
    const other = await train(market, { ...SMALL_CONFIG, seed: 2 }, context);
    expect(other.modelId).not.toBe(model.modelId);
  });

  it("behaviour: bars at or after `until` change nothing", async () => {
    const late = (s: RawMarket["series"][number], x: Float64Array) =>
      x.map((v, i) => (s.time[i]! >= until ? v * 1.5 : v));
    const changed = clean({
      ...raw,
      series: raw.series.map((s) => ({
        ...s,
        bars: {
          open: late(s, s.bars.open),
          high: late(s, s.bars.high),
          low: late(s, s.bars.low),
          close: late(s, s.bars.close),
          volume: s.bars.volume,
        },
      })),
    });
    expect(changed.hash).not.toBe(market.hash);
    expect((await train(changed, SMALL_CONFIG, context)).modelId).toBe(model.modelId);
  });

  it("default: model and manifest are stored by their content", async () => {
    const kept = new Map<string, { bytes: Uint8Array; kind: string | undefined }>();
    const stored = await storeModel(
      {
        put: async (bytes, kind) => {
          kept.set(keccak(bytes), { bytes, kind });
          return keccak(bytes);
        },
      },
      model,
    );
    expect(stored.modelId).toBe(model.modelId);
    expect(kept.get(stored.modelId)!.kind).toBe("model");
    expect(readManifest(kept.get(stored.manifestHash)!.bytes)).toEqual(model.manifest);
  });

  it("error: too little history says how much is needed; an abort stops", async () => {
    const short = train(market, SMALL_CONFIG, { ...context, until: unixMillis(START + 1000 * HOUR_MS) });
    await expect(short).rejects.toThrow(TooLittleHistoryError);
    await expect(short).rejects.toThrow(`has 1000 hours of bars, training needs ${LEAST_HISTORY_HOURS}`);
    const signal = AbortSignal.abort(new Error("stopped"));
    await expect(train(market, SMALL_CONFIG, { ...context, signal })).rejects.toThrow("stopped");
  });

  it("behaviour: one asset and the least history are enough", async () => {
    const single = clean(await syntheticRaw(1, LEAST_HISTORY_HOURS + 24, ["BTC"]));
    const least = unixMillis(START + LEAST_HISTORY_HOURS * HOUR_MS);
    const trained = await train(single, SMALL_CONFIG, { ...context, until: least });
    expect(readModel(trained.bytes)).toEqual(trained.artefact);
  });
});

const folder = process.env.BALLAST_TEST_DATA;
if (folder === undefined)
  console.log("BALLAST_TEST_DATA is not set: training on a recorded market is left out");

describe("train on a recorded market", () => {
  it.skipIf(folder === undefined)(
    "behaviour: beats the per-asset log-HAR out of sample",
    { timeout: 120_000 },
    async () => {
      const series = ["BTC", "ETH", "LINK", "LTC"].map((asset) => {
        const file = path.join(folder!, "binance-spot-1h", `${asset}_USDT-1h.json`);
        const rows = JSON.parse(readFileSync(file, "utf8")) as number[][];
        const column = (c: number) => Float64Array.from(rows, (row) => row[c]!);
        const bars = {
          open: column(1),
          high: column(2),
          low: column(3),
          close: column(4),
          volume: column(5),
        };
        return { asset, quote: "USDT", time: column(0), bars };
      });
      const recorded = clean({ name: "recorded", series, exogenous: [], notes: [] });
      const { manifest } = await train(
        recorded,
        { ...SMALL_CONFIG, maxRows: 12_000, hidden: [16], maxEpochs: 8, calibrationTimes: 200 },
        { ...context, until: unixMillis(recorded.start + recorded.length * HOUR_MS) },
      );
      const mean = manifest.metrics.reduce((sum, m) => sum + m.ratioToLogHar.network / 4, 0);
      expect(mean).toBeLessThan(0.99);
      const { brierSkillCalibrated, brierSkillRaw } = manifest.calibration;
      expect(brierSkillCalibrated).toBeGreaterThan(0);
      expect(brierSkillCalibrated).toBeGreaterThan(brierSkillRaw - 0.02);
    },
  );
});
