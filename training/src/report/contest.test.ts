import { describe, expect, it } from "vitest";
import { type ContestReport, toContestColumns } from "../contest/report.ts";
import { toContestHeadline, toContestPage } from "./contestPage.ts";

const figure = (estimate: number) => ({ estimate, low: estimate * 0.9, high: estimate * 1.2 });
const family = (name: string, kind: ContestReport["families"][number]["kind"], level: number) => ({
  ...{ name, kind, costToThreshold: figure(level), costToBest: figure(level * 1.05) },
  ...{
    outsideToThreshold: figure(level ** 2),
    outsideToBest: figure(level ** 2),
    gapClosed: figure(1 - level),
  },
  frontier: [0.004, 0.006, 0.009].map((trackingError) => ({
    ...{ trackingError, cost: (level * 1e-7) / trackingError ** 1.5 },
  })),
});
const HOSTILE = `<script>alert("x")</script>`;
const report: ContestReport = {
  ...{ format: "ballast-contest/1", market: HOSTILE, venue: "mainnet", nav: 1e6 },
  basket: { USD: 0.6, [HOSTILE]: 0.4 },
  plan: { shapes: 10, starts: 4, earlier: 6, folds: 1, trialsPerFamilyAndFold: 50 },
  bootstrap: { level: 0.95, resamples: 100, seed: 1, meanBlockDays: 5 },
  folds: [
    {
      tuned: { from: "2021-08-01T00:00:00.000Z", to: "2021-10-01T00:00:00.000Z" },
      scored: { from: "2021-10-01T00:00:00.000Z", to: "2021-12-01T00:00:00.000Z" },
      timesScored: 7,
    },
  ],
  best: { "cost-at-tracking-error": "no-trade", "outside-at-cost": "threshold" },
  families: [
    { ...family("threshold", "reactive", 1), costToThreshold: null },
    { ...family("no-trade", "reactive", 0.95), costToBest: null, gapClosed: null },
    family("predictive", "predictive", 0.8),
    { ...family("clairvoyant", "clairvoyant", 0.5), gapClosed: null },
  ],
};

describe("contest page", () => {
  const page = toContestPage(report);
  it("default: one file with every family, its ratios, and how often each window was scored", () => {
    expect(page).not.toMatch(/\b(?:src|href)="(?!#|data:)/);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { name } of report.families) expect(page).toContain(`<th scope="row">${name}<small>`);
    expect(page).toContain("0.840<small>0.756 to 1.008</small>");
    expect(page).toContain('<th scope="row">2021-10-01 00:00 to 2021-12-01 00:00</th>');
    expect(page).toContain('<td class="figure">7</td>');
    expect(page.replace(/<script>.*<\/script>/s, "")).not.toMatch(/NaN|undefined|Infinity/);
    expect(toContestPage(report)).toBe(page);
  });
  it("behaviour: both axes are logarithmic: a power law is a straight line", () => {
    const path = page.match(/<path class="line p0" d="M([^"]+)"/)![1]!;
    const [a, b, c] = path.split("L").map((point) => point.split(" ").map(Number));
    const slope = (from: number[], to: number[]) => (to[1]! - from[1]!) / (to[0]! - from[0]!);
    expect(slope(a!, b!) / slope(b!, c!)).toBeCloseTo(1, 2);
  });
  it("behaviour: the headline says whether it may be chance", () => {
    expect(toContestHeadline(report)).toBe(
      "At equal tracking error the predictive family pays 16.0 % less than the best reactive one in hindsight, " +
        "no-trade (95 %: 0.756 to 1.008); this may be chance",
    );
    const sure = report.families.map((one) => ({ ...one, costToBest: one.costToBest && figure(0.7) }));
    expect(toContestHeadline({ ...report, families: sure })).not.toContain("chance");
  });
  it("behaviour: names from the data are text", () => {
    expect(page).not.toContain("<script>alert");
    expect(page).toContain("&#60;script&#62;alert");
  });
  it("behaviour: one row a family and metric, points of frontiers numbered, null where there is none", () => {
    const columns = toContestColumns(report);
    const [families, , metrics, points, estimates, lows] = columns.map(({ values }) => values);
    expect(families).toHaveLength(4 * (5 + 6));
    const at = metrics!.findIndex((metric, i) => metric === "costToBest" && families![i] === "predictive");
    expect([estimates![at], lows![at], points![at]]).toEqual([0.8 * 1.05, 0.8 * 1.05 * 0.9, null]);
    const none = metrics!.findIndex((metric, i) => metric === "gapClosed" && families![i] === "no-trade");
    expect(estimates![none]).toBeNull();
    expect(points!.filter((point) => point === 2)).toHaveLength(8);
  });
});
