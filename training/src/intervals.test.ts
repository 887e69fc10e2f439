import { DAY_MS, HOUR_MS, seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { type Errors, quantilesOf, withQuantiles } from "./intervals.ts";
import { emptyArtefact } from "./standardisation.ts";

const STRIDE_HOURS = 5;
const TIMES = 2000;
const END = TIMES * STRIDE_HOURS * HOUR_MS;

/** Errors of two assets, the second three times as wide; `shift` is added to those before half of the times. */
function errorsOf(seed: number, shift = 0): Errors {
  const random = seededRandom(seed);
  const rows = TIMES * 2;
  return {
    times: Float64Array.from({ length: rows }, (_, r) => Math.floor(r / 2) * STRIDE_HOURS * HOUR_MS),
    asset: Float64Array.from({ length: rows }, (_, r) => r % 2),
    log: Float64Array.from(
      { length: rows },
      (_, r) => (r % 2 === 0 ? 1 : 3) * random.normal() + (r < rows / 2 ? shift : 0),
    ),
  };
}

const rows = {
  strideHours: STRIDE_HOURS,
  times: new Float64Array(1),
  asset: new Float64Array(1),
  features: new Float64Array(1000),
  targets: new Float64Array(4).fill(1),
};
const artefact = {
  ...emptyArtefact(rows, [1, 1, 1, 1], 168),
  assets: ["A", "B", "NEW"].map((asset) => ({ asset, logBias: new Float64Array(4) })),
};
const fit = (errors: Errors, at: number) =>
  withQuantiles(artefact, [[errors, errors, errors, errors]], at, STRIDE_HOURS);

describe("withQuantiles", () => {
  it("default: each asset's quantiles lie between its own and those of all; a new asset has those of all", () => {
    const { logQuantiles, assets } = fit(errorsOf(1), END);
    const [calm, wild, fresh] = assets.map((effect) => effect.logQuantiles![0]!);
    // 120 days of errors weigh ¾ of the asset's own 5 % quantile, −1.645 and −4.935.
    const pooled = logQuantiles![0]![0]!;
    expect(calm![0]).toBeCloseTo(0.75 * -1.645 + 0.25 * pooled, 0);
    expect(wild![0]).toBeCloseTo(0.75 * -4.935 + 0.25 * pooled, 0);
    expect(calm![0]).toBeGreaterThan(pooled);
    expect(wild![0]).toBeLessThan(pooled);
    expect(fresh).toEqual(logQuantiles![0]);
  });

  it("behaviour: errors older than the window, and outcomes that have not ended, change no bit", () => {
    const old = END - 130 * DAY_MS;
    const errors = errorsOf(2);
    const at = END - 10 * DAY_MS;
    const perturbed = errors.log.map((x, i) => {
      const time = errors.times[i]!;
      return time < old - 1 || time + HOUR_MS > at ? x + 50 : x;
    });
    const base = fit(errors, at);
    const again = fit({ ...errors, log: perturbed }, at);
    expect(again.logQuantiles![0]).toEqual(base.logQuantiles![0]);
    expect(again.assets.map((effect) => effect.logQuantiles![0])).toEqual(
      base.assets.map((effect) => effect.logQuantiles![0]),
    );
    expect(fit({ ...errors, log: errors.log.map((x) => x + 1) }, at).logQuantiles![0]![2]).toBeCloseTo(
      base.logQuantiles![0]![2]! + 1,
      12,
    );
  });

  it("default: quantiles interpolate between order statistics", () => {
    expect([...quantilesOf([3, 1, 2, 0, 4])]).toEqual([0.2, 1, 2, 3, 3.8]);
  });
});
