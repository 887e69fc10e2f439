import { erfcx } from "./normal.ts";

/**
 * The z with P(Z < z) = `probability` of a standard normal Z; −∞ at 0 and ∞ at 1. Newton's method on the log of the
 * tail, which is concave: the first step from 0 passes the root and the others come back to it, none past it. Accurate
 * to about 10⁻¹³, down to 10⁻³⁰⁰.
 */
export function normalQuantile(probability: number): number {
  if (probability > 0.5) return -normalQuantile(1 - probability);
  if (probability === 0) return Number.NEGATIVE_INFINITY;
  let z = 0;
  for (let step = 0; step < 60; step++) {
    // P(Z > z) = ½·e^{−z²/2}·erfcx(z/√2): its log and its ratio to the density need no exponential that underflows.
    const scaled = 0.5 * erfcx(z * Math.SQRT1_2);
    const excess = Math.log(scaled) - 0.5 * z * z - Math.log(probability);
    const move = excess * scaled * Math.sqrt(2 * Math.PI);
    z = Math.max(0, z + move);
    if (Math.abs(move) < 1e-14 * (1 + z)) break;
  }
  return -z;
}
