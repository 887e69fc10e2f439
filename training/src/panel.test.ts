import { HOUR_MS, type RawMarket, unixMillis } from "@ballast/data";
import { FEATURE_COUNT, featureRows, LOOKBACK_HOURS } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { cutAt } from "./cut.ts";
import { type Dataset, toDataset } from "./dataset.ts";
import { clean, START, syntheticRaw } from "./markets.fixture.ts";
import { withEarlier } from "./panel.ts";

const HOURS = 4000;
const ASSETS = ["AAA", "BBB", "CCC"];
const LISTED = [0, 1000, 2200];
const until = unixMillis(START + HOURS * HOUR_MS);

/** Three assets, each with its bars from its own listing on, but for some that are left out. */
async function unequal(isKept: (asset: string, hour: number) => boolean = () => true): Promise<RawMarket> {
  const raw = await syntheticRaw(7, HOURS, ASSETS);
  return {
    ...raw,
    series: raw.series.map((series) => {
      const from = START + LISTED[ASSETS.indexOf(series.asset)]! * HOUR_MS;
      const [only] = cutAt({ ...raw, series: [series] }, until, from).series;
      const hours = [...only!.time].map((t) => Math.round((t - START) / HOUR_MS));
      const kept = hours.flatMap((hour, i) => (isKept(series.asset, hour) ? [i] : []));
      const take = (column: Float64Array) => Float64Array.from(kept, (i) => column[i]!);
      const { open, high, low, close, volume } = only!.bars;
      const bars = {
        open: take(open),
        high: take(high),
        low: take(low),
        close: take(close),
        volume: take(volume),
      };
      return { ...only!, time: take(only!.time), bars };
    }),
  };
}
const panelOf = (raw: RawMarket) => withEarlier(raw, clean(raw));
const datasetOf = (raw: RawMarket): Promise<Dataset> => toDataset(panelOf(raw), { until, maxRows: 600 });

describe("withEarlier", () => {
  it("default: an era for each listing, of the assets alive in it, up to the next one's first target", async () => {
    const raw = await unequal();
    const panel = panelOf(raw);
    expect(panel.assets).toEqual(ASSETS);
    const eras = panel.earlier!.map(({ assets, start, length }) => ({
      assets,
      from: (start - START) / HOUR_MS,
      hours: length,
    }));
    const shared = LOOKBACK_HOURS + 168;
    expect(eras).toEqual([
      { assets: ["AAA"], from: 0, hours: 1000 + shared },
      { assets: ["AAA", "BBB"], from: 1000, hours: 1200 + shared },
    ]);
    expect(panel.hash).not.toBe(clean(raw).hash);
    expect(panelOf(raw).hash).toBe(panel.hash);
  });

  it("behaviour: one bar changed before all assets are there changes the hash; equal lengths add nothing", async () => {
    const raw = await unequal();
    const changed = await unequal();
    changed.series[0]!.bars.volume[3]! *= 2;
    expect(clean(changed).hash).toBe(clean(raw).hash);
    expect(panelOf(changed).hash).not.toBe(panelOf(raw).hash);
    const equal = cutAt(raw, until, START + 2200 * HOUR_MS);
    expect(panelOf(equal).earlier).toBeUndefined();
    expect(panelOf(equal).hash).toBe(clean(equal).hash);
  });

  it("behaviour: an asset's history begins after its last gap, rest or other token", async () => {
    const gap = panelOf(await unequal((asset, hour) => asset !== "AAA" || hour < 500 || hour > 600));
    expect((gap.earlier![0]!.start - START) / HOUR_MS).toBe(601);
    const rest = await unequal();
    const { bars } = rest.series[0]!;
    for (const column of [bars.open, bars.high, bars.low, bars.close])
      column.fill(bars.close[300]!, 301, 500);
    expect((panelOf(rest).earlier![0]!.start - START) / HOUR_MS).toBe(500);
    const token = await unequal();
    const old = token.series[0]!.bars;
    for (let i = 0; i < 700; i++) {
      for (const column of [old.open, old.high, old.low, old.close]) column[i] = column[i]! * 40;
      old.volume[i] = old.volume[i]! * 40;
    }
    expect((panelOf(token).earlier![0]!.start - START) / HOUR_MS).toBe(700);
  });
});

describe("toDataset of unequal histories", () => {
  it("default: earlier rows are, to the bit, what a snapshot of the assets alive says, and all lie before the rest", async () => {
    const raw = await unequal();
    const panel = panelOf(raw);
    const dataset = await datasetOf(raw);
    const { times, asset, features, targets } = dataset.earlier!;
    expect(times.at(-1)!).toBeLessThan(dataset.times[0]!);
    expect(new Set(asset)).toEqual(new Set([0, 1]));
    for (const row of [0, 40, times.length - 1]) {
      const t = times[row]!;
      const hour = (t - START) / HOUR_MS;
      const era = panel.earlier![hour >= 1000 + LOOKBACK_HOURS ? 1 : 0]!;
      const rows = featureRows(era.past(unixMillis(t)).snapshot(LOOKBACK_HOURS));
      expect(rows).toHaveLength(era.assets.length);
      expect(features.slice(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT)).toEqual(rows[asset[row]!]);
      const { close } = raw.series[asset[row]!]!.bars;
      const at = hour - LISTED[asset[row]!]!;
      const r = Math.log(close[at]! / close[at - 1]!);
      expect(targets[row * 4]! / (r * r)).toBeCloseTo(1, 6);
    }
    expect([...targets].every(Number.isFinite)).toBe(true);
    expect([...times].every((t, i) => i === 0 || t >= times[i - 1]!)).toBe(true);
    const { earlier: _, ...common } = dataset;
    expect(common).toEqual(await toDataset(clean(raw), { until, maxRows: 600 }));
  });

  it("behaviour: bars at or after t leave the earlier features at t bit-identical", async () => {
    const before = (await datasetOf(await unequal())).earlier!;
    const t = before.times[60]!;
    const raw = await unequal();
    for (const { time, bars } of raw.series)
      for (const column of [bars.open, bars.high, bars.low, bars.close])
        for (let i = 0; i < time.length; i++) if (time[i]! >= t) column[i] = column[i]! * 1.3;
    const after = (await datasetOf(raw)).earlier!;
    const through = before.times.filter((time) => time <= t).length * FEATURE_COUNT;
    expect(after.features.subarray(0, through)).toEqual(before.features.subarray(0, through));
    expect(after.features.subarray(through)).not.toEqual(before.features.subarray(through));
  });
});
