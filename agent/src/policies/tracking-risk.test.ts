import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DegenerateCovarianceError,
  type SelectionCosts,
  selectTrades,
  trackingScale,
  trackingVariance,
  valueOfReset,
} from "./tracking-risk.ts";

/** A covariance of n assets with one common factor; the base asset, where there is one, is the first. */
function toCovariance(n: number, seed: number, hasBase: boolean): number[] {
  const random = seededRandom(seed);
  const loadings = Array.from({ length: n }, (_, i) =>
    hasBase && i === 0 ? 0 : 0.005 + 0.01 * random.uniform(),
  );
  const own = loadings.map((x) => x * (0.3 + random.uniform()));
  return Array.from({ length: n * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return loadings[i]! * loadings[j]! + (i === j ? own[i]! ** 2 : 0);
  });
}

const arbitrary = fc.record({
  seed: fc.nat(1e6),
  n: fc.integer({ min: 2, max: 6 }),
  hasBase: fc.boolean(),
  width: fc.constantFrom(0.005, 0.02),
  perTrade: fc.constantFrom(0, 3e-5, 1e-4),
  perSwap: fc.constantFrom(0, 1e-5, 1e-4),
});

function toCase({
  seed,
  n,
  hasBase,
  width,
  perTrade,
  perSwap,
}: typeof arbitrary extends fc.Arbitrary<infer T> ? T : never) {
  const random = seededRandom(seed, "case");
  const covariance = toCovariance(n, seed, hasBase);
  const raw = Array.from({ length: n }, () => 0.2 + random.uniform());
  const sum = raw.reduce((a, b) => a + b, 0);
  const targets = raw.map((x) => x / sum);
  const deviations = targets.map(() => 0.01 * random.normal());
  const mean = deviations.reduce((a, b) => a + b, 0) / n;
  const centred = deviations.map((d) => d - mean);
  const costs: SelectionCosts = {
    base: hasBase ? 0 : undefined,
    perTrade,
    perSwap,
    feeRates: targets.map((_, i) => (hasBase && i === 0 ? 0 : 0.0006)),
  };
  return {
    covariance,
    targets,
    deviations: centred,
    costs,
    limit: width ** 2 * trackingScale(covariance, targets),
  };
}

/** What leaving `rest` of the deviations comes to, by the definition. */
function totalOf(
  { covariance, deviations, costs, limit }: ReturnType<typeof toCase>,
  rest: readonly number[],
): number {
  const cost = (left: readonly number[]) => {
    const traded = deviations.map((d, i) => Math.abs(d - left[i]!)).map((x, i) => (i === costs.base ? 0 : x));
    const fees = traded.reduce((sum, x, i) => sum + x * costs.feeRates[i]!, 0);
    return costs.perTrade + traded.filter((x) => x > 1e-9).length * costs.perSwap + fees;
  };
  return (
    cost(rest) +
    cost(rest.map(() => 0)) * valueOfReset(Math.max(0, trackingVariance(rest, covariance)) / limit)
  );
}

