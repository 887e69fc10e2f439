import { BallastError, type Hex } from "@ballast/data";
import { getAddress, keccak256, solidityPackedKeccak256 } from "ethers";
import type { Decision, Trade } from "./decision.ts";

/** Fields of `struct Decision` in order; each is one 32-byte word of the canonical bytes. */
export const DECISION_FIELDS = [
  ["chainId", "uint256"],
  ["vault", "address"],
  ["sequence", "uint64"],
  ["action", "uint8"],
  ["reason", "uint8"],
  ["decidedAt", "uint64"],
  ["expiresAt", "uint64"],
  ["inputRoot", "bytes32"],
  ["stateHash", "bytes32"],
  ["modelId", "bytes32"],
  ["forecastHash", "bytes32"],
  ["policyId", "bytes32"],
  ["breachPpm", "uint32"],
  ["tradesHash", "bytes32"],
] as const satisfies readonly (readonly [keyof Decision, FieldType])[];

/** Fields of `struct Trade` in order. */
export const TRADE_FIELDS = [
  ["tokenIn", "address"],
  ["tokenOut", "address"],
  ["fee", "uint24"],
  ["amountIn", "uint256"],
  ["minAmountOut", "uint256"],
] as const satisfies readonly (readonly [keyof Trade, FieldType])[];

export type FieldType = "bool" | "uint256" | "uint64" | "uint32" | "uint24" | "uint8" | "address" | "bytes32";

/** The EAS schema of a decision. Register it revocable and without a resolver. */
export const DECISION_SCHEMA = DECISION_FIELDS.map(([name, type]) => `${type} ${name}`).join(",");

export const ZERO_ADDRESS: Hex = `0x${"0".repeat(40)}`;
export const ZERO_BYTES32: Hex = `0x${"0".repeat(64)}`;

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

/** Bytes that are not the canonical encoding of a decision. */
export class DecisionBytesError extends BallastError {
  readonly code = "DECISION_BYTES";
  readonly byteLength: number | undefined;
  constructor(found: string, byteLength?: number) {
    super(`${found}; a decision is exactly ${DECISION_FIELDS.length * 32} bytes of ABI words as hexadecimal`);
    this.byteLength = byteLength;
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
  ...Object.fromEntries(
    Object.entries(bits).map(([type, n]) => [type, `give a whole number from 0 to 2^${n} - 1`]),
  ),
};

function describe(value: unknown): string {
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
  const isWhole = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  if (!isWhole || value < 0 || BigInt(value) >> BigInt(bits[type]!) !== 0n)
    throw new FieldRangeError(field, type, value);
  return value.toString(16).padStart(64, "0");
}

/**
 * Canonical bytes of a decision: the ABI encoding of `struct Decision`, 14 words, 448 bytes.
 * They are the data of its attestation. Throws FieldRangeError naming the field.
 */
export function decisionBytes(decision: Decision): Hex {
  let words = "0x";
  for (const [name, type] of DECISION_FIELDS) words += toAbiWord(name, type, decision[name]);
  return words as Hex;
}

/** keccak256 of the canonical bytes. Throws FieldRangeError. */
export const decisionHash = (decision: Decision): Hex => keccak256(decisionBytes(decision)) as Hex;

/** `keccak256(abi.encode(Trade[]))`, also of no trades at all. Throws FieldRangeError as `trades[i].field`. */
export function tradesHash(trades: readonly Trade[]): Hex {
  let words = `0x${"20".padStart(64, "0")}${trades.length.toString(16).padStart(64, "0")}`;
  trades.forEach((trade, i) => {
    for (const [name, type] of TRADE_FIELDS) words += toAbiWord(`trades[${i}].${name}`, type, trade[name]);
  });
  return keccak256(words) as Hex;
}

/** A word read back; `uint8` to `uint32` become numbers, wider integers bigints. Throws FieldRangeError. */
function fromWord(field: string, type: FieldType, word: string): bigint | number | Hex {
  if (type === "bytes32") return `0x${word}`;
  const size = type === "address" ? 160 : bits[type]!;
  const value = BigInt(`0x${word}`);
  if (value >> BigInt(size) !== 0n) throw new FieldRangeError(field, type, `0x${word}`);
  if (type === "address") return `0x${word.slice(24)}`;
  return size <= 32 ? Number(value) : value;
}

/**
 * The decision of canonical bytes, hexadecimal in lower case. Accepts exactly what `decisionBytes` produces:
 * no shorter or longer bytes, no dirty high bits. Throws DecisionBytesError or FieldRangeError.
 */
export function decisionFromBytes(bytes: string): Decision {
  if (typeof bytes !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(bytes)) {
    throw new DecisionBytesError(`the bytes are ${describe(bytes)}`);
  }
  const byteLength = (bytes.length - 2) / 2;
  if (byteLength !== DECISION_FIELDS.length * 32)
    throw new DecisionBytesError(`there are ${byteLength} bytes`, byteLength);
  const digits = bytes.slice(2).toLowerCase();
  const entries = DECISION_FIELDS.map(([name, type], i) => [
    name,
    fromWord(name, type, digits.slice(64 * i, 64 * i + 64)),
  ]);
  // The table names every field of Decision with its type, so the entries form one.
  return Object.fromEntries(entries) as unknown as Decision;
}

/** UID of a schema in EAS's SchemaRegistry: keccak256 of its text, resolver and revocability, packed. */
export const schemaUid = (schema: string, resolver: Hex, isRevocable: boolean): Hex =>
  solidityPackedKeccak256(["string", "address", "bool"], [schema, resolver, isRevocable]) as Hex;

/** UID under which DECISION_SCHEMA stands in every SchemaRegistry. */
export const DECISION_SCHEMA_UID = schemaUid(DECISION_SCHEMA, ZERO_ADDRESS, true);
