import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decimate,
  dotChart,
  escapeHtml,
  type Point,
  stackedBars,
  timeChart,
  toPathData,
  toTicks,
  toTimeTicks,
} from "./chart.ts";
import { toComparison, toHeadline, toText } from "./comparison.ts";
import { toReportHtml } from "./report.ts";
import type { DemoRecord, HourRecord, Outcome, RunRecord, TradeRecord } from "./runData.ts";

const HOUR = 3_600_000;
const FROM = Date.UTC(2022, 2, 1);
const HOSTILE = `</title></script><script>alert("x")</script><img src=x onerror='y'>&`;

const outcome = (given: Partial<Outcome> = {}): Outcome => ({
  decisions: 720,
  executed: 10,
  executedAhead: 8,
  executedAfter: 2,
  holds: 710,
  rejections: 0,
  hoursOutsideBand: 12,
  meanExcessPp: 0.2,
  trackingError: 0.0041,
  costBps: { fees: 3, impact: 1, gas: 2.1, total: 6.1 },
  turnover: 0.2,
  returnPct: -1.5,
  ...given,
});

function hoursOf(count: number, phase: number): HourRecord[] {
  return Array.from({ length: count }, (_, hour) => {
    const swing = 0.025 * Math.sin(hour / 9 + phase) * Math.cos(hour / 31);
    return {
      at: FROM + hour * HOUR,
      weights: [0.25 - swing, 0.35 + swing / 2, 0.25 + swing / 2, 0.15],
      nav: 1e6,
      mix: 1,
      breachProbability: phase === 0 ? Math.abs(swing) * 30 : undefined,
      baseFeeGwei: 30 + 20 * Math.sin(hour / 4),
    };
  });
}

const trade = (hour: number, given: Partial<TradeRecord> = {}): TradeRecord => ({
  at: FROM + hour * HOUR,
  reason: "breach-forecast",
  wasOutsideBand: false,
  numbers: { breachProbability: 0.63, breachProbability4h: 0.31, gasOverMedian: 0.934, turnover: 0.02 },
  trades: ["sell 1.25 ETH for 2,150 USDC"],
  decisionHash: `0x${"d1".repeat(32)}`,
  uid: `0x${"a7".repeat(32)}`,
  txHash: `0x${"7c".repeat(32)}`,
  gasUsed: 412_345,
  rejection: undefined,
  ...given,
});

const run = (policy: string, given: Partial<RunRecord> = {}): RunRecord => ({
  policy,
  outcome: outcome(),
  hours: hoursOf(48, policy === "predictive" ? 0 : 1),
  trades: [trade(5), trade(9, { wasOutsideBand: true, reason: "breach" })],
  attestations: 10,
  verified: 10,
  ...given,
});

const record = (given: Partial<DemoRecord> = {}): DemoRecord => ({
  market: {
    name: "spot",
    hash: `0x${"11".repeat(32)}`,
    assets: ["BTC", "ETH"],
    from: FROM,
    to: FROM + 48 * HOUR,
    notes: ["One gap of 2 h in BTC."],
  },
  model: {
    modelId: `0x${"22".repeat(32)}`,
    backend: "wasm",
    qlikeVsLogHar: { "24": 0.93, "1": 0.88 },
    brierSkill: 0.07,
    trainedFrom: FROM - 1e10,
    trainedUntil: FROM,
  },
  holdings: ["USDC", "BTC", "ETH", "SOL"].map((asset, index) => ({
    asset,
    target: [0.25, 0.35, 0.25, 0.15][index]!,
    band: 0.02,
  })),
  vault: { chainId: 31_337, address: `0x${"33".repeat(20)}`, eas: `0x${"44".repeat(20)}`, navStart: 1e6 },
  seed: 7,
  hours: 720,
  runs: [run("predictive", { trigger: { probability: 0.6, horizonHours: 24 } }), run("threshold")],
  seconds: 91,
  ...given,
});

