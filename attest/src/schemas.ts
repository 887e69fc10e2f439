import { BallastError, type Hex } from "@ballast/data";
import { AbiCoder } from "ethers";
import { bytesTail, FieldRangeError, type FieldType, toAbiWord } from "./abi.ts";
import { DECISION_SCHEMA, schemaUid, ZERO_ADDRESS } from "./encoding.ts";

/** What a model was trained on. Nothing refers further back. */
export interface DatasetRecord {
  /** `Market.hash`. */
  readonly root: Hex;
  /** First bar's opening and end of the period, Unix seconds. */
  readonly from: bigint;
  readonly until: bigint;
  /** Where it came from, in words. */
  readonly source: string;
  /** keccak256 of the dataset's part of the model manifest, canonical JSON. */
  readonly manifestHash: Hex;
}

/** A model; its attestation refers to the dataset's. */
export interface ModelRecord {
  /** Of the breach network, which the vault runs. */
  readonly modelId: Hex;
  /** Of the forecaster, which decides how far to trade. */
  readonly forecasterId: Hex;
  /** keccak256 of the training configuration, canonical JSON. */
  readonly configurationHash: Hex;
  /** keccak256 of the manifest's canonical bytes. */
  readonly manifestHash: Hex;
  /** What trained it: `wasm`. */
  readonly backend: string;
  /** Walk-forward QLIKE as a ratio to log-HAR, one per horizon, parts per million. */
  readonly qlikeRatioPpm: readonly number[];
}

/** What became of a decision, for the record; its attestation refers to the decision's. */
export interface OutcomeRecord {
  readonly decisionHash: Hex;
  /** Of the rebalance. */
  readonly txHash: Hex;
  /** Unix seconds. */
  readonly observedAt: bigint;
  /** Whether a weight was outside its band when it was decided. */
  readonly wasBreached: boolean;
  /** Value lost over the value before, parts per million; negative is a gain. */
  readonly lossPpm: bigint;
  readonly gasUsed: bigint;
}

type RecordFieldType = FieldType | "string" | "uint32[]";

/** One of the schemas beside the decision's: its text, its UID and its canonical bytes. */
export interface RecordSchema<T> {
  readonly name: string;
  /** As registered: revocable, without a resolver. */
  readonly text: string;
  readonly uid: Hex;
  /** The ABI encoding. Throws FieldRangeError naming the field. */
  encode(record: T): Hex;
  /** Accepts exactly what `encode` produces. Throws RecordBytesError. */
  decode(bytes: Hex): T;
}

export class RecordBytesError extends BallastError {
  readonly code = "RECORD_BYTES";
  readonly schema: string;
  constructor(schema: string, bytes: string) {
    super(
      `${bytes.slice(0, 42)}… is no canonical encoding of a ${schema} record; take the attestation's own data`,
    );
    this.schema = schema;
  }
}

/** Refuses what the ABI coder would round, trim or coerce. */
function checkField(name: string, type: RecordFieldType, value: unknown): void {
  if (type === "string") {
    if (typeof value !== "string" || !value.isWellFormed()) throw new FieldRangeError(name, type, value);
  } else if (type === "uint32[]") {
    if (!Array.isArray(value)) throw new FieldRangeError(name, type, value);
    value.forEach((item, i) => {
      toAbiWord(`${name}[${i}]`, "uint32", item);
    });
  } else {
    toAbiWord(name, type, value);
  }
}

function fromAbi(type: RecordFieldType, value: unknown): unknown {
  if (type === "uint32[]") return [...(value as Iterable<bigint>)].map(Number);
  return type === "address" ? String(value).toLowerCase() : value;
}

function recordSchema<T extends object>(
  name: string,
  fields: readonly (readonly [keyof T & string, RecordFieldType])[],
): RecordSchema<T> {
  const text = fields.map(([field, type]) => `${type} ${field}`).join(",");
  const types = fields.map(([, type]) => type);
  const coder = AbiCoder.defaultAbiCoder();
  const encode = (record: T): Hex => {
    for (const [field, type] of fields) checkField(field, type, record[field]);
    return coder.encode(
      types,
      fields.map(([field]) => record[field]),
    ) as Hex;
  };
  return {
    name,
    text,
    uid: schemaUid(text, ZERO_ADDRESS, true),
    encode,
    decode(bytes) {
      try {
        bytesTail(name, bytes);
        const values = coder.decode(types, bytes);
        // The table names every field of T with its type.
        const record = Object.fromEntries(
          fields.map(([field, type], i) => [field, fromAbi(type, values[i])]),
        ) as T;
        if (encode(record) === bytes.toLowerCase()) return record;
      } catch {
        // Truncated, or text that is no UTF-8.
      }
      throw new RecordBytesError(name, bytes);
    },
  };
}

export const DATASET_SCHEMA = recordSchema<DatasetRecord>("dataset", [
  ["root", "bytes32"],
  ["from", "uint64"],
  ["until", "uint64"],
  ["source", "string"],
  ["manifestHash", "bytes32"],
]);

export const MODEL_SCHEMA = recordSchema<ModelRecord>("model", [
  ["modelId", "bytes32"],
  ["forecasterId", "bytes32"],
  ["configurationHash", "bytes32"],
  ["manifestHash", "bytes32"],
  ["backend", "string"],
  ["qlikeRatioPpm", "uint32[]"],
]);

export const OUTCOME_SCHEMA = recordSchema<OutcomeRecord>("outcome", [
  ["decisionHash", "bytes32"],
  ["txHash", "bytes32"],
  ["observedAt", "uint64"],
  ["wasBreached", "bool"],
  ["lossPpm", "int64"],
  ["gasUsed", "uint64"],
]);

/** The texts of all four, in the order in which they refer to each other. */
export const ALL_SCHEMAS: readonly string[] = [
  DATASET_SCHEMA.text,
  MODEL_SCHEMA.text,
  DECISION_SCHEMA,
  OUTCOME_SCHEMA.text,
];
