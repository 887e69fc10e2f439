import { type Hex, unixMillis } from "@ballast/data";
import { Wallet } from "ethers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Check, CheckName, Expectations } from "./checks.ts";
import type { Decision, Trade } from "./decision.ts";
import { DECISION_FIELDS, DECISION_SCHEMA_UID, TRADE_FIELDS, tradesHash, ZERO_BYTES32 } from "./encoding.ts";
import { type Evidence, readEvidence, toEvidence } from "./evidence.ts";
import { OFFCHAIN_TYPES, toOffchainAttestation } from "./offchain.ts";
import { easSdk } from "./sdk.ts";
import { rebuildOffchain, type SignedDecision, signDecision } from "./sign.ts";
import { verifyOffchain } from "./verify.ts";

const address = (digit: string): Hex => `0x${digit.repeat(40)}`;
const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const signer = new Wallet(word("7"));
const vault = address("a");
const easAddress = address("e");
const schemaUid = DECISION_SCHEMA_UID;

const trades: Trade[] = [
  {
    venue: address("4"),
    tokenIn: address("1"),
    tokenOut: address("2"),
    amountIn: 10n ** 18n,
    minAmountOut: 1_990_000_000n,
    route: "0x0001f4",
  },
  {
    venue: address("4"),
    tokenIn: address("2"),
    tokenOut: address("3"),
    amountIn: 2_000_000_000n,
    minAmountOut: 6_000_000n,
    route: "0x000bb8",
  },
];
const decision: Decision = {
  chainId: 31337n,
  vault,
  sequence: 7n,
  action: 1,
  reason: 2,
  decidedAt: 1_620_000_000n,
  expiresAt: 1_620_003_600n,
  inputRoot: word("1"),
  stateHash: word("2"),
  modelId: word("3"),
  forecastHash: word("4"),
  policyId: word("5"),
  breachPpm: 250_000,
  holding: 1,
  tradesHash: tradesHash(trades),
};
const domain = { chainId: 31337n, easAddress, easVersion: "1.4.0", schemaUid };
const modelUid = word("c");
const expectations: Expectations = {
  ...domain,
  vault,
  modelUid,
  attesters: [signer.address as Hex],
  asOf: unixMillis(1_620_001_000_000),
};

let signed: SignedDecision;
beforeAll(async () => {
  signed = await signDecision({ decision, modelUid, signer, ...domain });
});

const failures = (checks: readonly Check[]) => checks.filter(({ passed }) => !passed).map(({ name }) => name);
const verify = (
  change: Partial<{ json: unknown; decision: Decision; trades: Trade[]; expectations: Expectations }>,
) =>
  verifyOffchain(
    change.json ?? signed.json,
    change.decision ?? decision,
    change.trades ?? trades,
    change.expectations ?? expectations,
  );

/** Another value of the same type. */
function tamper(value: unknown): unknown {
  if (typeof value === "bigint") return value + 1n;
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  const text = String(value);
  const last = text.at(-1);
  return text.slice(0, -1) + (last === "1" ? "2" : "1");
}

/** Changes the value at a dotted path; undefined removes it from the text. */
function setAt(json: unknown, path: string, change: (value: unknown) => unknown): void {
  const keys = path.split(".");
  const last = keys.pop()!;
  const parent = keys.reduce(
    (at, key) => at[key] as Record<string, unknown>,
    json as Record<string, unknown>,
  );
  parent[last] = change(parent[last]);
}

