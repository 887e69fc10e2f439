import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changed, cleanMarket, closeOf, rawMarket, START, walk } from "../test/walk.ts";
import { toMarket } from "./quality.ts";
import { snapshotRoot } from "./snapshot.ts";
import { HOUR_MS, unixMillis } from "./units.ts";

const seed = 11;
const LENGTH = 60;
const gas = {
  name: "base_fee_gwei",
  unit: "gwei",
  publishedAt: Float64Array.from({ length: 30 }, (_, i) => START + i * 2 * HOUR_MS + 1),
  value: Float64Array.from({ length: 30 }, (_, i) => i),
};
const market = cleanMarket(["BTC", "ETH"], LENGTH, { exogenous: [gas] });
const anyTime = fc.integer({ min: START - HOUR_MS, max: START + (LENGTH + 2) * HOUR_MS }).map(unixMillis);

describe("past", () => {
  it("behaviour: serves exactly the bars whose close is at or before t, and the values published by then", () => {
    const raw = walk("BTC", LENGTH);
    fc.assert(
      fc.property(anyTime, (t) => {
        const closed = [...raw.time].flatMap((open, i) => (open + HOUR_MS <= t ? [raw.bars.close[i]!] : []));
        const published = [...gas.value].filter((_, i) => gas.publishedAt[i]! <= t);
        const past = market.past(t);
        expect(past.length).toBe(closed.length);
        if (closed.length > 0) expect([...past.bars(0, closed.length).close]).toEqual(closed);
        expect([...past.exogenous("base_fee_gwei", 1000).value]).toEqual(published);
      }),
      { seed },
    );
  });

  it("behaviour: what happens after t cannot change what past(t) serves", () => {
    const t = unixMillis(START + 30 * HOUR_MS);
    const series = ["BTC", "ETH"].map((asset) =>
      changed(walk(asset, LENGTH), (_, bars) => {
        for (let i = 30; i < LENGTH; i++) for (const column of Object.values(bars)) column[i] = 1000 + i;
      }),
    );
    const value = gas.value.map((v, i) => (gas.publishedAt[i]! > t ? -1 : v));
    const other = toMarket(rawMarket(series, { exogenous: [{ ...gas, value }] }), { now: closeOf(LENGTH) });
    expect(other.market.hash).not.toBe(market.hash);
    expect(other.market.past(t).snapshot(30)).toEqual(market.past(t).snapshot(30));
    expect(other.market.past(t).snapshot(30).root).toBe(market.past(t).snapshot(30).root);
  });

  it("behaviour: what is handed out is a copy", () => {
    const past = market.past(closeOf(LENGTH));
    const [before, root] = [past.bars(0, 5).close[0]!, past.snapshot(5).root];
    past.bars(0, 5).close.fill(1);
    past.snapshot(5).bars[0]!.close.fill(1);
    past.exogenous("base_fee_gwei", 5).value.fill(1);
    past.filled(0, 5).fill(1);
    expect(past.bars(0, 5).close[0]).toBe(before);
    expect(past.snapshot(5).root).toBe(root);
    expect(past.filled(0, 5)).toEqual(new Uint8Array(5));
    expect(() => (market.assets as string[]).push("DOGE")).toThrow(TypeError);
  });

  it("behaviour: asked later within a bar, the snapshot is the same", () => {
    const early = market.past(unixMillis(START + 20 * HOUR_MS)).snapshot(10);
    const late = market.past(unixMillis(START + 21 * HOUR_MS - 1)).snapshot(10);
    expect(late).toEqual(early);
    expect(late.at).toBe(START + 20 * HOUR_MS);
  });

  it("behaviour: the remembered root equals the one computed from the values alone", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LENGTH }), fc.nat(), (end, n) => {
        const snapshot = market.past(unixMillis(START + end * HOUR_MS)).snapshot(1 + (n % end));
        expect(snapshot.root).toBe(snapshotRoot(snapshot));
      }),
      { seed, numRuns: 60 },
    );
  });

  it.each([0, -1, 1.5, 21, Number.NaN])("error: %f bars where 20 have closed", (count) => {
    const past = market.past(unixMillis(START + 20 * HOUR_MS));
    for (const ask of [() => past.bars(0, count), () => past.filled(0, count), () => past.snapshot(count)]) {
      expect(ask).toThrow(expect.objectContaining({ code: "NOT_ENOUGH_HISTORY", available: 20 }));
    }
  });

  it("error: before the first close, and at no time at all, there is no history", () => {
    for (const t of [START - 1e12, START, START + HOUR_MS - 1, Number.NaN]) {
      expect(market.past(unixMillis(t)).length).toBe(0);
      expect(() => market.past(unixMillis(t)).snapshot(1)).toThrow(/NOT_ENOUGH|closed bars/);
    }
  });

  it("error: an asset or series the market does not have", () => {
    const past = market.past(closeOf(LENGTH));
    expect(() => past.bars(2, 1)).toThrow(expect.objectContaining({ code: "UNKNOWN_SERIES" }));
    expect(() => past.exogenous("gas", 1)).toThrow(/base_fee_gwei/);
  });
});

describe("market hash", () => {
  const hashOf = (name: string, edit: Parameters<typeof changed>[1] = () => {}, value = gas.value) =>
    toMarket(
      rawMarket([changed(walk("ETH", LENGTH), edit), walk("BTC", LENGTH)], {
        name,
        exogenous: [{ ...gas, value }],
      }),
      { now: closeOf(LENGTH) },
    ).market.hash;

  it("behaviour: independent of name and of the order of the series", () => {
    expect(hashOf("another name")).toBe(market.hash);
  });

  it("behaviour: any value changes it", () => {
    const edited = (["open", "high", "low", "close", "volume"] as const).map((field) =>
      hashOf("test", (_, bars) => {
        bars[field][17] = bars[field][17]! * (field === "high" ? 1.01 : field === "low" ? 0.99 : 1.0000001);
      }),
    );
    const exogenous = hashOf("test", undefined, gas.value.with(3, 99));
    expect(new Set([market.hash, ...edited, exogenous]).size).toBe(7);
  });

  it("behaviour: a filled bar differs from a recorded one of the same values", () => {
    const flat = (bars: Record<string, number[]>) => {
      for (const field of ["open", "high", "low", "close"]) bars[field]![17] = bars.close![16]!;
      bars.volume![17] = 0;
    };
    const recorded = hashOf("test", (_, bars) => flat(bars));
    const filled = hashOf("test", (time, bars) => {
      for (const column of [time, ...Object.values(bars)]) column.splice(17, 1);
    });
    expect(filled).not.toBe(recorded);
  });
});
