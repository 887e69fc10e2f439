import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changed, closeOf, rawMarket, START, walk } from "../test/walk.ts";
import type { BarColumns, RawSeries } from "./market.ts";
import { describeReport, type Finding, type FindingKind, type QualityOptions, toMarket } from "./quality.ts";
import { DAY_MS, HOUR_MS, unixMillis } from "./units.ts";

const LENGTH = 300;
const now = closeOf(LENGTH);
const btc = walk("BTC", LENGTH);
const eth = walk("ETH", LENGTH);

type Columns = Record<keyof BarColumns, number[]>;
/** A market of a sound BTC and an ETH edited by `edit`. */
const withEth = (edit: (time: number[], bars: Columns) => void, options: Partial<QualityOptions> = {}) =>
  toMarket(rawMarket([btc, changed(eth, edit)]), { now, ...options });
const remove = (time: number[], bars: Columns, from: number, count = 1): void => {
  for (const column of [time, ...Object.values(bars)]) column.splice(from, count);
};
const repeat = (time: number[], bars: Columns, from: number): void => {
  for (const column of [time, ...Object.values(bars)]) column.splice(from, 0, column[from]!);
};
const found = (findings: readonly Finding[], kind: FindingKind) => findings.filter((f) => f.kind === kind);
const close = (market: ReturnType<typeof toMarket>["market"], asset: number) =>
  market.past(now).bars(asset, market.length).close;
const refused = (code: string, fields: object = {}) => expect.objectContaining({ code, ...fields });

