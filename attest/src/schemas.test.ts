import { createRequire } from "node:module";
import type { Hex } from "@ballast/data";
import { AbiCoder } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FieldRangeError } from "./abi.ts";
import { ZERO_ADDRESS } from "./encoding.ts";
import {
  ALL_SCHEMAS,
  DATASET_SCHEMA,
  type DatasetRecord,
  MODEL_SCHEMA,
  type ModelRecord,
  OUTCOME_SCHEMA,
  type OutcomeRecord,
  RecordBytesError,
  type RecordSchema,
} from "./schemas.ts";

const { SchemaEncoder, SchemaRegistry } = createRequire(import.meta.url)(
  "@ethereum-attestation-service/eas-sdk",
) as typeof import("@ethereum-attestation-service/eas-sdk");

const bytes32 = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((b): Hex => `0x${Buffer.from(b).toString("hex")}`);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc.string({ unit: "grapheme", maxLength: 80 });
const dataset: fc.Arbitrary<DatasetRecord> = fc.record({
  root: bytes32,
  from: uint64,
  until: uint64,
  source: text,
  manifestHash: bytes32,
});
const model: fc.Arbitrary<ModelRecord> = fc.record({
  modelId: bytes32,
  forecasterId: bytes32,
  configurationHash: bytes32,
  manifestHash: bytes32,
  backend: text,
  qlikeRatioPpm: fc.array(fc.nat(2 ** 32 - 1), { maxLength: 6 }),
});
const outcome: fc.Arbitrary<OutcomeRecord> = fc.record({
  decisionHash: bytes32,
  txHash: bytes32,
  observedAt: uint64,
  wasBreached: fc.boolean(),
  lossPpm: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  gasUsed: uint64,
});
const all: readonly (readonly [RecordSchema<never>, fc.Arbitrary<object>])[] = [
  [DATASET_SCHEMA as RecordSchema<never>, dataset],
  [MODEL_SCHEMA as RecordSchema<never>, model],
  [OUTCOME_SCHEMA as RecordSchema<never>, outcome],
];
const seeded = { seed: 20220711 };

describe.each(all)("$name schema", (schema, records) => {
  it("behaviour: bytes are those of the EAS SDK's encoder, and read back to the record", () => {
    const encoder = new SchemaEncoder(schema.text);
    const items = schema.text.split(",").map((item) => item.split(" ") as [string, string]);
    fc.assert(
      fc.property(records, (record) => {
        const bytes = schema.encode(record as never);
        const value = (name: string) => (record as Record<string, never>)[name]!;
        expect(bytes).toBe(
          encoder.encodeData(items.map(([type, name]) => ({ type, name, value: value(name) }))),
        );
        expect(schema.decode(bytes)).toEqual(record);
      }),
      seeded,
    );
  });

  it("default: its UID is the registry's", () => {
    expect(schema.uid).toBe(SchemaRegistry.getSchemaUID(schema.text, ZERO_ADDRESS, true));
    expect(ALL_SCHEMAS).toContain(schema.text);
  });

  it("behaviour: whatever bit is flipped, accepted bytes are canonical", () => {
    fc.assert(
      fc.property(records, fc.nat(), (record, at) => {
        const bytes = Buffer.from(schema.encode(record as never).slice(2), "hex");
        const bit = at % (8 * bytes.length);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        const flipped: Hex = `0x${bytes.toString("hex")}`;
        try {
          expect(schema.encode(schema.decode(flipped))).toBe(flipped);
        } catch (error) {
          expect(error).toBeInstanceOf(RecordBytesError);
        }
      }),
      { ...seeded, numRuns: 500 },
    );
  });

  it.each(["0x", "0x1", "zz", `0x${"ff".repeat(192)}`])("error: %s is no record", (bytes) => {
    expect(() => schema.decode(bytes as Hex)).toThrow(RecordBytesError);
  });
});

describe("record schemas", () => {
  const word = (byte: string): Hex => `0x${byte.repeat(32)}`;

  it("error: bytes with a word behind them, or with another order of parts, are refused", () => {
    const record = { root: word("11"), from: 1n, until: 2n, source: "binance", manifestHash: word("22") };
    const bytes = DATASET_SCHEMA.encode(record);
    expect(() => DATASET_SCHEMA.decode(`${bytes}${"00".repeat(32)}`)).toThrow(RecordBytesError);
    // The same values with the text one word further down: ABI decoders take it, and its hash is another.
    const head = AbiCoder.defaultAbiCoder().encode(
      ["bytes32", "uint64", "uint64", "uint256", "bytes32"],
      [record.root, 1n, 2n, 192n, record.manifestHash],
    );
    const moved = `${head}${"00".repeat(32)}${bytes.slice(2 + 320)}`;
    expect(() => DATASET_SCHEMA.decode(moved as Hex)).toThrow(RecordBytesError);
  });

  it.each([
    [OUTCOME_SCHEMA, "lossPpm", 2n ** 63n],
    [OUTCOME_SCHEMA, "lossPpm", -(2n ** 63n) - 1n],
    [OUTCOME_SCHEMA, "lossPpm", 1],
    [OUTCOME_SCHEMA, "wasBreached", 1],
    [DATASET_SCHEMA, "source", "\ud800"],
    [DATASET_SCHEMA, "source", 5],
    [DATASET_SCHEMA, "from", -1n],
    [MODEL_SCHEMA, "qlikeRatioPpm", [1, 2 ** 32]],
    [MODEL_SCHEMA, "qlikeRatioPpm", [0.5]],
    [MODEL_SCHEMA, "qlikeRatioPpm", "1"],
    [MODEL_SCHEMA, "modelId", "0x11"],
  ])("error: $0.name, %s = %s has no encoding", (schema, field, value) => {
    const sound = {
      ...{ root: word("11"), from: 1n, until: 2n, source: "binance", manifestHash: word("22") },
      ...{ modelId: word("33"), forecasterId: word("44"), configurationHash: word("55"), backend: "wasm" },
      ...{ qlikeRatioPpm: [850_000], decisionHash: word("66"), txHash: word("77"), observedAt: 1n },
      ...{ wasBreached: true, lossPpm: -5n, gasUsed: 9n },
    };
    expect(() => schema.encode(sound as never)).not.toThrow();
    const call = () => schema.encode({ ...sound, [field]: value } as never);
    expect(call).toThrow(FieldRangeError);
    expect(call).toThrow(new RegExp(`^${field}(\\[\\d\\])? is `));
  });
});
