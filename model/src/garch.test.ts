import { readFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEM2GBP } from "./dem2gbp.fixture.ts";
import {
  BadReturnError,
  BadStartVarianceError,
  ConstantReturnsError,
  fitGarch,
  type GarchDistribution,
  type GarchFit,
  GarchNotConvergedError,
  TooFewReturnsError,
} from "./garch.ts";
import { filterVariance } from "./garch-forecast.ts";
import { type GarchKind, garchLikelihood } from "./garch-likelihood.ts";

const byName = (fit: GarchFit, of: "estimate" | "hessianError" | "robustError") =>
  Object.fromEntries(fit.parameters.map((p) => [p.name, p[of]]));

/** One unit of the sixth significant digit of `published`. */
const sixthDigit = (published: number) => 10 ** (Math.floor(Math.log10(Math.abs(published))) - 5);

describe("published benchmarks on DEM/GBP", () => {
  it("default: GARCH(1,1) to the sixth digit of Fiorentini, Calzolari & Panattoni (1996)", () => {
    // As restated by McCullough & Renfro (1999), table 2, model of a constant mean, with the standard errors of
    // Hessian and QML; start-up: variance and squared residual are the mean squared residual.
    const published = {
      estimate: { mu: -0.00619041, omega: 0.0107613, alpha: 0.153134, beta: 0.805974 },
      hessianError: { mu: 0.00846212, omega: 0.00285271, alpha: 0.0265228, beta: 0.0335527 },
      robustError: { mu: 0.00918935, omega: 0.00649319, alpha: 0.0535317, beta: 0.0724614 },
    };
    const fit = fitGarch(DEM2GBP, { kind: "garch" });
    for (const kind of ["estimate", "hessianError", "robustError"] as const) {
      const found = byName(fit, kind);
      expect(Object.keys(found)).toEqual(["mu", "omega", "alpha", "beta"]);
      for (const [name, value] of Object.entries(published[kind])) {
        expect(Math.abs(found[name]! - value), `${kind} ${name}`).toBeLessThan(1.01 * sixthDigit(value));
      }
    }
    expect(fit.logLikelihood).toBeCloseTo(-1106.60788, 5); // Brooks, Burke & Persand 2001: −1106.6
  });

  it("default: EGARCH(1,1) within a fiftieth of a standard error of the figures rugarch is checked against", () => {
    // ugarchbench("published"), which does not state its start-up rule.
    const published = {
      mu: -0.01167873487,
      omega: -0.12633933747,
      gamma: -0.03845788444,
      beta: 0.91265373928,
      alpha: 0.33305592776,
    };
    const errors = { mu: 0.00886, omega: 0.0285, gamma: 0.0192, beta: 0.0168, alpha: 0.0406 };
    const found = byName(fitGarch(DEM2GBP, { kind: "egarch" }), "estimate");
    for (const [name, value] of Object.entries(published)) {
      expect(Math.abs(found[name]! - value), name).toBeLessThan(errors[name as keyof typeof errors] / 50);
    }
  });

  // Python arch 8.0.0, every row of these from
  //   arch_model(y, mean="Constant", vol=V, p=1, o=O, q=1, dist=D, rescale=False)
  //     .fit(backcast=0.22, tol=1e-14), again from its own result; robust, then cov_type="classic" errors.
  const ARCH: readonly [GarchKind, GarchDistribution, number, number[], number[], number[]][] = [
    [
      "garch",
      "normal",
      -1106.594690354465,
      [-0.0061732812, 0.010755637, 0.15308425, 0.80604573],
      [0.00846909, 0.00285193, 0.02652164, 0.03355078],
      [0.00920497, 0.00649399, 0.05355994, 0.07249371],
    ],
    [
      "garch",
      "student-t",
      -989.7569995290773,
      [0.0021915253, 0.0027268361, 0.11702853, 0.88297147, 4.3336006],
      [0.00700428, 0.00133018, 0.02395033, 0.02447867, 0.41260829],
      [0.00689629, 0.00200376, 0.03581035, 0.03935335, 0.4119482],
    ],
    [
      "gjr",
      "normal",
      -1106.0898065610759,
      [-0.0078895657, 0.011227057, 0.14045897, 0.028324572, 0.801516],
      [0.0086328, 0.00301784, 0.0277698, 0.02895803, 0.03485678],
      [0.0089072, 0.00707025, 0.04957862, 0.04349388, 0.07710034],
    ],
    [
      "gjr",
      "student-t",
      -988.685503113731,
      [0.00093340395, 0.0026161002, 0.095862447, 0.036495061, 0.88589002, 4.2700168],
      [0.00704435, 0.00128679, 0.02583122, 0.02535706, 0.02439255, 0.40664864],
      [0.00692245, 0.00194801, 0.03629004, 0.02569009, 0.04010502, 0.40571411],
    ],
    [
      "egarch",
      "normal",
      -1102.260494322142,
      [-0.011591981, -0.12685984, 0.33267735, -0.038457796, 0.91242456],
      [0.00833205, 0.02727837, 0.03872602, 0.0182975, 0.01621308],
      [0.00887427, 0.05117827, 0.0697826, 0.02564637, 0.03277828],
    ],
    [
      "egarch",
      "student-t",
      -986.1193010036205,
      [-0.00023337082, -0.016423646, 0.25556029, -0.037938088, 0.97765236, 4.1309838],
      [0.00696057, 0.01653351, 0.04192269, 0.01778491, 0.0091545, 0.40276774],
      [0.00686367, 0.01875026, 0.06253361, 0.01818117, 0.01258289, 0.4030422],
    ],
  ];
  it.each(ARCH)(
    "default: %s, %s equals arch's, and is no less likely",
    (kind, distribution, likelihood, estimates, hessian, robust) => {
      const fit = fitGarch(DEM2GBP, { kind, distribution, startUp: 0.22 });
      expect(fit.logLikelihood).toBeGreaterThan(likelihood - 2e-4);
      expect(fit.logLikelihood).toBeCloseTo(likelihood, 3);
      for (const [i, p] of fit.parameters.entries()) {
        expect(Math.abs(p.estimate - estimates[i]!), p.name).toBeLessThan(2e-4 * hessian[i]!);
        // arch differentiates numerically twice: three digits.
        expect(p.hessianError / hessian[i]!, p.name).toBeCloseTo(1, 2);
        expect(p.robustError / robust[i]!, p.name).toBeCloseTo(1, 2);
      }
    },
  );
});

