import { exitProbability, expectedExitTime, MONITORING_SHIFT } from "./breach.ts";
import { type BreachRequest, calibrate, covarianceOver, relativeVariance, toScenarios } from "./drift.ts";

export interface BreachTime {
  /** Expected hours until the weight is seen outside its band, however long it takes; Infinity where it need not. */
  readonly expectedHours: number;
  /** Expected hours inside until then or until the horizon, E min(T, H), in [0, H]. */
  readonly hoursWithin: {
    /** By the formula. */
    readonly raw: number;
    /** With each probability on the way after the forecast's calibration. */
    readonly calibrated: number;
  };
}

/** The quadrature's panels halve towards the start, where the probability leaves 0 and no power of time follows it. */
const PANELS = 10;

/**
 * Expected time, per holding, until its weight leaves its band: first passage of logit(w) under the assumptions of
 * `weightBreachProbabilities`, whose arguments it takes, and whose probability at the horizon it agrees with.
 *
 * `expectedHours` takes the variance per hour of the horizon for all time: ab/σ² with both barriers moved out by
 * 0.5826·σ·√Δt for looks Δt apart, for the mean overshoot past a barrier is as much (Siegmund 1979) and E T = E x²/σ².
 * Both are means over the predictive distribution of variance where the forecast has one.
 *
 * `hoursWithin` follows the forecast's term structure of variance: with V(t) the relative variance over t hours,
 * logit(w) is a Brownian motion by the clock V, and E min(T, H) = ∫₀ᴴ P(T > t) dt. Looks Δt apart see a breach only at
 * their next, so the sum over looks Δt·Σ P(T > kΔt), k from 0, replaces the integral: Δt/2·P(T ≤ H) more.
 * Within 2 % of simulated walks for bands of a few hourly standard deviations. Throws UnknownAssetError.
 */
export function weightBreachTimes(request: BreachRequest): BreachTime[] {
  const { weights, targets, bands, assetsOfHoldings, forecast, horizonHours, monitorHours } = request;
  const nodes = legendreNodes(horizonHours);
  const scenarios = toScenarios(forecast).map((scenario) => {
    const over = (hours: number) => covarianceOver(scenario.forecast, assetsOfHoldings, hours);
    return {
      share: scenario.share,
      atHorizon: over(horizonHours),
      atNodes: nodes.map(({ time }) => over(time)),
    };
  });
  return weights.map((w, i) => {
    const low = targets[i]! - bands[i]!;
    const high = targets[i]! + bands[i]!;
    if (w < low || w > high) return { expectedHours: 0, hoursWithin: { raw: 0, calibrated: 0 } };
    if (w <= 0 || w >= 1)
      return {
        expectedHours: Number.POSITIVE_INFINITY,
        hoursWithin: { raw: horizonHours, calibrated: horizonHours },
      };
    const a = low > 0 ? logit(w) - logit(low) : Number.POSITIVE_INFINITY;
    const b = high < 1 ? logit(high) - logit(w) : Number.POSITIVE_INFINITY;
    const sigmaOver = (covariance: readonly (readonly number[])[], hours: number) =>
      Math.sqrt(relativeVariance(covariance, weights, i) / hours);
    const exitBy = (covarianceOf: (scenario: (typeof scenarios)[number]) => number[][], hours: number) =>
      scenarios.reduce((sum, scenario) => {
        const sigma = sigmaOver(covarianceOf(scenario), hours);
        const exit = exitProbability({ a, b, sigma, mu: 0, horizon: hours, monitorInterval: monitorHours });
        return sum + scenario.share * exit;
      }, 0);
    const exits = nodes.map(({ time, weight }, n) => ({
      weight,
      raw: exitBy((scenario) => scenario.atNodes[n]!, time),
    }));
    const last = exitBy((scenario) => scenario.atHorizon, horizonHours);
    const expectedHours = scenarios.reduce((sum, { share, atHorizon }) => {
      const sigma = sigmaOver(atHorizon, horizonHours);
      const shift = MONITORING_SHIFT * sigma * Math.sqrt(monitorHours);
      return sum + share * expectedExitTime({ a: a + shift, b: b + shift, sigma, mu: 0 });
    }, 0);
    const within = (toProbability: (raw: number) => number) => {
      let outside = -0.5 * monitorHours * toProbability(last);
      for (const { weight, raw } of exits) outside += weight * toProbability(raw);
      return Math.min(horizonHours, Math.max(0, horizonHours - outside));
    };
    return {
      expectedHours,
      hoursWithin: {
        raw: within((raw) => raw),
        calibrated: within((raw) => calibrate(raw, forecast.breachCalibration)),
      },
    };
  });
}

/** Four-point Gauss-Legendre (Abramowitz & Stegun 25.4.30) on panels of (0, H] that halve towards 0. */
function legendreNodes(horizon: number): { readonly time: number; readonly weight: number }[] {
  const nodes: { time: number; weight: number }[] = [];
  for (let panel = 0; panel < PANELS; panel++) {
    const to = horizon * 2 ** -panel;
    const from = panel === PANELS - 1 ? 0 : to / 2;
    const half = 0.5 * (to - from);
    for (const [x, weight] of LEGENDRE) {
      nodes.push({ time: from + half * (1 - x), weight: weight * half });
      nodes.push({ time: from + half * (1 + x), weight: weight * half });
    }
  }
  return nodes;
}

const LEGENDRE = [
  [0.3399810435848563, 0.6521451548625461],
  [0.8611363115940526, 0.3478548451374538],
] as const;

const logit = (p: number): number => Math.log(p / (1 - p));
