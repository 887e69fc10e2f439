/**
 * Solves A·x = b for a symmetric positive definite A (row-major, n × n) by Cholesky. A pivot that vanishes
 * against its diagonal, a column that repeats others, gets the coefficient 0 instead of noise.
 */
export function choleskySolve(matrix: Float64Array, rhs: Float64Array): Float64Array {
  const n = rhs.length;
  const lower = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    let pivot = matrix[j * n + j]!;
    for (let k = 0; k < j; k++) pivot -= lower[j * n + k]! * lower[j * n + k]!;
    // A dropped column keeps a zero in its own place, which zeroes its coefficient below.
    if (!(pivot > 1e-12 * matrix[j * n + j]!)) continue;
    const root = Math.sqrt(pivot);
    lower[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * n + k]! * lower[j * n + k]!;
      lower[i * n + j] = sum / root;
    }
  }
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const pivot = lower[i * n + i]!;
    if (pivot === 0) continue;
    let sum = rhs[i]!;
    for (let k = 0; k < i; k++) sum -= lower[i * n + k]! * x[k]!;
    x[i] = sum / pivot;
  }
  for (let i = n - 1; i >= 0; i--) {
    const pivot = lower[i * n + i]!;
    if (pivot === 0) continue;
    let sum = x[i]!;
    for (let k = i + 1; k < n; k++) sum -= lower[k * n + i]! * x[k]!;
    x[i] = sum / pivot;
  }
  return x;
}