/** Every number an SVG attribute may hold. */
function expectSoundSvg(html: string): void {
  expect(html).not.toMatch(/NaN|Infinity|undefined|\bnull\b/);
  for (const [, d] of html.matchAll(/ d="([^"]*)"/g)) expect(d).toMatch(/^M/);
  for (const [, value] of html.matchAll(/ (?:x|y|x1|x2|y1|y2|cx|cy|r|width|height)="([^"]*)"/g))
    expect(value).toMatch(/^-?[\d.]+%?$/);
  for (const [, size] of html.matchAll(/ (?:width|height)="(-[^"]*)"/g)) expect(size).toBeUndefined();
}

describe("headline", () => {
  const figures = (hoursOutsideBand: number, total: number, trackingError: number, executed = 3) =>
    outcome({
      hoursOutsideBand,
      trackingError,
      executed,
      costBps: { fees: 0, impact: 0, gas: total, total },
    });
  it.each<[string, Outcome, Outcome, string]>([
    [
      "predictive wins all",
      figures(12, 6.1, 0.0041),
      figures(31, 8.2, 0.0052),
      "Over 720 hours predictive did better on all three counts: it spent fewer hours outside the band (12 h against 31 h), cost less (6.10 bps against 8.20 bps) and tracked the target more closely (0.41 % against 0.52 %).",
    ],
    [
      "threshold wins all",
      figures(31, 8.2, 0.0052),
      figures(12, 6.1, 0.0041),
      "Over 720 hours threshold did better on all three counts: it spent fewer hours outside the band (12 h against 31 h), cost less (6.10 bps against 8.20 bps) and tracked the target more closely (0.41 % against 0.52 %).",
    ],
    [
      "threshold wins two of three",
      figures(12, 8.2, 0.0052),
      figures(31, 6.1, 0.0041),
      "Over 720 hours threshold cost less (6.10 bps against 8.20 bps) and tracked the target more closely (0.41 % against 0.52 %), but predictive spent fewer hours outside the band (12 h against 31 h).",
    ],
    [
      "one each and a tie",
      figures(12, 8.2, 0.004),
      figures(31, 6.1, 0.004),
      "Over 720 hours predictive spent fewer hours outside the band (12 h against 31 h), but threshold cost less (6.10 bps against 8.20 bps); both had a yearly tracking error of 0.40 %.",
    ],
    [
      "a difference too small to be shown is a tie",
      figures(0, 6.101, 0.00401),
      figures(0, 6.104, 0.00402),
      "Over 720 hours predictive and threshold came to the same: each spent 0 h outside the band, cost 6.10 bps and had a yearly tracking error of 0.40 %.",
    ],
    [
      "nobody traded",
      figures(0, 0, 0.001, 0),
      figures(0, 0, 0.001, 0),
      "Over 720 hours neither policy traded: predictive and threshold came to the same: each spent 0 h outside the band, cost 0.00 bps and had a yearly tracking error of 0.10 %.",
    ],
    [
      "a figure that is not a number is left out",
      figures(1, 6, Number.NaN),
      figures(2, 6, 0.1),
      "Over 720 hours predictive did better: it spent fewer hours outside the band (1 h against 2 h); both cost 6.00 bps.",
    ],
  ])("behaviour: %s", (_, first, second, expected) => {
    expect(
      toHeadline({
        hours: 720,
        runs: [run("predictive", { outcome: first }), run("threshold", { outcome: second })],
      }),
    ).toBe(expected);
  });
  it("behaviour: one run is described, none is admitted", () => {
    expect(toHeadline({ hours: 1, runs: [run("predictive")] })).toBe(
      "Over 1 hour predictive spent 12 h outside the band, cost 6.10 bps and had a yearly tracking error of 0.41 %.",
    );
    expect(toHeadline({ hours: 0, runs: [] })).toBe("No run is on record.");
  });
});

