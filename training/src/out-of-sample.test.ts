import { HOUR_MS, seededRandom } from "@ballast/data";
import { calibrate, FORECASTERS, type OutOfSampleReport } from "@ballast/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BreachOutcomes, toCalibrated } from "./calibration.ts";
import type { Dataset } from "./dataset.ts";
import { START } from "./markets.fixture.ts";
import { toOutOfSampleReport } from "./out-of-sample.ts";
import { type OutOfSample, toFolds } from "./walkforward.ts";

const STRIDE = 5;
const LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95];

interface Shape {
  readonly seed: number;
  readonly times: number;
  readonly assets: number;
  readonly folds: number;
}

/** A walk-forward as it could have been, drawn by a seed. */
function drawn({ seed, times, assets, folds: foldCount }: Shape) {
  const random = seededRandom(seed);
  const noise = () => Math.exp(2 * random.uniform() - 1);
  const folds = toFolds(times, STRIDE, { folds: foldCount, testShare: 0.5 });
  const firstRow = folds[0]!.testStart * assets;
  const cells = (times * assets - firstRow) * 4;
  const table = () => Float64Array.from({ length: cells }, noise);
  const dataset = {
    assets: Array.from({ length: assets }, (_, a) => `A${a}`),
    strideHours: STRIDE,
    times: Float64Array.from({ length: times }, (_, t) => START + t * STRIDE * HOUR_MS),
    targets: Float64Array.from({ length: times * assets * 4 }, noise),
  } as Pick<Dataset, "assets" | "strideHours" | "times" | "targets"> as Dataset;
  const forecasts = { network: table(), linear: table(), logHar: table(), ewma: table() };
  const quantiles = Float64Array.from(
    Array.from({ length: cells }).flatMap(() => LEVELS.map(noise).sort((x, y) => x - y)),
  );
  const outOfSample = { folds, firstRow, forecasts, quantiles } as Pick<
    OutOfSample,
    "folds" | "firstRow" | "forecasts" | "quantiles"
  > as OutOfSample;
  const said = folds.flatMap(({ testStart, testEnd }, fold) =>
    Array.from({ length: testEnd - testStart }, (_, t) => ({
      time: dataset.times[testStart + t]!,
      fold,
      raw: random.uniform(),
      came: random.uniform() < 0.3 ? 1 : 0,
    })),
  );
  const breaches: BreachOutcomes = {
    raw: Float64Array.from(said, ({ raw }) => raw),
    outcome: Uint8Array.from(said, ({ came }) => came),
    fold: Uint8Array.from(said, ({ fold }) => fold),
    time: Float64Array.from(said, ({ time }) => time),
    band: new Uint8Array(said.length),
  };
  return { dataset, outOfSample, breaches };
}

const shapes = fc.record({
  seed: fc.nat(),
  times: fc.integer({ min: 180, max: 300 }),
  assets: fc.integer({ min: 1, max: 3 }),
  folds: fc.integer({ min: 1, max: 5 }),
});
const overShapes = (
  holds: (all: ReturnType<typeof drawn>, report: OutOfSampleReport, folds: number) => void,
) =>
  fc.assert(
    fc.property(shapes, (shape) => {
      const all = drawn(shape);
      holds(all, toOutOfSampleReport(all.dataset, all.outOfSample, all.breaches), shape.folds);
    }),
    { seed: 1, numRuns: 25 },
  );
/** Equal but for six digits. */
const expectNear = (found: number, wanted: number) =>
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(5.01e-6 * Math.abs(wanted));

