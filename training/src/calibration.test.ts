import { HOUR_MS, seededRandom, unixMillis } from "@ballast/data";
import { calibrate } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { chooseBackend } from "./backend.ts";
import { fitCalibration, toBreachOutcomes, toCalibrated } from "./calibration.ts";
import { toDataset } from "./dataset.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "./markets.fixture.ts";
import { toFolds, walkForward } from "./walkforward.ts";

describe("fitCalibration", () => {
  it("behaviour: turns overconfident probabilities into honest ones, judged on a fold it did not see", () => {
    const random = seededRandom(2);
    const n = 6000;
    const truth = Float64Array.from({ length: n }, () => random.uniform());
    const outcome = Uint8Array.from(truth, (p) => (random.uniform() < p ? 1 : 0));
    // Doubled log odds, and one unit too many: p = logistic(−½ + ½·logit(raw)).
    const raw = truth.map((p) => 1 / (1 + Math.exp(-(2 * Math.log(p / (1 - p)) + 1))));
    const fold = Uint8Array.from({ length: n }, (_, i) => Math.floor((3 * i) / n));
    const year = 365 * 24 * HOUR_MS;
    const spread = (years: number) => Float64Array.from({ length: n }, (_, i) => (i / n) * years * year);
    const rest = { raw, fold, band: new Uint8Array(n) };
    const calibration = fitCalibration({ ...rest, outcome, time: spread(30) });
    expect(Math.abs(calibration.a + 0.5)).toBeLessThan(0.1);
    expect(Math.abs(calibration.b - 0.5)).toBeLessThan(0.05);
    // Half a year of days goes half the way from the identity, a = 0 and b = 1.
    const brief = fitCalibration({ ...rest, outcome, time: spread(180 / 365) });
    expect(Math.abs(brief.a + 0.25)).toBeLessThan(0.05);
    expect(Math.abs(brief.b - 0.75)).toBeLessThan(0.03);
    expect(calibration.brierSkillCalibrated).toBeGreaterThan(calibration.brierSkillRaw + 0.05);
    expect(calibration.predictions).toBe(n);
    expect(calibration.frequency).toBeCloseTo(0.5, 1);
    // Turning the last fold's outcomes around must not reach the fit that is judged on it.
    const turned = { ...rest, outcome: outcome.map((o, i) => (fold[i] === 2 ? 1 - o : o)), time: spread(30) };
    expect(toCalibrated(turned)).toEqual(toCalibrated({ ...turned, outcome }));
    expect(fitCalibration(turned).brierSkillCalibrated).toBeLessThan(0);
    // Nothing is known before the first fold.
    const first = fold.indexOf(1);
    expect(toCalibrated(turned).subarray(0, first)).toEqual(
      raw.subarray(0, first).map((p) => calibrate(p, { a: 0, b: 1 })),
    );
  });
});

describe("toBreachOutcomes", () => {
  it("default: predictions of generic vaults with what their weights then did", async () => {
    await chooseBackend("wasm", () => {});
    const market = clean(await syntheticRaw(5, 3000, ["BTC", "ETH", "SOL"]));
    const dataset = await toDataset(market, { until: unixMillis(START + 3000 * HOUR_MS), maxRows: 1500 });
    const folds = toFolds(dataset.times.length, dataset.strideHours, SMALL_CONFIG);
    const outOfSample = await walkForward(dataset, folds, { ...SMALL_CONFIG, maxEpochs: 1 }, { seed: 1 });
    const { raw, outcome, fold, time, band } = toBreachOutcomes(market, dataset, outOfSample, 40);
    expect([...band.subarray(0, 12)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect(time[0]).toBe(dataset.times[folds[0]!.testStart]);
    // Three bands and four holdings at each sampled time.
    expect(raw.length % 12).toBe(0);
    expect(raw.length).toBeGreaterThanOrEqual(40 * 12);
    expect(outcome.length).toBe(raw.length);
    expect([...new Set(fold)]).toEqual([0, 1]);
    expect(raw.every((p) => p >= 0 && p <= 1)).toBe(true);
    // A wider band of the same vault is likelier to hold, in forecast and in fact.
    for (let at = 0; at < raw.length; at += 12) {
      for (let i = 0; i < 4; i++) {
        expect(outcome[at + 8 + i]!).toBeLessThanOrEqual(outcome[at + i]!);
      }
    }
    // Those said to be likeliest happen more often than those said to be least likely.
    const order = [...raw.keys()].sort((i, j) => raw[i]! - raw[j]!);
    const quarter = Math.floor(order.length / 4);
    const happened = (rows: number[]) => rows.reduce((sum, i) => sum + outcome[i]!, 0) / rows.length;
    expect(happened(order.slice(-quarter))).toBeGreaterThan(happened(order.slice(0, quarter)) + 0.01);
  });
});