describe("comparison", () => {
  const row = (label: string, first: Partial<RunRecord>, second: Partial<RunRecord>) =>
    toComparison([run("a", first), run("b", second)]).find((item) => item.label === label)!;
  it("default: the lower cost and the higher share ahead are best", () => {
    expect(
      row("Fees", {}, { outcome: outcome({ costBps: { fees: 2.5, impact: 0, gas: 0, total: 2.5 } }) }),
    ).toMatchObject({ values: ["3.00 bps", "2.50 bps"], isBest: [false, true] });
    expect(
      row("Ahead of / after a breach", {}, { outcome: outcome({ executedAhead: 5, executedAfter: 5 }) }),
    ).toMatchObject({ values: ["8 / 2", "5 / 5"], isBest: [true, false] });
    expect(row("Attestations verified", { verified: 9 }, {})).toMatchObject({
      values: ["9 of 10", "10 of 10"],
      isBest: [false, true],
    });
  });
  it("behaviour: nothing is best where figures are equal as shown, unscored or no contest", () => {
    expect(
      row("Fees", {}, { outcome: outcome({ costBps: { fees: 3.001, impact: 0, gas: 0, total: 3 } }) }).isBest,
    ).toEqual([false, false]);
    expect(row("Return", {}, { outcome: outcome({ returnPct: 5 }) }).isBest).toEqual([false, false]);
    expect(
      row(
        "Ahead of / after a breach",
        {},
        { outcome: outcome({ executed: 0, executedAhead: 0, executedAfter: 0 }) },
      ).isBest,
    ).toEqual([false, false]);
  });
  it("behaviour: numbers as text", () => {
    expect([toText(1234.5, 2), toText(-0.001, 2), toText(Number.NaN, 1), toText(undefined)]).toEqual([
      "1,234.50",
      "0.00",
      "–",
      "–",
    ]);
  });
});

