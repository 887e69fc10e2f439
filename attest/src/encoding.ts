import { BallastError, type Hex } from "@ballast/data";
import { keccak256, solidityPackedKeccak256 } from "ethers";
import { bytesTail, describe, type FieldType, fromWord, lengthWord, toAbiWord } from "./abi.ts";
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
  ["holding", "uint8"],
  ["tradesHash", "bytes32"],
] as const satisfies readonly (readonly [keyof Decision, FieldType])[];

/** Fields of `struct Trade` in order. */
export const TRADE_FIELDS = [
  ["venue", "address"],
  ["tokenIn", "address"],
  ["tokenOut", "address"],
  ["amountIn", "uint256"],
  ["minAmountOut", "uint256"],
  ["route", "bytes"],
] as const satisfies readonly (readonly [keyof Trade, FieldType | "bytes"])[];

/** The EAS schema of a decision. Register it revocable and without a resolver. */
export const DECISION_SCHEMA = DECISION_FIELDS.map(([name, type]) => `${type} ${name}`).join(",");

export const ZERO_ADDRESS: Hex = `0x${"0".repeat(40)}`;
export const ZERO_BYTES32: Hex = `0x${"0".repeat(64)}`;

/** Bytes that are not the canonical encoding of a decision. */
export class DecisionBytesError extends BallastError {
  readonly code = "DECISION_BYTES";
  readonly byteLength: number | undefined;
  constructor(found: string, byteLength?: number) {
    super(`${found}; a decision is exactly ${DECISION_FIELDS.length * 32} bytes of ABI words as hexadecimal`);
    this.byteLength = byteLength;
  }
}

/**
 * Canonical bytes of a decision: the ABI encoding of `struct Decision`, 15 words, 480 bytes.
 * They are the data of its attestation. Throws FieldRangeError naming the field.
 */
export function decisionBytes(decision: Decision): Hex {
  let words = "0x";
  for (const [name, type] of DECISION_FIELDS) words += toAbiWord(name, type, decision[name]);
  return words as Hex;
}

/** keccak256 of the canonical bytes. Throws FieldRangeError. */
export const decisionHash = (decision: Decision): Hex => keccak256(decisionBytes(decision)) as Hex;

/** The ABI encoding of one trade as a tuple: six words, of which the last says where the route lies, then the route. */
function tradeWords(trade: Trade, at: string): string {
  const head = TRADE_FIELDS.map(([name, type]) =>
    type === "bytes" ? lengthWord(32 * TRADE_FIELDS.length) : toAbiWord(`${at}.${name}`, type, trade[name]),
  );
  return head.join("") + bytesTail(`${at}.route`, trade.route);
}

/** `keccak256(abi.encode(Trade[]))`, also of no trades at all. Throws FieldRangeError as `trades[i].field`. */
export function tradesHash(trades: readonly Trade[]): Hex {
  const encoded = trades.map((trade, i) => tradeWords(trade, `trades[${i}]`));
  let words = lengthWord(32) + lengthWord(trades.length);
  let offset = 32 * trades.length;
  for (const trade of encoded) {
    words += lengthWord(offset);
    offset += trade.length / 2;
  }
  return keccak256(`0x${words}${encoded.join("")}`) as Hex;
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
