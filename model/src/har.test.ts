import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { DEM2GBP } from "./dem2gbp.fixture.ts";
import {
  BadHarOptionsError,
  BadMeasureError,
  fitHar,
  forecastHarRows,
  NoHarHistoryError,
  NoVarianceError,
  predictHar,
  TooFewPeriodsError,
} from "./har.ts";
import { type RealisedMeasures, realisedMeasures } from "./har-measures.ts";
import { HAR_KINDS, type HarKind } from "./har-terms.ts";

/** The regressors after the constant, spelt out; p is a period, m the measures. */
const TWIN_TERMS: Record<HarKind, (m: RealisedMeasures, p: number) => number[]> = {
  har: (m, p) => [m.rv[p]!, mean(m.rv, p, 5), mean(m.rv, p, 22)],
  "log-har": (m, p) => [m.rv[p]!, mean(m.rv, p, 5), mean(m.rv, p, 22)].map(Math.log),
  "har-j": (m, p) => [m.rv[p]!, mean(m.rv, p, 5), mean(m.rv, p, 22), m.jump[p]!],
  char: (m, p) => [m.bv[p]!, mean(m.bv, p, 5), mean(m.bv, p, 22)],
  shar: (m, p) => [m.rsPlus[p]!, m.rsMinus[p]!, mean(m.rv, p, 5), mean(m.rv, p, 22)],
  harq: (m, p) => [m.rv[p]!, mean(m.rv, p, 5), mean(m.rv, p, 22), Math.sqrt(m.rq[p]!) * m.rv[p]!],
};

function mean(x: Float64Array, end: number, length: number): number {
  let sum = 0;
  for (let age = 0; age < length; age++) sum += x[end - age]!;
  return sum / length;
}

/** Least squares by Gauss-Jordan with pivoting on columns scaled to 1. */
function twinLeastSquares(rows: number[][], y: number[], weights = y.map(() => 1)): number[] {
  const k = rows[0]!.length;
  const scale = rows[0]!.map((_, j) => Math.sqrt(rows.reduce((s, x) => s + x[j]! ** 2, 0)));
  const system = scale.map((si, i) => [
    ...scale.map((sj, j) => rows.reduce((s, x, r) => s + (weights[r]! * x[i]! * x[j]!) / (si * sj), 0)),
    rows.reduce((s, x, r) => s + (weights[r]! * x[i]! * y[r]!) / si, 0),
  ]);
  for (let c = 0; c < k; c++) {
    const pivot = system.slice(c).reduce((a, b) => (Math.abs(b[c]!) > Math.abs(a[c]!) ? b : a));
    system.splice(system.indexOf(pivot), 1);
    system.splice(c, 0, pivot);
    for (const row of system) {
      if (row === pivot) continue;
      const factor = row[c]! / pivot[c]!;
      for (let j = c; j <= k; j++) row[j] = row[j]! - factor * pivot[j]!;
    }
  }
  return system.map((row, i) => row[k]! / row[i]! / scale[i]!);
}

/** Clustered intraday returns with jumps: 24 in each of `periods`. */
function simulatedMeasures(periods: number, seed = 4): RealisedMeasures {
  const random = seededRandom(seed);
  let level = 0;
  const returns = new Float64Array(periods * 24);
  for (let i = 0; i < returns.length; i++) {
    if (i % 24 === 0) level = 0.95 * level + 0.3 * random.normal();
    const jump = random.uniform() < 0.01 ? 0.02 * random.normal() : 0;
    returns[i] = 0.002 * Math.exp(level / 2) * random.normal() + jump;
  }
  return realisedMeasures(returns, 24);
}

const simulated = simulatedMeasures(600);

