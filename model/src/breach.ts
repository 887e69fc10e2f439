import { scaledNormalInterval } from "./normal.ts";

/** −ζ(½)/√(2π): how far, in units of σ√Δt, a barrier that is watched only now and then seems to lie away. */
export const MONITORING_SHIFT = 0.5825971579390107;

/** A Brownian motion that starts between two barriers. Time is in any one unit throughout. */
export interface Passage {
  /** Distance to the lower barrier; Infinity for none. */
  readonly a: number;
  /** Distance to the upper barrier; Infinity for none. */
  readonly b: number;
  /** Standard deviation per √time, ≥ 0. */
  readonly sigma: number;
  /** Drift per time. */
  readonly mu: number;
}

/**
 * Probability, in [0, 1], that the motion leaves (−a, b) within `horizon`; 1 where it starts on or beyond a
 * barrier. With `monitorInterval` Δt the barriers are watched every Δt only, and move out by
 * 0.5826·σ·√Δt (Broadie, Glasserman & Kou 1997, theorem 1.1).
 *
 * Long times use the eigenfunction series, short times the method of images, each where it converges within
 * a few terms (Cox & Miller 1965, section 5.7). Both combine their exponents before they take them, so that
 * no drift overflows.
 */
export function exitProbability(
  passage: Passage & { readonly horizon: number; readonly monitorInterval?: number | undefined },
): number {
  const { sigma, mu, horizon } = passage;
  if (passage.a <= 0 || passage.b <= 0) return 1;
  if (horizon <= 0) return 0;
  const shift = MONITORING_SHIFT * sigma * Math.sqrt(passage.monitorInterval ?? 0);
  const a = passage.a + shift;
  const b = passage.b + shift;
  if (sigma === 0) return mu * horizon >= b || mu * horizon <= -a ? 1 : 0;
  const spread = sigma * Math.sqrt(horizon);
  const stay =
    spread > 0.4 * (a + b) ? stayBySeries(a, b, sigma, mu, horizon) : stayByImages(a, b, sigma, mu, horizon);
  return Math.min(1, Math.max(0, 1 - stay));
}

/** (2/L)·exp(−k·a − μ²T/2σ²)·Σ sin(ωₙa)·exp(−ωₙ²σ²T/2)·ωₙ·(1 − (−1)ⁿe^{kL})/(k² + ωₙ²), ωₙ = nπ/L, k = μ/σ². */
function stayBySeries(a: number, b: number, sigma: number, mu: number, horizon: number): number {
  const length = a + b;
  const k = mu / (sigma * sigma);
  const decay = (mu * mu * horizon) / (2 * sigma * sigma);
  const toLower = Math.exp(-k * a - decay);
  const toUpper = Math.exp(k * b - decay);
  let sum = 0;
  for (let n = 1; ; n++) {
    const omega = (n * Math.PI) / length;
    const fading = Math.exp(-0.5 * omega * omega * sigma * sigma * horizon);
    const ends = n % 2 === 0 ? toLower - toUpper : toLower + toUpper;
    sum += (Math.sin(omega * a) * fading * omega * ends) / (k * k + omega * omega);
    if (fading < 1e-18) return (2 / length) * sum;
  }
}

/**
 * Images at c = 2nL count positive, those at c = 2nL − 2a negative, each as
 * e^{kc}·P(−a < c + μT + σ√T·Z < b). Beyond n = ±2 they are below 10⁻³⁰ here.
 */
function stayByImages(a: number, b: number, sigma: number, mu: number, horizon: number): number {
  const k = mu / (sigma * sigma);
  const spread = sigma * Math.sqrt(horizon);
  const image = (c: number): number =>
    scaledNormalInterval(k * c, (-a - c - mu * horizon) / spread, (b - c - mu * horizon) / spread);
  let stay = image(0);
  if (a < Number.POSITIVE_INFINITY) stay -= image(-2 * a);
  if (b < Number.POSITIVE_INFINITY) stay -= image(2 * b);
  const length = a + b;
  if (length === Number.POSITIVE_INFINITY) return stay;
  for (let n = 1; n <= 2; n++) {
    stay += image(2 * n * length) + image(-2 * n * length);
    stay -= image(2 * n * length + 2 * b) + image(-2 * n * length - 2 * a);
  }
  return stay;
}

/**
 * Expected time until the motion leaves (−a, b): ab/σ² without drift, else (b·P(up) − a·P(down))/μ (Wald's
 * identity). 0 where it starts on or beyond a barrier; Infinity where it never need leave.
 */
export function expectedExitTime(passage: Passage): number {
  const { a, b, sigma, mu } = passage;
  if (a <= 0 || b <= 0) return 0;
  const ahead = mu > 0 ? b : a;
  const behind = mu > 0 ? a : b;
  const speed = Math.abs(mu);
  if (speed === 0) return sigma === 0 ? Number.POSITIVE_INFINITY : (a * b) / (sigma * sigma);
  if (ahead === Number.POSITIVE_INFINITY && behind === Number.POSITIVE_INFINITY)
    return Number.POSITIVE_INFINITY;
  if (sigma === 0 || behind === Number.POSITIVE_INFINITY) return ahead / speed;
  const k = speed / (sigma * sigma);
  // With little drift the two terms of Wald's identity cancel; the expansion in k is then exact to 10⁻¹⁰.
  if (k * (a + b) < 1e-5) return ((a * b) / (sigma * sigma)) * (1 + (k * (ahead - behind)) / 3);
  if (ahead === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const throughAhead = Math.expm1(-2 * k * behind) / Math.expm1(-2 * k * (a + b));
  return (ahead * throughAhead - behind * (1 - throughAhead)) / speed;
}
