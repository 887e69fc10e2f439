import { describe, expect, it } from "vitest";
import { toComparison, toHeadline, toText } from "./comparison.ts";
import type { Outcome, RunRecord } from "./runData.ts";

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

const run = (policy: string, given: Partial<RunRecord> = {}): RunRecord => ({
  policy,
  outcome: outcome(),
  hours: [],
  trades: [],
  attestations: 10,
  verified: 10,
  decisionsDigest: `0x${"5e".repeat(32)}`,
  ...given,
});

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
