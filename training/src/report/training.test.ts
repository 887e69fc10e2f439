import { HOUR_MS, unixMillis } from "@ballast/data";
import { FEATURE_NAMES, HORIZONS_HOURS } from "@ballast/model";
import { beforeAll, describe, expect, it } from "vitest";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "../markets.fixture.ts";
import { type Evaluated, type TrainedModel, train } from "../train.ts";
import { type TrainingReport, toTrainingReport } from "./training.ts";
import { toHeadline, toTrainingPage } from "./trainingPage.ts";

const HOURS = 2400;
const HOSTILE = `</title><script>alert("x")</script>`;

describe("training report", () => {
  let model: TrainedModel;
  let evaluated: Evaluated;
  let report: TrainingReport;
  beforeAll(async () => {
    const market = clean({ ...(await syntheticRaw(4, HOURS, ["BTC", "ETH"])), exogenous: [] });
    const handed: Evaluated[] = [];
    model = await train({ ...market, name: HOSTILE, past: (t) => market.past(t) }, SMALL_CONFIG, {
      until: unixMillis(START + HOURS * HOUR_MS),
      log: () => {},
      backend: "wasm",
      onEvaluated: (handedOut) => handed.push(handedOut),
    });
    expect(handed).toHaveLength(1);
    evaluated = handed[0]!;
    report = toTrainingReport(model.manifest, evaluated);
  });

  it("default: the scores are those of the manifest, found another way", () => {
    expect(report.horizons.map(({ horizonHours }) => horizonHours)).toEqual(HORIZONS_HOURS);
    for (const [h, { scores }] of report.horizons.entries()) {
      const { qlike, ratioToLogHar, tAgainstLogHar, tAgainstLinear } = model.manifest.metrics[h]!;
      const byName = Object.fromEntries(scores.map((score) => [score.name, score]));
      for (const [name, score] of Object.entries(byName)) {
        expect(score.qlike).toBeCloseTo(qlike[name as keyof typeof qlike], 10);
        expect(score.ratioToLogHar).toBeCloseTo(ratioToLogHar[name as keyof typeof ratioToLogHar], 10);
      }
      expect(byName.logHar!.dieboldMariano!.t).toBeCloseTo(tAgainstLogHar, 8);
      expect(byName.linear!.dieboldMariano!.t).toBeCloseTo(tAgainstLinear, 8);
      expect(byName.network!.dieboldMariano).toBeNull();
      // The last model to remain is never rejected.
      expect(Math.max(...scores.map(({ confidenceP }) => confidenceP))).toBe(1);
      expect(scores.some(({ isInConfidenceSet }) => isInConfidenceSet)).toBe(true);
    }
  });

  it("behaviour: every pair and every span is counted once", () => {
    const { dataset, outOfSample } = evaluated;
    const rows = dataset.times.length * dataset.assets.length - outOfSample.firstRow;
    for (const { againstRealised, overTime, scores } of report.horizons) {
      expect(againstRealised.cells.reduce((sum, [, , count]) => sum + count, 0)).toBe(rows);
      expect(againstRealised.low).toBeLessThan(againstRealised.high);
      expect([...overTime.at].sort()).toEqual(overTime.at);
      const network = overTime.qlike.network!;
      const times = rows / dataset.assets.length;
      const edge = (k: number) => Math.round((k * times) / network.length);
      const sum = network.reduce((total, value, k) => total + value * (edge(k + 1) - edge(k)), 0);
      expect(sum / times).toBeCloseTo(scores.find(({ name }) => name === "network")!.qlike, 10);
    }
    const { raw, predictions } = report.breach;
    expect(raw.reliability.reduce((sum, { count }) => sum + count, 0)).toBe(predictions);
  });

  it("behaviour: recalibration is scored in the last fold as in the manifest, and band by band", () => {
    expect(report.breach.raw.brierSkill).toBeCloseTo(model.manifest.calibration.brierSkillRaw, 10);
    expect(report.breach.recalibrated.brierSkill).toBeCloseTo(
      model.manifest.calibration.brierSkillCalibrated,
      10,
    );
  });

  it("behaviour: the bands divide the predictions, and a tighter one is left more often", () => {
    const { bands, predictions } = report.breach;
    const counts = bands.map(({ reliability }) => reliability.reduce((sum, { count }) => sum + count, 0));
    expect(bands.map(({ width }) => width)).toEqual([0.015, 0.02, 0.03]);
    expect(counts).toEqual(counts.map(() => predictions / 3));
    const left = bands.map(({ reliability }) =>
      reliability.reduce((sum, { count, frequency }) => sum + count * frequency, 0),
    );
    expect(left[0]).toBeGreaterThan(left[2]!);
  });

  it("behaviour: coverage is that of the manifest, over all assets and of each", () => {
    for (const [h, { quantiles }] of report.horizons.entries()) {
      expect(quantiles.intervalCoverage).toBeCloseTo(model.manifest.metrics[h]!.coverage90, 10);
      expect(quantiles.intervalLevel).toBeCloseTo(0.9, 10);
      expect([...quantiles.observed].sort((a, b) => a - b)).toEqual(quantiles.observed);
      const { assets, observed } = quantiles;
      expect(assets.reduce((sum, { coverage }) => sum + coverage / assets.length, 0)).toBeCloseTo(
        quantiles.intervalCoverage,
        10,
      );
      expect(observed.at(-1)! - observed[0]!).toBeCloseTo(quantiles.intervalCoverage, 10);
      for (const { kupiecP, christoffersenP } of assets) {
        expect(kupiecP).toBeGreaterThanOrEqual(0);
        expect(christoffersenP).toBeLessThanOrEqual(1);
      }
    }
  });

  it("behaviour: a feature that never varies has no importance, and one of volatility has most", () => {
    expect(new Set(report.importance.map(({ feature }) => feature))).toEqual(new Set(FEATURE_NAMES));
    const of = (name: string) => report.importance.find(({ feature }) => feature === name)!;
    // The market has no base fee.
    expect(of("log_base_fee_1h").perHorizon).toEqual([0, 0, 0, 0]);
    expect(report.importance[0]!.feature).toMatch(/log_rv|log_range/);
    expect(report.importance[0]!.mean).toBeGreaterThan(0.01);
    // The evaluation it was handed is left as it was.
    expect(toTrainingReport(model.manifest, evaluated)).toEqual(report);
  });

  it("default: the page is whole, self-contained and escapes what the data says", () => {
    const page = toTrainingPage(report, `0x${"ab".repeat(32)}`);
    expect(toTrainingPage(report, `0x${"ab".repeat(32)}`)).toBe(page);
    expect(page).toContain(toHeadline(report.horizons));
    for (const text of [
      "Scores and tests",
      "Forecast against realised",
      "QLIKE over time",
      "leaves its band",
    ])
      expect(page).toContain(text);
    expect(page).not.toContain("<script");
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(page).not.toMatch(/(?:src|href)="(?!#|data:)/);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(page.match(/<svg role="img"/g)).toHaveLength(4 + 4 + 1 + 1 + 1);
    expect(Buffer.byteLength(page)).toBeLessThan(1_500_000);
  });

  it("behaviour: the JSON reads back as what it was", () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});
