const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const L1 = 0.6666666666666735;
const L2 = 0.3999999999940942;
const L3 = 0.2857142874366239;
const L4 = 0.22222198432149784;
const L5 = 0.1818357216161805;
const L6 = 0.15313837699209373;
const L7 = 0.14798198605116586;

const view = new DataView(new ArrayBuffer(8));
const highWord = (x: number): number => {
  view.setFloat64(0, x);
  return view.getInt32(0);
};

/**
 * Natural logarithm, within one unit in the last place. ECMAScript leaves the bits of `Math.log` to the engine; here
 * every step is one that IEEE 754 fixes, so that every engine has the same. NaN below zero, -Infinity at zero.
 * Sun's e_log.c of 1993 (fdlibm 5.3): x = 2^k·(1 + f), √½ < 1 + f < √2, s = f/(2 + f),
 * ln(1 + f) = f − s·(f − R) with R a polynomial in s².
 */
export function exactLog(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  let k = 0;
  let high = highWord(x);
  let scaled = x;
  if (high < 0x00100000) {
    // Subnormal: 2^54 makes it normal.
    k = -54;
    scaled = x * 18014398509481984;
    high = highWord(scaled);
  }
  k += (high >> 20) - 1023;
  high &= 0x000fffff;
  const carry = (high + 0x95f64) & 0x100000;
  view.setFloat64(0, scaled);
  view.setInt32(0, high | (carry ^ 0x3ff00000));
  k += carry >> 20;
  const f = view.getFloat64(0) - 1;
  if ((0x000fffff & (2 + high)) < 3) {
    if (f === 0) return k === 0 ? 0 : k * LN2_HIGH + k * LN2_LOW;
    const small = f * f * (0.5 - 0.3333333333333333 * f);
    return k === 0 ? f - small : k * LN2_HIGH - (small - k * LN2_LOW - f);
  }
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (L2 + w * (L4 + w * L6));
  const odd = z * (L1 + w * (L3 + w * (L5 + w * L7)));
  const r = odd + even;
  if (((high - 0x6147a) | (0x6b851 - high)) > 0) {
    const half = 0.5 * f * f;
    return k === 0 ? f - (half - s * (half + r)) : k * LN2_HIGH - (half - (s * (half + r) + k * LN2_LOW) - f);
  }
  return k === 0 ? f - s * (f - r) : k * LN2_HIGH - (s * (f - r) - k * LN2_LOW - f);
}
