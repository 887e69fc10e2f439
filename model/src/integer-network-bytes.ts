import { BallastError, type Hex, keccak } from "@ballast/data";
import { type IntegerLayer, type IntegerNetwork, MAX_INT16, MIN_INT16 } from "./integer-network.ts";

/** What is wrong with a network; each is the name of the error with which `IntegerNetworkLib.check` reverts. */
export type NetworkFault =
  | "NetworkTooShort"
  | "NetworkTooLong"
  | "NetworkFormat"
  | "NetworkFractionBits"
  | "NetworkLayerCount"
  | "NetworkWidth"
  | "NetworkShift"
  | "NetworkHeaderPadding"
  | "NetworkWrongSize"
  | "NetworkPadding"
  | "NetworkOverflow"
  | "NetworkShape";

const WHY: Readonly<Record<NetworkFault, string>> = {
  NetworkTooShort: "it has {0} bytes, fewer than its header's 32",
  NetworkTooLong: "it has {0} bytes, more than the 24,576 that a contract can hold",
  NetworkFormat: "it begins with the bytes {0}, not with those of this format",
  NetworkFractionBits: "it has {0} fraction bits, more than 15",
  NetworkLayerCount: "it has {0} layers, not 1 to 11",
  NetworkWidth: "width {0}, counted from that of the inputs, is {1}, not 1 to 255",
  NetworkShift: "layer {0} shifts by {1}, not 0 to 31",
  NetworkHeaderPadding: "byte {0} of its header is not zero",
  NetworkWrongSize: "it has {0} bytes where its header says {1}",
  NetworkPadding: "byte {0} belongs to no output and is not that of a zero",
  NetworkOverflow: "some input takes the sum of layer {0}, output {1} out of int32",
  NetworkShape: "layer {0} has {1} numbers or inputs where {2} belong",
};

export class BadNetworkError extends BallastError {
  readonly code = "BAD_NETWORK";
  readonly fault: NetworkFault;
  /** The arguments of the Solidity error, in order. */
  readonly values: readonly number[];
  constructor(fault: NetworkFault, ...values: number[]) {
    const say = (value: number) =>
      fault === "NetworkFormat" ? `0x${value.toString(16).padStart(10, "0")}` : value.toLocaleString("en");
    const why = WHY[fault].replace(/\{(\d)\}/g, (_, v) => say(values[v]!));
    super(
      `${fault}: this is no network that can be run: ${why}. Fetch its bytes again, or export it anew with ` +
        "`exportNetwork`.",
    );
    this.fault = fault;
    this.values = values;
  }
}

/** STOP, "BIN", version 1. */
const FORMAT = [0x00, 0x42, 0x49, 0x4e, 0x01];
const FORMAT_NUMBER = 0x0042494e01;
const HEADER = 32;
const MAX_BYTES = 24_576;
const MAX_LAYERS = 11;
const MAX_SHIFT = 31;
const MAX_FRACTION_BITS = 15;
/** Outputs whose weights share a 256-bit word. */
const GROUP = 16;
const BIAS_BYTES = 4 * GROUP;
const WORD = 32;
/** Weights and biases are stored with this added, as the EVM's lanes have no sign. */
const WEIGHT_ZERO = 0x8000;
const BIAS_ZERO = 0x8000_0000;

const groupsOf = (outputs: number): number => Math.ceil(outputs / GROUP);
const layerBytes = (inputs: number, outputs: number): number =>
  groupsOf(outputs) * (BIAS_BYTES + inputs * WORD);

/** Offset, within its group, of an output's bias: those of even outputs come first, then those of odd ones. */
const biasAt = (output: number): number => (output % 2) * WORD + ((output % GROUP) >> 1) * 4;

/** The content address of a network, its `modelId`: keccak256 of its bytes, EXTCODEHASH of the contract that holds it. */
export const networkId = (bytes: Uint8Array): Hex => keccak(bytes);

/**
 * Creation code of a contract whose code is `bytes`:
 * PUSH2 size, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN, then the bytes.
 */
export function holderCode(bytes: Uint8Array): Hex {
  const size = bytes.length.toString(16).padStart(4, "0");
  return `0x61${size}80600a5f395ff3${Buffer.from(bytes).toString("hex")}`;
}

/**
 * Canonical bytes of a network, described byte by byte in docs/integer-network.md: equal networks have equal bytes.
 * @throws BadNetworkError for a network that `readNetwork` would refuse, and NetworkShape where a layer's arrays or its
 * inputs do not fit.
 */
export function networkBytes(network: IntegerNetwork): Uint8Array {
  const { layers, inputFractionBits, outputFractionBits } = network;
  checkNumbers(network);
  const total = layers.reduce((sum, { inputs, outputs }) => sum + layerBytes(inputs, outputs), HEADER);
  const bytes = new Uint8Array(total);
  bytes.set(FORMAT);
  bytes.set([inputFractionBits, outputFractionBits, layers.length, layers[0]!.inputs], FORMAT.length);
  const view = new DataView(bytes.buffer);
  let at = HEADER;
  for (const [l, layer] of layers.entries()) {
    bytes.set([layer.outputs, layer.shift], 9 + 2 * l);
    for (let first = 0; first < layer.outputs; first += GROUP) {
      for (let o = first; o < first + GROUP; o++) {
        const isUsed = o < layer.outputs;
        view.setUint32(at + biasAt(o), (isUsed ? layer.bias[o]! : 0) + BIAS_ZERO);
        for (let i = 0; i < layer.inputs; i++) {
          const weight = isUsed ? layer.weights[o * layer.inputs + i]! : 0;
          view.setUint16(at + BIAS_BYTES + i * WORD + (o - first) * 2, weight + WEIGHT_ZERO);
        }
      }
      at += BIAS_BYTES + layer.inputs * WORD;
    }
  }
  readNetwork(bytes);
  return bytes;
}

