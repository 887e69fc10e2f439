import { setImmediate } from "node:timers/promises";
import { HOUR_MS, type Market, type Random, seededRandom, type UnixMillis } from "@ballast/data";
import {
  BREACH_INPUTS,
  type BreachNetworkReport,
  exportNetwork,
  foldStandardisation,
  HORIZONS_HOURS,
  type IntegerNetwork,
  type Layer,
  qlike,
  toBreachScorer,
} from "@ballast/model";
import { type BreachRows, toBreachRows } from "./breach-rows.ts";
import { scoreBreaches } from "./breach-skill.ts";
import { LONGEST_HORIZON_HOURS } from "./dataset.ts";
import { createLearner } from "./learner.ts";
import { fitLinear } from "./linear.ts";

/**
 * The network that a vault runs itself: 24 inputs, 32 and 16 hidden units, 4 outputs. It starts at a linear forecast,
 * which four pairs of its hidden units carry unchanged, as ReLU(x) − ReLU(−x) = x; the others learn what that misses.
 */
const HORIZONS = HORIZONS_HOURS.length;
const CARRIERS = 2 * HORIZONS;
export const BREACH_HIDDEN = [32, 16] as const;
const LEARNING = { learningRate: 5e-3, weightDecay: 1e-3, batchRows: 256, epochs: 8 } as const;
/** Added to the Gram matrix per row, for each standardised input. */
const PENALTY = 0.003;
/** Last part of the times, on which the network fitted to those before is scored. */
const HELD_SHARE = 0.25;
/** Rows that say how large activations become; more change nothing. */
const CALIBRATION_ROWS = 4096;

export interface BreachNetworkFit {
  readonly network: IntegerNetwork;
  readonly report: BreachNetworkReport;
}

