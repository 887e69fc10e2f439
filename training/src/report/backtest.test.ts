import { beforeAll, describe, expect, it } from "vitest";
import { quantileOfSorted } from "../evaluation/sample.ts";
import { type Comparison, compareRecords, type PolicyComparison } from "../replay/compare.ts";
import { toFixtureRecord } from "../replay/record.fixture.ts";
import type { BacktestRecord } from "../replay/record.ts";
import { challengerOf, toHeadline } from "./backtestHeadline.ts";
import { toComparisonColumns, toComparisonJson } from "./backtestJson.ts";
import { toBacktestPage } from "./backtestPage.ts";
import { scatterPlot, spreadPlot, waterfall } from "./backtestPlots.ts";
import { COMPARED, toMetricSection } from "./backtestTable.ts";
import { toShownTrades } from "./backtestTrades.ts";

const HOSTILE = `</title></script><script>alert("x")</script><img src=x onerror='y'>&`;
const hostile = (record: BacktestRecord): BacktestRecord => ({
  ...record,
  name: HOSTILE,
  policy: { name: HOSTILE, parameters: { [HOSTILE]: HOSTILE }, id: HOSTILE },
  notes: [HOSTILE],
  decisionsDigest: HOSTILE,
  models: [{ from: 0, modelId: HOSTILE }],
  trades: record.trades.map((trade) => ({ ...trade, reason: HOSTILE, numbers: { [HOSTILE]: 1 } })),
});
/** Eight assets of three: weights, targets and bands in parts. */
function toWide(record: BacktestRecord): BacktestRecord {
  const parts = [0, 1, 1, 1, 2, 2, 2, 2];
  const share = [1, 3, 4];
  const split = (row: readonly number[]) => parts.map((i) => row[i]! / share[i]!);
  const columns = (rows: readonly (readonly number[])[], isShared: boolean) =>
    parts.map((i) => rows[i]!.map((x) => (isShared ? x / share[i]! : x)));
  return {
    ...record,
    assets: ["USDC", "A", "B", "C", "D", "E", "F", "G"],
    targets: split(record.targets),
    bands: split(record.bands),
    bars: {
      ...record.bars,
      weights: columns(record.bars.weights, true),
      prices: columns(record.bars.prices, false),
    },
    trades: record.trades.map((trade) => ({
      ...trade,
      weightsBefore: split(trade.weightsBefore),
      weightsAfter: split(trade.weightsAfter),
    })),
  };
}

