import { type Market, syntheticSource, toMarket, toWadNearest, unixMillis } from "@ballast/data";
import { beforeAll, describe, expect, it } from "vitest";
import { toBasket, UnknownAssetError } from "./basket.ts";

const START = Date.UTC(2022, 0, 1);
const HOUR = 3_600_000;
const HOURS = 1_000;
const BAND = toWadNearest(0.02);
const UNTIL = unixMillis(START + 900 * HOUR);

let market: Market;
beforeAll(async () => {
  const assets = ["SOL", "BTC", "LINK", "ETH", "ADA"];
  const raw = await syntheticSource({ seed: 1, hours: HOURS, start: unixMillis(START), assets }).load({});
  // From the end of what may be known on, one asset trades more than all the others together.
  const series = raw.series.map((one) =>
    one.asset === "ADA"
      ? {
          ...one,
          bars: { ...one.bars, volume: one.bars.volume.map((v, i) => (i < 900 ? v / 1e6 : v * 1e9)) },
        }
      : one,
  );
  ({ market } = toMarket({ ...raw, series }, { now: unixMillis(START + HOURS * HOUR) }));
});

describe("toBasket", () => {
  it("default: the three assets with the largest money volume of the last 720 bars, by a plain loop", () => {
    const past = market.past(UNTIL);
    const money = market.assets.map((asset, index) => {
      const { close, volume } = past.bars(index, 720);
      let sum = 0;
      for (let bar = 0; bar < 720; bar++) sum += close[bar]! * volume[bar]!;
      return { asset, sum };
    });
    money.sort((a, b) => b.sum - a.sum);
    const expected = money.slice(0, 3).map(({ asset }) => asset);
    const { base, others } = toBasket(market, UNTIL, undefined, BAND);
    expect(others.map(({ asset }) => asset)).toEqual(expected);
    expect(base.asset).toBe("USDC");
  });

  it("behaviour: what trades most only afterwards is not chosen", () => {
    const chosen = (until: number) =>
      toBasket(market, unixMillis(until), undefined, BAND).others.map(({ asset }) => asset);
    expect(chosen(UNTIL)).not.toContain("ADA");
    expect(chosen(START + HOURS * HOUR)[0]).toBe("ADA");
  });

  it.each([[["BTC"]], [["ETH", "BTC"]], [["SOL", "BTC", "ETH"]], [["SOL", "BTC", "ETH", "LINK", "ADA"]]])(
    "behaviour: %s: equal targets that are exactly the whole, in the order asked for",
    (wanted) => {
      const { base, others } = toBasket(market, UNTIL, wanted, BAND);
      expect(others.map(({ asset }) => asset)).toEqual(wanted);
      for (const { asset, index, targetWeight, band } of others) {
        expect(market.assets[index]).toBe(asset);
        expect([targetWeight, band]).toEqual([others[0]!.targetWeight, BAND]);
      }
      const sum = others.reduce(
        (total, { targetWeight }) => total + targetWeight,
        base.targetWeight as bigint,
      );
      expect(sum).toBe(10n ** 18n);
      const off = base.targetWeight - others[0]!.targetWeight;
      expect(off >= 0n && off < 10n).toBe(true);
    },
  );

  it("error: an asset that is not there, with those that are", () => {
    const ask = () => toBasket(market, UNTIL, ["BTC", "DOGE"], BAND);
    expect(ask).toThrow(UnknownAssetError);
    expect(ask).toThrow(/no asset DOGE; it has ADA, BTC, ETH, LINK, SOL\..*--assets/);
  });
});
