import { BallastError } from "@ballast/data";
import type { Layer } from "./artefact.ts";
import { dense, type IntegerLayer, type IntegerNetwork, MAX_INT16, MIN_INT16 } from "./integer-network.ts";
import { networkBytes } from "./integer-network-bytes.ts";

export interface ExportRequest {
  /** Float layers with ReLU between them, the last one linear; they take inputs of integer/2^inputFractionBits. */
  readonly layers: readonly Layer[];
  /** Rows of integer inputs, one after the other, of the kind that the network will see. At least one row. */
  readonly calibration: Int16Array;
  /** 10 where absent. */
  readonly inputFractionBits?: number;
  /** 10 where absent. */
  readonly outputFractionBits?: number;
}

export class NetworkNotExportableError extends BallastError {
  readonly code = "NETWORK_NOT_EXPORTABLE";
  readonly layer: number;
  constructor(layer: number, found: string, remedy: string) {
    super(`layer ${layer} of the network ${found}: ${remedy}.`);
    this.layer = layer;
  }
}

/** A hidden activation twice as large as the largest of the calibration rows still fits. */
const HEADROOM = 2;
const INT32 = 2 ** 31;

/** The first layer of a network whose inputs are standardised, z = (x - mean)·scale, as a layer of x itself. */
export function foldStandardisation(layer: Layer, mean: Float64Array, scale: Float64Array): Layer {
  const { inputs, outputs } = layer;
  const weights = layer.weights.map((w, k) => w * scale[k % inputs]!);
  const bias = layer.bias.map((b, o) => {
    let sum = b;
    for (let i = 0; i < inputs; i++) sum -= weights[o * inputs + i]! * mean[i]!;
    return sum;
  });
  return { inputs, outputs, weights, bias };
}

/**
 * The integer network nearest to a float one. ReLU(c·a) = c·ReLU(a) for c > 0, and so each hidden unit has a scale of
 * its own: the largest with which its weights fit int16, its sum fits int32 whatever the inputs, and its activation
 * fits int16 with headroom on the calibration rows (Nagel et al. 2019, "Data-Free Quantization Through Weight
 * Equalization", section 4.1). The shift of a layer is the one with the least squared error on those rows.
 * @throws NetworkNotExportableError for a network that is empty, does not chain, is not finite, or whose outputs leave
 * the range of the output format on a calibration row; BadNetworkError for one too large for the byte format.
 */
export function exportNetwork(request: ExportRequest): IntegerNetwork {
  const { layers, calibration, inputFractionBits = 10, outputFractionBits = 10 } = request;
  checkRequest(request);
  const rows = calibration.length / layers[0]!.inputs;
  const exported: IntegerLayer[] = [];
  let exact = Float64Array.from(calibration, (x) => x / 2 ** inputFractionBits);
  let found = Int32Array.from(calibration);
  // Integer units per 1.0 of each input of the layer.
  let scales = new Float64Array(layers[0]!.inputs).fill(2 ** inputFractionBits);
  for (const [l, layer] of layers.entries()) {
    const isLast = l === layers.length - 1;
    const target = affineRows(layer, exact, rows);
    const context: Context = { l, layer, scales, found, rows, target };
    const choice = isLast
      ? lastLayer(context, outputFractionBits)
      : hiddenLayer(context, columnNorms(layers[l + 1]!));
    exported.push(choice.layer);
    ({ scales, found } = choice);
    exact = target.map((y) => (isLast ? y : Math.max(0, y)));
  }
  const network = { layers: exported, inputFractionBits, outputFractionBits };
  networkBytes(network);
  return network;
}

function checkRequest({ layers, calibration }: ExportRequest): void {
  if (layers.length === 0)
    throw new NetworkNotExportableError(0, "is missing", "a network has at least one layer");
  let width = layers[0]!.inputs;
  for (const [l, { inputs, outputs, weights, bias }] of layers.entries()) {
    if (inputs !== width || weights.length !== inputs * outputs || bias.length !== outputs) {
      throw new NetworkNotExportableError(
        l,
        `takes ${inputs} inputs where ${width} come, or has arrays of other sizes`,
        "its layers must chain",
      );
    }
    if (![...weights, ...bias].every(Number.isFinite)) {
      throw new NetworkNotExportableError(l, "has a weight that is not finite", "train it again");
    }
    width = outputs;
  }
  if (calibration.length === 0 || calibration.length % layers[0]!.inputs !== 0) {
    throw new NetworkNotExportableError(
      0,
      `has ${calibration.length} numbers to be calibrated with`,
      `give whole rows of ${layers[0]!.inputs}, at least one`,
    );
  }
}

interface Context {
  readonly l: number;
  readonly layer: Layer;
  readonly scales: Float64Array;
  /** Integer inputs of the layer on the calibration rows. */
  readonly found: Int32Array<ArrayBuffer>;
  readonly rows: number;
  /** Float outputs of the layer before ReLU. */
  readonly target: Float64Array;
}

