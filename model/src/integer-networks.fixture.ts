import type { Random } from "@ballast/data";
import { type IntegerLayer, type IntegerNetwork, MAX_INT16, MIN_INT16 } from "./integer-network.ts";

/** int16, in three tenths of the cases an extreme one. */
export const randomInt16 = (random: Random): number =>
  random.integer(10) < 3
    ? [MIN_INT16, MAX_INT16, -1, 0, 1][random.integer(5)]!
    : random.integer(65_536) + MIN_INT16;

/**
 * A seeded random network that `readNetwork` accepts: widths that do and do not fill the words, sums that touch both
 * ends of int32, weights at both ends of int16, every shift, outputs and activations that saturate.
 */
export function randomNetwork(
  random: Random,
  widths: readonly number[] = randomWidths(random),
): IntegerNetwork {
  const layers = widths.slice(1).map((outputs, l) => randomLayer(random, l, widths[l]!, outputs));
  return { layers, inputFractionBits: random.integer(16), outputFractionBits: random.integer(16) };
}

function randomWidths(random: Random): number[] {
  const layers = random.integer(12) === 0 ? 1 + random.integer(11) : 1 + random.integer(3);
  return Array.from({ length: layers + 1 }, () =>
    random.integer(8) === 0 ? 16 * (1 + random.integer(3)) : 1 + random.integer(24),
  );
}

function randomLayer(random: Random, l: number, inputs: number, outputs: number): IntegerLayer {
  const weights = new Int16Array(inputs * outputs);
  const bias = new Int32Array(outputs);
  const lowest = l === 0 ? MIN_INT16 : 0;
  const typical = 2 ** (4 + random.integer(12));
  for (let o = 0; o < outputs; o++) {
    const row = weights.subarray(o * inputs, (o + 1) * inputs);
    for (let i = 0; i < inputs; i++)
      row[i] = Math.max(MIN_INT16, Math.min(MAX_INT16, random.normal() * typical));
    if (random.integer(4) === 0) row.fill(0).set([random.integer(2) === 0 ? MIN_INT16 : MAX_INT16]);
    let [least, most] = extent(row, lowest);
    while (most - least > 2 ** 32 - 1) {
      row.forEach((weight, i) => {
        row[i] = weight >> 1;
      });
      [least, most] = extent(row, lowest);
    }
    const low = -(2 ** 31) - least;
    const high = 2 ** 31 - 1 - most;
    const share = [0, 1, 0.5, random.uniform()][random.integer(4)]!;
    bias[o] = Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.floor(low + share * (high - low))));
  }
  return {
    inputs,
    outputs,
    weights,
    bias,
    shift: random.integer(3) === 0 ? random.integer(32) : 12 + random.integer(8),
  };
}

/** Least and largest sum of weight times input. */
function extent(weights: Int16Array, lowest: number): [least: number, most: number] {
  let least = 0;
  let most = 0;
  for (const weight of weights) {
    least += weight * (weight > 0 ? lowest : MAX_INT16);
    most += weight * (weight > 0 ? MAX_INT16 : lowest);
  }
  return [least, most];
}

export interface Fault {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** One malformed network for each thing that can be wrong; the base is a sound 3-5-17-2 network. */
export function malformedNetworks(sound: Uint8Array): Fault[] {
  const changed = (...changes: [offset: number, value: number][]): Uint8Array => {
    const bytes = sound.slice();
    for (const [offset, value] of changes) bytes[offset] = value;
    return bytes;
  };
  const firstBias = 32;
  const firstWeight = 96;
  return [
    { name: "NetworkTooShort", bytes: new Uint8Array(0) },
    { name: "NetworkTooShort", bytes: sound.slice(0, 31) },
    { name: "NetworkFormat", bytes: changed([0, 1]) },
    { name: "NetworkFormat", bytes: changed([3, 0x4f]) },
    { name: "NetworkFormat", bytes: changed([4, 2]) },
    { name: "NetworkFractionBits", bytes: changed([5, 16]) },
    { name: "NetworkFractionBits", bytes: changed([6, 255]) },
    { name: "NetworkLayerCount", bytes: changed([7, 0]) },
    { name: "NetworkLayerCount", bytes: changed([7, 12]) },
    { name: "NetworkWidth", bytes: changed([8, 0]) },
    { name: "NetworkWidth", bytes: changed([11, 0]) },
    { name: "NetworkShift", bytes: changed([10, 32]) },
    { name: "NetworkShift", bytes: changed([14, 255]) },
    { name: "NetworkHeaderPadding", bytes: changed([15, 1]) },
    { name: "NetworkHeaderPadding", bytes: changed([31, 128]) },
    { name: "NetworkWrongSize", bytes: sound.slice(0, 32) },
    { name: "NetworkWrongSize", bytes: sound.slice(0, -1) },
    { name: "NetworkWrongSize", bytes: Uint8Array.of(...sound, 0) },
    { name: "NetworkWrongSize", bytes: changed([9, 17]) },
    // Output 5 of a layer of 5 is a lane of no output: an odd one's bias, and a weight.
    { name: "NetworkPadding", bytes: changed([firstBias + 32 + 8, 0x81]) },
    { name: "NetworkPadding", bytes: changed([firstWeight + 32 + 2 * 15 + 1, 1]) },
    // 3 inputs of -32768 and three weights of -32768 sum to 3·2^30.
    {
      name: "NetworkOverflow",
      bytes: changed(
        ...[0, 1, 2].flatMap((i): [number, number][] => [
          [firstWeight + 32 * i + 2, 0],
          [firstWeight + 32 * i + 3, 0],
        ]),
      ),
    },
    // One beyond either end: 2^31 - 32767 + 1·32767, and -2^31 - 1 + 32768 - 1·32768.
    { name: "NetworkOverflow", bytes: changed(...toUnit(0xffff_8001, 1)) },
    { name: "NetworkOverflow", bytes: changed(...toUnit(0x0000_7fff, 1)) },
  ];
}

/** Changes that leave output 0 of the first layer with that bias as stored, one weight, and two weights of zero. */
function toUnit(storedBias: number, weight: number): [offset: number, value: number][] {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(storedBias);
  return [
    ...[...bytes].map((byte, b): [number, number] => [32 + b, byte]),
    ...[weight, 0, 0].flatMap((w, i): [number, number][] => [
      [96 + 32 * i, 0x80],
      [96 + 32 * i + 1, w],
    ]),
  ];
}
