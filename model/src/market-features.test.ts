import type { BarColumns, Market } from "@ballast/data";
import { HOUR_MS, keccak, seededRandom, syntheticSource, toMarket, unixMillis } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { featureBytes } from "./feature-tree.ts";
import { LOOKBACK_HOURS, lookbackBars, ShortSnapshotError } from "./features.ts";
import {
  MARKET_FEATURE_COUNT,
  MARKET_FEATURES,
  marketFeatures,
  marketFeaturesAt,
  toExactMeasures,
  toMarketTable,
} from "./market-features.ts";
import { randomSnapshot } from "./snapshots.fixture.ts";

const START = unixMillis(Date.UTC(2021, 0, 1));
const NOW = unixMillis(Date.UTC(2026, 0, 1));
const MINUTE_MS = 60_000;

const synthetic = async (hours: number, intervalMs: number): Promise<Market> => {
  const raw = await syntheticSource({
    seed: 5,
    hours,
    start: START,
    assets: ["BTC", "ETH", "SOL"],
    intervalMs,
  }).load({});
  return toMarket(raw, { now: NOW }).market;
};

/** What the names say, in the plainest code: hourly bars alone, whole arrays, no table, in doubles. */
function twin(bars: readonly BarColumns[], at: number): number[][] {
  const { log, sqrt, abs, max } = Math;
  const assets = bars.map(({ high, low, close, volume }) => {
    const last = (x: Float64Array, hours: number) => [...x].slice(-hours);
    const returns = [...close].map((c, i) => (i === 0 ? 0 : log(c / close[i - 1]!))).slice(-720);
    const ranges = [...high].map((h, i) => log(h / low[i]!) ** 2 / (4 * log(2))).slice(-720);
    return { returns, ranges, volume: last(volume, 168) };
  });
  const sum = (x: readonly number[]) => x.reduce((total, v) => total + v, 0);
  const mean = (x: readonly number[]) => sum(x) / x.length;
  const square = (x: readonly number[]) => x.map((v) => v * v);
  const floored = (x: number) => log(max(x, 1e-9));
  const market = assets[0]!.returns.map((_, t) => mean(assets.map(({ returns }) => returns[t]!)));
  const logRange = assets[0]!.ranges.map((_, t) => mean(assets.map(({ ranges }) => floored(ranges[t]!))));
  const variance = (returns: readonly number[], hours: number) =>
    floored(mean(square(returns.slice(-hours))));
  const size = (returns: readonly number[]) =>
    abs(sum(returns.slice(-24))) / sqrt(24 * mean(square(returns)));
  const season = (hours: number) =>
    mean(
      logRange.slice(-672).filter((_, t) => t % 24 < hours), // 672 hours back begins the hour of day that is next
    ) - mean(logRange.slice(-672));
  const correlation = (x: readonly number[], hours: number) => {
    const [a, b] = [x.slice(-hours), market.slice(-hours)];
    return sum(a.map((v, t) => v * b[t]!)) / sqrt(sum(square(a)) * sum(square(b)));
  };
  const angle = (2 * Math.PI * (Math.floor(at / 86_400_000) % 7)) / 7;
  /** No further than 4 from the month's. */
  const near = (x: number, returns: readonly number[]) =>
    max(variance(returns, 720) - 4, Math.min(variance(returns, 720) + 4, x));
  const shared = [
    variance(market, 24),
    variance(market, 168),
    near(logRange.at(-1)!, market),
    near(mean(logRange.slice(-24)), market),
    season(1),
    season(4),
    Math.sin(angle),
    Math.cos(angle),
  ];
  const own = assets.map(({ returns, ranges, volume }) => [
    ...[1, 4, 24, 168, 720].map((hours) => near(variance(returns, hours), returns)),
    ...[1, 4, 24].map((hours) => near(floored(mean(ranges.slice(-hours))), returns)),
    size(returns),
    log(max(volume.at(-1)! / mean(volume), 0.02)),
    correlation(returns, 168),
    correlation(returns, 720),
  ]);
  const meanOf = (column: number) => mean(own.map((row) => row[column]!));
  const base = [
    ...[1, 4, 24, 168, 720].map((hours) => near(variance(market, hours), market)),
    ...[5, 6, 7].map(meanOf),
    size(market),
    ...[9, 10, 11].map(meanOf),
  ];
  return [base, ...own].map((row) => [...row, ...shared]);
}

