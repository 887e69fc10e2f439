import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { DEM2GBP } from "./dem2gbp.fixture.ts";
import { fitGarch, type GarchModel } from "./garch.ts";
import {
  filterVariance,
  forecastGarchRows,
  forecastVariance,
  nextVariance,
  persistenceOf,
} from "./garch-forecast.ts";

const GJR: GarchModel = {
  kind: "gjr",
  distribution: "normal",
  mu: 0.01,
  omega: 0.02,
  alpha: 0.04,
  gamma: 0.1,
  beta: 0.88,
  nu: Number.POSITIVE_INFINITY,
  startVariance: 1,
};
const EGARCH: GarchModel = {
  ...GJR,
  kind: "egarch",
  omega: -0.01,
  alpha: 0.2,
  gamma: -0.08,
  beta: 0.95,
};

describe("GARCH forecasts", () => {
  // Python arch 8.0.0, the fits of garch.test.ts, r.forecast(horizon=24): steps 1, 2, 4 and 24.
  it.each([
    ["garch", "normal", [0.14698111, 0.15172963, 0.16065237, 0.2186695]],
    ["gjr", "normal", [0.14526003, 0.15011558, 0.15919709, 0.21650323]],
    ["gjr", "student-t", [0.12844909, 0.13106519, 0.13629739, 0.1886194]],
  ] as const)("default: %s, %s on DEM/GBP equals arch's", (kind, distribution, expected) => {
    const { model } = fitGarch(DEM2GBP, { kind, distribution, startUp: 0.22 });
    const path = forecastVariance(model, filterVariance(model, DEM2GBP).at(-1)!, 24);
    for (const [i, step] of [1, 2, 4, 24].entries()) expect(path[step - 1]! / expected[i]!).toBeCloseTo(1, 4);
  });

  it.each([GJR, EGARCH])("default: $kind equals the mean of simulated paths", (model) => {
    const random = seededRandom(9);
    const steps = 12;
    const paths = 40_000;
    const sums = new Float64Array(steps);
    const squares = new Float64Array(steps);
    for (let p = 0; p < paths; p++) {
      let h = 2.5;
      for (let k = 0; k < steps; k++) {
        sums[k] = sums[k]! + h / paths;
        squares[k] = squares[k]! + (h * h) / paths;
        h = nextVariance(model, h, model.mu + Math.sqrt(h) * random.normal());
      }
    }
    const path = forecastVariance(model, 2.5, steps);
    expect(path[0]).toBeCloseTo(2.5, 12);
    for (let k = 1; k < steps; k++) {
      const error = Math.sqrt((squares[k]! - sums[k]! ** 2) / paths);
      expect(Math.abs(path[k]! - sums[k]!) / error).toBeLessThan(4);
    }
  });

  it("default: rows hold the mean of the path ahead of each return", () => {
    for (const model of [GJR, EGARCH, { ...GJR, beta: 0.91 - 1e-9 }]) {
      const returns = DEM2GBP.subarray(0, 50);
      const rows = forecastGarchRows(model, returns, [1, 4, 24]);
      for (const i of [0, 17, 49]) {
        const path = forecastVariance(model, filterVariance(model, returns.subarray(0, i + 1)).at(-1)!, 24);
        for (const [h, steps] of [1, 4, 24].entries()) {
          const mean = path.subarray(0, steps).reduce((s, v) => s + v, 0) / steps;
          expect(rows[i * 3 + h]! / mean).toBeCloseTo(1, 6);
        }
      }
    }
  });

  it("behaviour: no forecast depends on a return after it, to the bit", () => {
    const changed = DEM2GBP.map((r, i) => (i > 900 ? 5 - r : r));
    for (const model of [GJR, EGARCH]) {
      const rows = forecastGarchRows(model, DEM2GBP, [1, 24]).subarray(0, 901 * 2);
      expect(forecastGarchRows(model, changed, [1, 24]).subarray(0, 901 * 2)).toEqual(rows);
    }
  });

  it("behaviour: forecasts tend to the unconditional variance at the rate of the persistence", () => {
    expect(persistenceOf(GJR)).toBeCloseTo(0.97, 12); // 0.04 + 0.1/2 + 0.88
    const longRun = 0.02 / 0.03;
    expect(forecastVariance(GJR, 5, 400)[399]).toBeCloseTo(longRun, 4);
    expect(forecastVariance(GJR, longRun, 10)[9]).toBeCloseTo(longRun, 12);
    expect(persistenceOf(EGARCH)).toBe(0.95);
  });
});
