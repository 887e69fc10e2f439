import { describe, expect, it } from "vitest";
import { closeOf, rawMarket, START, walk } from "../test/walk.ts";
import { toMarket } from "./quality.ts";
import { refuseShifted } from "./timezone.ts";
import { HOUR_MS, unixMillis } from "./units.ts";

const LENGTH = 1000;
const now = closeOf(LENGTH + 20);
/** Bars whose clock runs `hours` ahead: the same events, stamped later. */
const shifted = (asset: string, hours: number, intervalMs = HOUR_MS) =>
  walk(asset, LENGTH, { start: START + hours * HOUR_MS, intervalMs });

describe("an asset in another time zone", () => {
  it.each([-12, -5, -1, 1, 8, 14])("error: shifted by %i h", (hours) => {
    const raw = rawMarket([walk("BTC", LENGTH), shifted("ETH", hours), walk("SOL", LENGTH)]);
    expect(() => toMarket(raw, { now })).toThrow(
      expect.objectContaining({ code: "SHIFTED_ASSET", asset: "ETH", hours }),
    );
  });

  it("error: half an hour's zone shows in bars of 15 minutes", () => {
    const quarter = HOUR_MS / 4;
    const raw = rawMarket([
      walk("BTC", LENGTH, { intervalMs: quarter }),
      shifted("ETH", 5.5, quarter),
      walk("SOL", LENGTH, { intervalMs: quarter }),
    ]);
    expect(() => toMarket(raw, { now: unixMillis(START + 1100 * quarter) })).toThrow(
      /^ETH moves with the other assets 5\.5 h late .* Export ETH again in UTC/,
    );
  });

  it("error: of two assets the later one is named", () => {
    const raw = rawMarket([shifted("BTC", 3), walk("ETH", LENGTH)]);
    expect(() => toMarket(raw, { now })).toThrow(expect.objectContaining({ asset: "BTC", hours: 3 }));
  });

  it("behaviour: quiet for aligned, unrelated, constant and short series", () => {
    const closes = (seeds: readonly number[], length = LENGTH) =>
      seeds.map((sharedSeed, i) => walk(`A${i}`, length, { sharedSeed }).bars.close);
    const names = ["A0", "A1", "A2"];
    expect(() => refuseShifted(names, closes([1, 1, 1]), HOUR_MS)).not.toThrow();
    expect(() => refuseShifted(names, closes([1, 2, 3]), HOUR_MS)).not.toThrow();
    expect(() =>
      refuseShifted(names, [new Float64Array(LENGTH).fill(1), ...closes([1, 1])], HOUR_MS),
    ).not.toThrow();
    const short = shifted("ETH", 3).bars.close.slice(0, 300);
    expect(() => refuseShifted(["BTC", "ETH"], [walk("BTC", 300).bars.close, short], HOUR_MS)).not.toThrow();
  });

  it("behaviour: what is cut off is as in a shifted clock, lag by lag", () => {
    const market = walk("BTC", LENGTH).bars.close;
    for (const hours of [2, 7]) {
      const late = Float64Array.from(market, (_, i) => market[Math.max(0, i - hours)]!);
      expect(() => refuseShifted(["BTC", "ETH", "SOL"], [market, late, market], HOUR_MS)).toThrow(
        expect.objectContaining({ asset: "ETH", hours }),
      );
    }
  });
});
