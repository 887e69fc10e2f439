import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exitProbability, expectedExitTime, MONITORING_SHIFT } from "./breach.ts";

const YEAR_HOURS = 365 * 24;
const logit = (p: number) => Math.log(p / (1 - p));
const FIVE_MINUTES = 1 / 12;

/** Share of simulated walks that leave, looked at after every step: an exact twin of `monitorInterval`. */
function simulate(
  a: number,
  b: number,
  sigma: number,
  mu: number,
  steps: number,
  dt: number,
  seed: number,
): number {
  const random = seededRandom(seed);
  const walks = 20_000;
  let exits = 0;
  for (let w = 0; w < walks; w++) {
    let x = 0;
    for (let s = 0; s < steps; s++) {
      x += mu * dt + sigma * Math.sqrt(dt) * random.normal();
      if (x <= -a || x >= b) {
        exits++;
        break;
      }
    }
  }
  return exits / walks;
}

const passage = fc.record({
  a: fc.double({ min: 0.01, max: 2, noNaN: true }),
  b: fc.double({ min: 0.01, max: 2, noNaN: true }),
  sigma: fc.double({ min: 0.01, max: 3, noNaN: true }),
  mu: fc.double({ min: -20, max: 20, noNaN: true }),
  horizon: fc.double({ min: 1e-4, max: 10, noNaN: true }),
});

