import { createRequire } from "node:module";
import type { Hex } from "@ballast/data";
import { AbiCoder, keccak256 } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FieldRangeError } from "./abi.ts";
import type { Decision, Trade } from "./decision.ts";
import {
  DECISION_FIELDS,
  DECISION_SCHEMA,
  DECISION_SCHEMA_UID,
  DecisionBytesError,
  decisionBytes,
  decisionFromBytes,
  decisionHash,
  schemaUid,
  tradesHash,
  ZERO_ADDRESS,
} from "./encoding.ts";

const { SchemaEncoder, SchemaRegistry } = createRequire(import.meta.url)(
  "@ethereum-attestation-service/eas-sdk",
) as typeof import("@ethereum-attestation-service/eas-sdk");

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((b): Hex => `0x${Buffer.from(b).toString("hex")}`);
const uint = (bits: bigint) => fc.bigInt({ min: 0n, max: 2n ** bits - 1n });

const anyDecision: fc.Arbitrary<Decision> = fc.record({
  chainId: uint(256n),
  vault: hex(20),
  sequence: uint(64n),
  action: fc.nat(255),
  reason: fc.nat(255),
  decidedAt: uint(64n),
  expiresAt: uint(64n),
  inputRoot: hex(32),
  stateHash: hex(32),
  modelId: hex(32),
  forecastHash: hex(32),
  policyId: hex(32),
  breachPpm: fc.nat(2 ** 32 - 1),
  holding: fc.nat(255),
  tradesHash: hex(32),
});
const anyTrade: fc.Arbitrary<Trade> = fc.record({
  venue: hex(20),
  tokenIn: hex(20),
  tokenOut: hex(20),
  amountIn: uint(256n),
  minAmountOut: uint(256n),
  route: fc.uint8Array({ maxLength: 100 }).map((b): Hex => `0x${Buffer.from(b).toString("hex")}`),
});

const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
const golden: Decision = {
  chainId: 31337n,
  vault: "0x5fbdb2315678afecb367f032d93f642f64180aa3",
  sequence: 7n,
  action: 1,
  reason: 2,
  decidedAt: 1_620_000_000n,
  expiresAt: 1_620_003_600n,
  inputRoot: word("11"),
  stateHash: word("22"),
  modelId: word("33"),
  forecastHash: word("44"),
  policyId: word("55"),
  breachPpm: 250_000,
  holding: 2,
  tradesHash: word("66"),
};
const seeded = { seed: 20220711 };

describe("decisionBytes", () => {
  it("default: a golden vector, word by word", () => {
    const words = [
      "0000000000000000000000000000000000000000000000000000000000007a69", // 31337
      "0000000000000000000000005fbdb2315678afecb367f032d93f642f64180aa3",
      "0000000000000000000000000000000000000000000000000000000000000007",
      "0000000000000000000000000000000000000000000000000000000000000001", // rebalance
      "0000000000000000000000000000000000000000000000000000000000000002", // breach-forecast
      "00000000000000000000000000000000000000000000000000000000608f3d00", // 1,620,000,000
      "00000000000000000000000000000000000000000000000000000000608f4b10", // one hour later
      "11".repeat(32),
      "22".repeat(32),
      "33".repeat(32),
      "44".repeat(32),
      "55".repeat(32),
      "000000000000000000000000000000000000000000000000000000000003d090", // 250,000 ppm
      "0000000000000000000000000000000000000000000000000000000000000002", // the second asset beside the base
      "66".repeat(32),
    ];
    expect(decisionBytes(golden)).toBe(`0x${words.join("")}`);
    expect(decisionHash(golden)).toBe("0x7643d25ea075b4e586716cfbefb31f3e80ea8e35d0199e74cf3a1c1e2000ca50");
  });

  it("behaviour: equals the ABI encoding of ethers and the EAS SDK's schema encoder", () => {
    const encoder = new SchemaEncoder(DECISION_SCHEMA);
    fc.assert(
      fc.property(anyDecision, (decision) => {
        const bytes = decisionBytes(decision);
        const values = DECISION_FIELDS.map(([name]) => decision[name]);
        const types = DECISION_FIELDS.map(([, type]) => type);
        expect(bytes).toBe(AbiCoder.defaultAbiCoder().encode(types, values));
        expect(bytes).toBe(
          encoder.encodeData(DECISION_FIELDS.map(([name, type]) => ({ name, type, value: decision[name] }))),
        );
        expect(decisionHash(decision)).toBe(keccak256(bytes));
      }),
      seeded,
    );
  });

  it("behaviour: an address may carry a checksum, and the bytes are the same", () => {
    const checksummed = { ...golden, vault: "0x5FbDB2315678afecb367f032d93F642f64180aa3" } as const;
    expect(decisionBytes(checksummed)).toBe(decisionBytes(golden));
  });

  it("behaviour: every field changes the hash", () => {
    for (const [name, type] of DECISION_FIELDS) {
      const value = golden[name];
      const other =
        type === "bytes32"
          ? word("99")
          : type === "address"
            ? ZERO_ADDRESS
            : typeof value === "bigint"
              ? value + 1n
              : 9;
      expect(decisionHash({ ...golden, [name]: other }), name).not.toBe(decisionHash(golden));
    }
  });

  it.each([
    ["chainId", 2n ** 256n],
    ["chainId", -1n],
    ["sequence", 2n ** 64n],
    ["sequence", 1.5],
    ["sequence", Number.NaN],
    ["action", 256],
    ["reason", -1],
    ["decidedAt", "1620000000"],
    ["expiresAt", undefined],
    ["breachPpm", 2 ** 32],
    ["breachPpm", 2 ** 60],
    ["vault", "0x5FbDB2315678afecb367f032d93F642f64180aA3"],
    ["vault", "0x1234"],
    ["vault", word("11")],
    ["inputRoot", "0x11"],
    ["stateHash", null],
    ["modelId", `0x${"zz".repeat(32)}`],
    ["tradesHash", { toString: () => word("66") }],
  ])("error: %s = %s has no encoding", (field, value) => {
    const call = () => decisionBytes({ ...golden, [field]: value } as unknown as Decision);
    expect(call).toThrow(FieldRangeError);
    expect(call).toThrow(new RegExp(`^${field} is `));
  });
});