interface Choice {
  readonly layer: IntegerLayer;
  readonly scales: Float64Array<ArrayBuffer>;
  readonly found: Int32Array<ArrayBuffer>;
}

function hiddenLayer(context: Context, importance: Float64Array): Choice {
  const { layer, rows, target } = context;
  const { outputs } = layer;
  const largest = new Float64Array(outputs);
  target.forEach((y, k) => {
    largest[k % outputs] = Math.max(largest[k % outputs]!, y);
  });
  let best: Choice | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let shift = 0; shift < 32; shift++) {
    const scales = largestScales(context, shift).map((scale, o) =>
      Math.min(scale, MAX_INT16 / HEADROOM / largest[o]!),
    );
    const quantised = quantise(context, scales, shift);
    const found = runRows(quantised, context.found, rows, 0);
    let error = 0;
    for (let k = 0; k < target.length; k++) {
      const o = k % outputs;
      error += ((found[k]! / scales[o]! - Math.max(0, target[k]!)) * importance[o]!) ** 2;
    }
    if (error < least) {
      least = error;
      best = { layer: quantised, scales, found };
    }
  }
  return best!;
}

function lastLayer(context: Context, outputFractionBits: number): Choice {
  const { l, rows, target } = context;
  const scales = new Float64Array(context.layer.outputs).fill(2 ** outputFractionBits);
  const widest = target.reduce((most, y) => Math.max(most, Math.abs(y)), 0) * scales[0]!;
  if (widest >= MAX_INT16) {
    throw new NetworkNotExportableError(
      l,
      `says ${widest / scales[0]!} on a calibration row`,
      `its outputs must be within ±${(MAX_INT16 + 1) / scales[0]!}; give them fewer fraction bits`,
    );
  }
  let shift = 31;
  while (shift > 0 && largestScales(context, shift).some((scale, o) => scale < scales[o]!)) shift--;
  if (largestScales(context, shift).some((scale, o) => scale < scales[o]!)) {
    throw new NetworkNotExportableError(
      l,
      "has weights too large for int16",
      "give its outputs fewer fraction bits",
    );
  }
  const layer = quantise(context, scales, shift);
  return { layer, scales, found: runRows(layer, context.found, rows, MIN_INT16) };
}

/** Per output, the largest scale (integer units per 1.0 after the shift) that fits int16 weights and an int32 sum. */
function largestScales({ l, layer, scales }: Context, shift: number): Float64Array<ArrayBuffer> {
  const { inputs, outputs, weights, bias } = layer;
  const lowest = l === 0 ? MIN_INT16 : 0;
  // Rounding moves a weight by a half, the bias by a half and the half of the shift.
  const room = INT32 - 2 - 2 ** shift / 2 - (inputs * -MIN_INT16) / 2;
  return Float64Array.from({ length: outputs }, (_, o) => {
    let least = bias[o]!;
    let most = bias[o]!;
    let largest = 0;
    for (let i = 0; i < inputs; i++) {
      const weight = weights[o * inputs + i]! / scales[i]!;
      const ends = [weight * lowest, weight * MAX_INT16];
      least += Math.min(...ends);
      most += Math.max(...ends);
      largest = Math.max(largest, Math.abs(weight));
    }
    const worst = Math.max(Math.abs(least), Math.abs(most));
    // A unit without weights and bias fits any scale.
    return worst === 0 ? 1 : Math.min(room / worst, (MAX_INT16 - 1) / largest) / 2 ** shift;
  });
}

function quantise({ layer, scales }: Context, outputScales: Float64Array, shift: number): IntegerLayer {
  const { inputs, outputs } = layer;
  const unit = outputScales.map((scale) => scale * 2 ** shift);
  const half = shift === 0 ? 0 : 2 ** (shift - 1);
  const weights = Int16Array.from(layer.weights, (w, k) =>
    Math.round((w / scales[k % inputs]!) * unit[Math.floor(k / inputs)]!),
  );
  const bias = Int32Array.from(layer.bias, (b, o) => Math.round(b * unit[o]!) + half);
  return { inputs, outputs, weights, bias, shift };
}

function affineRows({ inputs, outputs, weights, bias }: Layer, x: Float64Array, rows: number): Float64Array {
  const y = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias[o]!;
      for (let i = 0; i < inputs; i++) sum += weights[o * inputs + i]! * x[r * inputs + i]!;
      y[r * outputs + o] = sum;
    }
  }
  return y;
}

function runRows(layer: IntegerLayer, x: Int32Array, rows: number, lowest: number): Int32Array<ArrayBuffer> {
  const y = new Int32Array(rows * layer.outputs);
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * layer.inputs, (r + 1) * layer.inputs);
    dense(layer, row, y.subarray(r * layer.outputs, (r + 1) * layer.outputs), lowest);
  }
  return y;
}

/** How much each input of a layer matters to what comes after it. */
function columnNorms({ inputs, weights }: Layer): Float64Array {
  const squares = new Float64Array(inputs);
  weights.forEach((w, k) => {
    squares[k % inputs] = squares[k % inputs]! + w * w;
  });
  return squares.map(Math.sqrt);
}