describe("exitProbability", () => {
  it("default: the symmetric unit case", () => {
    expect(exitProbability({ a: 1, b: 1, sigma: 1, mu: 0, horizon: 1 })).toBeCloseTo(0.6292225702, 10);
  });

  it("default: 50 % ± 2 pp at 60 %/y over 24 h, watched always and every 5 minutes", () => {
    const request = {
      a: logit(0.5) - logit(0.48),
      b: logit(0.52) - logit(0.5),
      sigma: 0.6 / Math.sqrt(YEAR_HOURS),
      mu: 0,
      horizon: 24,
    };
    expect(exitProbability(request)).toBeCloseTo(0.0216257, 7);
    expect(exitProbability({ ...request, monitorInterval: FIVE_MINUTES })).toBeCloseTo(0.019588, 6);
  });

  it("default: 30 % −1/+3 pp at 80 %/y with drift over 168 h, watched always and every 5 minutes", () => {
    const request = {
      a: logit(0.3) - logit(0.29),
      b: logit(0.33) - logit(0.3),
      sigma: 0.8 / Math.sqrt(YEAR_HOURS),
      mu: 0.5 / YEAR_HOURS,
      horizon: 168,
    };
    expect(exitProbability(request)).toBeCloseTo(0.8314055, 7);
    expect(exitProbability({ ...request, monitorInterval: FIVE_MINUTES })).toBeCloseTo(0.820479, 6);
  });

  it("behaviour: the two expansions agree where one takes over from the other", () => {
    for (const mu of [-3, 0, 0.7, 9]) {
      for (const a of [0.05, 0.5, 0.8]) {
        // The switch is at σ√T = 0.4·L with L = 1.
        const at = (spread: number) => exitProbability({ a, b: 1 - a, sigma: 1, mu, horizon: spread ** 2 });
        expect(at(0.4 * (1 + 1e-12))).toBeCloseTo(at(0.4 * (1 - 1e-12)), 10);
      }
    }
  });

  it.each([
    { a: 0.5, b: 0.8, sigma: 1, mu: 0 },
    { a: 0.4, b: 1.5, sigma: 0.7, mu: 1.2 },
    { a: 1.5, b: 0.6, sigma: 0.9, mu: -2 },
  ])("behaviour: agrees with simulated walks %o", ({ a, b, sigma, mu }) => {
    const steps = 200;
    const expected = simulate(a, b, sigma, mu, steps, 1 / steps, 11);
    const p = exitProbability({ a, b, sigma, mu, horizon: 1, monitorInterval: 1 / steps });
    // Four standard errors of 20,000 walks, and the correction's own error of order Δt.
    expect(Math.abs(p - expected)).toBeLessThan(4 * Math.sqrt(0.25 / 20_000) + 1 / steps);
  });

  it("behaviour: a probability, rising with time, falling with either distance", () => {
    fc.assert(
      fc.property(passage, fc.double({ min: 1, max: 3, noNaN: true }), (p, factor) => {
        const probability = exitProbability(p);
        expect(probability).toBeGreaterThanOrEqual(0);
        expect(probability).toBeLessThanOrEqual(1);
        expect(exitProbability({ ...p, horizon: p.horizon * factor })).toBeGreaterThanOrEqual(
          probability - 1e-10,
        );
        expect(exitProbability({ ...p, a: p.a * factor })).toBeLessThanOrEqual(probability + 1e-10);
        expect(exitProbability({ ...p, b: p.b * factor })).toBeLessThanOrEqual(probability + 1e-10);
        const still = { ...p, mu: 0 };
        expect(exitProbability({ ...still, sigma: p.sigma * factor })).toBeGreaterThanOrEqual(
          exitProbability(still) - 1e-10,
        );
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("behaviour: mirrored barriers and drift give the same", () => {
    fc.assert(
      fc.property(passage, (p) => {
        const mirrored = exitProbability({ ...p, a: p.b, b: p.a, mu: -p.mu });
        expect(mirrored).toBeCloseTo(exitProbability(p), 10);
      }),
      { seed: 1 },
    );
  });

  it("behaviour: a drift that outruns the noise does not overflow", () => {
    expect(exitProbability({ a: 1, b: 1, sigma: 1e-3, mu: 2, horizon: 1 })).toBe(1);
    expect(exitProbability({ a: 1, b: 1, sigma: 1e-3, mu: 0.5, horizon: 1 })).toBeCloseTo(0, 12);
    expect(exitProbability({ a: 1, b: 1, sigma: 1e-3, mu: -1, horizon: 1 })).toBeCloseTo(0.5, 3);
  });

  it("default: one barrier alone is 2Φ(−a/σ√T); none is never left", () => {
    const only = exitProbability({ a: 1, b: Number.POSITIVE_INFINITY, sigma: 1, mu: 0, horizon: 1 });
    expect(only).toBeCloseTo(2 * 0.158655253931457, 12); // Φ(−1)
    const never = Number.POSITIVE_INFINITY;
    expect(exitProbability({ a: never, b: never, sigma: 1, mu: 3, horizon: 1 })).toBe(0);
  });

  it("behaviour: edges, no time, no noise", () => {
    expect(exitProbability({ a: 0, b: 1, sigma: 1, mu: 0, horizon: 1 })).toBe(1);
    expect(exitProbability({ a: 1, b: -0.1, sigma: 1, mu: 0, horizon: 0 })).toBe(1);
    expect(exitProbability({ a: 1, b: 1, sigma: 1, mu: 0, horizon: 0 })).toBe(0);
    expect(exitProbability({ a: 1, b: 1, sigma: 0, mu: 0.9, horizon: 1 })).toBe(0);
    expect(exitProbability({ a: 1, b: 1, sigma: 0, mu: -1.1, horizon: 1 })).toBe(1);
  });

  it("default: the monitoring shift is −ζ(½)/√(2π)", () => {
    // ζ(½) from its alternating series, whose tail is averaged away.
    let eta = 0;
    for (let n = 1; n <= 100_000; n++) eta += (n % 2 === 1 ? 1 : -1) / Math.sqrt(n);
    eta += 0.5 / Math.sqrt(100_001);
    expect(MONITORING_SHIFT).toBeCloseTo(-(eta / (1 - Math.SQRT2)) / Math.sqrt(2 * Math.PI), 7);
  });
});

describe("expectedExitTime", () => {
  it("default: ab/σ² without drift, and continuous in the drift", () => {
    expect(expectedExitTime({ a: 0.5, b: 2, sigma: 2, mu: 0 })).toBe(0.25);
    for (const mu of [1e-6, -1e-6, 1e-4, -1e-4]) {
      const near = expectedExitTime({ a: 0.5, b: 2, sigma: 2, mu });
      expect(near).toBeCloseTo(0.25 * (1 + (mu / 4) * ((2 - 0.5) / 3)), 8);
    }
  });

  it("behaviour: is the integral of the probability to still be inside", () => {
    for (const mu of [-1.5, 0, 0.8]) {
      const p = { a: 0.6, b: 1.1, sigma: 0.9, mu };
      const dt = 2e-3;
      let integral = 0;
      for (let t = dt / 2; t < 15; t += dt) integral += (1 - exitProbability({ ...p, horizon: t })) * dt;
      expect(expectedExitTime(p)).toBeCloseTo(integral, 4);
    }
  });

  it("behaviour: barriers at infinity, starts outside, motion without noise", () => {
    const far = Number.POSITIVE_INFINITY;
    expect(expectedExitTime({ a: 0, b: 1, sigma: 1, mu: 0 })).toBe(0);
    expect(expectedExitTime({ a: far, b: 1, sigma: 1, mu: 0.5 })).toBe(2);
    expect(expectedExitTime({ a: far, b: 1, sigma: 1, mu: -0.5 })).toBe(far);
    expect(expectedExitTime({ a: far, b: far, sigma: 1, mu: 0.5 })).toBe(far);
    expect(expectedExitTime({ a: 1, b: 3, sigma: 0, mu: -0.5 })).toBe(2);
    expect(expectedExitTime({ a: 1, b: 1, sigma: 0, mu: 0 })).toBe(far);
  });
});
