import { choleskySolve } from "@ballast/model";

/** Standardised inputs and positive targets of one fit, row-major. */
export interface Sample {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  /** [row][input], mean 0 and variance 1 over the rows. */
  readonly z: Float32Array;
  /** [row][output], positive. */
  readonly y: Float32Array;
}

/** Log-linear forecast: [output][input] weights and one bias per output. */
export interface LinearForecast {
  readonly weights: Float64Array;
  readonly bias: Float64Array;
}

const MAX_STEPS = 25;
/** Relative change of the mean loss below which a fit has converged. */
const TOLERANCE = 1e-7;

/**
 * Pooled regression of variance on the inputs with a log link and QLIKE loss, which is that of a gamma
 * generalised linear model (McCullagh & Nelder 1989, chapter 8). Fisher scoring: as the expected Hessian is Z'Z
 * at every point, one Gram matrix serves all steps and outputs. It starts at least squares on logs; `ridge` is
 * added to the Gram matrix per row and input, the constant excepted.
 */
export function fitLinear(sample: Sample, ridge: number): LinearForecast {
  const { rows, inputs, outputs, y } = sample;
  const terms = inputs + 1;
  const gram = gramMatrix(sample);
  for (let i = 0; i < inputs; i++) gram[i * terms + i] = gram[i * terms + i]! + ridge;
  const weights = new Float64Array(outputs * inputs);
  const bias = new Float64Array(outputs);
  const residual = new Float64Array(rows);
  for (let o = 0; o < outputs; o++) {
    for (let r = 0; r < rows; r++) residual[r] = Math.log(y[r * outputs + o]!);
    let beta = choleskySolve(gram, moments(sample, residual));
    let loss = evaluate(sample, o, beta, residual);
    for (let step = 0; step < MAX_STEPS; step++) {
      const gradient = moments(sample, residual);
      for (let i = 0; i < inputs; i++) gradient[i] = gradient[i]! - ridge * beta[i]!;
      const direction = choleskySolve(gram, gradient);
      let length = 1;
      let next = beta;
      let nextLoss = loss;
      do {
        next = beta.map((b, i) => b + length * direction[i]!);
        nextLoss = evaluate(sample, o, next, residual);
        length /= 2;
      } while (!(nextLoss <= loss) && length > 1e-3);
      if (!(nextLoss <= loss)) break;
      const gain = loss - nextLoss;
      beta = next;
      loss = nextLoss;
      if (gain < TOLERANCE * Math.abs(loss)) break;
    }
    weights.set(beta.subarray(0, inputs), o * inputs);
    bias[o] = beta[inputs]!;
  }
  return { weights, bias };
}

/** [Z 1]'[Z 1]/rows. */
function gramMatrix({ rows, inputs, z }: Sample): Float64Array {
  const terms = inputs + 1;
  const gram = new Float64Array(terms * terms);
  for (let r = 0; r < rows; r++) {
    const at = r * inputs;
    for (let i = 0; i < inputs; i++) {
      const x = z[at + i]!;
      for (let j = 0; j <= i; j++) gram[i * terms + j] = gram[i * terms + j]! + x * z[at + j]!;
      gram[inputs * terms + i] = gram[inputs * terms + i]! + x;
    }
  }
  gram[terms * terms - 1] = rows;
  for (let i = 0; i < terms; i++) {
    for (let j = 0; j <= i; j++) {
      gram[i * terms + j] = gram[i * terms + j]! / rows;
      gram[j * terms + i] = gram[i * terms + j]!;
    }
  }
  return gram;
}

/** [Z 1]'residual/rows. */
function moments({ rows, inputs, z }: Sample, residual: Float64Array): Float64Array {
  const out = new Float64Array(inputs + 1);
  for (let r = 0; r < rows; r++) {
    const e = residual[r]!;
    const at = r * inputs;
    for (let i = 0; i < inputs; i++) out[i] = out[i]! + e * z[at + i]!;
    out[inputs] = out[inputs]! + e;
  }
  return out.map((x) => x / rows);
}

/** Mean of y/f + ln f, and y/f − 1 per row into `residual`, minus the loss's gradient by ln f. */
function evaluate(sample: Sample, output: number, beta: Float64Array, residual: Float64Array): number {
  const { rows, inputs, outputs, z, y } = sample;
  let loss = 0;
  for (let r = 0; r < rows; r++) {
    let log = beta[inputs]!;
    const at = r * inputs;
    for (let i = 0; i < inputs; i++) log += beta[i]! * z[at + i]!;
    const ratio = y[r * outputs + output]! * Math.exp(-log);
    residual[r] = ratio - 1;
    loss += ratio + log;
  }
  return loss / rows;
}
