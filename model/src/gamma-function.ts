/** ln Γ(x) for x > 0, error below 10⁻¹³ (Stirling's series, Abramowitz & Stegun 6.1.41, above 10; 6.1.15 below). */
export function lnGamma(x: number): number {
  let shifted = x;
  let product = 1;
  while (shifted < 10) {
    product *= shifted;
    shifted += 1;
  }
  const w = 1 / (shifted * shifted);
  const series =
    (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - w * (691 / 360360)))))) /
    shifted;
  return (
    (shifted - 0.5) * Math.log(shifted) - shifted + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product)
  );
}

/** ψ(x), the derivative of ln Γ, for x > 0, error below 10⁻¹³ (Abramowitz & Stegun 6.3.18 and 6.3.5). */
export function digamma(x: number): number {
  let shifted = x;
  let sum = 0;
  while (shifted < 10) {
    sum -= 1 / shifted;
    shifted += 1;
  }
  const w = 1 / (shifted * shifted);
  const series =
    w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132 - (w * 691) / 32760)))));
  return sum + Math.log(shifted) - 0.5 / shifted - series;
}
