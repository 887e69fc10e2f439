import { HOUR_MS, type RawMarket, unixMillis } from "@ballast/data";
import { FEATURE_COUNT, featureRows, LOOKBACK_HOURS, VARIANCE_FLOOR_PER_HOUR } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { ConstantSeriesError, strideFor, TooLittleHistoryError, toDataset } from "./dataset.ts";
import { clean, START, syntheticRaw } from "./markets.fixture.ts";
import { timesKnownAt, toRows } from "./rows.ts";

const HOURS = 1100;
const raw = await syntheticRaw(3, HOURS, ["BTC", "ETH"]);
const market = clean(raw);
const until = unixMillis(START + HOURS * HOUR_MS);
const dataset = await toDataset(market, { until, maxRows: 100 });

/** The market with every bar that opens at or after t scaled by `factor`. */
function scaledFrom(t: number, factor: number): RawMarket {
  return {
    ...raw,
    series: raw.series.map((s) => {
      const scale = (x: Float64Array) => x.map((v, i) => (s.time[i]! >= t ? v * factor : v));
      const { open, high, low, close, volume } = s.bars;
      return {
        ...s,
        bars: {
          open: scale(open),
          high: scale(high),
          low: scale(low),
          close: scale(close),
          volume: scale(volume),
        },
      };
    }),
  };
}

describe("toDataset", () => {
  it("default: features are those of the snapshot, targets the sums of squared returns after it", () => {
    expect(dataset.times.length).toBeGreaterThan(20);
    for (const k of [0, 7, dataset.times.length - 1]) {
      const t = dataset.times[k]!;
      const rows = featureRows(market.past(unixMillis(t)).snapshot(LOOKBACK_HOURS));
      for (let asset = 0; asset < 2; asset++) {
        const row = k * 2 + asset;
        expect(dataset.features.slice(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)).toEqual(rows[asset]);
        for (const [h, hours] of [1, 4, 24, 168].entries()) {
          const { close } = market.past(unixMillis(t + hours * HOUR_MS)).bars(asset, hours + 1);
          let sum = 0;
          for (let i = 1; i <= hours; i++) sum += Math.log(close[i]! / close[i - 1]!) ** 2;
          const expected = Math.max(sum / hours, VARIANCE_FLOOR_PER_HOUR);
          expect(dataset.targets[row * 4 + h]! / expected).toBeCloseTo(1, 6);
        }
      }
    }
  });

  it("behaviour: bars at or after t leave the features at t bit-identical, and only later ones", async () => {
    const k = 20;
    const t = dataset.times[k]!;
    const changed = await toDataset(clean(scaledFrom(t, 1.3)), { until, maxRows: 100 });
    const through = (k + 1) * 2 * FEATURE_COUNT;
    expect(changed.features.subarray(0, through)).toEqual(dataset.features.subarray(0, through));
    expect(changed.ewma.subarray(0, (k + 1) * 2)).toEqual(dataset.ewma.subarray(0, (k + 1) * 2));
    expect(changed.features.subarray(through)).not.toEqual(dataset.features.subarray(through));
    // The jump falls into every target of row t.
    for (let h = 0; h < 4; h++)
      expect(changed.targets[k * 2 * 4 + h]).not.toBe(dataset.targets[k * 2 * 4 + h]);
  });

  it("behaviour: no target reaches beyond `until`, and nothing after it is read", async () => {
    const early = unixMillis(START + 1000 * HOUR_MS);
    const cut = await toDataset(market, { until: early, maxRows: 100 });
    expect(cut.times.at(-1)! + 168 * HOUR_MS).toBeLessThanOrEqual(early);
    const changed = await toDataset(clean(scaledFrom(early, 2)), { until: early, maxRows: 100 });
    expect(changed).toEqual(cut);
  });

  it("default: the recent times have the targets that have ended, and no others", () => {
    const { times, targets, features } = dataset.recent!;
    const known = market.start + market.length * HOUR_MS;
    expect(times.length).toBeGreaterThan(5);
    expect(times[0]! - dataset.times.at(-1)!).toBe(dataset.strideHours * HOUR_MS);
    for (const [k, t] of times.entries()) {
      for (const [h, hours] of [1, 4, 24, 168].entries()) {
        expect(Number.isFinite(targets[k * 2 * 4 + h])).toBe(t + hours * HOUR_MS <= known);
      }
    }
    const rows = featureRows(market.past(unixMillis(times[3]!)).snapshot(LOOKBACK_HOURS));
    expect(features.slice(3 * 2 * FEATURE_COUNT, (3 * 2 + 1) * FEATURE_COUNT)).toEqual(rows[0]);
    const whole = toRows(dataset);
    expect(whole.times.length).toBe(2 * (dataset.times.length + times.length));
    expect([...whole.asset.slice(-2)]).toEqual([0, 1]);
    expect(timesKnownAt(dataset.times, known, 168)).toBe(dataset.times.length);
    expect(timesKnownAt(whole.times, known, 4)).toBe(whole.times.length);
    expect(timesKnownAt(whole.times, whole.times[0]!, 1)).toBe(0);
  });

  it("default: the stride keeps the rows within bounds and meets every hour of the week", () => {
    expect(strideFor(17_000, 16, 60_000)).toBe(5);
    expect(strideFor(1000, 2, 60_000)).toBe(1);
    for (const rows of [100, 1000, 5000]) {
      const stride = strideFor(17_000, 8, rows);
      expect((17_000 / stride) * 8).toBeLessThanOrEqual(rows);
      expect(new Set(Array.from({ length: 168 }, (_, i) => (i * stride) % 168)).size).toBe(168);
    }
  });

  it("behaviour: reports progress to the end and stops at an abort", async () => {
    const seen: number[] = [];
    await toDataset(market, {
      until,
      maxRows: 100,
      onProgress: ({ done, total }) => seen.push(done / total!),
    });
    expect(seen.at(-1)).toBe(1);
    const aborted = toDataset(market, {
      until,
      maxRows: 100,
      signal: AbortSignal.abort(new Error("stopped")),
    });
    await expect(aborted).rejects.toThrow("stopped");
  });

  it("error: too little history, a price that never moves", async () => {
    const short = toDataset(market, { until: unixMillis(START + 800 * HOUR_MS), maxRows: 100 });
    await expect(short).rejects.toThrow(TooLittleHistoryError);
    await expect(short).rejects.toThrow(/has 800 hours of bars, training needs 890/);
    const frozen: typeof market = {
      ...market,
      past: (t) => {
        const past = market.past(t);
        return {
          ...past,
          length: past.length,
          bars: (asset, count) => flatten(past.bars(asset, count), asset),
        };
      },
    };
    await expect(toDataset(frozen, { until, maxRows: 100 })).rejects.toThrow(ConstantSeriesError);
    await expect(toDataset(frozen, { until, maxRows: 100 })).rejects.toThrow(/price of ETH does not move/);
  });
});

function flatten<T extends { close: Float64Array }>(bars: T, asset: number): T {
  return asset === 1 ? { ...bars, close: bars.close.map(() => 5) } : bars;
}