describe("toReportHtml", () => {
  it("default: one self-contained page that names every part, the same bytes twice", () => {
    const html = toReportHtml(record());
    expect(toReportHtml(structuredClone(record()))).toBe(html);
    expectSoundSvg(html.slice(html.indexOf("<body>"), html.indexOf("<script>")));
    expect(html).not.toMatch(/https?:\/\/|@import|url\(|<link[^>]*stylesheet/);
    expect(html).toContain(toHeadline(record()));
    expect(html).toContain(`ballast verify 0x${"a7".repeat(32)}`);
    expect(html).toContain("acts at 60 %");
    expect(html).toContain("One gap of 2 h in BTC.");
    expect([...html.matchAll(/<svg role="img"[^>]*aria-labelledby/g)]).toHaveLength(4 + 2 + 1 + 1);
    for (const [, id] of html.matchAll(/aria-labelledby="(\S+) /g)) expect(html).toContain(`id="${id}"`);
  });
  it("behaviour: a trade is marked on the holdings it names, by how it came about", () => {
    const only = (trades: TradeRecord[]) =>
      [
        ...toReportHtml(record({ runs: [run("predictive", { trades, hours: hoursOf(48, 1) })] })).matchAll(
          /<use class="mark p0" href="#(\w+)"/g,
        ),
      ].map(([, shape]) => shape);
    expect(only([trade(3)])).toEqual(["ahead", "ahead"]); // USDC and ETH
    expect(only([trade(3, { wasOutsideBand: true })])).toEqual(["after", "after"]);
    expect(only([trade(3, { rejection: "expired" })])).toEqual(["refused", "refused"]);
    expect(only([trade(3, { trades: [] })])).toHaveLength(4);
  });
  it("behaviour: text from the record is escaped, and no script but the page's own may run", () => {
    const html = toReportHtml(
      record({
        market: { ...record().market, name: HOSTILE, assets: [HOSTILE], notes: [HOSTILE], hash: HOSTILE },
        model: { ...record().model, modelId: HOSTILE, backend: HOSTILE, qlikeVsLogHar: { [HOSTILE]: 1 } },
        holdings: [{ asset: HOSTILE, target: 0.5, band: 0.02 }],
        vault: { chainId: 1, address: HOSTILE, eas: HOSTILE, navStart: 1 },
        runs: [HOSTILE, "threshold"].map((policy) =>
          run(policy, {
            outcome: outcome({ rejections: 1 }),
            trades: [
              trade(1, {
                reason: HOSTILE,
                numbers: { [HOSTILE]: 1 },
                trades: [HOSTILE],
                decisionHash: HOSTILE,
                uid: HOSTILE,
                txHash: HOSTILE,
              }),
              trade(2, { rejection: HOSTILE, trades: [] }),
            ],
          }),
        ),
      }),
    );
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toContain("<img");
    expect(html).not.toMatch(/<[^>]*\sonerror=(?![^<]*&#)/);
    expect(html).toContain(escapeHtml(HOSTILE));
    expect(html).toMatch(/script-src 'sha256-[\w+/]+=*'/);
  });
  it("behaviour: a rejection is explained, and one without an explanation is admitted", () => {
    const html = toReportHtml(
      record({
        runs: [
          run("predictive", {
            outcome: outcome({ rejections: 2 }),
            trades: [trade(2, { rejection: "The attestation has expired." })],
          }),
        ],
      }),
    );
    expect(html).toContain("The attestation has expired.");
    expect(html).toContain("1 rejection without a record that explains it.");
    expect(html).toContain("No decision was executed.");
  });
  const bare = hoursOf(1, 1);
  it.each<[string, Partial<DemoRecord>]>([
    ["no run", { runs: [] }],
    ["one run", { runs: [run("predictive")] }],
    [
      "runs without an hour",
      { runs: [run("predictive", { hours: [], trades: [] }), run("threshold", { hours: [] })] },
    ],
    ["a single hour and no trade", { runs: [run("predictive", { hours: bare, trades: [] })] }],
    [
      "weights and fees that are not numbers",
      {
        runs: [
          run("predictive", {
            hours: [{ ...bare[0]!, weights: [Number.NaN], baseFeeGwei: Number.NaN }, ...hoursOf(3, 1)],
          }),
        ],
      },
    ],
    [
      "costs below zero",
      {
        runs: [
          run("predictive", { outcome: outcome({ costBps: { fees: 1, impact: -2, gas: 0, total: -1 } }) }),
        ],
      },
    ],
    [
      "no cost at all",
      {
        runs: [
          run("predictive", { outcome: outcome({ costBps: { fees: 0, impact: 0, gas: 0, total: 0 } }) }),
        ],
      },
    ],
    [
      "a model that was not scored",
      { model: { ...record().model, qlikeVsLogHar: {}, brierSkill: undefined } },
    ],
    [
      "a band beyond 0 and 1",
      {
        holdings: [
          { asset: "USDC", target: 0.99, band: 0.05 },
          { asset: "BTC", target: 0.01, band: 0.05 },
        ],
      },
    ],
  ])("behaviour: drawn without a flaw: %s", (_, given) => {
    const html = toReportHtml(record(given));
    expectSoundSvg(html.slice(html.indexOf("<body>"), html.indexOf("<script>")));
  });
  it("behaviour: without a forecast it says so", () => {
    expect(toReportHtml(record({ runs: [run("threshold")] }))).toContain("No run had a forecast");
  });
  it("behaviour: a month of two runs with 100 trades each stays under 600 kB", () => {
    const trades = Array.from({ length: 100 }, (_, index) => trade(index * 7));
    const html = toReportHtml(
      record({
        runs: ["predictive", "threshold"].map((policy) =>
          run(policy, { hours: hoursOf(720, policy === "predictive" ? 0 : 1), trades }),
        ),
      }),
    );
    expect(Buffer.byteLength(html)).toBeLessThan(600_000);
  });
});

describe("chart", () => {
  const points = fc
    .array(
      fc.record({
        x: fc.double({ min: 0, max: 40, noNaN: true }),
        y: fc.double({ min: -5, max: 5, noNaN: true }),
      }),
      { minLength: 1, maxLength: 400 },
    )
    .map((some) => some.sort((a, b) => a.x - b.x));
  it("behaviour: decimation keeps order, ends and every column's extremes, two points a column", () => {
    fc.assert(
      fc.property(points, (all) => {
        const kept = decimate(all);
        const positions = kept.map((point) => all.indexOf(point));
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
        expect([kept[0], kept.at(-1)]).toEqual([all[0], all.at(-1)]);
        const columns = new Map<number, Point[]>();
        for (const point of all)
          columns.set(Math.floor(point.x), [...(columns.get(Math.floor(point.x)) ?? []), point]);
        for (const [column, inside] of columns) {
          const ys = kept.filter(({ x }) => Math.floor(x) === column).map(({ y }) => y);
          expect(Math.min(...ys)).toBe(Math.min(...inside.map(({ y }) => y)));
          expect(Math.max(...ys)).toBe(Math.max(...inside.map(({ y }) => y)));
        }
        expect(kept.length).toBeLessThanOrEqual(2 * columns.size + 2);
      }),
      { seed: 1 },
    );
  });
  it("behaviour: a path has a gap where a value is missing and shows a lone point", () => {
    expect(
      toPathData([
        { x: 0, y: 1 },
        { x: 1, y: 2 },
        { x: 2, y: Number.NaN },
        { x: 3, y: 4 },
      ]),
    ).toBe("M0 1L1 2M3 4L3 4");
    expect(toPathData([{ x: Number.NaN, y: 0 }])).toBe("");
    expect(toPathData([])).toBe("");
  });
  it("behaviour: ticks are round, inside, and few", () => {
    expect(toTicks(0, 207, 3)).toEqual([0, 100, 200]);
    expect(toTicks(0.1, 0.32, 4)).toEqual([0.1, 0.2, 0.3]);
    expect(toTicks(5, 5, 3)).toEqual([5]);
    expect(toTimeTicks(FROM - HOUR, FROM + 29 * HOUR, 5)).toEqual([
      { at: FROM, label: "1 Mar" },
      { at: FROM + 6 * HOUR, label: "06:00" },
      { at: FROM + 12 * HOUR, label: "12:00" },
      { at: FROM + 18 * HOUR, label: "18:00" },
      { at: FROM + 24 * HOUR, label: "2 Mar" },
    ]);
    expect(toTimeTicks(FROM, FROM + 40 * 8760 * HOUR, 5).length).toBeLessThanOrEqual(6);
  });
  it("behaviour: names are escaped in every kind of chart", () => {
    const time = {
      id: "t",
      title: HOSTILE,
      description: HOSTILE,
      from: 0,
      to: 1,
      low: 0,
      high: 1,
      height: 10,
      unit: HOSTILE,
      digits: 1,
      ticks: [{ value: 0, label: HOSTILE }],
      hasTimeLabels: false,
      rule: { value: 0, label: HOSTILE },
    };
    const all = [
      timeChart({
        ...time,
        lines: [{ name: HOSTILE, tone: "p0", points: [{ at: 0, value: 1 }] }],
        marks: [{ at: 0, value: 0, shape: "ahead", tone: "p0", text: HOSTILE }],
      }),
      stackedBars("b", HOSTILE, HOSTILE, HOSTILE, [
        { name: HOSTILE, parts: [{ name: HOSTILE, tone: "gas", value: 1 }] },
      ]),
      dotChart("d", HOSTILE, HOSTILE, { value: 1, label: HOSTILE }, [{ name: HOSTILE, value: 0.9 }]),
    ];
    for (const svg of all) expect(svg).not.toMatch(/<script|<img/);
  });
});
