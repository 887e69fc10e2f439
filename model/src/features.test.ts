import type { Snapshot } from "@ballast/data";
import { HOUR_MS } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { FEATURE_COUNT, FEATURE_NAMES, featureIndex, featureRows, lookbackBars } from "./features.ts";
import { VARIANCE_FLOOR_PER_HOUR } from "./realised.ts";
import { randomSnapshot } from "./snapshots.fixture.ts";

/** The same features, each from its definition, one at a time. */
function twin(s: Snapshot, asset: number, name: string): number {
  const perHour = HOUR_MS / s.intervalMs;
  const { close, high, low, volume } = s.bars[asset]!;
  const lastBars = (hours: number) => {
    const out: number[] = [];
    for (let i = close.length - hours * perHour; i < close.length; i++) out.push(i);
    return out;
  };
  const perHourOf = (hours: number, f: (i: number) => number) =>
    lastBars(hours).reduce((sum, i) => sum + f(i), 0) / hours;
  const square = (i: number) => Math.log(close[i]! / close[i - 1]!) ** 2;
  const range = (i: number) => Math.log(high[i]! / low[i]!) ** 2 / (4 * Math.log(2));
  const hours = Number(/_(\d+)h$/.exec(name)?.[1]);
  const log = (v: number) => Math.log(Math.max(v, VARIANCE_FLOOR_PER_HOUR));
  const when = new Date(s.at);
  const harmonic = Number(name.slice(-1));
  // Thursday is the origin of the week, as 1970-01-01 was one.
  const angle = name.startsWith("hour")
    ? (2 * Math.PI * harmonic * when.getUTCHours()) / 24
    : (2 * Math.PI * harmonic * ((when.getUTCDay() + 3) % 7)) / 7;
  const logRange = (i: number, hour: number) =>
    log(
      Array.from({ length: perHour }, (_, k) => k).reduce((sum, k) => {
        const bar = s.bars[i]!.close.length + hour * perHour + k;
        return sum + Math.log(s.bars[i]!.high[bar]! / s.bars[i]!.low[bar]!) ** 2 / (4 * Math.log(2));
      }, 0),
    );
  /** Mean over assets of the log range of hours that count from −1, the last. */
  const marketLogRange = (of: number[]) =>
    of.reduce((sum, hour) => sum + s.assets.reduce((t, _, i) => t + logRange(i, hour), 0), 0) /
    (of.length * s.assets.length);
  const count = <T>(n: number, f: (k: number) => T) => Array.from({ length: n }, (_, k) => f(k));
  if (name.startsWith("season_")) {
    // The same hours of the day, on each of the last 28 days.
    const first = name.startsWith("season_next") ? 0 : 24 - hours;
    const same = count(28, (day) => count(hours, (k) => first + k - 24 * (day + 1))).flat();
    return marketLogRange(same) - marketLogRange(count(28 * 24, (k) => -1 - k));
  }
  if (name.startsWith("market_mean_log_range")) return marketLogRange(count(hours, (k) => -1 - k));
  const share = /^log_(rv|range)_share_(\d+)m$/.exec(name);
  if (share !== null) {
    const bars = Number(share[2]) / (s.intervalMs / 60_000);
    if (!Number.isInteger(bars)) return 0;
    const last = lastBars(1).slice(-bars);
    const parts = share[1] === "rv" ? last.map(square) : last.map(range);
    return (
      log(parts.reduce((sum, x) => sum + x, 0) * (perHour / bars)) -
      log(lastBars(1).reduce((sum, i) => sum + range(i), 0))
    );
  }
  if (name.startsWith("market_"))
    return s.assets.reduce((sum, _, i) => sum + twin(s, i, name.slice(7)), 0) / s.assets.length;
  if (name.startsWith("log_rv")) return log(perHourOf(hours, square));
  if (name.startsWith("log_range")) return log(perHourOf(hours, range));
  if (/^(absolute_)?return/.test(name)) {
    const r = Math.log(close.at(-1)! / close[close.length - 1 - hours * perHour]!);
    const scale = perHourOf(hours === 720 ? 720 : 168, square);
    const z = r / Math.sqrt(Math.max(scale, VARIANCE_FLOOR_PER_HOUR) * hours);
    return name.startsWith("absolute") ? Math.abs(z) : z;
  }
  if (name.startsWith("log_quarticity")) {
    const fourth = perHourOf(hours, (i) => square(i) ** 2) * hours;
    return Math.log(fourth / (perHourOf(hours, square) * hours) ** 2);
  }
  if (name === "downside_24h")
    return perHourOf(24, (i) => (close[i]! < close[i - 1]! ? square(i) : 0)) / perHourOf(24, square) - 0.5;
  if (name.startsWith("log_volume"))
    return Math.log(perHourOf(hours, (i) => volume[i]!) / perHourOf(168, (i) => volume[i]!));
  if (name.includes("sin")) return Math.sin(angle);
  if (name.includes("cos")) return Math.cos(angle);
  return 0;
}

