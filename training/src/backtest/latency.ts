import { normalCdf } from "../evaluation/distributions.ts";
import { requireThat } from "../evaluation/sample.ts";

export interface DelayedTrade {
  readonly dollars: number;
  /** Standard deviation of the price's return per bar. */
  readonly volatility: number;
  /** Bars between decision and execution, from 0. */
  readonly bars: number;
  /** Expected return per bar against the trade: of a price that is bought and rises. 0 under a martingale. */
  readonly drift: number;
}

/**
 * What the price does between decision and execution of a trade, dollars: implementation shortfall (Perold 1988) but for
 * costs. Under Brownian prices its mean is dollars·drift·bars, so that delay alone costs nothing on average, and its
 * standard deviation is dollars·σ·√bars. Throws OutOfRangeError.
 */
export function delayShortfall({ dollars, volatility, bars, drift }: DelayedTrade): {
  readonly expected: number;
  readonly deviation: number;
} {
  requireThat(dollars >= 0, "trade", dollars, "dollars from 0");
  requireThat(volatility >= 0, "volatility", volatility, "from 0");
  requireThat(bars >= 0, "delay", bars, "bars from 0");
  requireThat(Number.isFinite(drift), "drift", drift, "finite");
  return { expected: dollars * drift * bars, deviation: dollars * volatility * Math.sqrt(bars) };
}

export interface DelayedThreshold {
  /** Target weight of an asset against all else, between 0 and 1. */
  readonly weight: number;
  /** Standard deviation per bar of the asset's return over that of all else. */
  readonly volatility: number;
  /** Half-width at which a trade back to target is decided, share of the value, above 0. */
  readonly halfWidth: number;
  /** Bars between decision and execution, from 0. */
  readonly bars: number;
}

export interface DelayCost {
  /** Variance per bar of the difference to the frictionless mix, and by how much more it is than without delay. */
  readonly trackingVariance: number;
  readonly addedVariance: number;
  /** Per bar, half of what changes hands, share. */
  readonly turnover: number;
}

/**
 * What L bars of delay do to a threshold rule back to target. The weight's distance from target moves by s = w(1−w)σ a
 * bar. From target to ±h it takes h²/s² bars on average, with ∫d² = h⁴/(6s²); then it drifts on for L bars with
 * ∫E[d²] = Lh² + s²L²/2 and is traded back from h + s√L·Z. Renewal gives the means per bar; the mix's return differs by
 * d·σ. Watched only at closes, a threshold lies 0.58·s further out (Broadie, Glasserman & Kou 1997): give that. Throws
 * OutOfRangeError.
 */
export function delayedThresholdCost({ weight, volatility, halfWidth, bars }: DelayedThreshold): DelayCost {
  requireThat(weight > 0 && weight < 1, "weight", weight, "between 0 and 1");
  requireThat(volatility > 0 && Number.isFinite(volatility), "volatility", volatility, "above 0");
  requireThat(halfWidth > 0 && halfWidth < 1, "half-width", halfWidth, "between 0 and 1");
  requireThat(bars >= 0 && Number.isFinite(bars), "delay", bars, "bars from 0");
  const step = (weight * (1 - weight) * volatility) ** 2;
  const h = halfWidth ** 2;
  const passage = h / step;
  // The mean over a cycle less the h²/6 of one without delay.
  const added = ((5 / 6) * bars * h + (step * bars ** 2) / 2) / (passage + bars);
  return {
    trackingVariance: volatility ** 2 * (h / 6 + added),
    addedVariance: volatility ** 2 * added,
    turnover: meanDistance(halfWidth, Math.sqrt(step * bars)) / (passage + bars),
  };
}

/** E|h + sZ|: mean of a folded normal distribution. */
function meanDistance(h: number, s: number): number {
  if (s === 0) return h;
  const x = h / s;
  return s * Math.sqrt(2 / Math.PI) * Math.exp((-x * x) / 2) + h * (1 - 2 * normalCdf(-x));
}