describe("toOutOfSampleReport", () => {
  it("default: each span has the mean loss of the rows between its dates, in plain loops", () =>
    overShapes(({ dataset, outOfSample }, { spans }) => {
      for (const { from, until, rows, qlike } of spans) {
        for (const name of FORECASTERS) {
          for (let h = 0; h < 4; h++) {
            const losses: number[] = [];
            for (const [t, time] of dataset.times.entries()) {
              if (time < Date.parse(from) || time > Date.parse(until)) continue;
              for (let a = 0; a < dataset.assets.length; a++) {
                const row = t * dataset.assets.length + a;
                const ratio =
                  dataset.targets[row * 4 + h]! /
                  outOfSample.forecasts[name][(row - outOfSample.firstRow) * 4 + h]!;
                // Patton 2011, eq. 24.
                losses.push(ratio - Math.log(ratio) - 1);
              }
            }
            expect(rows).toBe(losses.length);
            expectNear(qlike[name][h]!, losses.reduce((sum, x) => sum + x, 0) / losses.length);
          }
        }
      }
    }));

  it("behaviour: spans tile the test blocks, and none lies in two", () =>
    overShapes(({ dataset, outOfSample }, { spans }, folds) => {
      const covered = spans.flatMap(({ from, until, fold }) =>
        [...dataset.times]
          .filter((time) => time >= Date.parse(from) && time <= Date.parse(until))
          .map((time) => ({ time, fold })),
      );
      const blocks = outOfSample.folds.flatMap(({ testStart, testEnd }, fold) =>
        [...dataset.times.subarray(testStart, testEnd)].map((time) => ({ time, fold })),
      );
      expect(covered).toEqual(blocks);
      expect(spans).toHaveLength(Math.round(24 / folds) * folds);
    }));

  it("default: bins of what was said, each with what came, counted one by one", () =>
    overShapes(({ breaches }, { breach }, folds) => {
      const calibrated = toCalibrated(breaches);
      const isCounted = (i: number) => folds === 1 || breaches.fold[i]! > 0;
      for (const [said, bins] of [
        [breaches.raw, breach.raw],
        [calibrated, breach.recalibrated],
      ] as const) {
        let b = 0;
        for (let tenth = 0; tenth < 10; tenth++) {
          const members = [...said.keys()].filter(
            (i) => isCounted(i) && Math.min(9, Math.floor(said[i]! * 10)) === tenth,
          );
          if (members.length === 0) continue;
          const mean = (value: (i: number) => number) =>
            members.reduce((sum, i) => sum + value(i), 0) / members.length;
          const bin = bins[b++]!;
          expect(bin.count).toBe(members.length);
          expectNear(
            bin.forecast,
            mean((i) => said[i]!),
          );
          expectNear(
            bin.observed,
            mean((i) => breaches.outcome[i]!),
          );
        }
        expect(bins).toHaveLength(b);
      }
      const counted = [...breaches.time].filter((_, i) => isCounted(i));
      expect([Date.parse(breach.from), Date.parse(breach.until)]).toEqual([counted[0], counted.at(-1)]);
      // One block alone knew of no outcome.
      if (folds === 1) expect(breach.recalibrated).toEqual(breach.raw);
    }));

  it("default: the share of outcomes at or below each quantile, counted one by one", () =>
    overShapes(({ dataset, outOfSample }, { quantiles }) => {
      expect(quantiles.map(({ horizonHours }) => horizonHours)).toEqual([1, 4, 24, 168]);
      for (const [h, { rows, levels, observed }] of quantiles.entries()) {
        expect(levels).toEqual(LEVELS);
        for (let q = 0; q < 5; q++) {
          const isBelow: boolean[] = [];
          for (let row = outOfSample.firstRow; row * 4 < dataset.targets.length; row++) {
            const quantile = outOfSample.quantiles[((row - outOfSample.firstRow) * 4 + h) * 5 + q]!;
            isBelow.push(dataset.targets[row * 4 + h]! <= quantile);
          }
          expect(rows).toBe(isBelow.length);
          expectNear(observed[q]!, isBelow.filter(Boolean).length / isBelow.length);
        }
      }
    }));

  it("behaviour: what comes after a span, or after a block's begin, changes nothing of what was before it", () => {
    const { dataset, outOfSample, breaches } = drawn({ seed: 3, times: 240, assets: 2, folds: 3 });
    const before = toOutOfSampleReport(dataset, outOfSample, breaches);
    const cut = outOfSample.folds[2]!.testStart;
    const changed = toOutOfSampleReport(
      { ...dataset, targets: dataset.targets.map((y, i) => (i >= cut * 2 * 4 ? 3 * y : y)) },
      outOfSample,
      { ...breaches, outcome: breaches.outcome.map((o, i) => (breaches.fold[i] === 2 ? 1 - o : o)) },
    );
    expect(changed.spans.filter(({ fold }) => fold < 2)).toEqual(before.spans.filter(({ fold }) => fold < 2));
    expect(changed.spans.at(-1)).not.toEqual(before.spans.at(-1));
    // The probabilities were said before: only what came of them is other.
    const saidOf = ({ breach }: OutOfSampleReport) =>
      breach.recalibrated.map(({ forecast, count }) => ({ forecast, count }));
    expect(saidOf(changed)).toEqual(saidOf(before));
    expect(changed.breach.recalibrated).not.toEqual(before.breach.recalibrated);
  });

  it("behaviour: probabilities that recalibration made right lie on the diagonal, the raw ones beside it", () => {
    const random = seededRandom(2);
    const n = 60_000;
    const truth = Float64Array.from({ length: n }, () => random.uniform());
    const { dataset, outOfSample } = drawn({ seed: 1, times: 200, assets: 1, folds: 3 });
    const { breach } = toOutOfSampleReport(dataset, outOfSample, {
      // Overconfident: log odds doubled.
      raw: truth.map((p) => calibrate(p, { a: 0, b: 2 })),
      outcome: Uint8Array.from(truth, (p) => (random.uniform() < p ? 1 : 0)),
      fold: Uint8Array.from({ length: n }, (_, i) => Math.floor((3 * i) / n)),
      time: Float64Array.from({ length: n }, (_, i) => START + Math.round((i / n) * 60 * 365 * 24) * HOUR_MS),
      band: new Uint8Array(n),
    });
    const worst = (bins: OutOfSampleReport["breach"]["raw"]) =>
      Math.max(...bins.map(({ forecast, observed }) => Math.abs(forecast - observed)));
    // Each tenth has some 4,000 predictions: two standard errors are √(0.25/4000)·2 = 0.016.
    expect(worst(breach.recalibrated)).toBeLessThan(0.03);
    expect(worst(breach.raw)).toBeGreaterThan(0.1);
  });
});
