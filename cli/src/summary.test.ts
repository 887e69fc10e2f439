import { describe, expect, it } from "vitest";
import type { DemoRecord, Outcome, RunRecord } from "./runData.ts";
import { toSummary, toTable } from "./summary.ts";

const outcome: Outcome = {
  decisions: 48,
  executed: 3,
  executedAhead: 2,
  executedAfter: 1,
  holds: 44,
  rejections: 1,
  hoursOutsideBand: 5,
  meanExcessPp: 0.25,
  trackingError: 0.0123,
  costBps: { fees: 1.5, impact: 0.25, gas: 0.75, total: 2.5 },
  turnover: 0.04,
  returnPct: 1,
};
const trade: RunRecord["trades"][number] = {
  at: 0,
  reason: "breach",
  wasOutsideBand: true,
  numbers: {},
  trades: ["1 ETH for 2,000 USDC"],
  decisionHash: "0xd1",
  uid: undefined,
  txHash: undefined,
  gasUsed: undefined,
  rejection: undefined,
};
const run = (policy: string, given: Partial<Outcome> = {}): RunRecord => ({
  policy,
  outcome: { ...outcome, ...given },
  hours: [],
  trades: [trade, { ...trade, rejection: "the price moved" }],
  attestations: 52,
  verified: 51,
  decisionsDigest: `0x${policy}`,
});
const toRecord = (own: Partial<Outcome>): DemoRecord => ({
  market: { name: "spot", hash: "0x11", assets: ["BTC", "ETH"], from: 0, to: 1, notes: [] },
  model: {
    modelId: "0x22",
    backend: "wasm",
    qlikeVsLogHar: { "1": 0.9 },
    brierSkill: undefined,
    trainedFrom: 0,
    trainedUntil: 1,
  },
  holdings: [],
  vault: { chainId: 31_337, address: "0x33", eas: "0x44", navStart: 1e6 },
  seed: 7,
  hours: 48,
  runs: [run("predictive", own), run("threshold")],
  seconds: 9.5,
});

describe("toSummary", () => {
  it("default: the policy in question on top, the other one below it, and why the vault refused", () => {
    const own = {
      decisions: 48,
      executedAhead: 2,
      executedAfter: 1,
      holds: 44,
      rejections: 1,
      rejectionReasons: ["the price moved"],
      attestations: 52,
      verified: 51,
      hoursOutsideBand: 4,
      trackingError: 0.0123,
      costBps: { fees: 1.5, impact: 0.25, gas: 0.75, total: 2.5 },
    };
    expect(toSummary(toRecord({ hoursOutsideBand: 4 }), 321)).toEqual({
      seconds: 9.5,
      peakMemoryMb: 321,
      market: { name: "spot", hash: "0x11" },
      modelId: "0x22",
      backend: "wasm",
      qlikeVsLogHar: { "1": 0.9 },
      hours: 48,
      seed: 7,
      policy: "predictive",
      ...own,
      decisionsDigest: "0xpredictive",
      threshold: {
        policy: "threshold",
        ...own,
        hoursOutsideBand: 5,
        decisionsDigest: "0xthreshold",
      },
    });
  });
});

describe("toTable", () => {
  const rowOf = (own: Partial<Outcome>, label: string) =>
    toTable(toRecord(own))
      .split("\n")
      .find((line) => line.trimStart().startsWith(label))!
      .slice(28);

  it("default: the better one is marked, whichever it is", () => {
    expect(rowOf({ hoursOutsideBand: 4 }, "hours outside")).toMatch(/^ +4 \* +5 *$/);
    expect(rowOf({ hoursOutsideBand: 6 }, "hours outside")).toMatch(/^ +6 +5 \*$/);
    expect(rowOf({ trackingError: 0.0124 }, "tracking error")).toMatch(/^ +1\.240 +1\.230 \*$/);
  });

  it("behaviour: neither is where both print the same, nor where more is no worse", () => {
    expect(rowOf({ trackingError: 0.0123000001 }, "tracking error")).not.toContain("*");
    expect(rowOf({ executedAhead: 1 }, "executed ahead")).not.toContain("*");
  });

  it("behaviour: columns stand under their policies", () => {
    const [head = "", ...body] = toTable(toRecord({})).split("\n").slice(0, -1);
    expect(head.trim().split(/ +/)).toEqual(["predictive", "threshold"]);
    expect(new Set(body.map((line) => line.length))).toEqual(new Set([head.length]));
  });
});