describe("toMarket, repairs", () => {
  it("default: sound series pass unchanged and without findings", () => {
    const { market, report } = toMarket(rawMarket([eth, btc]), { now });
    expect(market).toMatchObject({
      assets: ["BTC", "ETH"],
      start: START,
      length: LENGTH,
      intervalMs: HOUR_MS,
    });
    expect(market.past(now).bars(1, LENGTH)).toEqual(eth.bars);
    expect(report).toMatchObject({ start: START, end: now, length: LENGTH, findings: [] });
  });

  it("behaviour: disorder is sorted", () => {
    const { market, report } = toMarket(
      rawMarket([
        btc,
        changed(eth, (time, bars) => {
          for (const column of [time, ...Object.values(bars)]) column.reverse();
        }),
      ]),
      { now },
    );
    expect(close(market, 1)).toEqual(eth.bars.close);
    expect(report.findings).toMatchObject([
      { kind: "disorder", asset: "ETH", count: LENGTH - 1, firstTime: START },
    ]);
  });

  it("behaviour: identical duplicates are dropped", () => {
    const { market, report } = withEth((time, bars) => repeat(time, bars, 7));
    expect(market.hash).toBe(toMarket(rawMarket([btc, eth]), { now }).market.hash);
    expect(report.findings).toMatchObject([
      {
        kind: "duplicate",
        asset: "ETH",
        count: 1,
        firstTime: START + 7 * HOUR_MS,
        example: eth.bars.close[7],
      },
    ]);
  });

  it("behaviour: of conflicting duplicates the last in the source's order stays", () => {
    const { market, report } = withEth((time, bars) => {
      repeat(time, bars, 7);
      bars.volume[8] = 1234;
    });
    expect(market.past(now).bars(1, LENGTH).volume[7]).toBe(1234);
    expect(found(report.findings, "conflicting-duplicate")).toMatchObject([{ count: 1 }]);
  });

  it("behaviour: gaps become flat bars at the close before, volume 0, marked filled", () => {
    const { market, report } = withEth((time, bars) => {
      remove(time, bars, 100, 3);
      remove(time, bars, 10, 1);
    });
    const bars = market.past(now).bars(1, LENGTH);
    const filled = market.past(now).filled(1, LENGTH);
    expect([...filled].flatMap((flag, i) => (flag === 1 ? [i] : []))).toEqual([10, 100, 101, 102]);
    for (const i of [100, 101, 102]) {
      const flat = [bars.open[i], bars.high[i], bars.low[i], bars.close[i]];
      expect(new Set(flat)).toEqual(new Set([eth.bars.close[99]]));
      expect(bars.volume[i]).toBe(0);
    }
    expect(bars.close[103]).toBe(eth.bars.close[103]);
    expect(report.findings).toMatchObject([
      { kind: "gap", asset: "ETH", count: 4, firstTime: START + 10 * HOUR_MS, example: 3 },
    ]);
  });

  it("behaviour: whatever is missing, recorded bars stay and the missing ones are counted as a plain loop does", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: LENGTH - 2 }), { maxLength: 40 }), (holes) => {
        const { market, report } = withEth((time, bars) => {
          for (const hole of [...holes].sort((a, b) => b - a)) remove(time, bars, hole);
        });
        expect(found(report.findings, "gap")[0]?.count ?? 0).toBe(holes.length);
        const [closes, filled] = [close(market, 1), market.past(now).filled(1, LENGTH)];
        let before = Number.NaN;
        for (let i = 0; i < LENGTH; i++) {
          const isHole = holes.includes(i);
          if (!isHole) before = eth.bars.close[i]!;
          expect([closes[i], filled[i]]).toEqual([before, isHole ? 1 : 0]);
        }
      }),
      { seed: 5, numRuns: 40 },
    );
  });

  it("behaviour: the market is what all assets have in common", () => {
    const { market, report } = toMarket(
      rawMarket([walk("BTC", 200), walk("ETH", 250, { start: START + 50 * HOUR_MS }), walk("SOL", 300)]),
      { now: closeOf(LENGTH), maxGapHours: 1 },
    );
    // BTC stopped more than an interval ago, so its last bar, number 199, is not taken on trust.
    expect(market).toMatchObject({ start: START + 50 * HOUR_MS, length: 149 });
    expect(found(report.findings, "outside-overlap")).toMatchObject([
      { asset: "BTC", count: 50, firstTime: START },
      { asset: "ETH", count: 101, firstTime: START + 199 * HOUR_MS },
      { asset: "SOL", count: 151, firstTime: START },
    ]);
  });

  it("behaviour: a gap in which the market begins is filled from the bar before it", () => {
    const holed = changed(walk("ETH", LENGTH), (time, bars) => remove(time, bars, 8, 4));
    const late = walk("BTC", LENGTH - 10, { start: START + 10 * HOUR_MS });
    const { market, report } = toMarket(rawMarket([late, holed]), { now });
    expect(market.start).toBe(START + 10 * HOUR_MS);
    expect([...close(market, 1).slice(0, 3)]).toEqual([
      eth.bars.close[7],
      eth.bars.close[7],
      eth.bars.close[12],
    ]);
    expect(found(report.findings, "gap")).toMatchObject([{ count: 2, firstTime: START + 10 * HOUR_MS }]);
  });

  it.each([
    ["open", HOUR_MS / 2, "partial-last-bar", 1],
    ["closed by now", 0, undefined, 0],
    ["closed within the last interval", -HOUR_MS + 1, undefined, 0],
    ["closed a whole interval ago", -HOUR_MS, "unproven-last-bar", 1],
    ["closed long ago", -1e10, "unproven-last-bar", 1],
  ] as const)("behaviour: the last bar, %s", (_, left, kind, dropped) => {
    const { market, report } = toMarket(rawMarket([btc, eth]), { now: unixMillis(now - left) });
    expect(market.length).toBe(LENGTH - dropped);
    expect(report.findings.map((f) => f.kind)).toEqual(kind === undefined ? [] : [kind, kind]);
  });

  it("behaviour: high and low are widened where they do not hold the other prices", () => {
    const { market, report } = withEth((_, bars) => {
      bars.high[20] = bars.low[20]! * 0.9;
    });
    const bars = market.past(now).bars(1, LENGTH);
    expect(bars.high[20]).toBe(Math.max(eth.bars.open[20]!, eth.bars.close[20]!));
    expect(bars.low[20]).toBe(eth.bars.low[20]! * 0.9);
    expect(report.findings).toMatchObject([{ kind: "crossed", count: 1, firstTime: START + 20 * HOUR_MS }]);
  });

  it("behaviour: a few bars beside the grid are dropped", () => {
    const { market, report } = withEth((time) => {
      time[50] = time[50]! + 5 * 60_000;
    });
    expect(report.findings).toMatchObject([
      { kind: "off-grid", count: 1, firstTime: START + 50 * HOUR_MS + 300_000 },
      { kind: "gap", count: 1 },
    ]);
    expect(market.past(now).filled(1, LENGTH)[50]).toBe(1);
  });

  it("behaviour: zero volume, stale runs and outliers are reported and kept", () => {
    const { market, report } = withEth((_, bars) => {
      bars.volume[5] = 0;
      for (let i = 31; i < 40; i++) for (const column of Object.values(bars)) column[i] = column[30]!;
      bars.close[100] = bars.close[100]! * 3;
      bars.high[100] = bars.high[100]! * 4;
    });
    expect(report.findings).toMatchObject([
      { kind: "zero-volume", count: 1, firstTime: START + 5 * HOUR_MS },
      { kind: "stale", count: 10, firstTime: START + 30 * HOUR_MS, example: eth.bars.close[30] },
      { kind: "outlier", count: 1, firstTime: START + 100 * HOUR_MS, example: 3 * eth.bars.close[100]! },
    ]);
    expect(close(market, 1)[100]).toBe(3 * eth.bars.close[100]!);
  });

  it("behaviour: a jump that stays is no outlier", () => {
    const { report } = withEth((_, bars) => {
      for (let i = 100; i < LENGTH; i++)
        for (const f of ["open", "high", "low", "close"] as const) bars[f][i] = bars[f][i]! * 2;
    });
    expect(report.findings).toEqual([]);
  });

  it("behaviour: exogenous values are sorted; later duplicates win; what is no number is left out", () => {
    const gas = {
      name: "gas",
      unit: "gwei",
      publishedAt: Float64Array.of(START + 2, START + 0.4, START + 2, START + 3),
      value: Float64Array.of(5, 4, 6, Number.NaN),
    };
    const { market, report } = toMarket(rawMarket([btc, eth], { exogenous: [gas] }), { now });
    expect(market.exogenousNames).toEqual(["gas"]);
    // Published at a fraction of a millisecond: known from the next whole one.
    expect(market.past(now).exogenous("gas", 9)).toEqual({
      publishedAt: Float64Array.of(START + 1, START + 2),
      value: Float64Array.of(4, 6),
    });
    expect(report.findings.map((f) => [f.kind, f.asset, f.count])).toEqual([
      ["missing-value", "gas", 1],
      ["duplicate", "gas", 1],
    ]);
  });

  it("behaviour: a named interval need only be the most frequent spacing", () => {
    const sparse = (time: number[], bars: Columns) => {
      for (let i = LENGTH - 5; i > 5; i--) if (![0, 1, 3, 4, 7].includes(i % 9)) remove(time, bars, i);
    };
    expect(() => withEth(sparse)).toThrow(refused("AMBIGUOUS_INTERVAL"));
    expect(withEth(sparse, { intervalMs: HOUR_MS }).market.length).toBe(LENGTH);
  });

  it("behaviour: a day of equal exogenous values is reported as stale", () => {
    const publishedAt = Float64Array.from({ length: 100 }, (_, i) => START + i * HOUR_MS);
    const value = Float64Array.from({ length: 100 }, (_, i) =>
      i >= 10 && i < 34 ? 7 : i >= 50 && i < 73 ? 8 : i,
    );
    const exogenous = [{ name: "aave.dai.utilisation", unit: "", publishedAt, value }];
    const { report } = toMarket(rawMarket([btc, eth], { exogenous }), { now });
    expect(report.findings).toMatchObject([
      {
        kind: "stale",
        asset: "aave.dai.utilisation",
        count: 24,
        firstTime: START + 10 * HOUR_MS,
        example: 7,
      },
    ]);
  });

  it("behaviour: assets can be chosen, and one alone where it is allowed", () => {
    const raw = rawMarket([btc, eth, walk("SOL", LENGTH)]);
    expect(toMarket(raw, { now, assets: ["SOL", "BTC"] }).market.assets).toEqual(["BTC", "SOL"]);
    expect(toMarket(raw, { now, assets: ["SOL"], allowOneAsset: true }).market.assets).toEqual(["SOL"]);
  });

  it("behaviour: the source's arrays stay as they were", () => {
    const crossed = changed(eth, (_, bars) => {
      bars.high[20] = 1e-3;
    });
    toMarket(rawMarket([btc, crossed]), { now });
    expect(crossed.bars.high[20]).toBe(1e-3);
  });
});