describe("signDecision", () => {
  it("default: every check of an untouched attestation passes, each with a sentence", () => {
    const checks = verify({});
    expect(failures(checks)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual([
      "format",
      "decision-hash",
      "data",
      "trades-hash",
      "action",
      "chain",
      "eas",
      "recipient",
      "schema",
      "terms",
      "reference",
      "uid",
      "signature",
      "attester",
      "window",
    ]);
    for (const { detail } of checks) expect(detail).not.toBe("");
  });

  it("behaviour: the same decision and key give the same bytes", async () => {
    expect(await signDecision({ decision, modelUid, signer, ...domain })).toEqual(signed);
  });

  it("behaviour: the SDK's own verification accepts it, with the SDK's own types", () => {
    const { EAS, Offchain, OFFCHAIN_ATTESTATION_TYPES } = easSdk();
    const { sig } = JSON.parse(signed.json, (key, value) =>
      ["chainId", "time", "expirationTime"].includes(key) ? BigInt(value) : value,
    );
    const config = { address: easAddress, version: "1.4.0", chainId: 31337n };
    const offchain = new Offchain(config, 2, new EAS(easAddress));
    expect(offchain.verifyOffchainAttestationSignature(signer.address, sig)).toBe(true);
    expect(OFFCHAIN_ATTESTATION_TYPES[2][0]!.types).toEqual(OFFCHAIN_TYPES);
  });

  it("error: a decision without a model refers to none", async () => {
    const without = { ...decision, modelId: ZERO_BYTES32 };
    await expect(signDecision({ decision: without, modelUid, signer, ...domain })).rejects.toMatchObject({
      code: "MODEL_REFERENCE",
      modelUid,
    });
    const { json } = await signDecision({ decision: without, signer, ...domain });
    expect(failures(verify({ json, decision: without }))).toEqual([]);
  });

  it("error: a decision for another chain, or without a life, is not signed", async () => {
    await expect(signDecision({ decision, modelUid, signer, ...domain, chainId: 1n })).rejects.toMatchObject({
      code: "WRONG_CHAIN",
      expected: 31337n,
      actual: 1n,
    });
    const dead = { ...decision, expiresAt: decision.decidedAt };
    await expect(signDecision({ decision: dead, modelUid, signer, ...domain })).rejects.toMatchObject({
      code: "DECISION_WINDOW",
    });
  });
});

describe("rebuildOffchain", () => {
  it("default: from the decision and the 65 bytes alone, the attestation that was signed", () => {
    const rebuilt = rebuildOffchain(domain, decision, modelUid, signed.signature);
    expect(toOffchainAttestation(rebuilt)).toEqual(toOffchainAttestation(signed.json));
    expect(failures(verify({ json: rebuilt }))).toEqual([]);
  });

  it("error: of another decision or model, or of rubbish, it is not the attester's", () => {
    const others = [
      rebuildOffchain(domain, { ...decision, sequence: 8n }, modelUid, signed.signature),
      rebuildOffchain(domain, decision, word("b"), signed.signature),
      rebuildOffchain(domain, decision, modelUid, "0x1234"),
    ];
    for (const json of others) expect(failures(verify({ json }))).toContain("attester");
  });
});

describe("verifyOffchain", () => {
  const extra: Partial<Record<keyof Decision, CheckName[]>> = {
    chainId: ["chain"],
    vault: ["recipient"],
    action: ["action"],
    expiresAt: ["terms"],
    decidedAt: ["terms"],
    tradesHash: ["trades-hash"],
  };
  it.each(DECISION_FIELDS.map(([name]) => name))("error: decision.%s tampered", (field) => {
    const checks = verify({ decision: { ...decision, [field]: tamper(decision[field]) } });
    expect(failures(checks).sort()).toEqual(["decision-hash", "data", ...(extra[field] ?? [])].sort());
    expect(checks.find(({ name }) => name === "data")!.detail).toContain(
      `${field} was attested as ${decision[field]}`,
    );
  });

  it.each(trades.flatMap((_, i) => TRADE_FIELDS.map(([name]) => [i, name] as const)))(
    "error: trades[%i].%s tampered",
    (i, field) => {
      const tampered = trades.map((trade, at) =>
        at === i ? { ...trade, [field]: tamper(trade[field]) } : trade,
      );
      expect(failures(verify({ trades: tampered }))).toEqual(["trades-hash"]);
    },
  );

  it.each([
    ["dropped", [trades[0]!]],
    ["doubled", [...trades, trades[1]!]],
    ["reordered", [trades[1]!, trades[0]!]],
  ])("error: a trade is %s", (_, tampered) => {
    expect(failures(verify({ trades: tampered }))).toEqual(["trades-hash"]);
  });

  it("error: no trades at all", () => {
    expect(failures(verify({ trades: [] }))).toEqual(["trades-hash", "action"]);
  });

  const tampered: [string, CheckName[]][] = [
    ["signer", ["signature"]],
    ["sig.version", ["format"]],
    ["sig.uid", ["uid"]],
    ["sig.domain.name", ["eas", "signature", "attester"]],
    ["sig.domain.version", ["eas", "signature", "attester"]],
    ["sig.domain.chainId", ["chain", "signature", "attester"]],
    ["sig.domain.verifyingContract", ["eas", "signature", "attester"]],
    ["sig.primaryType", ["format"]],
    ["sig.types.Attest.3.name", ["format"]],
    ["sig.types.Attest.3.type", ["format"]],
    ["sig.message.version", ["format"]],
    ["sig.message.schema", ["schema", "uid", "signature", "attester"]],
    ["sig.message.recipient", ["recipient", "uid", "signature", "attester"]],
    ["sig.message.time", ["terms", "uid", "signature", "attester"]],
    ["sig.message.expirationTime", ["terms", "uid", "signature", "attester"]],
    ["sig.message.revocable", ["terms", "uid", "signature", "attester"]],
    ["sig.message.refUID", ["reference", "uid", "signature", "attester"]],
    ["sig.message.data", ["data", "uid", "signature", "attester"]],
    ["sig.message.salt", ["decision-hash", "uid", "signature", "attester"]],
    ["sig.signature.v", ["signature", "attester"]],
    ["sig.signature.r", ["signature", "attester"]],
    ["sig.signature.s", ["signature", "attester"]],
  ];
  it.each(tampered)("error: %s tampered", (path, expected) => {
    const json = JSON.parse(signed.json);
    setAt(json, path, tamper);
    const found = failures(verify({ json }));
    // A changed r may happen to be no point of the curve, and then no other address is recovered.
    expect(found.filter((name) => name !== "attester")).toEqual(
      expected.filter((name) => name !== "attester"),
    );
    expect(found).not.toEqual([]);
  });

  it("behaviour: the table above covers every key of the attestation", () => {
    const leaves = (value: unknown, path: string): string[] =>
      typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, child]) => leaves(child, path === "" ? key : `${path}.${key}`))
        : [path];
    const all = leaves(JSON.parse(signed.json), "").filter((path) => !path.startsWith("sig.types"));
    expect(tampered.map(([path]) => path).filter((path) => !path.startsWith("sig.types"))).toEqual(
      expect.arrayContaining(all),
    );
  });

  it.each<[string, Partial<Expectations>, CheckName[]]>([
    ["chain", { chainId: 1n }, ["chain"]],
    ["vault", { vault: address("b") }, ["recipient"]],
    ["EAS contract", { easAddress: address("b") }, ["eas"]],
    ["EAS version", { easVersion: "1.3.0" }, ["eas"]],
    ["schema", { schemaUid: word("b") }, ["schema"]],
    ["model's attestation", { modelUid: word("b") }, ["reference"]],
    ["attester", { attesters: [address("b")] }, ["attester"]],
    ["attester, for there is none", { attesters: [] }, ["attester"]],
    ["moment, a second too early", { asOf: unixMillis(1_619_999_999_000) }, ["window"]],
    ["moment, a second too late", { asOf: unixMillis(1_620_003_601_000) }, ["window"]],
  ])("error: another %s was expected", (_, change, expected) => {
    expect(failures(verify({ expectations: { ...expectations, ...change } }))).toEqual(expected);
  });

  it("behaviour: where nobody knows who may sign, nothing is said of it", () => {
    const checks = verify({ expectations: { ...expectations, attesters: undefined } });
    expect(failures(checks)).toEqual([]);
    expect(checks.map(({ name }) => name)).not.toContain("attester");
  });

  it("behaviour: the first and the last second of the window are inside it", () => {
    for (const asOf of [unixMillis(1_620_000_000_000), unixMillis(1_620_003_600_999)]) {
      expect(failures(verify({ expectations: { ...expectations, asOf } }))).toEqual([]);
    }
  });

  it("error: signed by a key that is not allowed, though correctly", async () => {
    const foreign = await signDecision({ decision, modelUid, signer: new Wallet(word("8")), ...domain });
    expect(failures(verify({ json: foreign.json }))).toEqual(["attester"]);
  });

  it.each([
    ["no JSON", "{", "the text"],
    ["null", "null", "the text"],
    ["an array", [], "the text"],
    ["nothing", {}, "signer"],
    ["only a signer", { signer: vault }, "sig"],
    ["an unknown key", { signer: vault, sig: {}, note: 1 }, "note"],
  ])("error: %s is a failed check, not an exception", (_, json, path) => {
    const checks = verify({ json });
    expect(failures(checks)).toEqual(["format"]);
    expect(checks[0]!.detail).toMatch(new RegExp(`^${path} is `));
  });

  it("error: a decision without canonical bytes is a failed check", () => {
    const checks = verify({ decision: { ...decision, sequence: -1n } });
    expect(failures(checks)).toEqual(["decision-hash"]);
    expect(checks.at(-1)!.detail).toMatch(/^sequence is -1/);
    const broken = verify({ trades: [{ ...trades[0]!, route: "0x1" }] });
    expect(broken.find(({ name }) => name === "trades-hash")).toMatchObject({ passed: false });
  });
});