/** What bytes cannot say, or say otherwise. */
function checkNumbers({ layers, inputFractionBits, outputFractionBits }: IntegerNetwork): void {
  const isByte = (value: number, low: number, high: number) =>
    Number.isInteger(value) && value >= low && value <= high;
  for (const bits of [inputFractionBits, outputFractionBits]) {
    if (!isByte(bits, 0, MAX_FRACTION_BITS)) throw new BadNetworkError("NetworkFractionBits", bits);
  }
  if (!isByte(layers.length, 1, MAX_LAYERS)) throw new BadNetworkError("NetworkLayerCount", layers.length);
  let width = layers[0]!.inputs;
  if (!isByte(width, 1, 255)) throw new BadNetworkError("NetworkWidth", 0, width);
  for (const [l, { inputs, outputs, weights, bias, shift }] of layers.entries()) {
    if (!isByte(outputs, 1, 255)) throw new BadNetworkError("NetworkWidth", l + 1, outputs);
    if (!isByte(shift, 0, MAX_SHIFT)) throw new BadNetworkError("NetworkShift", l, shift);
    for (const [found, expected] of [
      [inputs, width],
      [weights.length, inputs * outputs],
      [bias.length, outputs],
    ] as const) {
      if (found !== expected) throw new BadNetworkError("NetworkShape", l, found, expected);
    }
    width = outputs;
  }
}

/** The network in `bytes`. Throws BadNetworkError with the first fault, in the order in which the vault looks for them. */
export function readNetwork(bytes: Uint8Array): IntegerNetwork {
  const { widths, shifts, inputFractionBits, outputFractionBits } = readHeader(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layers: IntegerLayer[] = [];
  let at = HEADER;
  for (const [l, shift] of shifts.entries()) {
    const inputs = widths[l]!;
    const outputs = widths[l + 1]!;
    const layer = {
      inputs,
      outputs,
      weights: new Int16Array(inputs * outputs),
      bias: new Int32Array(outputs),
      shift,
    };
    for (let first = 0; first < outputs; first += GROUP) {
      for (let o = first; o < first + GROUP; o++) readOutput(view, at, l, o, layer);
      at += BIAS_BYTES + inputs * WORD;
    }
    layers.push(layer);
  }
  return { layers, inputFractionBits, outputFractionBits };
}

function readHeader(bytes: Uint8Array) {
  const size = bytes.length;
  if (size < HEADER) throw new BadNetworkError("NetworkTooShort", size);
  if (size > MAX_BYTES) throw new BadNetworkError("NetworkTooLong", size);
  const format = bytes.subarray(0, FORMAT.length).reduce((number, byte) => number * 256 + byte, 0);
  if (format !== FORMAT_NUMBER) throw new BadNetworkError("NetworkFormat", format);
  const [inputFractionBits, outputFractionBits, count] = bytes.subarray(5, 8) as unknown as [
    number,
    number,
    number,
  ];
  for (const bits of [inputFractionBits, outputFractionBits]) {
    if (bits > MAX_FRACTION_BITS) throw new BadNetworkError("NetworkFractionBits", bits);
  }
  if (count < 1 || count > MAX_LAYERS) throw new BadNetworkError("NetworkLayerCount", count);
  const widths = [bytes[8]!];
  const shifts: number[] = [];
  if (widths[0] === 0) throw new BadNetworkError("NetworkWidth", 0, 0);
  let expected = HEADER;
  for (let l = 0; l < count; l++) {
    const outputs = bytes[9 + 2 * l]!;
    const shift = bytes[10 + 2 * l]!;
    if (outputs === 0) throw new BadNetworkError("NetworkWidth", l + 1, 0);
    if (shift > MAX_SHIFT) throw new BadNetworkError("NetworkShift", l, shift);
    expected += layerBytes(widths[l]!, outputs);
    widths.push(outputs);
    shifts.push(shift);
  }
  for (let b = 9 + 2 * count; b < HEADER; b++) {
    if (bytes[b] !== 0) throw new BadNetworkError("NetworkHeaderPadding", b);
  }
  if (size !== expected) throw new BadNetworkError("NetworkWrongSize", size, expected);
  return { widths, shifts, inputFractionBits, outputFractionBits };
}

/** Reads one output of the group at `group` into `layer`, or sees that a lane beyond the last output is zero. */
function readOutput(view: DataView, group: number, l: number, o: number, layer: IntegerLayer): void {
  const { inputs, outputs, weights, bias } = layer;
  const lowest = l === 0 ? MIN_INT16 : 0;
  const isUsed = o < outputs;
  const at = group + biasAt(o);
  const start = view.getUint32(at) - BIAS_ZERO;
  if (isUsed) bias[o] = start;
  else if (start !== 0) throw new BadNetworkError("NetworkPadding", at);
  let least = start;
  let most = start;
  for (let i = 0; i < inputs; i++) {
    const at = group + BIAS_BYTES + i * WORD + (o % GROUP) * 2;
    const weight = view.getUint16(at) - WEIGHT_ZERO;
    if (isUsed) weights[o * inputs + i] = weight;
    else if (weight !== 0) throw new BadNetworkError("NetworkPadding", at);
    least += weight * (weight > 0 ? lowest : MAX_INT16);
    most += weight * (weight > 0 ? MAX_INT16 : lowest);
  }
  if (least < -BIAS_ZERO || most >= BIAS_ZERO) throw new BadNetworkError("NetworkOverflow", l, o);
}
