import type { Hex } from "@ballast/data";
import type { Decision, DecisionWithTrades, Trade } from "./decision.ts";
import { DECISION_FIELDS, decisionHash, TRADE_FIELDS, tradesHash } from "./encoding.ts";
import {
  MalformedJsonError,
  parseJson,
  toArray,
  toHex,
  toLiteral,
  toRecord,
  toSmallUint,
  toUint,
} from "./json.ts";

const FORMAT = "ballast-evidence/2";

/** What the vault is given of the market, where no weight is outside its band. */
export interface MarketEvidence {
  /** Root of the tree of all assets' features. */
  readonly featuresRoot: Hex;
  /** Of the asset whose weight is about to leave its band. */
  readonly features: Hex;
  /** Merkle proof of that asset's leaf. */
  readonly path: readonly Hex[];
  /** See `packSignatures`. */
  readonly notarySignatures: Hex;
}

/** All that is needed to verify a decision without its author. */
export interface Evidence extends DecisionWithTrades {
  /** The off-chain attestation as JSON text; absent where there is only one on chain. */
  readonly offchain?: string | undefined;
  /** Absent where the decision needs none: a hold, or a weight outside its band. */
  readonly market?: MarketEvidence | undefined;
  /** Off-chain attestations that it refers to, as JSON texts: the model's, and the dataset's that one refers to. */
  readonly references?: readonly string[] | undefined;
  /** What was decided on, as JSON text; the agent's own format. */
  readonly inputs?: string | undefined;
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
  readonly offchain?: unknown;
  readonly market?: MarketEvidence;
  readonly references?: readonly unknown[];
  readonly inputs?: unknown;
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

/** Throws MalformedJsonError where a part that is JSON text is none. */
export function toEvidence(evidence: Evidence): EvidenceFile {
  return {
    format: FORMAT,
    decision: toPlain(evidence.decision, DECISION_FIELDS),
    trades: evidence.trades.map((trade) => toPlain(trade, TRADE_FIELDS)),
    ...(evidence.offchain === undefined ? {} : { offchain: parseJson(evidence.offchain) }),
    ...(evidence.market === undefined ? {} : { market: evidence.market }),
    ...(evidence.references === undefined ? {} : { references: evidence.references.map(parseJson) }),
    ...(evidence.inputs === undefined ? {} : { inputs: parseJson(evidence.inputs) }),
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
    if (type === "bytes") return [name, toHex(record[name], at)];
    return [
      name,
      type === "uint256" || type === "uint64" ? toUint(record[name], at) : toSmallUint(record[name], at),
    ];
  });
  return Object.fromEntries(entries);
}

function toMarketEvidence(value: unknown): MarketEvidence {
  const record = toRecord(value, "market", ["featuresRoot", "features", "path", "notarySignatures"]);
  return {
    featuresRoot: toHex(record.featuresRoot, "market.featuresRoot", 32),
    features: toHex(record.features, "market.features"),
    path: toArray(record.path, "market.path").map((node, i) => toHex(node, `market.path[${i}]`, 32)),
    notarySignatures: toHex(record.notarySignatures, "market.notarySignatures"),
  };
}

/**
 * Evidence from the text of a file. Says nothing yet about its truth: see `verifyEvidence`.
 * Throws MalformedJsonError naming the place, or FieldRangeError naming the field.
 */
export function readEvidence(text: string): Evidence {
  const keys = ["format", "decision", "trades"];
  const optional = ["offchain", "market", "references", "inputs", "uid", "txHash"];
  const file = toRecord(parseJson(text), "", keys, optional);
  if (file.offchain === undefined && file.uid === undefined)
    throw new MalformedJsonError("offchain", undefined, "an attestation, here or on chain by its uid");
  toLiteral(file.format, "format", FORMAT);
  // Both tables name every field of their type.
  const decision = fromPlain(file.decision, "decision", DECISION_FIELDS) as Decision;
  const trades = toArray(file.trades, "trades").map(
    (trade, i) => fromPlain(trade, `trades[${i}]`, TRADE_FIELDS) as Trade,
  );
  decisionHash(decision); // Both throw for a value out of range.
  tradesHash(trades);
  return {
    decision,
    trades,
    ...(file.offchain === undefined ? {} : { offchain: JSON.stringify(file.offchain) }),
    ...(file.market === undefined ? {} : { market: toMarketEvidence(file.market) }),
    ...(file.references === undefined
      ? {}
      : { references: toArray(file.references, "references").map((item) => JSON.stringify(item)) }),
    ...(file.inputs === undefined ? {} : { inputs: JSON.stringify(file.inputs) }),
    ...(file.uid === undefined ? {} : { uid: toHex(file.uid, "uid", 32) }),
    ...(file.txHash === undefined ? {} : { txHash: toHex(file.txHash, "txHash", 32) }),
  };
}
