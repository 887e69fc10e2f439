import { choleskySolve } from "@ballast/model";

/** Standardised inputs and positive targets of one fit. */
export interface Sample {
  readonly rows: number;
  readonly inputs: number;
  /** [row][input], mean 0 and variance 1 over the rows; longer tables serve, of which the first rows are read. */
  readonly z: Float32Array;
  /** [row], positive; as long as there are rows or longer. */
  readonly y: Float64Array;
}

/** Log-linear forecast: ln f = weights·z + bias. */
export interface LinearForecast {
  readonly weights: Float64Array;
  readonly bias: number;
}

const MAX_STEPS = 25;
/** Relative change of the mean loss below which a fit has converged. */
const TOLERANCE = 1e-7;

/**
 * Regression of variance on the inputs with a log link and QLIKE loss, which is that of a gamma generalised
 * linear model (McCullagh & Nelder 1989, chapter 8). Fisher scoring: as the expected Hessian is Z'Z at every
 * point, one Gram matrix serves all steps. It starts at least squares on logs. `penalty` is added to the Gram
 * matrix, per row, for each input but the constant; Infinity leaves an input out.
 */
export function fitLinear(
  sample: Sample,
  penalty: Float64Array,
  gram: Float64Array = gramMatrices(sample, [sample.rows])[0]!,
): LinearForecast {
  const { rows, inputs, y } = sample;
  const terms = inputs + 1;
  const penalised = gram.slice();
  for (let i = 0; i < inputs; i++) {
    if (penalty[i]! < Number.POSITIVE_INFINITY)
      penalised[i * terms + i] = penalised[i * terms + i]! + penalty[i]!;
    else
      for (let j = 0; j < terms; j++) penalised[i * terms + j] = penalised[j * terms + i] = i === j ? 1 : 0;
  }
  const toStep = (moments: Float64Array): Float64Array =>
    choleskySolve(
      penalised,
      moments.map((m, i) => (penalty[i] === Number.POSITIVE_INFINITY ? 0 : m)),
    );
  const residual = new Float64Array(rows);
  for (let r = 0; r < rows; r++) residual[r] = Math.log(y[r]!);
  let beta = toStep(moments(sample, residual));
  let loss = evaluate(sample, beta, penalty, residual);
  for (let step = 0; step < MAX_STEPS; step++) {
    const gradient = moments(sample, residual);
    for (let i = 0; i < inputs; i++) if (beta[i] !== 0) gradient[i] = gradient[i]! - penalty[i]! * beta[i]!;
    const direction = toStep(gradient);
    let length = 1;
    let next = beta;
    let nextLoss = loss;
    do {
      next = beta.map((b, i) => b + length * direction[i]!);
      nextLoss = evaluate(sample, next, penalty, residual);
      length /= 2;
    } while (!(nextLoss <= loss) && length > 1e-3);
    if (!(nextLoss <= loss)) break;
    const gain = loss - nextLoss;
    beta = next;
    loss = nextLoss;
    if (gain < TOLERANCE * Math.abs(loss)) break;
  }
  return { weights: beta.slice(0, inputs), bias: beta[inputs]! };
}

export interface Prior {
  /** Multiplies every penalty; 1 is what the prior says. */
  readonly ridge: number;
  /** Per input, standard deviation of its coefficient before any data; inputs are standardised. */
  readonly deviation: Float64Array;
  /** Per input, whether the first fit, whose errors measure the noise, may use it. */
  readonly isCore: readonly boolean[];
  /** [row]: number of its block, ascending: errors of different blocks count as independent. */
  readonly blocks: Int32Array;
}

/** Before the noise is known, the core's coefficients are held by a hundredth of a row's information. */
const FIRST_PENALTY = 0.01;

/**
 * The same regression with a penalty that the data set: a coefficient of prior N(0, d²) whose estimate has the
 * variance v is penalised by v/d², the posterior mode under normal errors (Hoerl & Kennard 1970 from the side of
 * Lindley & Smith 1972). v is that of the mean score, summed over blocks of rows, all assets of some time together
 * (batch means), so that an input all assets share, or one that hardly changes in a short history, is believed
 * less than one with as many rows of independent news. Half of v is its mean over the inputs, as few blocks
 * measure it badly.
 */