describe("describeReport", () => {
  it("default: one line for the market, one for each note and each kind of finding", () => {
    const holed = (asset: string) => changed(walk(asset, LENGTH), (time, bars) => remove(time, bars, 10, 2));
    const raw = rawMarket([holed("BTC"), holed("ETH")], { notes: ["times have no zone; taken as UTC"] });
    expect(describeReport(toMarket(raw, { now }).report)).toEqual([
      "300 bars of 60 min for each of 2 assets, 2024-01-01T00:00:00Z to 2024-01-13T12:00:00Z",
      "times have no zone; taken as UTC",
      "gap: filled flat at the close before, volume 0; 4 in all, first BTC at 2024-01-01T10:00:00Z (BTC 2, ETH 2)",
    ]);
  });
});

describe("toMarket, refusals", () => {
  const prices = ["open", "high", "low", "close"] as const;
  it.each(
    prices.flatMap((field) =>
      [Number.NaN, 0, -1, Number.POSITIVE_INFINITY].map((value) => [field, value] as const),
    ),
  )("error: %s %f", (field, value) => {
    const edit = (_: number[], bars: Columns) => {
      bars[field][9] = value;
    };
    expect(() => withEth(edit)).toThrow(
      refused("BAD_VALUE", { asset: "ETH", field, time: START + 9 * HOUR_MS, value }),
    );
    expect(() => withEth(edit)).toThrow(/^ETH: .* at 2024-01-01T09:00:00Z\. .* correct or delete that bar/);
  });

  it.each([-1, Number.NaN])("error: volume %f", (value) => {
    expect(() => withEth((_, bars) => void bars.volume.fill(value, 3, 4))).toThrow(
      refused("BAD_VALUE", { field: "volume" }),
    );
  });

  it.each([Number.NaN, -5, START + 0.5])("error: time %f", (value) => {
    expect(() => withEth((time) => void time.fill(value, 3, 4))).toThrow(
      refused("BAD_VALUE", { field: "time" }),
    );
  });

  it("error: a bar in the future", () => {
    expect(() => toMarket(rawMarket([btc, eth]), { now: unixMillis(START + 100 * HOUR_MS) })).toThrow(
      refused("FUTURE_BAR", { asset: "BTC", time: START + (LENGTH - 1) * HOUR_MS }),
    );
  });

  it("error: an exogenous value of the future", () => {
    const gas = { name: "gas", unit: "", publishedAt: Float64Array.of(now + 1), value: Float64Array.of(1) };
    expect(() => toMarket(rawMarket([btc, eth], { exogenous: [gas] }), { now })).toThrow(
      refused("FUTURE_BAR", { asset: "gas" }),
    );
  });

  it("error: many conflicting duplicates, crossed bars, bars off the grid", () => {
    expect(() =>
      withEth((time, bars) => {
        for (let i = 0; i < 40; i += 4) {
          repeat(time, bars, i);
          bars.close[i] = bars.close[i]! * 1.0001;
        }
      }),
    ).toThrow(refused("CONFLICTING_DUPLICATES"));
    expect(() =>
      withEth((_, bars) => {
        [bars.high, bars.low] = [bars.low, bars.high];
      }),
    ).toThrow(refused("CROSSED_BARS"));
    expect(() =>
      withEth((time) => time.splice(0, LENGTH, ...time.map((t) => t + 30 * 60_000)), {
        now: unixMillis(now + HOUR_MS),
      }),
    ).toThrow(/^ETH: bars lie 30 min off the UTC grid of 60 min, e.g. 2024-01-01T00:30:00Z/);
  });

  it("error: a daily series forward-filled to hours", () => {
    const edit = (_: number[], bars: Columns) => {
      for (let i = 0; i < LENGTH; i++)
        for (const column of Object.values(bars)) column[i] = column[i - (i % 24)]!;
    };
    expect(() => withEth(edit)).toThrow(refused("STALE_SERIES"));
  });

  it("error: a gap longer than allowed, with where and how long", () => {
    const edit = (time: number[], bars: Columns) => remove(time, bars, 100, 49);
    expect(() => withEth(edit)).toThrow(refused("GAP_TOO_LONG", { asset: "ETH", hours: 49 }));
    expect(() => withEth(edit)).toThrow(/from 2024-01-05T04:00:00Z to 2024-01-07T05:00:00Z.*--max-gap-hours/);
    expect(withEth(edit, { maxGapHours: 49 }).market.length).toBe(LENGTH);
  });

  it("error: a long gap outside the common time is nobody's business", () => {
    const holed = changed(eth, (time, bars) => remove(time, bars, 5, 60));
    const late = walk("BTC", LENGTH - 100, { start: START + 100 * HOUR_MS });
    expect(toMarket(rawMarket([late, holed]), { now }).market.length).toBe(LENGTH - 100);
  });

  it("error: no overlap, with each asset's range", () => {
    const early = walk("ETH", 20);
    const late = walk("BTC", 100, { start: START + 200 * HOUR_MS });
    expect(() => toMarket(rawMarket([early, late]), { now })).toThrow(
      /BTC 2024-01-09T08:00:00Z to 2024-01-13T12:00:00Z; ETH 2024-01-01T00:00:00Z to 2024-01-01T19:00:00Z/,
    );
  });

  const one = (series: RawSeries) => rawMarket([btc, series]);
  it.each([
    ["no assets", rawMarket([]), "EMPTY_MARKET"],
    ["no bars", one(walk("ETH", 0)), "EMPTY_MARKET"],
    ["one asset", rawMarket([btc]), "ONE_ASSET"],
    ["an asset twice", one(walk("BTC", LENGTH, { quote: "USDC" })), "DUPLICATE_SERIES"],
    ["two quote currencies", one(walk("ETH", LENGTH, { quote: "BTC" })), "MIXED_QUOTES"],
    ["two intervals", one(walk("ETH", 30, { intervalMs: 4 * HOUR_MS })), "AMBIGUOUS_INTERVAL"],
    ["no interval", one(walk("ETH", 1)), "AMBIGUOUS_INTERVAL"],
    [
      "an exogenous series twice",
      rawMarket([btc, eth], {
        exogenous: ["gas", "gas"].map((name) => ({
          name,
          unit: "",
          publishedAt: new Float64Array(0),
          value: new Float64Array(0),
        })),
      }),
      "DUPLICATE_SERIES",
    ],
  ])("error: %s", (_, raw, code) => expect(() => toMarket(raw, { now })).toThrow(refused(code)));

  it("error: no spacing prevails", () => {
    const edit = (time: number[], bars: Columns) => {
      for (let i = LENGTH - 1; i > 0; i--) if (i % 3 !== 0 && i % 5 !== 0) remove(time, bars, i);
    };
    expect(() => withEth(edit)).toThrow(/only \d+ follow the one before by \d+ min/);
  });

  it("error: an interval the bars do not have, finer or coarser", () => {
    for (const intervalMs of [HOUR_MS / 12, 4 * HOUR_MS]) {
      expect(() => toMarket(rawMarket([btc, eth]), { now, intervalMs })).toThrow(
        refused("AMBIGUOUS_INTERVAL", {}),
      );
    }
    expect(toMarket(rawMarket([btc, eth]), { now, intervalMs: HOUR_MS }).market.length).toBe(LENGTH);
  });

  it("error: an asset that is not there", () => {
    expect(() => toMarket(rawMarket([btc, eth]), { now, assets: ["DOGE"] })).toThrow(
      /no bars of DOGE; there are of BTC, ETH/,
    );
  });

  it("error: weeks that begin on different days", () => {
    const weekly = (asset: string, start: number) => walk(asset, 30, { start, intervalMs: 7 * DAY_MS });
    const weeks = unixMillis(START + 31 * 7 * DAY_MS);
    expect(
      toMarket(rawMarket([weekly("BTC", START), weekly("ETH", START)]), { now: weeks }).market.length,
    ).toBe(29);
    expect(() =>
      toMarket(rawMarket([weekly("BTC", START), weekly("ETH", START + DAY_MS)]), { now: weeks }),
    ).toThrow(refused("MISALIGNED_TIMES", { asset: "ETH" }));
  });
});
