import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { realisedMeasures } from "./har-measures.ts";
import { type VarianceHistory, varianceModels } from "./variance-models.ts";

/** 400 periods of 12 returns whose variance clusters; from `changeAt` on, of another seed. */
function history(changeAt: number): VarianceHistory {
  const [before, after] = [seededRandom(1), seededRandom(2)];
  const intraday = new Float64Array(400 * 12);
  let h = 1;
  for (let p = 0; p < 400; p++) {
    let sum = 0;
    for (let i = 0; i < 12; i++) {
      const noise = [before.normal(), after.normal()];
      intraday[p * 12 + i] = 0.01 * Math.sqrt(h / 12) * noise[p < changeAt ? 0 : 1]!;
      sum += intraday[p * 12 + i]! * 100;
    }
    h = 0.05 + 0.1 * sum * sum + 0.85 * h;
  }
  const returns = Float64Array.from({ length: 400 }, (_, p) =>
    intraday.subarray(p * 12, (p + 1) * 12).reduce((s, r) => s + r, 0),
  );
  return { returns, measures: realisedMeasures(intraday, 12) };
}

describe("variance models", () => {
  const whole = history(400);
  const models = varianceModels([1, 4], [1, 5, 22]);

  it("default: each kind once, each forecasting a variance of the right size", () => {
    expect(new Set(models.map((m) => m.name)).size).toBe(12);
    const mean = whole.measures.rv.subarray(300).reduce((s, v) => s + v, 0) / 100;
    for (const model of models) {
      const rows = model.fit(whole, 0, 300).forecastRows(whole);
      expect(rows).toHaveLength(800);
      const ahead = rows.subarray(600).reduce((s, v) => s + v, 0) / 200;
      expect(ahead / mean, model.name).toBeGreaterThan(0.5);
      expect(ahead / mean, model.name).toBeLessThan(2);
    }
  });

  it("behaviour: what comes after the window or after a period changes no bit before it", () => {
    const changed = history(300);
    for (const model of models) {
      const rows = model.fit(whole, 0, 300).forecastRows(whole).subarray(0, 600);
      expect(model.fit(changed, 0, 300).forecastRows(changed).subarray(0, 600), model.name).toEqual(rows);
    }
  });
});
