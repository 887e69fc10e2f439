import { BallastError, type Hex } from "@ballast/data";
import { getAddress } from "ethers";

/** The types of static fields, each one 32-byte word. */
export type FieldType =
  | "bool"
  | "uint256"
  | "uint64"
  | "uint32"
  | "uint24"
  | "uint8"
  | "int64"
  | "address"
  | "bytes32";

/** A field whose value has no encoding: out of range, of the wrong length or of the wrong type. */
export class FieldRangeError extends BallastError {
  readonly code = "FIELD_RANGE";
  /** `sequence`, or `trades[2].amountIn`. */
  readonly field: string;
  readonly type: string;
  readonly value: unknown;
  constructor(field: string, type: FieldType | string, value: unknown) {
    super(`${field} is ${describe(value)}, which is no ${type}; ${remedies[type] ?? "correct the value"}`);
    this.field = field;
    this.type = type;
    this.value = value;
  }
}

const bits: Partial<Record<FieldType, number>> = {
  uint256: 256,
  uint64: 64,
  uint32: 32,
  uint24: 24,
  uint8: 8,
};

const remedies: Record<string, string> = {
  bool: "give true or false",
  address: "give 20 bytes as 0x-hexadecimal with a correct checksum or none",
  bytes32: "give 32 bytes as 0x-hexadecimal",
  bytes: "give whole bytes as 0x-hexadecimal",
  string: "give text without lone surrogates",
  int64: "give a whole number from -2^63 to 2^63 - 1",
  ...Object.fromEntries(
    Object.entries(bits).map(([type, n]) => [type, `give a whole number from 0 to 2^${n} - 1`]),
  ),
};

export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 90 ? `${value.slice(0, 90)}…` : value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** One value as the 64 digits of its ABI word, without prefix. Throws FieldRangeError. */
export function toAbiWord(field: string, type: FieldType, value: unknown): string {
  if (type === "address") {
    if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value))
      throw new FieldRangeError(field, type, value);
    const lower = value.toLowerCase();
    if (value !== lower && getAddress(lower) !== value) throw new FieldRangeError(field, type, value);
    return lower.slice(2).padStart(64, "0");
  }
  if (type === "bytes32") {
    if (typeof value !== "string" || !/^0x[0-9a-fA-F]{64}$/.test(value))
      throw new FieldRangeError(field, type, value);
    return value.slice(2).toLowerCase();
  }
  if (type === "bool") {
    if (typeof value !== "boolean") throw new FieldRangeError(field, type, value);
    return (value ? "1" : "0").padStart(64, "0");
  }
  if (type === "int64") {
    if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value)
      throw new FieldRangeError(field, type, value);
    return BigInt.asUintN(256, value).toString(16).padStart(64, "0");
  }
  const isWhole = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  if (!isWhole || value < 0 || BigInt(value) >> BigInt(bits[type]!) !== 0n)
    throw new FieldRangeError(field, type, value);
  return value.toString(16).padStart(64, "0");
}

/** A word read back; `uint8` to `uint32` become numbers, wider integers bigints. Throws FieldRangeError. */
export function fromWord(field: string, type: FieldType, word: string): bigint | number | boolean | Hex {
  if (type === "bytes32") return `0x${word}`;
  const value = BigInt(`0x${word}`);
  if (type === "bool" && (value === 0n || value === 1n)) return value === 1n;
  if (type === "int64") {
    const signed = BigInt.asIntN(256, value);
    if (BigInt.asIntN(64, signed) !== signed) throw new FieldRangeError(field, type, `0x${word}`);
    return signed;
  }
  const size = type === "address" ? 160 : (bits[type] ?? 1);
  if (value >> BigInt(size) !== 0n) throw new FieldRangeError(field, type, `0x${word}`);
  if (type === "address") return `0x${word.slice(24)}`;
  return size <= 32 ? Number(value) : value;
}

/** One number as an ABI word, for the lengths and offsets of an encoding. */
export const lengthWord = (value: number): string => value.toString(16).padStart(64, "0");

/** The tail of `bytes`: their length, then the bytes padded to whole words. Throws FieldRangeError. */
export function bytesTail(field: string, value: unknown): string {
  if (typeof value !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(value))
    throw new FieldRangeError(field, "bytes", value);
  const digits = value.slice(2).toLowerCase();
  return lengthWord(digits.length / 2) + digits.padEnd(Math.ceil(digits.length / 64) * 64, "0");
}