describe("marketFeatures", () => {
  it("default: twenty named integers an asset, the market's row first, as the plain twin has them", () => {
    expect(MARKET_FEATURE_COUNT).toBe(20);
    expect(new Set(MARKET_FEATURES).size).toBe(20);
    for (let seed = 1; seed <= 20; seed++) {
      const snapshot = randomSnapshot({ seed, assets: 1 + (seed % 4), at: START + seed * 31 * HOUR_MS });
      const rows = marketFeatures(snapshot);
      const expected = twin(snapshot.bars, snapshot.at);
      expect(rows).toHaveLength(snapshot.assets.length + 1);
      rows.forEach((row, r) => {
        row.forEach((x, i) => {
          const exact = expected[r]![i]! * 1024;
          expect(Math.abs(x - exact), `${MARKET_FEATURES[i]} of row ${r}`).toBeLessThanOrEqual(0.5 + 1e-6);
        });
      });
    }
  });

  it("behaviour: the bits of this engine are those of every other", () => {
    const random = seededRandom(9);
    // Made by products and quotients alone, whose bits are fixed as well.
    const bars = Array.from({ length: 5 }, (): BarColumns => {
      const column = () => new Float64Array(LOOKBACK_HOURS);
      const out = { open: column(), high: column(), low: column(), close: column(), volume: column() };
      let price = 1 + random.integer(1000);
      for (let i = 0; i < LOOKBACK_HOURS; i++) {
        out.open[i] = price;
        price *= 1 + (random.integer(2001) - 1000) / 50_000;
        out.close[i] = price;
        out.high[i] = Math.max(out.open[i]!, price) * (1 + random.integer(1000) / 100_000);
        out.low[i] = Math.min(out.open[i]!, price) / (1 + random.integer(1000) / 100_000);
        out.volume[i] = random.integer(10_000);
      }
      return out;
    });
    const rows = marketFeatures({ ...randomSnapshot({ seed: 1, assets: 5 }), bars });
    const hash = keccak(Buffer.concat(rows.map(featureBytes)));
    expect(hash).toBe("0x51e572dc7eb0d318b189e7dfc44e6763001100829bb5cd07ee853994a0381e04");
  });

  it.each([60, 5])(
    "behaviour: from a snapshot as from the table of training, of %d min bars",
    async (minutes) => {
      const intervalMs = minutes * MINUTE_MS;
      const perHour = 60 / minutes;
      const market = await synthetic(1002, intervalMs);
      const all = market.past(unixMillis(START + 1000 * HOUR_MS));
      const table = toMarketTable(
        market.assets.map((_, i) => toExactMeasures(all.bars(i, 1000 * perHour), perHour)),
      );
      for (const hour of [LOOKBACK_HOURS, 800, 997]) {
        const at = unixMillis(START + hour * HOUR_MS);
        const snapshot = market.past(at).snapshot(lookbackBars(intervalMs));
        expect(marketFeaturesAt(table, hour, at)).toEqual(marketFeatures(snapshot));
      }
    },
  );

  it("behaviour: what comes at or after the moment changes no bit, what came just before does", async () => {
    const market = await synthetic(1002, HOUR_MS);
    const all = market.past(unixMillis(START + 1000 * HOUR_MS));
    const end = 850;
    const features = (from: number) => {
      const perturbed = market.assets.map((_, i) => {
        const bars = all.bars(i, 1000);
        const moved = (x: Float64Array, factor: number) => x.map((v, t) => (t >= from ? v * factor : v));
        return toExactMeasures(
          {
            open: bars.open,
            high: moved(bars.high, 3 + i),
            low: moved(bars.low, 0.5),
            close: moved(bars.close, 2 + i),
            volume: moved(bars.volume, 7),
          },
          1,
        );
      });
      return marketFeaturesAt(toMarketTable(perturbed), end, START + end * HOUR_MS);
    };
    expect(features(end)).toEqual(features(1000));
    expect(features(end - 1)).not.toEqual(features(1000));
  });

  it("behaviour: only the last 721 hours are read, and earlier ones may be there", () => {
    const long = randomSnapshot({ seed: 4, assets: 2, extraBars: 50 });
    const last = (x: Float64Array) => x.slice(-LOOKBACK_HOURS);
    const bars = long.bars.map(({ open, high, low, close, volume }) => ({
      open: last(open),
      high: last(high),
      low: last(low),
      close: last(close),
      volume: last(volume),
    }));
    expect(marketFeatures(long)).toEqual(marketFeatures({ ...long, bars }));
  });

  it("behaviour: prices that never move and no volume give finite features", () => {
    const still = () => new Float64Array(LOOKBACK_HOURS).fill(3);
    const bars = {
      open: still(),
      high: still(),
      low: still(),
      close: still(),
      volume: new Float64Array(LOOKBACK_HOURS),
    };
    const snapshot = { ...randomSnapshot({ seed: 1, assets: 1 }), bars: [bars] };
    // ln 10⁻⁹ = −20.723, times 1024.
    const own = [-21221, -21221, -21221, -21221, -21221, -21221, -21221, -21221, 0, 0, 0, 0];
    for (const row of marketFeatures(snapshot)) expect([...row.subarray(0, 12)]).toEqual(own);
  });

  it("behaviour: an exchange that stood still for a day takes no variance further than 4 from the month's", () => {
    const snapshot = randomSnapshot({ seed: 6, assets: 3 });
    const bars = snapshot.bars.map((columns) => {
      const last = columns.close.at(-25)!;
      const stopped = (x: Float64Array) => x.map((v, t) => (t >= x.length - 24 ? last : v));
      const { open, high, low, close, volume } = columns;
      return {
        open: stopped(open),
        high: stopped(high),
        low: stopped(low),
        close: stopped(close),
        volume: volume.map((v, t) => (t >= volume.length - 24 ? 0 : v)),
      };
    });
    const month = MARKET_FEATURES.indexOf("log_rv_720h");
    for (const row of marketFeatures({ ...snapshot, bars })) {
      for (const name of ["log_rv_1h", "log_rv_4h", "log_rv_24h", "log_range_1h"]) {
        const found = row[MARKET_FEATURES.indexOf(name)]! - row[month]!;
        expect(Math.abs(found), name).toBeLessThanOrEqual(4 * 1024 + 1);
      }
    }
  });

  it("error: a snapshot of fewer hours", () => {
    const snapshot = randomSnapshot({ seed: 1, assets: 1 });
    const bars = snapshot.bars.map((columns) => ({ ...columns, close: columns.close.slice(1) }));
    expect(() => marketFeatures({ ...snapshot, bars })).toThrow(ShortSnapshotError);
  });
});
