import type { Hex } from "@ballast/data";
import type { Decision, DecisionWithTrades, Trade } from "./decision.ts";
import { DECISION_FIELDS, decisionHash, TRADE_FIELDS, tradesHash } from "./encoding.ts";
import { MalformedJsonError, parseJson, toHex, toLiteral, toRecord, toSmallUint, toUint } from "./json.ts";

const FORMAT = "ballast-evidence/1";

/** All that is needed to verify a decision without its author. */
export interface Evidence extends DecisionWithTrades {
  /** The off-chain attestation as JSON text. */
  readonly offchain: string;
  /** Of the on-chain attestation, where there is one. */
  readonly uid?: Hex | undefined;
  /** Of the rebalance, where it was executed. */
  readonly txHash?: Hex | undefined;
}

/** Evidence as it is written to a file: integers wider than 32 bits are strings of decimal digits. */
export interface EvidenceFile {
  readonly format: typeof FORMAT;
  readonly decision: Readonly<Record<keyof Decision, string | number>>;
  readonly trades: readonly Readonly<Record<keyof Trade, string | number>>[];
  readonly offchain: unknown;
  readonly uid?: Hex;
  readonly txHash?: Hex;
}

const toPlain = <K extends string>(
  value: Readonly<Record<K, unknown>>,
  fields: readonly (readonly [K, string])[],
) =>
  Object.fromEntries(
    fields.map(([name]) => [name, typeof value[name] === "bigint" ? value[name].toString() : value[name]]),
  ) as Record<K, string | number>;

/** Throws MalformedJsonError where the off-chain attestation is no JSON. */
export function toEvidence(evidence: Evidence): EvidenceFile {
  return {
    format: FORMAT,
    decision: toPlain(evidence.decision, DECISION_FIELDS),
    trades: evidence.trades.map((trade) => toPlain(trade, TRADE_FIELDS)),
    offchain: parseJson(evidence.offchain),
    ...(evidence.uid === undefined ? {} : { uid: evidence.uid }),
    ...(evidence.txHash === undefined ? {} : { txHash: evidence.txHash }),
  };
}

function fromPlain(value: unknown, path: string, fields: readonly (readonly [string, string])[]): unknown {
  const names = fields.map(([name]) => name);
  const record = toRecord(value, path, names);
  const entries = fields.map(([name, type]) => {
    const at = `${path}.${name}`;
    if (type === "address") return [name, toHex(record[name], at, 20)];
    if (type === "bytes32") return [name, toHex(record[name], at, 32)];
    return [
      name,
      type === "uint256" || type === "uint64" ? toUint(record[name], at) : toSmallUint(record[name], at),
    ];
  });
  return Object.fromEntries(entries);
}

/**
 * Evidence from the text of a file. Says nothing yet about its truth: see `verifyEvidence`.
 * Throws MalformedJsonError naming the place, or FieldRangeError naming the field.
 */
export function readEvidence(text: string): Evidence {
  const keys = ["format", "decision", "trades", "offchain"];
  const file = toRecord(parseJson(text), "", keys, ["uid", "txHash"]);
  toLiteral(file.format, "format", FORMAT);
  if (!Array.isArray(file.trades)) throw new MalformedJsonError("trades", file.trades, "an array");
  // Both tables name every field of their type.
  const decision = fromPlain(file.decision, "decision", DECISION_FIELDS) as Decision;
  const trades = file.trades.map((trade, i) => fromPlain(trade, `trades[${i}]`, TRADE_FIELDS) as Trade);
  decisionHash(decision); // Both throw for a value out of range.
  tradesHash(trades);
  return {
    decision,
    trades,
    offchain: JSON.stringify(file.offchain),
    ...(file.uid === undefined ? {} : { uid: toHex(file.uid, "uid", 32) }),
    ...(file.txHash === undefined ? {} : { txHash: toHex(file.txHash, "txHash", 32) }),
  };
}