describe("fitGarch", () => {
  /** 4,000 returns under a known law. */
  function simulated(kind: GarchKind, nu: number): Float64Array {
    const random = seededRandom(3, kind);
    const scale = Number.isFinite(nu) ? Math.sqrt((nu - 2) / nu) : 1;
    let h = 1e-4;
    return Float64Array.from({ length: 4000 }, () => {
      const z = Number.isFinite(nu) ? random.studentT(nu) * scale : random.normal();
      const e = Math.sqrt(h) * z;
      h =
        kind === "egarch"
          ? Math.exp(-0.46 + 0.15 * (Math.abs(z) - Math.sqrt(2 / Math.PI)) - 0.08 * z + 0.95 * Math.log(h))
          : 4e-6 + (0.05 + (kind === "gjr" && e < 0 ? 0.1 : 0)) * e * e + 0.86 * h;
      return 2e-4 + e;
    });
  }
  const truth = {
    garch: { mu: 2e-4, omega: 4e-6, alpha: 0.05, beta: 0.86 },
    gjr: { mu: 2e-4, omega: 4e-6, alpha: 0.05, gamma: 0.1, beta: 0.86 },
    egarch: { mu: 2e-4, omega: -0.46, alpha: 0.15, gamma: -0.08, beta: 0.95 },
  };
  it.each(["garch", "gjr", "egarch"] as const)(
    "default: %s recovers the law of its own simulation",
    (kind) => {
      for (const nu of [Number.POSITIVE_INFINITY, 6]) {
        const distribution = Number.isFinite(nu) ? "student-t" : "normal";
        const fit = fitGarch(simulated(kind, nu), { kind, distribution });
        const expected: Record<string, number> = {
          ...truth[kind],
          ...(Number.isFinite(nu) ? { nu } : {}),
        };
        expect(fit.parameters.map((p) => p.name)).toEqual(Object.keys(expected));
        for (const p of fit.parameters) {
          expect(Math.abs(p.estimate - expected[p.name]!) / p.robustError, p.name).toBeLessThan(3.5);
        }
      }
    },
  );

  it("behaviour: the scale of the returns changes nothing but the units", () => {
    for (const kind of ["garch", "egarch"] as const) {
      const fit = fitGarch(DEM2GBP, { kind });
      const scaled = fitGarch(
        DEM2GBP.map((r) => r * 1e-4),
        { kind },
      );
      const shift = kind === "egarch" ? 2 * (1 - fit.model.beta) * Math.log(1e-4) : 0;
      const omega = kind === "egarch" ? fit.model.omega + shift : fit.model.omega * 1e-8;
      expect(scaled.model.omega / omega).toBeCloseTo(1, 5);
      expect(scaled.model.mu / (fit.model.mu * 1e-4)).toBeCloseTo(1, 4);
      expect(scaled.model.beta).toBeCloseTo(fit.model.beta, 6);
      expect(scaled.logLikelihood).toBeCloseTo(fit.logLikelihood - 1974 * Math.log(1e-4), 5);
      expect(scaled.parameters[0]!.robustError / (fit.parameters[0]!.robustError * 1e-4)).toBeCloseTo(1, 3);
    }
    // ω of EGARCH shifts by (1 − β) ln s², and its error with it: that of returns of unit variance, fitted anew.
    const direct = fitGarch(
      DEM2GBP.map((r) => r * 1e-4),
      { kind: "egarch", startUp: 0.22e-8 },
    );
    const theta = Float64Array.from(
      ["mu", "omega", "alpha", "gamma", "beta", "nu"] as const,
      (n) => direct.model[n],
    );
    const likelihood = garchLikelihood(
      DEM2GBP.map((r) => r * 1e-4),
      "egarch",
      false,
      0.22e-8,
    );
    const step = 1e-4;
    const slope = (shift: number) => {
      const gradient = new Float64Array(6);
      likelihood(
        theta.map((x, i) => (i === 1 ? x + shift : x)),
        gradient,
      );
      return gradient[1]!;
    };
    // The conditional error, 1/√(−∂²l/∂ω²), is no more than the error.
    const conditional = 1 / Math.sqrt((slope(-step) - slope(step)) / (2 * step));
    expect(direct.parameters[1]!.hessianError).toBeGreaterThan(conditional);
  });

  it("behaviour: no admissible parameters near the estimate are likelier", () => {
    const fit = fitGarch(DEM2GBP, { kind: "gjr" });
    const theta = Float64Array.from(
      ["mu", "omega", "alpha", "gamma", "beta", "nu"] as const,
      (n) => fit.model[n],
    );
    const likelihood = garchLikelihood(DEM2GBP, "gjr", false, null);
    expect(likelihood(theta)).toBeCloseTo(fit.logLikelihood, 8);
    // To a millionth of a standard error: the slope, as a Newton step would see it.
    const gradient = new Float64Array(6);
    likelihood(theta, gradient);
    const slots = { mu: 0, omega: 1, alpha: 2, gamma: 3, beta: 4, nu: 5 };
    for (const p of fit.parameters) {
      expect(Math.abs(gradient[slots[p.name]]! * p.hessianError), p.name).toBeLessThan(1e-6);
    }
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }),
        (moves) => {
          const near = theta.map((x, i) => x * (1 + 0.05 * moves[i]!));
          return likelihood(near) <= fit.logLikelihood + 1e-7;
        },
      ),
      { seed: 1, numRuns: 60 },
    );
  });

  it("default: a zero mean is not estimated, and each start-up rule gives the variance it says", () => {
    const fit = fitGarch(DEM2GBP, { kind: "garch", mean: "zero" });
    expect(fit.parameters.map((p) => p.name)).toEqual(["omega", "alpha", "beta"]);
    expect(fit.model.mu).toBe(0);
    expect(fit.model.startVariance).toBeCloseTo(DEM2GBP.reduce((s, r) => s + r * r, 0) / 1974, 12);
    const weighted = fitGarch(DEM2GBP, { kind: "garch", mean: "zero", startUp: "backcast" });
    let sum = 0;
    let weights = 0;
    for (let i = 0; i < 75; i++) {
      sum += 0.94 ** i * DEM2GBP[i]! ** 2;
      weights += 0.94 ** i;
    }
    expect(weighted.model.startVariance).toBeCloseTo(sum / weights, 12);
    const { omega, alpha, beta } = weighted.model;
    expect(filterVariance(weighted.model, DEM2GBP)[0]).toBeCloseTo(
      omega + ((alpha + beta) * sum) / weights,
      12,
    );
  });

  it("behaviour: a series that dies is fitted with finite variances, or refused", () => {
    for (const kind of ["garch", "gjr", "egarch"] as const) {
      const dead = DEM2GBP.map((r, i) => (i > 1200 ? 0 : r));
      try {
        const { model } = fitGarch(dead, { kind, mean: "zero" });
        expect(filterVariance(model, dead).every((h) => h > 0 && h < 1e4)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(GarchNotConvergedError);
      }
    }
  });

  it("behaviour: converges on returns of few different values, where EGARCH's likelihood is kinked in μ", () => {
    for (const tick of [0.1, 0.4, 0.8]) {
      const coarse = DEM2GBP.map((r) => Math.round(r / tick) * tick);
      const fit = fitGarch(coarse, { kind: "egarch" });
      const theta = Float64Array.from(
        ["mu", "omega", "alpha", "gamma", "beta", "nu"] as const,
        (n) => fit.model[n],
      );
      const likelihood = garchLikelihood(coarse, "egarch", false, null);
      for (let slot = 0; slot < 5; slot++) {
        for (const step of [-1e-4, 1e-4]) {
          const near = likelihood(theta.map((x, i) => (i === slot ? x + step : x)));
          expect(near).toBeLessThanOrEqual(fit.logLikelihood + 1e-7);
        }
      }
    }
  });

  const recorded = process.env.BALLAST_TEST_DATA;
  if (recorded === undefined)
    console.log("BALLAST_TEST_DATA is unset: GARCH is not fitted to recorded markets.");
  it.skipIf(recorded === undefined)("behaviour: every kind converges on recorded hours", () => {
    // Where EGARCH's first search ends on a kink, and one calm window.
    for (const [pair, from] of [
      ["LTC", 6000],
      ["TRX", 24000],
      ["BTC", 30000],
    ] as const) {
      const file = join(recorded!, "binance-spot-1h", `${pair}_USDT-1h.json`);
      const close = (JSON.parse(readFileSync(file, "utf8")) as number[][]).map((bar) => bar[4]!);
      const hours = close.slice(from, from + 2001);
      const returns = Float64Array.from(hours.slice(1), (c, i) => Math.log(c / hours[i]!));
      for (const kind of ["garch", "gjr", "egarch"] as const) {
        for (const distribution of ["normal", "student-t"] as const) {
          const { logLikelihood, parameters } = fitGarch(returns, { kind, distribution });
          expect(
            parameters.every((p) => p.robustError > 0),
            `${pair} ${kind} ${distribution}`,
          ).toBe(true);
          // Better than the best constant variance.
          const variance = returns.reduce((s, r) => s + r * r, 0) / 2000;
          expect(logLikelihood).toBeGreaterThan(-1000 * (Math.log(2 * Math.PI * variance) + 1));
        }
      }
    }
  });

  it("error: too few returns, a constant series, a missing return, a bad start", () => {
    const options = { kind: "garch" } as const;
    expect(() => fitGarch(DEM2GBP.subarray(0, 99), options)).toThrow(TooFewReturnsError);
    expect(() => fitGarch(new Float64Array(500).fill(0.01), options)).toThrow(ConstantReturnsError);
    const missing = DEM2GBP.map((r, i) => (i === 7 ? Number.NaN : r));
    expect(() => fitGarch(missing, options)).toThrow(BadReturnError);
    expect(() => fitGarch(missing, options)).toThrow(/number 7 is NaN/);
    for (const startUp of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => fitGarch(DEM2GBP, { ...options, startUp })).toThrow(BadStartVarianceError);
    }
  });
});
