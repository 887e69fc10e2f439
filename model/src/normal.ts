/**
 * e^{x²}·erfc(x) for x ≥ 0 (scaled complementary error function), relative error below 10⁻¹³: the series
 * erf(x) = 2/√π · e^{−x²} Σ 2ⁿx^{2n+1}/(2n+1)!! (Abramowitz & Stegun 7.1.6) for small x, the continued
 * fraction (7.1.14) for large.
 */
export function erfcx(x: number): number {
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return Math.exp(x * x) - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let tail = x;
  for (let n = 80; n >= 1; n--) tail = x + n / 2 / tail;
  return 1 / (Math.sqrt(Math.PI) * tail);
}

/** e^{logScale} · P(Z > z) of a standard normal Z and z ≥ 0, without overflow where the two factors cancel. */
const scaledTail = (logScale: number, z: number): number =>
  z === Number.POSITIVE_INFINITY ? 0 : 0.5 * erfcx(z * Math.SQRT1_2) * Math.exp(logScale - (z * z) / 2);

/** e^{logScale} · P(low < Z < high) of a standard normal Z; the limits may be infinite. */
export function scaledNormalInterval(logScale: number, low: number, high: number): number {
  if (low >= 0) return scaledTail(logScale, low) - scaledTail(logScale, high);
  if (high <= 0) return scaledTail(logScale, -high) - scaledTail(logScale, -low);
  return Math.exp(logScale) - scaledTail(logScale, -low) - scaledTail(logScale, high);
}