export interface BreachNetworkRequest {
  /** Nothing at or after it is read. */
  readonly until: UnixMillis;
  readonly maxRows: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Trains the network on the times before the last quarter, scores it there, and trains it again on all. Equal inputs
 * and seed give equal bits on a reproducible backend. Throws the signal's reason, NetworkNotExportableError.
 */
export async function fitBreachNetwork(
  market: Market,
  request: BreachNetworkRequest,
): Promise<BreachNetworkFit> {
  const { seed, signal } = request;
  const rows = await toBreachRows(market, { ...request, random: seededRandom(seed, "sampled vaults") });
  const cut = Math.round((rows.rows / rows.rowsPerTime) * (1 - HELD_SHARE)) * rows.rowsPerTime;
  const before = rowsKnownAt(rows, rows.times[cut]!);
  const rehearsed = await fitRows(rows, before, seededRandom(seed, "breach rehearsal"), signal);
  const report = scoreHeld(rows, before, cut, rehearsed);
  const final = await fitRows(rows, rows.rows, seededRandom(seed, "breach network"), signal);
  return { network: final.network, report };
}

/** Rows whose longest target had ended by `at`. */
function rowsKnownAt({ rows, times }: BreachRows, at: number): number {
  let known = rows;
  while (known > 0 && times[known - 1]! + LONGEST_HORIZON_HOURS * HOUR_MS > at) known--;
  return known;
}

interface Fitted {
  /** Float layers over inputs of 1.0, log2 of the variance per hour. */
  readonly layers: readonly Layer[];
  readonly network: IntegerNetwork;
  /** The linear forecast alone, natural log. */
  readonly linear: Layer;
  readonly mean: Float64Array;
  readonly scale: Float64Array;
}

/** Fits to the first `count` rows. */
async function fitRows(
  table: BreachRows,
  count: number,
  random: Random,
  signal: AbortSignal | undefined,
): Promise<Fitted> {
  const { mean, scale } = moments(table.inputs, count);
  const z = standardise(table.inputs, count, mean, scale);
  const linear = fitLinearLayer(table, z, count);
  const ratio = new Float32Array(count * HORIZONS);
  for (let r = 0; r < count; r++) {
    for (let h = 0; h < HORIZONS; h++) {
      ratio[r * HORIZONS + h] = table.targets[r * HORIZONS + h]! * Math.exp(-affine(linear, z, r, h));
    }
  }
  const widths = [BREACH_INPUTS, BREACH_HIDDEN[0] - CARRIERS, BREACH_HIDDEN[1] - CARRIERS, HORIZONS];
  const learner = createLearner({ ...LEARNING, widths }, random);
  let correction: Layer[];
  try {
    for (let epoch = 0; epoch < LEARNING.epochs; epoch++) {
      const order = shuffled(count, random);
      for (let from = 0; from < count; from += LEARNING.batchRows) {
        const batch = order.subarray(from, from + LEARNING.batchRows);
        learner.step(gather(z, BREACH_INPUTS, batch), gather(ratio, HORIZONS, batch));
      }
      await setImmediate();
      signal?.throwIfAborted();
    }
    correction = withBias(learner.layers(), learner.predict(z), ratio, count);
  } finally {
    learner.dispose();
  }
  const joined = join(linear, correction);
  const layers = [foldStandardisation(joined[0]!, mean, scale), ...joined.slice(1)];
  const network = exportNetwork({ layers, calibration: sampleRows(table.inputs, count) });
  return { layers, network, linear, mean, scale };
}

/** The multiplicative bias correction, log of the mean of realised over forecast, in the last bias. */
function withBias(layers: readonly Layer[], said: Float32Array, ratio: Float32Array, count: number): Layer[] {
  const last = layers[layers.length - 1]!;
  const bias = last.bias.map((b, h) => {
    let sum = 0;
    for (let r = 0; r < count; r++) sum += ratio[r * HORIZONS + h]! * Math.exp(-said[r * HORIZONS + h]!);
    return b + Math.log(sum / count);
  });
  return [...layers.slice(0, -1), { ...last, bias }];
}

/** One network of the linear forecast and its correction, whose outputs are logs to base 2. */
function join(linear: Layer, correction: readonly Layer[]): Layer[] {
  const [first, second, last] = correction as [Layer, Layer, Layer];
  const carried = Array.from({ length: CARRIERS }, (_, c) => ({ h: c >> 1, sign: c % 2 === 0 ? 1 : -1 }));
  const top = layer(BREACH_INPUTS, BREACH_HIDDEN[0]);
  carried.forEach(({ h, sign }, c) => {
    for (let i = 0; i < BREACH_INPUTS; i++)
      top.weights[c * BREACH_INPUTS + i] = sign * linear.weights[h * BREACH_INPUTS + i]!;
    top.bias[c] = sign * linear.bias[h]!;
  });
  top.weights.set(first.weights, CARRIERS * BREACH_INPUTS);
  top.bias.set(first.bias, CARRIERS);
  const middle = layer(BREACH_HIDDEN[0], BREACH_HIDDEN[1]);
  for (let c = 0; c < CARRIERS; c++) middle.weights[c * BREACH_HIDDEN[0] + c] = 1;
  for (let o = 0; o < second.outputs; o++) {
    const row = second.weights.subarray(o * second.inputs, (o + 1) * second.inputs);
    middle.weights.set(row, (CARRIERS + o) * BREACH_HIDDEN[0] + CARRIERS);
    middle.bias[CARRIERS + o] = second.bias[o]!;
  }
  const bottom = layer(BREACH_HIDDEN[1], HORIZONS);
  for (let h = 0; h < HORIZONS; h++) {
    const from = h * BREACH_HIDDEN[1];
    bottom.weights[from + 2 * h] = 1;
    bottom.weights[from + 2 * h + 1] = -1;
    bottom.weights.set(last.weights.subarray(h * last.inputs, (h + 1) * last.inputs), from + CARRIERS);
    bottom.bias[h] = last.bias[h]!;
  }
  const toBase2 = (x: number) => x / Math.LN2;
  return [top, middle, { ...bottom, weights: bottom.weights.map(toBase2), bias: bottom.bias.map(toBase2) }];
}

const layer = (inputs: number, outputs: number): Layer => ({
  inputs,
  outputs,
  weights: new Float64Array(inputs * outputs),
  bias: new Float64Array(outputs),
});

function fitLinearLayer(table: BreachRows, z: Float32Array, count: number): Layer {
  const linear = layer(BREACH_INPUTS, HORIZONS);
  const penalty = new Float64Array(BREACH_INPUTS).fill(PENALTY);
  for (let h = 0; h < HORIZONS; h++) {
    const y = Float64Array.from({ length: count }, (_, r) => table.targets[r * HORIZONS + h]!);
    const { weights, bias } = fitLinear({ rows: count, inputs: BREACH_INPUTS, z, y }, penalty);
    linear.weights.set(weights, h * BREACH_INPUTS);
    linear.bias[h] = bias;
  }
  return linear;
}

/** QLIKE on the rows from `cut` on, and how well the integer network's score ranks breaches there. */
function scoreHeld(table: BreachRows, trained: number, cut: number, fitted: Fitted): BreachNetworkReport {
  const held = table.rows - cut;
  const inputs = table.inputs.subarray(cut * BREACH_INPUTS);
  const whole = toBreachScorer(fitted.network).run(inputs);
  const z = standardise(inputs, held, fitted.mean, fitted.scale);
  const horizons = HORIZONS_HOURS.map((horizonHours, h) => {
    let [ofInteger, ofFloat, ofLinear] = [0, 0, 0];
    for (let r = 0; r < held; r++) {
      const realised = table.targets[(cut + r) * HORIZONS + h]!;
      ofInteger += qlike(realised, 2 ** (whole[r * HORIZONS + h]! / 1024));
      ofFloat += qlike(realised, 2 ** forward(fitted.layers, inputs, r)[h]!);
      ofLinear += qlike(realised, Math.exp(affine(fitted.linear, z, r, h)));
    }
    return {
      horizonHours,
      qlike: ofInteger / held,
      qlikeFloat: ofFloat / held,
      qlikeLinear: ofLinear / held,
      quantisationLossPct: 100 * (ofInteger / ofFloat - 1),
    };
  });
  return { rows: trained, heldRows: held, horizons, breach: scoreBreaches(table, cut, fitted.network) };
}

/** The float network on one row of integer inputs. */
function forward(layers: readonly Layer[], inputs: Int16Array, row: number): Float64Array {
  let x: Float64Array = Float64Array.from(
    inputs.subarray(row * BREACH_INPUTS, (row + 1) * BREACH_INPUTS),
    (v) => v / 1024,
  );
  layers.forEach((l, k) => {
    const y = new Float64Array(l.outputs);
    for (let o = 0; o < l.outputs; o++) {
      let sum = l.bias[o]!;
      for (let i = 0; i < l.inputs; i++) sum += l.weights[o * l.inputs + i]! * x[i]!;
      y[o] = k < layers.length - 1 ? Math.max(0, sum) : sum;
    }
    x = y;
  });
  return x;
}

function affine({ inputs, weights, bias }: Layer, z: Float32Array, row: number, h: number): number {
  let sum = bias[h]!;
  for (let i = 0; i < inputs; i++) sum += weights[h * inputs + i]! * z[row * inputs + i]!;
  return sum;
}

/** Of inputs of 1.0; the scale of one that does not vary is 0. */
function moments(inputs: Int16Array, count: number): { mean: Float64Array; scale: Float64Array } {
  const mean = new Float64Array(BREACH_INPUTS);
  const scale = new Float64Array(BREACH_INPUTS);
  for (let i = 0; i < BREACH_INPUTS; i++) {
    let [sum, squares] = [0, 0];
    for (let r = 0; r < count; r++) {
      const x = inputs[r * BREACH_INPUTS + i]! / 1024;
      sum += x;
      squares += x * x;
    }
    mean[i] = sum / count;
    const variance = squares / count - mean[i]! ** 2;
    scale[i] = variance > 1e-9 ? 1 / Math.sqrt(variance) : 0;
  }
  return { mean, scale };
}

const standardise = (
  inputs: Int16Array,
  count: number,
  mean: Float64Array,
  scale: Float64Array,
): Float32Array =>
  Float32Array.from({ length: count * BREACH_INPUTS }, (_, k) => {
    const i = k % BREACH_INPUTS;
    return (inputs[k]! / 1024 - mean[i]!) * scale[i]!;
  });

/** At most CALIBRATION_ROWS of the first `count` rows, evenly spread. */
function sampleRows(inputs: Int16Array, count: number): Int16Array {
  const rows = Math.min(count, CALIBRATION_ROWS);
  const out = new Int16Array(rows * BREACH_INPUTS);
  for (let k = 0; k < rows; k++) {
    const from = Math.floor((k * count) / rows) * BREACH_INPUTS;
    out.set(inputs.subarray(from, from + BREACH_INPUTS), k * BREACH_INPUTS);
  }
  return out;
}

function shuffled(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}

function gather(values: Float32Array, width: number, rows: Int32Array): Float32Array {
  const out = new Float32Array(rows.length * width);
  rows.forEach((row, k) => {
    out.set(values.subarray(row * width, (row + 1) * width), k * width);
  });
  return out;
}
