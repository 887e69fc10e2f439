import { HOUR_MS, type RawMarket, unixMillis } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { ConstantSeriesError, NotFiniteError, toDataset } from "./dataset.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "./markets.fixture.ts";
import { DeadAssetError, refuseUnsound, TokenChangedError } from "./soundness.ts";
import { LEAST_HISTORY_HOURS, train } from "./train.ts";

const HOURS = LEAST_HISTORY_HOURS + 200;
const until = unixMillis(START + (HOURS - 1) * HOUR_MS);
const raw = await syntheticRaw(5, HOURS, ["BTC", "FTT"]);
const context = { until, log: () => {}, backend: "wasm" } as const;

type Change = (price: number, volume: number, hour: number) => readonly [price: number, volume: number];

/** FTT with each of its bars changed; the four prices of a bar alike. */
function withFtt(change: Change): RawMarket {
  return {
    ...raw,
    series: raw.series.map((series) => {
      if (series.asset !== "FTT") return series;
      const { volume, ...prices } = series.bars;
      const toPrices = (column: Float64Array) => column.map((p, hour) => change(p, volume[hour]!, hour)[0]);
      const bars = {
        open: toPrices(prices.open),
        high: toPrices(prices.high),
        low: toPrices(prices.low),
        close: toPrices(prices.close),
        volume: volume.map((v, hour) => change(1, v, hour)[1]),
      };
      return { ...series, bars };
    }),
  };
}

const restingFrom =
  (from: number, to: number): Change =>
  (price, volume, hour) =>
    hour >= from && hour < to ? [7, 0] : [price, volume];

describe("soundness", () => {
  it("default: a market as it should be passes", () => {
    expect(() => refuseUnsound(clean(raw), until)).not.toThrow();
    expect(() => refuseUnsound(clean(raw), START)).not.toThrow();
  });

  it("error: an asset that dies in the window says when, and how to go on", async () => {
    const died = HOURS - 300;
    const dead = clean(withFtt(restingFrom(died, HOURS)));
    const training = train(dead, SMALL_CONFIG, context);
    await expect(training).rejects.toThrow(DeadAssetError);
    await expect(training).rejects.toThrow(
      /the price of FTT does not move for 299 hours from 2021-.* or train until 2021-/,
    );
    await expect(training).rejects.toMatchObject({ asset: "FTT", from: START + died * HOUR_MS });
    // The remedy works: until its death the market is sound.
    expect(() => refuseUnsound(dead, unixMillis(START + died * HOUR_MS))).not.toThrow();
  });

  it("error: one that was halted for longer than a week, and not for a week", () => {
    const halted = (hours: number) => clean(withFtt(restingFrom(500, 500 + hours)));
    expect(() => refuseUnsound(halted(168), until)).not.toThrow();
    expect(() => refuseUnsound(halted(169), until)).toThrow(/or train from 2021-.* or until 2021-/);
  });

  it("error: a ticker that names another token since, in either direction", () => {
    const renamed = (priceFactor: number, volumeFactor: number) =>
      clean(withFtt((p, v, hour) => (hour >= 700 ? [p * priceFactor, v * volumeFactor] : [p, v])));
    for (const [price, volume] of [
      [5000, 0.001],
      [0.001, 1000],
      [400, 0],
    ] as const) {
      expect(() => refuseUnsound(renamed(price, volume), until)).toThrow(TokenChangedError);
    }
    expect(() => refuseUnsound(renamed(5000, 0.001), until)).toThrow(
      expect.objectContaining({ asset: "FTT", at: START + 700 * HOUR_MS }),
    );
    expect(() => refuseUnsound(renamed(5000, 0.001), until)).toThrow(
      /the ticker seems to name another token since/,
    );
  });

  it("behaviour: a crash, a misprint and a volume that dries up are no other token", () => {
    const changed = (change: Change) => () => refuseUnsound(clean(withFtt(change)), until);
    expect(changed((p, v, hour) => (hour >= 700 ? [p / 50, v] : [p, v]))).not.toThrow();
    expect(changed((p, v, hour) => (hour === 700 ? [p * 50, v * 50] : [p, v]))).not.toThrow();
    expect(changed((p, v, hour) => (hour >= 700 ? [p, v / 1000] : [p, v]))).not.toThrow();
  });

  it("behaviour: what happens at or after `until` refuses nothing", () => {
    const later = clean(withFtt((p, v, hour) => (hour >= 700 ? [p * 5000, v / 1000] : [p, v])));
    expect(() => refuseUnsound(later, unixMillis(START + 700 * HOUR_MS))).not.toThrow();
  });

  it("error: a series that never moves is constant, whatever the training", async () => {
    const market = clean(raw);
    const training = train(
      withPast(market, (bars, asset) => (asset === 1 ? { ...bars, close: bars.close.map(() => 5) } : bars)),
      SMALL_CONFIG,
      context,
    );
    await expect(training).rejects.toThrow(ConstantSeriesError);
    await expect(training).rejects.toThrow("the price of FTT does not move");
  });

  it("error: bars that give no finite feature name the asset and the time", async () => {
    const market = clean(raw);
    const broken = withPast(market, (bars, asset) =>
      asset === 1 ? { ...bars, high: bars.high.map(() => Number.NaN) } : bars,
    );
    const dataset = toDataset(broken, { until, maxRows: 500 });
    await expect(dataset).rejects.toThrow(NotFiniteError);
    await expect(dataset).rejects.toThrow(/the bars of FTT around 2021-.* give no finite number/);
  });
});

type Market = ReturnType<typeof clean>;
type Bars = ReturnType<ReturnType<Market["past"]>["bars"]>;

/** A market whose bars are changed after all checks of quality: what no source can deliver. */
function withPast(market: Market, change: (bars: Bars, asset: number) => Bars): Market {
  return {
    ...market,
    past(t) {
      const past = market.past(t);
      return {
        ...past,
        bars: (asset, count) => change(past.bars(asset, count), asset),
        snapshot(lookback) {
          const snapshot = past.snapshot(lookback);
          return { ...snapshot, bars: snapshot.bars.map(change) };
        },
      };
    },
  };
}