describe("decisionFromBytes", () => {
  it("behaviour: reads back what was written", () => {
    fc.assert(
      fc.property(anyDecision, (decision) => {
        expect(decisionFromBytes(decisionBytes(decision))).toEqual(decision);
      }),
      seeded,
    );
  });

  it("behaviour: accepted bytes are canonical, whatever bit is flipped", () => {
    fc.assert(
      fc.property(fc.nat(15 * 256 - 1), (bit) => {
        const bytes = Buffer.from(decisionBytes(golden).slice(2), "hex");
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        const flipped = `0x${bytes.toString("hex")}`;
        try {
          expect(decisionBytes(decisionFromBytes(flipped))).toBe(flipped);
        } catch (error) {
          expect(error).toBeInstanceOf(FieldRangeError);
        }
      }),
      { ...seeded, numRuns: 500 },
    );
  });

  const bytes = decisionBytes(golden);
  it.each([
    ["empty", "0x"],
    ["a byte short", bytes.slice(0, -2)],
    ["a byte long", `${bytes}00`],
    ["half a byte short", bytes.slice(0, -1)],
    ["without prefix", bytes.slice(2)],
    ["not hexadecimal", `0x${"zz".repeat(480)}`],
  ])("error: %s", (_, text) => {
    expect(() => decisionFromBytes(text)).toThrow(DecisionBytesError);
  });

  it.each(
    DECISION_FIELDS.map(([name, type], i) => [name, type, i] as const).filter(
      ([, type]) => type !== "uint256" && type !== "bytes32",
    ),
  )("error: dirty high bits in %s", (name, _, i) => {
    const dirty = `0x${bytes.slice(2, 2 + 64 * i)}8${bytes.slice(3 + 64 * i)}`;
    expect(() => decisionFromBytes(dirty)).toThrow(new RegExp(`^${name} is `));
  });
});

describe("tradesHash", () => {
  const tuple =
    "tuple(address venue,address tokenIn,address tokenOut,uint256 amountIn,uint256 minAmountOut,bytes route)[]";

  it("behaviour: equals keccak256 of ethers' ABI encoding", () => {
    fc.assert(
      fc.property(fc.array(anyTrade, { maxLength: 6 }), (trades) => {
        expect(tradesHash(trades)).toBe(keccak256(AbiCoder.defaultAbiCoder().encode([tuple], [trades])));
      }),
      seeded,
    );
  });

  it("default: no trades hash to the encoding of an empty array", () => {
    // keccak256 of two words: the offset 0x20 and the length 0.
    expect(tradesHash([])).toBe("0x569e75fc77c1a856f6daaf9e69d8a9566ca34aa47f9133711ce065a571af0cfd");
  });

  it("error: names the trade and the field", () => {
    const trade: Trade = {
      venue: ZERO_ADDRESS,
      tokenIn: ZERO_ADDRESS,
      tokenOut: ZERO_ADDRESS,
      amountIn: 1n,
      minAmountOut: 1n,
      route: "0x",
    };
    expect(() => tradesHash([trade, { ...trade, amountIn: -1n }])).toThrow(/^trades\[1\]\.amountIn is -1/);
    for (const route of ["0x1", "0xzz", "12", undefined] as Hex[])
      expect(() => tradesHash([{ ...trade, route }])).toThrow(/^trades\[0\]\.route is .*no bytes/);
  });
});

describe("schemaUid", () => {
  it("default: equals the SDK's own", () => {
    expect(DECISION_SCHEMA_UID).toBe(SchemaRegistry.getSchemaUID(DECISION_SCHEMA, ZERO_ADDRESS, true));
    expect(schemaUid("uint8 x", golden.vault, false)).toBe(
      SchemaRegistry.getSchemaUID("uint8 x", golden.vault, false),
    );
  });
});
