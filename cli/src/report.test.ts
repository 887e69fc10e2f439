import { escapeHtml } from "@ballast/training";
import { describe, expect, it } from "vitest";
import { toHeadline } from "./comparison.ts";
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
  decisionsDigest: `0x${"5e".repeat(32)}`,
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