describe("backtest page", () => {
  let records: readonly BacktestRecord[];
  let comparison: Comparison;
  let page: string;
  beforeAll(() => {
    records = [
      toFixtureRecord({ name: "threshold", trigger: 0.015 }),
      toFixtureRecord({ name: "patient", trigger: 0.015, isPatient: true }),
      toFixtureRecord({ name: "wide", trigger: 0.018, latency: 2 }),
    ];
    comparison = compareRecords(records, { resamples: 200 });
    page = toBacktestPage(comparison);
  });

  it("default: one file, nothing fetched, every id once, and every mark leads to the row that says why", () => {
    expect(page).not.toMatch(/\b(?:src|href)="(?!#|data:)/);
    expect(page.match(/<script>/g)).toHaveLength(1);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const rows = [...page.matchAll(/ data-row="([^"]+)"/g)].map(([, row]) => row);
    expect(rows.length).toBeGreaterThan(50);
    for (const row of rows) expect(ids).toContain(row);
    for (const { name } of records) expect(page).toContain(name);
    for (const { label } of COMPARED) expect(page).toContain(label.replace("'", "&#39;"));
    expect(toBacktestPage(comparison)).toBe(page);
  });

  it("behaviour: a row of a trade says its reason, what moved and what it cost", () => {
    const [trade] = records[0]!.trades;
    const row = page.match(/<tr id="t\d-0">(?:(?!<\/tr>).)*threshold: (?:(?!<\/tr>).)*<\/tr>/)![0];
    expect(row).toContain(trade!.reason);
    expect(row).toContain(`BTC ${(trade!.weightsBefore[1]! * 100).toFixed(2)} → 50.00 %`);
    const paid = Object.values(trade!.costs).reduce((a, b) => a + b, 0);
    expect(row).toContain(`cost $${paid.toFixed(2).replace(/0$/, "")}`);
  });

  it("behaviour: text from records is escaped wherever it stands", () => {
    const own = hostile(records[0]!);
    for (const some of [[own], [records[1]!, own], [own, records[1]!]]) {
      const html = toBacktestPage(compareRecords(some, { resamples: 20 }));
      expect(html.match(/<script/g)).toHaveLength(1);
      expect(html).not.toMatch(/<img/);
    }
  });

  it("behaviour: one record alone, one without a trade, and one without base fees have pages, too", () => {
    const alone = toBacktestPage(compareRecords([records[0]!], { resamples: 20 }));
    expect(alone).toContain("threshold cost ");
    expect(alone).not.toContain("NaN");
    const { bars } = records[0]!;
    const idle: BacktestRecord = {
      ...records[0]!,
      name: "idle",
      trades: [],
      bars: { ...bars, gasGwei: bars.gasGwei.map(() => Number.NaN) },
    };
    const html = toBacktestPage(compareRecords([idle, { ...idle, name: "again" }], { resamples: 20 }));
    expect(html).toContain("idle made no trade.");
    expect(html).not.toContain("Gas paid against gas available");
    expect(html).not.toMatch(/NaN|Infinity/);
  });

  it("behaviour: five years of eight assets under six policies stay below 1.5 MB", () => {
    const two = [0.005, 0.008].map((trigger) =>
      toWide(toFixtureRecord({ name: "of two", trigger, days: 5 * 365 })),
    );
    const many = Array.from({ length: 6 }, (_, k) => ({ ...two[k % 2]!, name: `policy ${k}` }));
    expect(many[0]!.trades.length).toBeGreaterThan(5_000);
    const html = toBacktestPage(compareRecords(many, { resamples: 20 }));
    expect(Buffer.byteLength(html)).toBeGreaterThan(400_000);
    expect(Buffer.byteLength(html)).toBeLessThan(1_500_000);
  });
});

describe("comparison for machines", () => {
  it("default: one row a policy and metric, as in the JSON; the JSON holds no number that JSON cannot", () => {
    const records = [0.01, 0.015].map((trigger, k) => toFixtureRecord({ name: `policy ${k}`, trigger }));
    const comparison = compareRecords(records, { resamples: 50 });
    const json = toComparisonJson(comparison);
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    const columns = Object.fromEntries(
      toComparisonColumns(comparison).map(({ name, values }) => [name, values]),
    );
    const keys = columns.policy!.map((policy, row) => `${policy}: ${columns.metric![row]}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { name, metrics, versus, costRatio, dollars } of json.policies) {
      for (const [id, { estimate, low }] of Object.entries(metrics)) {
        const row = keys.indexOf(`${name}: ${id}`);
        expect([columns.estimate![row], columns.low![row]]).toEqual([estimate, low]);
        expect(columns.p![row]).toBe(versus?.[id]?.p ?? null);
      }
      expect(columns.estimate![keys.indexOf(`${name}: dollars.cost`)]).toBe(dollars.cost);
      const ratio = keys.indexOf(`${name}: costRatio`);
      expect(ratio < 0 ? null : columns.p![ratio]).toBe(costRatio?.p ?? null);
    }
  });
});

describe("headline", () => {
  const policy = (name: string, ratio?: readonly [number, number, number, number]): PolicyComparison =>
    ({
      name,
      metrics: { cost: { estimate: 0.01 }, trackingError: { estimate: 0.005 } },
      costRatio: ratio && { estimate: ratio[0], low: ratio[1], high: ratio[2], p: ratio[3] },
    }) as unknown as PolicyComparison;
  const of = (...policies: PolicyComparison[]) =>
    toHeadline({ baseline: "base", policies: [policy("base"), ...policies] } as unknown as Comparison);

  it("default: says that a policy won only where it did beyond chance", () => {
    expect(of(policy("a", [0.8, 0.7, 0.9, 0.01]))).toBe(
      "At equal tracking error a cost 20.0 % less than base (95 % interval 30.0 % less to 10.0 % less)",
    );
    expect(of(policy("a", [0.9, 0.7, 1.1, 0.3]))).toBe(
      "Nothing beat base beyond chance: at equal tracking error a cost 10.0 % less (95 % interval 30.0 % less to 10.0 % more)",
    );
    expect(of(policy("a", [1.2, 1.1, 1.3, 0.01]))).toMatch(/^Nothing beat base: .* a cost 20.0 % more/);
    expect(of(policy("a"))).toMatch(/^No policy tracks closely enough/);
    expect(of()).toBe("base cost 100.0 bps a year at a tracking error of 0.50 % a year");
  });

  it("behaviour: the more policies are tried, the less one of them proves", () => {
    const lucky = policy("lucky", [0.8, 0.7, 0.95, 0.02]);
    expect(of(lucky)).toMatch(/^At equal tracking error lucky/);
    const others = ["b", "c"].map((name) => policy(name, [1, 0.9, 1.1, 0.9]));
    expect(of(lucky, ...others)).toMatch(
      /^Nothing beat base beyond chance: .*the cheapest of 3, lucky, cost 20.0 % less/,
    );
  });

  it("behaviour: the policy that is set against the baseline is the cheapest at equal tracking error", () => {
    const policies = [
      policy("base"),
      policy("far"),
      policy("b", [0.9, 0, 2, 1]),
      policy("c", [0.8, 0, 2, 1]),
    ];
    expect(challengerOf({ baseline: "base", policies } as unknown as Comparison)?.name).toBe("c");
  });
});

describe("table", () => {
  it("behaviour: ticks what is better, crosses what is worse, and neither by chance alone", () => {
    const base = toFixtureRecord({ name: "base", trigger: 0.01, days: 120 });
    const same = { ...base, name: "same" };
    const wide = toFixtureRecord({ name: "wide", trigger: 0.025, days: 120 });
    const rows = (records: readonly BacktestRecord[]) =>
      toMetricSection(compareRecords(records, { resamples: 200 })).match(/<tr>.*?<\/tr>/g)!;
    expect(rows([base, same]).join("")).not.toMatch(/ best"| worse"/);
    const find = (label: string) => rows([base, wide]).find((row) => row.includes(`>${label}<`))!;
    expect(find("Cost, all kinds")).toContain(' best"');
    expect(find("Tracking error")).toContain(' worse"');
    expect(find("Trades")).not.toMatch(/ best"| worse"/);
    expect(find("Maximum drawdown")).not.toContain(" to ");
  });
});

describe("plots", () => {
  it("default: a waterfall's parts follow each other and end at their sum", () => {
    const part = (value: number) => ({ name: String(value), tone: "fees", value, label: String(value) });
    const svg = waterfall("w", "t", [part(1), part(3)], { value: 4, label: "4" }, 8);
    const boxes = [...svg.matchAll(/class="step[^"]*" x="([\d.]+)%" width="([\d.]+)%"/g)].map(([, x, w]) => [
      Number(x),
      Number(w),
    ]);
    // From 36 %, 46 % for 8.
    expect(boxes).toEqual([
      [36, 5.75],
      [41.75, 17.25],
      [36, 23],
    ]);
  });

  it("behaviour: a wide range is drawn in logarithms; points can be reached and say their numbers", () => {
    const point = (name: string, x: number, y: number) => ({
      ...{ name, tone: "p2", text: `at ${x}` },
      ...{ x: { estimate: x, low: null, high: null }, y: { estimate: y, low: y / 1.1, high: y * 1.1 } },
    });
    const base = { id: "s", title: "t", description: "d", xLabel: "x", yLabel: "y" };
    const svg = scatterPlot({ ...base, points: [point("a", 1, 1), point("b", 10, 2), point("c", 100, 3)] });
    const places = [...svg.matchAll(/cx="([\d.]+)%"/g)].map(([, x]) => Number(x));
    expect(places[1]! - places[0]!).toBeCloseTo(places[2]! - places[1]!, 1);
    expect(svg.match(/tabindex="0"/g)).toHaveLength(3);
    expect(svg).toContain('aria-label="b\nat 10"');
  });

  it("default: a row of spreads says its quantiles", () => {
    const values = Float64Array.from([1, 2, 3, 4, 5]);
    const svg = spreadPlot("s", "t", "bps", [{ name: "a", tone: "p0", values, note: "n" }], quantileOfSorted);
    expect(svg).toContain("median 3 bps, half of them from 2 to 4, nine in ten from 1.2 to 4.8");
  });

  it("behaviour: where not all trades can be shown, the close-up's and the largest are, in order", () => {
    const record = toFixtureRecord({ name: "a", trigger: 0.008 });
    const inside = record.trades.slice(3, 6);
    const span = [inside[0]!.executedAt, inside[2]!.executedAt] as const;
    const shown = toShownTrades(record, "t", 10, span);
    expect(shown).toHaveLength(10);
    for (const { executedAt } of inside) expect(shown.map((one) => one.executedAt)).toContain(executedAt);
    expect(shown.map(({ executedAt }) => executedAt)).toEqual(shown.map((one) => one.executedAt).sort());
    expect(shown.map(({ row }) => row)).toEqual(shown.map((_, k) => `t-${k}`));
  });
});