describe("featureRows", () => {
  it.each([3_600_000, 1_800_000, 300_000])("default: equals the definitions, bars of %i ms", (intervalMs) => {
    const snapshot = randomSnapshot({ seed: 3, assets: 3, intervalMs });
    const rows = featureRows(snapshot);
    expect(rows).toHaveLength(3);
    for (const [asset, row] of rows.entries()) {
      expect(row).toHaveLength(FEATURE_COUNT);
      for (const [i, name] of FEATURE_NAMES.entries()) {
        expect(row[i], name).toBeCloseTo(twin(snapshot, asset, name), 9);
      }
    }
  });

  it("behaviour: bars before the lookback change nothing", () => {
    const snapshot = randomSnapshot({ seed: 3, assets: 2, extraBars: 50 });
    const bars = snapshot.bars.map(({ open, high, low, close, volume }) => ({
      open: open.slice(50),
      high: high.slice(50),
      low: low.slice(50),
      close: close.slice(50),
      volume: volume.slice(50),
    }));
    expect(featureRows(snapshot)).toEqual(featureRows({ ...snapshot, bars }));
  });

  it("behaviour: the unit of price and of volume does not matter", () => {
    const snapshot = randomSnapshot({ seed: 5, assets: 1 });
    const scaled = snapshot.bars.map((b) => ({
      open: b.open.map((x) => 1000 * x),
      high: b.high.map((x) => 1000 * x),
      low: b.low.map((x) => 1000 * x),
      close: b.close.map((x) => 1000 * x),
      volume: b.volume.map((x) => x / 1000),
    }));
    const before = featureRows(snapshot)[0]!;
    const after = featureRows({ ...snapshot, bars: scaled })[0]!;
    for (let i = 0; i < FEATURE_COUNT; i++) expect(after[i]).toBeCloseTo(before[i]!, 10);
  });

  it("behaviour: a price without movement and hours without trade stay finite", () => {
    const flat = (value: number) => new Float64Array(lookbackBars(HOUR_MS)).fill(value);
    const bars = [{ open: flat(1), high: flat(1), low: flat(1), close: flat(1), volume: flat(0) }];
    const row = featureRows({ ...randomSnapshot({ seed: 1, assets: 1 }), bars })[0]!;
    expect(row.every(Number.isFinite)).toBe(true);
    expect(row[featureIndex("log_rv_24h")]).toBe(Math.log(VARIANCE_FLOOR_PER_HOUR));
  });

  it("default: base fee and utilisation against their own week", () => {
    const at = Date.UTC(2022, 4, 11, 13);
    const publishedAt = Float64Array.from({ length: 200 }, (_, i) => at - (199 - i) * HOUR_MS);
    const fee = publishedAt.map((_, i) => (i === 199 ? 40 : 20));
    const use = publishedAt.map((_, i) => (i === 199 ? 0.9 : 0.5));
    const exogenous = [
      { name: "base_fee_gwei", unit: "gwei", publishedAt, value: fee },
      { name: "aave.usdc.utilisation", unit: "1", publishedAt, value: use },
    ];
    const row = featureRows(randomSnapshot({ seed: 1, assets: 1, at, exogenous }))[0]!;
    const week = (167 * 20 + 40) / 168;
    expect(row[featureIndex("log_base_fee_1h")]).toBeCloseTo(Math.log(40 / week), 12);
    expect(row[featureIndex("log_base_fee_24h")]).toBeCloseTo(Math.log((23 * 20 + 40) / 24 / week), 12);
    expect(row[featureIndex("utilisation_change")]).toBeCloseTo(0.9 - (167 * 0.5 + 0.9) / 168, 12);
  });

  it("behaviour: a series silent for more than a day counts as absent", () => {
    const publishedAt = Float64Array.of(Date.UTC(2022, 4, 9), Date.UTC(2022, 4, 10));
    const exogenous = [{ name: "base_fee_gwei", unit: "gwei", publishedAt, value: Float64Array.of(5, 50) }];
    const row = featureRows(randomSnapshot({ seed: 1, assets: 1, exogenous }))[0]!;
    expect(row[featureIndex("log_base_fee_1h")]).toBe(0);
  });

  it("error: too few bars, and an interval that does not divide an hour", () => {
    const snapshot = randomSnapshot({ seed: 1, assets: 1 });
    const short = snapshot.bars.map((b) => ({ ...b, close: b.close.slice(1) }));
    expect(() => featureRows({ ...snapshot, bars: short })).toThrow(
      /holds 720 hours of bars, a forecast needs 721/,
    );
    expect(() => featureRows({ ...snapshot, intervalMs: 7 * 60_000 })).toThrow(/bars of 7 minutes/);
    expect(() => featureRows({ ...snapshot, intervalMs: 86_400_000 })).toThrow(/Use bars of 1 hour/);
  });
});