export function fitPooled(
  sample: Sample,
  prior: Prior,
  gram: Float64Array = gramMatrices(sample, [sample.rows])[0]!,
): LinearForecast {
  const { inputs } = sample;
  const first = prior.isCore.map((isCore) => (isCore ? FIRST_PENALTY : Number.POSITIVE_INFINITY));
  const core = fitLinear(sample, Float64Array.from(first), gram);
  const noise = scoreVariance(sample, core, prior.blocks);
  const mean = noise.reduce((sum, v) => sum + v / inputs, 0);
  const penalty = noise.map((v, i) => (prior.ridge * 0.5 * (v + mean)) / prior.deviation[i]! ** 2);
  return fitLinear(sample, penalty, gram);
}

/** Per input, variance of the mean over rows of (y/f − 1)·z, by batch means. */
export function scoreVariance(sample: Sample, forecast: LinearForecast, blocks: Int32Array): Float64Array {
  const { rows, inputs, z } = sample;
  const residual = new Float64Array(rows);
  const beta = Float64Array.of(...forecast.weights, forecast.bias);
  evaluate(sample, beta, new Float64Array(inputs), residual);
  const variance = new Float64Array(inputs);
  for (let r = 0; r < rows; ) {
    const block = blocks[r];
    const sum = new Float64Array(inputs);
    for (; r < rows && blocks[r] === block; r++) {
      for (let i = 0; i < inputs; i++) sum[i] = sum[i]! + residual[r]! * z[r * inputs + i]!;
    }
    for (let i = 0; i < inputs; i++) variance[i] = variance[i]! + (sum[i]! / rows) ** 2;
  }
  return variance;
}

/** [Z 1]'[Z 1]/rows of the first rows of the sample, for each of the `ends`, in one pass. */
export function gramMatrices(
  { inputs, z }: Pick<Sample, "inputs" | "z">,
  ends: readonly number[],
): Float64Array[] {
  const terms = inputs + 1;
  const gram = new Float64Array(terms * terms);
  const found = new Map<number, Float64Array>();
  let r = 0;
  for (const end of ends.toSorted((a, b) => a - b)) {
    for (; r < end; r++) {
      const at = r * inputs;
      for (let i = 0; i < inputs; i++) {
        const x = z[at + i]!;
        const line = i * terms;
        for (let j = 0; j <= i; j++) gram[line + j] = gram[line + j]! + x * z[at + j]!;
        gram[inputs * terms + i] = gram[inputs * terms + i]! + x;
      }
    }
    gram[terms * terms - 1] = end;
    const mean = new Float64Array(terms * terms);
    for (let i = 0; i < terms; i++)
      for (let j = 0; j <= i; j++) mean[i * terms + j] = mean[j * terms + i] = gram[i * terms + j]! / end;
    found.set(end, mean);
  }
  return ends.map((end) => found.get(end)!);
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

/**
 * Mean of y/f + ln f and half the penalty of the squared coefficients; y/f − 1 per row into `residual`, minus the
 * loss's gradient by ln f.
 */
function evaluate(
  { rows, inputs, z, y }: Sample,
  beta: Float64Array,
  penalty: Float64Array,
  residual: Float64Array,
): number {
  let loss = 0;
  for (let r = 0; r < rows; r++) {
    let log = beta[inputs]!;
    const at = r * inputs;
    for (let i = 0; i < inputs; i++) log += beta[i]! * z[at + i]!;
    const ratio = y[r]! * Math.exp(-log);
    residual[r] = ratio - 1;
    loss += (ratio + log) / rows;
  }
  for (let i = 0; i < inputs; i++) if (beta[i] !== 0) loss += 0.5 * penalty[i]! * beta[i]! * beta[i]!;
  return loss;
}
