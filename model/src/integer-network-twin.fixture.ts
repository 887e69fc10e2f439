/**
 * The integer network from its definition in docs/integer-network.md, with bigint and plain loops: one weight at a
 * time from the bytes, no layer object, nothing shared with the implementation. Slow, and meant to be read.
 */
const big = (bytes: Uint8Array, at: number, length: number): bigint => {
  let value = 0n;
  for (let b = at; b < at + length; b++) value = value * 256n + BigInt(bytes[b]!);
  return value;
};

export class TwinFault extends Error {
  readonly values: readonly number[];
  constructor(fault: string, ...values: (number | bigint)[]) {
    super(fault);
    this.values = values.map(Number);
  }
}

/** Where layer `l` begins. */
function start(bytes: Uint8Array, l: number): number {
  let at = 32;
  for (let k = 0; k < l; k++) at += Math.ceil(outputsOf(bytes, k) / 16) * (64 + 32 * inputsOf(bytes, k));
  return at;
}
const inputsOf = (bytes: Uint8Array, l: number): number => (l === 0 ? bytes[8]! : outputsOf(bytes, l - 1));
const outputsOf = (bytes: Uint8Array, l: number): number => bytes[9 + 2 * l]!;
const shiftOf = (bytes: Uint8Array, l: number): number => bytes[10 + 2 * l]!;

const groupAt = (bytes: Uint8Array, l: number, o: number): number =>
  start(bytes, l) + Math.floor(o / 16) * (64 + 32 * inputsOf(bytes, l));
const biasAt = (bytes: Uint8Array, l: number, o: number): number =>
  groupAt(bytes, l, o) + (o % 2 === 0 ? 0 : 32) + 4 * Math.floor((o % 16) / 2);
const weightAt = (bytes: Uint8Array, l: number, o: number, i: number): number =>
  groupAt(bytes, l, o) + 64 + 32 * i + 2 * (o % 16);
const biasOf = (bytes: Uint8Array, l: number, o: number): bigint =>
  big(bytes, biasAt(bytes, l, o), 4) - 2147483648n;
const weightOf = (bytes: Uint8Array, l: number, o: number, i: number): bigint =>
  big(bytes, weightAt(bytes, l, o, i), 2) - 32768n;

/** Throws TwinFault named like the Solidity error, for the first fault found. */
export function twinCheck(bytes: Uint8Array): void {
  if (bytes.length < 32) throw new TwinFault("NetworkTooShort", bytes.length);
  if (bytes.length > 24576) throw new TwinFault("NetworkTooLong", bytes.length);
  if (big(bytes, 0, 5) !== 0x0042494e01n) throw new TwinFault("NetworkFormat", big(bytes, 0, 5));
  if (bytes[5]! > 15) throw new TwinFault("NetworkFractionBits", bytes[5]!);
  if (bytes[6]! > 15) throw new TwinFault("NetworkFractionBits", bytes[6]!);
  const layers = bytes[7]!;
  if (layers === 0 || layers > 11) throw new TwinFault("NetworkLayerCount", layers);
  if (bytes[8] === 0) throw new TwinFault("NetworkWidth", 0, 0);
  for (let l = 0; l < layers; l++) {
    if (outputsOf(bytes, l) === 0) throw new TwinFault("NetworkWidth", l + 1, 0);
    if (shiftOf(bytes, l) > 31) throw new TwinFault("NetworkShift", l, shiftOf(bytes, l));
  }
  for (let b = 9 + 2 * layers; b < 32; b++) {
    if (bytes[b] !== 0) throw new TwinFault("NetworkHeaderPadding", b);
  }
  if (bytes.length !== start(bytes, layers)) {
    throw new TwinFault("NetworkWrongSize", bytes.length, start(bytes, layers));
  }
  for (let l = 0; l < layers; l++) {
    const lowest = l === 0 ? -32768n : 0n;
    for (let o = 0; o < 16 * Math.ceil(outputsOf(bytes, l) / 16); o++) {
      const isPadding = o >= outputsOf(bytes, l);
      let least = biasOf(bytes, l, o);
      let most = least;
      if (isPadding && least !== 0n) throw new TwinFault("NetworkPadding", biasAt(bytes, l, o));
      for (let i = 0; i < inputsOf(bytes, l); i++) {
        const weight = weightOf(bytes, l, o, i);
        if (isPadding && weight !== 0n) throw new TwinFault("NetworkPadding", weightAt(bytes, l, o, i));
        const a = weight * lowest;
        const b = weight * 32767n;
        least += a < b ? a : b;
        most += a < b ? b : a;
      }
      if (least < -2147483648n || most > 2147483647n) throw new TwinFault("NetworkOverflow", l, o);
    }
  }
}

/** The outputs of a network that `twinCheck` accepts. */
export function twinRun(bytes: Uint8Array, input: readonly number[]): number[] {
  let x = input.map(BigInt);
  const layers = bytes[7]!;
  for (let l = 0; l < layers; l++) {
    const lowest = l === layers - 1 ? -32768n : 0n;
    const y: bigint[] = [];
    for (let o = 0; o < outputsOf(bytes, l); o++) {
      let sum = biasOf(bytes, l, o);
      for (let i = 0; i < x.length; i++) sum += weightOf(bytes, l, o, i) * x[i]!;
      const divisor = 2n ** BigInt(shiftOf(bytes, l));
      let value = sum / divisor;
      if (sum < 0n && sum % divisor !== 0n) value -= 1n;
      if (value < lowest) value = lowest;
      if (value > 32767n) value = 32767n;
      y.push(value);
    }
    x = y;
  }
  return x.map(Number);
}