describe("trackingVariance", () => {
  it("behaviour: is the variance of the difference that the deviations make", () => {
    fc.assert(
      fc.property(arbitrary, (shape) => {
        const { covariance, deviations } = toCase(shape);
        const n = deviations.length;
        let sum = 0;
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) sum += deviations[i]! * deviations[j]! * covariance[i * n + j]!;
        expect(trackingVariance(deviations, covariance)).toBeCloseTo(sum, 18);
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});

describe("trackingScale", () => {
  it("behaviour: with two assets the width is the half-width of a weight, whatever they do", () => {
    for (const hasBase of [true, false]) {
      for (const weight of [0.2, 0.5, 0.7]) {
        const covariance = toCovariance(2, 5, hasBase);
        const scale = trackingScale(covariance, [weight, 1 - weight]);
        expect(Math.sqrt(trackingVariance([0.013, -0.013], covariance) / scale)).toBeCloseTo(0.013, 12);
      }
    }
  });
  it("behaviour: assets twice as volatile change neither widths nor choices", () => {
    const covariance = toCovariance(5, 6, true);
    const targets = [0.3, 0.3, 0.2, 0.1, 0.1];
    const deviations = [0.01, -0.02, 0.005, 0.004, 0.001];
    const twice = covariance.map((x) => 4 * x);
    expect(trackingVariance(deviations, twice) / trackingScale(twice, targets)).toBeCloseTo(
      trackingVariance(deviations, covariance) / trackingScale(covariance, targets),
      12,
    );
  });
  it("error: assets that stand still have no scale", () => {
    expect(() => trackingScale([0, 0, 0, 0], [0.5, 0.5])).toThrow(DegenerateCovarianceError);
  });
});

describe("valueOfReset", () => {
  it("behaviour: solves the free boundary problem of a fixed cost, in any dimension", () => {
    // ½(V″ + (ν−1)V′/r) + λr² is the same at every r, with r* = 1: V = 2r² − r⁴ asks for λ = 2ν + 4.
    const V = (r: number) => valueOfReset(r * r);
    for (const nu of [1, 2.5, 7]) {
      const atRadius = (r: number) => {
        const e = 1e-4;
        const first = (V(r + e) - V(r - e)) / (2 * e);
        const second = (V(r + e) - 2 * V(r) + V(r - e)) / e ** 2;
        return (second + ((nu - 1) * first) / r) / 2 + (2 * nu + 4) * r * r;
      };
      for (const r of [0.2, 0.5, 0.9]) expect(atRadius(r)).toBeCloseTo(2 * nu, 4);
    }
    expect(V(1)).toBe(1);
    expect((V(1) - V(1 - 1e-6)) / 1e-6).toBeCloseTo(0, 5);
  });
});

describe("selectTrades", () => {
  const run = (shape: Parameters<typeof toCase>[0]) => {
    const given = toCase(shape);
    const out = new Float64Array(given.deviations.length);
    const total = selectTrades(given.deviations, given.covariance, given.limit, given.costs, out);
    return { given, out: [...out], total };
  };
  it("behaviour: costs what it says, sums to zero, and is never dearer than trading everything", () => {
    fc.assert(
      fc.property(arbitrary, (shape) => {
        const { given, out, total } = run(shape);
        expect(total).toBeCloseTo(totalOf(given, out), 12);
        expect(out.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 12);
        expect(total).toBeLessThanOrEqual(
          totalOf(
            given,
            out.map(() => 0),
          ) + 1e-15,
        );
      }),
      { seed: 2, numRuns: 300 },
    );
  });
  it("behaviour: against every set of assets tried in turn it is seldom dearer, and then by little", () => {
    let excess = 0;
    let isBest = 0;
    const runs = 300;
    for (let seed = 0; seed < runs; seed++) {
      const { given, total } = run({
        seed,
        n: 2 + (seed % 5),
        hasBase: true,
        width: 0.02,
        perTrade: 3e-5,
        perSwap: 1e-5,
      });
      const { deviations } = given;
      let best = totalOf(
        given,
        deviations.map(() => 0),
      );
      for (let set = 1; set < 2 ** (deviations.length - 1); set++) {
        const rest = deviations.map((d, i) => (i > 0 && (set >> (i - 1)) % 2 === 1 ? 0 : d));
        rest[0] = -rest.slice(1).reduce((a, b) => a + b, 0);
        best = Math.min(best, totalOf(given, rest));
      }
      expect(total).toBeGreaterThanOrEqual(best - 1e-15);
      if (total < best * (1 + 1e-9)) isBest++;
      excess += total / best - 1;
    }
    expect(isBest / runs).toBeGreaterThan(0.95);
    expect(excess / runs).toBeLessThan(0.005);
  });
  it("behaviour: trades everything where a swap costs nothing", () => {
    const given = toCase({ seed: 3, n: 5, hasBase: true, width: 0.005, perTrade: 1e-4, perSwap: 0 });
    const free = { ...given.costs, feeRates: given.costs.feeRates };
    const out = new Float64Array(5).fill(1);
    selectTrades(
      given.deviations,
      given.covariance,
      given.limit,
      { ...free, feeRates: [0, 0, 0, 0, 0] },
      out,
    );
    expect([...out].every((d) => Math.abs(d) < 1e-15)).toBe(true);
  });
});