describe("HAR models", () => {
  it.each(HAR_KINDS)("default: %s equals least squares written out, at each horizon", (kind) => {
    const model = fitHar(simulated, { kind, horizons: [1, 5] });
    for (const [h, horizon] of [1, 5].entries()) {
      const rows: number[][] = [];
      const y: number[] = [];
      for (let p = 21; p + horizon < 600; p++) {
        rows.push([1, ...TWIN_TERMS[kind](simulated, p)]);
        y.push(mean(simulated.rv, p + horizon, horizon));
      }
      const beta = twinLeastSquares(rows, kind === "log-har" ? y.map(Math.log) : y);
      expect(model.terms).toHaveLength(beta.length);
      for (const [i, b] of beta.entries())
        expect(model.coefficients[h]![i]! / b, model.terms[i]!).toBeCloseTo(1, 6);
      const z = (p: number) =>
        [1, ...TWIN_TERMS[kind](simulated, p)].reduce((s, x, i) => s + x * beta[i]!, 0);
      const ratio = y.reduce((s, v, i) => s + v / Math.exp(z(i + 21)), 0) / y.length;
      const raw = kind === "log-har" ? Math.exp(z(300)) * ratio : z(300);
      expect(predictHar(model, simulated, 300, h) / raw).toBeCloseTo(1, 6);
    }
  });

  it("default: equals Python arch's HARX on the squared returns of DEM/GBP", () => {
    // arch 8.0.0: HARX(y ** 2, lags=[1, 5, 22], rescale=False).fit()
    const rv = DEM2GBP.map((r) => r * r);
    const model = fitHar({ ...zeros(rv.length), rv }, { kind: "har", horizons: [1] });
    const expected = [0.07801882421284498, 0.08712380814389736, 0.28567629014798934, 0.2783823085526119];
    for (const [i, value] of expected.entries()) expect(model.coefficients[0]![i]! / value).toBeCloseTo(1, 6);
    expect(predictHar(model, { ...zeros(rv.length), rv }, rv.length - 1, 0)).toBeCloseTo(0.15903444, 7);
  });

  it.each(HAR_KINDS.filter((kind) => kind !== "log-har"))(
    "default: %s recovers the law of a simulation",
    (kind) => {
      const random = seededRandom(8, kind);
      const periods = 8000;
      const truth = {
        har: [0.1, 0.35, 0.3, 0.25],
        "har-j": [0.1, 0.4, 0.3, 0.25, -0.2],
        char: [0.1, 0.35, 0.3, 0.25],
        shar: [0.1, 0.1, 0.55, 0.3, 0.25],
        harq: [0.15, 0.55, 0.25, 0.2, -0.04],
      }[kind as Exclude<HarKind, "log-har">];
      const m = { ...zeros(periods) };
      for (let p = 0; p < periods; p++) {
        const ahead =
          p < 22 ? 1 : [1, ...TWIN_TERMS[kind](m, p - 1)].reduce((s, x, i) => s + x * truth[i]!, 0);
        // A noisy measure with mean `ahead`, and measures that split it at random.
        m.rv[p] = ahead * (0.5 + random.uniform());
        m.bv[p] = kind === "char" ? m.rv[p]! * (0.8 + 0.4 * random.uniform()) : m.rv[p]!;
        m.jump[p] = m.rv[p]! * 0.6 * random.uniform();
        m.rsPlus[p] = m.rv[p]! * random.uniform();
        m.rsMinus[p] = m.rv[p]! - m.rsPlus[p]!;
        m.rq[p] = (m.rv[p]! * (0.5 + random.uniform())) ** 2;
      }
      for (const weighting of ["ols", "wls"] as const) {
        const model = fitHar(m, { kind, horizons: [1], weighting });
        for (const [i, b] of truth.entries()) {
          expect(Math.abs(model.coefficients[0]![i]! - b), `${weighting} ${model.terms[i]}`).toBeLessThan(
            0.07,
          );
        }
      }
    },
  );

  it("default: weighted least squares weighs each period by its fitted variance, inverted", () => {
    const model = fitHar(simulated, { kind: "har", horizons: [1], weighting: "wls" });
    const rows: number[][] = [];
    const y: number[] = [];
    for (let p = 21; p + 1 < 600; p++) {
      rows.push([1, ...TWIN_TERMS.har(simulated, p)]);
      y.push(simulated.rv[p + 1]!);
    }
    const ols = twinLeastSquares(rows, y);
    const lowest = Math.min(...y);
    const weights = rows.map(
      (x) =>
        1 /
        Math.max(
          lowest,
          x.reduce((s, v, i) => s + v * ols[i]!, 0),
        ),
    );
    const wls = twinLeastSquares(
      rows,
      y,
      weights.map((w) => w / weights[0]!),
    );
    for (const [i, b] of wls.entries()) expect(model.coefficients[0]![i]! / b).toBeCloseTo(1, 6);
  });

  it("behaviour: a forecast outside of the range of training is replaced by the mean of training", () => {
    for (const kind of HAR_KINDS) {
      const model = fitHar(simulated, { kind, horizons: [1] });
      const targets = simulated.rv.subarray(22);
      expect(model.mean[0]! / (targets.reduce((s, v) => s + v, 0) / targets.length)).toBeCloseTo(1, 9);
      const wild = { ...zeros(60) };
      for (const measure of Object.keys(wild) as (keyof RealisedMeasures)[]) wild[measure].fill(1e3);
      expect(predictHar(model, wild, 40, 0)).toBe(model.mean[0]);
      const rows = forecastHarRows(model, simulated);
      for (let p = 21; p < 600; p++) {
        expect(rows[p]).toBe(predictHar(model, simulated, p, 0));
        expect(rows[p]! >= Math.min(...targets) && rows[p]! <= Math.max(...targets)).toBe(true);
      }
      expect(rows.subarray(0, 21).every(Number.isNaN)).toBe(true);
    }
  });

  it("behaviour: nothing after the window changes the fit, nothing after a period its forecast", () => {
    const other = simulatedMeasures(600, 5);
    const changed = { ...zeros(600) };
    for (const measure of Object.keys(changed) as (keyof RealisedMeasures)[]) {
      changed[measure].set(simulated[measure].subarray(0, 400));
      changed[measure].set(other[measure].subarray(400), 400);
    }
    for (const kind of HAR_KINDS) {
      const options = { kind, horizons: [1, 24] };
      const model = fitHar(simulated, options, 50, 400);
      expect(fitHar(changed, options, 50, 400)).toEqual(model);
      expect(forecastHarRows(model, changed).subarray(0, 800)).toEqual(
        forecastHarRows(model, simulated).subarray(0, 800),
      );
      expect(fitHar(simulated, options, 50, 401)).not.toEqual(model);
    }
  });

  it("behaviour: a variance that never changes is forecast as it is, and still periods do not break the logs", () => {
    const flat = { ...zeros(200), rv: new Float64Array(200).fill(0.3), bv: new Float64Array(200).fill(0.3) };
    for (const kind of HAR_KINDS) {
      const model = fitHar(flat, { kind, horizons: [1] });
      expect(predictHar(model, flat, 150, 0)).toBeCloseTo(0.3, 9);
    }
    const still = { ...simulated, rv: simulated.rv.map((v, p) => (p % 40 < 3 ? 0 : v)) };
    const rows = forecastHarRows(fitHar(still, { kind: "log-har", horizons: [1] }), still);
    expect(rows.subarray(21).every((v) => v > 0)).toBe(true);
  });

  it("error: too few periods, bad measures, no variance, no history, bad options", () => {
    const options = { kind: "har", horizons: [1] } as const;
    expect(() => fitHar(simulated, options, 0, 60)).toThrow(TooFewPeriodsError); // 60 − 22 = 38 < 40
    expect(fitHar(simulated, options, 0, 62).coefficients).toHaveLength(1);
    const holed = { ...simulated, rq: simulated.rq.map((v, p) => (p === 30 ? Number.NaN : v)) };
    expect(() => fitHar(holed, options)).toThrow(BadMeasureError);
    expect(() => fitHar(holed, options)).toThrow("rq of period 30 is NaN");
    const harq = fitHar(simulated, { kind: "harq", horizons: [1] });
    expect(() => predictHar(harq, holed, 40, 0)).toThrow(BadMeasureError);
    expect(predictHar(harq, holed, 60, 0)).toBeGreaterThan(0);
    expect(() => fitHar(zeros(200), options)).toThrow(NoVarianceError);
    expect(() => predictHar(harq, simulated, 20, 0)).toThrow(NoHarHistoryError);
    for (const lags of [[], [0, 5], [5, 1], [1.5]]) {
      expect(() => fitHar(simulated, { ...options, lags })).toThrow(BadHarOptionsError);
    }
    expect(() => fitHar(simulated, { kind: "har", horizons: [0] })).toThrow(BadHarOptionsError);
    expect(() => fitHar(simulated, { kind: "log-har", horizons: [1], weighting: "wls" })).toThrow(
      BadHarOptionsError,
    );
  });
});

function zeros(n: number): RealisedMeasures {
  const column = () => new Float64Array(n);
  return { rv: column(), bv: column(), rsPlus: column(), rsMinus: column(), rq: column(), jump: column() };
}
