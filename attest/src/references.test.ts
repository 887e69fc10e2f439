import type { Hex } from "@ballast/data";
import { Wallet } from "ethers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Decision } from "./decision.ts";
import { ZERO_BYTES32 } from "./encoding.ts";
import { verifyReferences } from "./references.ts";
import { DATASET_SCHEMA, MODEL_SCHEMA, OUTCOME_SCHEMA } from "./schemas.ts";
import { type SignedAttestation, signRecord } from "./sign.ts";

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const signer = new Wallet(word("7"));
const eas = { chainId: 31337n, easAddress: `0x${"e".repeat(40)}` as Hex, easVersion: "1.4.0" };
const datasetRecord = { root: word("1"), from: 1n, until: 2n, source: "binance", manifestHash: word("2") };
const modelRecord = {
  modelId: word("3"),
  forecasterId: word("4"),
  configurationHash: word("5"),
  manifestHash: word("6"),
  backend: "wasm",
  qlikeRatioPpm: [860_000, 850_000],
};
const decision = { modelId: word("3") } as Decision;
const time = 1_620_000_000n;

const signModel = (refUID: Hex, change: object = {}) =>
  signRecord({ ...eas, schema: MODEL_SCHEMA, record: modelRecord, refUID, time, signer, ...change });

let dataset: SignedAttestation;
let model: SignedAttestation;
beforeAll(async () => {
  dataset = await signRecord({ ...eas, schema: DATASET_SCHEMA, record: datasetRecord, time, signer });
  model = await signModel(dataset.uid);
});

describe("verifyReferences", () => {
  it("default: follows the decision to its model and on to the dataset, whatever their order", () => {
    for (const references of [
      [model.json, dataset.json],
      [dataset.json, model.json],
      [JSON.parse(dataset.json), "rubbish", JSON.parse(model.json)],
    ]) {
      const found = verifyReferences(decision, model.uid, references, eas);
      expect(found.checks.map(({ name, passed }) => [name, passed])).toEqual([
        ["model-attestation", true],
        ["dataset-attestation", true],
      ]);
      expect(found.model?.record).toEqual(modelRecord);
      expect(found.dataset?.record).toEqual(datasetRecord);
    }
  });

  it("behaviour: a decision without a model needs none", () => {
    const without = { modelId: ZERO_BYTES32 } as Decision;
    expect(verifyReferences(without, ZERO_BYTES32, [], eas)).toEqual({
      checks: [],
      model: undefined,
      dataset: undefined,
    });
  });

  const firstFailure = (refUID: Hex, references: readonly unknown[], domain = eas) =>
    verifyReferences(decision, refUID, references, domain).checks.find(({ passed }) => !passed);

  it("error: no reference, an unknown one, and one to another schema", () => {
    expect(firstFailure(ZERO_BYTES32, [model.json])?.detail).toMatch(/^there is no reference/);
    expect(firstFailure(word("9"), [model.json])?.detail).toMatch(/is not among the evidence$/);
    expect(firstFailure(dataset.uid, [dataset.json])?.detail).toMatch(/its schema is/);
    expect(firstFailure(model.uid, [model.json])).toMatchObject({
      name: "dataset-attestation",
      detail: expect.stringMatching(/is not among the evidence$/),
    });
  });

  it("error: the attestation of another model", async () => {
    const other = await signModel(dataset.uid, { record: { ...modelRecord, modelId: word("8") } });
    expect(firstFailure(other.uid, [other.json, dataset.json])?.detail).toMatch(/^it attests model 0x8888/);
  });

  it("error: a model whose dataset is no dataset, or that names none", async () => {
    const outcome = await signRecord({
      ...eas,
      schema: OUTCOME_SCHEMA,
      record: {
        decisionHash: word("1"),
        txHash: word("2"),
        observedAt: 3n,
        wasBreached: true,
        lossPpm: -4n,
        gasUsed: 5n,
      },
      time,
      signer,
    });
    const onOutcome = await signModel(outcome.uid);
    expect(firstFailure(onOutcome.uid, [onOutcome.json, outcome.json])).toMatchObject({
      name: "dataset-attestation",
      detail: expect.stringMatching(/its schema is/),
    });
    const onNothing = await signModel(ZERO_BYTES32);
    expect(firstFailure(onNothing.uid, [onNothing.json])?.detail).toMatch(
      /no reference to the attestation of a dataset/,
    );
  });

  it.each<[string, Partial<typeof eas>]>([
    ["chain", { chainId: 1n }],
    ["EAS contract", { easAddress: `0x${"d".repeat(40)}` }],
    ["EAS version", { easVersion: "1.3.0" }],
  ])("error: made for another %s", (what, change) => {
    const failure = firstFailure(model.uid, [model.json, dataset.json], { ...eas, ...change });
    expect(failure?.detail).toContain(`its ${what} is`);
  });

  it("error: one that is for somebody", async () => {
    const theirs = await signModel(dataset.uid, { recipient: `0x${"a".repeat(40)}` });
    expect(firstFailure(theirs.uid, [theirs.json, dataset.json])?.detail).toMatch(/^it is for 0xaaaa/);
  });

  it("error: tampered data, signer or signature", () => {
    for (const [path, value] of [
      ["signer", `0x${"b".repeat(40)}`],
      ["r", word("1")],
      ["data", MODEL_SCHEMA.encode({ ...modelRecord, backend: "cpu" })],
    ] as const) {
      const json = JSON.parse(model.json);
      if (path === "signer") json.signer = value;
      else if (path === "r") json.sig.signature.r = value;
      else json.sig.message.data = value;
      expect(firstFailure(model.uid, [json, dataset.json]), path).toMatchObject({ passed: false });
    }
  });
});