describe("readEvidence", () => {
  const evidence = (): Evidence => ({
    decision,
    trades,
    offchain: signed.json,
    market: {
      featuresRoot: word("6"),
      features: `0x${"0102".repeat(20)}`,
      path: [word("7"), word("8")],
      notarySignatures: "0x",
    },
    references: [signed.json],
    inputs: '{"policy":"threshold"}',
    uid: word("a"),
    txHash: word("b"),
  });
  const text = () => JSON.stringify(toEvidence(evidence()));

  it("behaviour: reads back what was written, and it verifies", () => {
    const found = readEvidence(text());
    expect(found).toEqual(evidence());
    expect(
      failures(verify({ json: found.offchain, decision: found.decision, trades: [...found.trades] })),
    ).toEqual([]);
    expect(toOffchainAttestation(found.offchain).uid).toBe(signed.uid);
  });

  it("behaviour: a decision alone needs nothing but its attestation", () => {
    const unsent = { decision, trades, offchain: signed.json };
    expect(readEvidence(JSON.stringify(toEvidence(unsent)))).toEqual(unsent);
  });

  it.each<[string, string, unknown, RegExp]>([
    ["an unknown format", "format", "ballast-evidence/9", /^format is/],
    ["no decision", "decision", undefined, /^decision is absent/],
    ["an unknown key", "decision.note", 1, /^decision\.note is/],
    ["a number for a string of digits", "decision.sequence", 7, /^decision\.sequence is 7/],
    ["a leading zero", "decision.sequence", "07", /^decision\.sequence is/],
    ["a fraction", "decision.breachPpm", 1.5, /^decision\.breachPpm is 1\.5/],
    ["out of range", "decision.breachPpm", 2 ** 32, /^breachPpm is/],
    ["a short address", "trades.1.tokenIn", "0x12", /^trades\[1\]\.tokenIn is/],
    ["trades that are no array", "trades", {}, /^trades is/],
    ["half a byte of a route", "trades.1.route", "0x123", /^trades\[1\]\.route is/],
    ["a short node of a proof", "market.path.1", "0x12", /^market\.path\[1\] is/],
    ["an unknown key beside the features", "market.note", 1, /^market\.note is/],
    ["references that are no array", "references", {}, /^references is/],
    ["a UID of the wrong length", "uid", "0x12", /^uid is/],
  ])("error: %s", (_, path, value, message) => {
    const file = JSON.parse(text());
    setAt(file, path, () => value);
    expect(() => readEvidence(JSON.stringify(file))).toThrow(message);
  });

  it("error: no JSON at all", () => {
    expect(() => readEvidence("ballast")).toThrow(/^the text is "ballast"; expected JSON/);
  });
});
