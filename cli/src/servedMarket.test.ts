import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AmbiguousBarsError,
  type BarStore,
  HOUR_MS,
  MalformedSnapshotError,
  openBarStore,
  toMarket,
  unixMillis,
} from "@ballast/data";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { servedBars, servedSnapshots } from "./servedMarket.ts";
import { keepSnapshot } from "./snapshots.ts";

const START = Date.UTC(2022, 0, 31);
const key = (exchange: string, asset: string) => ({ exchange, quote: "USDT", asset, intervalMs: HOUR_MS });
/** Two days over the end of a month, without the hours 10 to 19. */
const hours = Array.from({ length: 48 }, (_, i) => i).filter((i) => i < 10 || i >= 20);
const time = Float64Array.from(hours, (i) => START + i * HOUR_MS);
const column = (add: number) => Float64Array.from(hours, (i) => 100 + i + add);
const SERIES = {
  time,
  bars: { open: column(0), high: column(2), low: column(-1), close: column(1), volume: column(9) },
};

let folder: string;
let store: BarStore;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ballast-served-"));
  store = await openBarStore(folder);
  await store.append(key("binance", "BTC"), SERIES);
  await store.append(key("binance", "ETH"), SERIES);
  await store.append(key("kraken", "ETH"), SERIES);
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

describe("served bars", () => {
  test("default: each series with its first and last opening", async () => {
    const reach = { from: START, to: START + 47 * HOUR_MS };
    expect(await servedBars(store).list()).toEqual([
      { ...key("binance", "BTC"), ...reach },
      { ...key("binance", "ETH"), ...reach },
      { ...key("kraken", "ETH"), ...reach },
    ]);
  });

  test("default: the first bars of a period, across a gap and the end of a month", async () => {
    const bars = servedBars(store);
    const request = { asset: "BTC", intervalMs: HOUR_MS, from: START + 8 * HOUR_MS, to: undefined };
    const read = await bars.read({ ...request, limit: 25 });
    expect(Array.from(read!.time)).toEqual(Array.from(time.subarray(8, 33)));
    expect(Array.from(read!.bars.volume)).toEqual(Array.from(SERIES.bars.volume.subarray(8, 33)));
    const part = await bars.read({ ...request, to: START + 22 * HOUR_MS, limit: 25 });
    expect(Array.from(part!.time)).toEqual(Array.from(time.subarray(8, 12)));
  });

  test("behaviour: an empty period has no bars, an unknown series is none, an ambiguous one is refused", async () => {
    const bars = servedBars(store);
    const request = { intervalMs: HOUR_MS, from: START + 100 * HOUR_MS, to: undefined, limit: 9 };
    expect((await bars.read({ ...request, asset: "BTC" }))?.time).toHaveLength(0);
    expect(await bars.read({ ...request, asset: "DOGE" })).toBeUndefined();
    expect(await bars.read({ ...request, asset: "BTC", exchange: "kraken" })).toBeUndefined();
    expect(await bars.read({ ...request, asset: "BTC", intervalMs: 2 * HOUR_MS })).toBeUndefined();
    await expect(bars.read({ ...request, asset: "ETH" })).rejects.toThrow(AmbiguousBarsError);
  });
});

describe("served snapshots", () => {
  test("default: one that was kept, by its root; undefined without; error: a damaged one", async () => {
    const raw = ["BTC", "ETH"].map((asset) => ({ asset, quote: "USDT", ...SERIES }));
    const { market } = toMarket(
      { name: "x", series: raw.map((one) => whole(one)), exogenous: [], notes: [] },
      { now: unixMillis(START + 10 * HOUR_MS) },
    );
    const snapshot = market.past(unixMillis(START + 10 * HOUR_MS)).snapshot(4);
    const place = join(folder, "snapshots");
    keepSnapshot(place, snapshot);
    const served = servedSnapshots(place);
    expect((await served.get(snapshot.root))?.root).toBe(snapshot.root);
    const other = `0x${"1".repeat(64)}` as const;
    expect(await served.get(other)).toBeUndefined();
    writeFileSync(join(place, `${other}.snapshot`), "damaged");
    await expect(served.get(other)).rejects.toThrow(MalformedSnapshotError);
  });
});

/** The part before the gap. */
function whole<T extends typeof SERIES>({ time, bars, ...rest }: T) {
  const cut = (values: Float64Array) => values.subarray(0, 10);
  const { open, high, low, close, volume } = bars;
  return {
    ...rest,
    time: cut(time),
    bars: { open: cut(open), high: cut(high), low: cut(low), close: cut(close), volume: cut(volume) },
  } as never;
}
