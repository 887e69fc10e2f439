import { HOUR_MS, type RawMarket, unixMillis } from "@ballast/data";
import { beforeAll, describe, expect, it } from "vitest";
import { findDrift } from "./drift.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "./markets.fixture.ts";
import { type TrainedModel, train } from "./train.ts";

const HOURS = 3600;
const raw = await syntheticRaw(11, HOURS, ["BTC", "ETH"]);
const market = clean(raw);
/** Nine days after the training: the year before it holds many windows of such a length. */
const DAYS_LATER = 3016;
const trainedUntil = unixMillis(START + 2800 * HOUR_MS);

/** The first hours of the same market, its returns scaled from `trainedUntil` on. */
function scaled(factor: number, hours: number): RawMarket {
  return {
    ...raw,
    series: raw.series.map((series) => {
      const from = series.time.findIndex((t) => t >= trainedUntil);
      const anchor = series.bars.close[from - 1]!;
      const bend = (x: Float64Array) =>
        x.slice(0, hours).map((v, i) => (i < from ? v : anchor * (v / anchor) ** factor));
      const { open, high, low, close, volume } = series.bars;
      return {
        ...series,
        time: series.time.slice(0, hours),
        bars: {
          open: bend(open),
          high: bend(high),
          low: bend(low),
          close: bend(close),
          volume: volume.slice(0, hours),
        },
      };
    }),
  };
}

describe("findDrift", () => {
  let model: TrainedModel;
  beforeAll(async () => {
    model = await train(market, SMALL_CONFIG, { until: trainedUntil, log: () => {}, backend: "wasm" });
  });
  const find = (of: typeof market, until = trainedUntil) =>
    findDrift(of, { model: model.artefact, trainedUntil: until });

  it("default: none on the market it was trained on, which goes on as it was", async () => {
    expect(await find(market)).toBeUndefined();
    expect(await find(clean(scaled(1, DAYS_LATER)))).toBeUndefined();
  });

  it("behaviour: returns eight times as large are a drift of the features", async () => {
    const found = await find(clean(scaled(8, DAYS_LATER)));
    expect(found?.kind).toBe("features");
    expect(found?.reason).toMatch(/stability index of \d+\.\d\d, above \d+\.\d\d/);
  });

  it("behaviour: probabilities far from what happens are a drift of the calibration", async () => {
    // That of a model which takes nearly all breaches to be certain, on a market whose features are as ever.
    const sure = { ...model.artefact, breachCalibration: { a: 6, b: 1 } };
    const found = await findDrift(market, { model: sure, trainedUntil });
    expect(found).toMatchObject({ kind: "calibration" });
  });

  it("behaviour: a training of the last week is not judged, nor one with too little before it", async () => {
    const late = unixMillis(START + (HOURS - 100) * HOUR_MS);
    expect(await find(clean(scaled(8, HOURS)), late)).toBeUndefined();
    const early = unixMillis(START + 900 * HOUR_MS);
    expect((await find(market, early))?.kind).not.toBe("features");
  });

  it("error: an abort stops the search", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));
    await expect(findDrift(market, { model: model.artefact, trainedUntil, signal })).rejects.toThrow(
      "stopped",
    );
  });
});
