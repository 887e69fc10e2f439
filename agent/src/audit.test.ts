import {
  DATASET_SCHEMA,
  type DatasetRecord,
  type Evidence,
  MODEL_SCHEMA,
  type ModelRecord,
  packSignatures,
  signDecision,
  signRecord,
  signStatement,
  toRecords,
} from "@ballast/attest";
import {
  type Hex,
  HOUR_MS,
  keccak,
  type Snapshot,
  syntheticSource,
  toMarket,
  unixMillis,
} from "@ballast/data";
import {
  BREACH_INPUTS,
  BREACH_OUTPUTS,
  type Forecast,
  HORIZONS_HOURS,
  LOOKBACK_HOURS,
  MARKET_FEATURES,
  type ModelManifest,
  manifestBytes,
  networkBytes,
  networkId,
} from "@ballast/model";
import { Wallet } from "ethers";
import { beforeAll, describe, expect, it } from "vitest";
import { stateWith, toWad } from "../test/fixture.ts";
import { auditDecision } from "./audit.ts";
import type { AuditMaterial, Link } from "./audit-links.ts";
import { DECIDE_DEFAULTS, decide } from "./decide.ts";
import { features } from "./features.ts";
import { toInputs } from "./inputs.ts";
import { predictivePolicy } from "./policies/predictive.ts";
import { POLICIES, policyOf, thresholdPolicy } from "./policies/registry.ts";

const START = unixMillis(Date.UTC(2023, 0, 1));
const HOURS = LOOKBACK_HOURS + 10;
const AT = unixMillis(START + HOURS * HOUR_MS);
const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const [attester, ...notaries] = ["7", "8", "9"].map((digit) => new Wallet(word(digit)));
const eas = { chainId: 31337n, easAddress: `0x${"e".repeat(40)}` as Hex, easVersion: "1.4.0" };
const domain = { ...eas, schemaUid: word("5") };

/** Says of every horizon that the variance is the day's; log2(x) is 1.4427 ln(x), and 1477/1024 is that. */
const bytes = networkBytes({
  layers: [
    {
      inputs: BREACH_INPUTS,
      outputs: BREACH_OUTPUTS,
      weights: Int16Array.from({ length: BREACH_INPUTS * BREACH_OUTPUTS }, (_, i) =>
        i % BREACH_INPUTS === MARKET_FEATURES.indexOf("log_rv_24h") ? 1477 : 0,
      ),
      bias: new Int32Array(BREACH_OUTPUTS),
      shift: 10,
    },
  ],
  inputFractionBits: 10,
  outputFractionBits: 10,
});
const FORECASTER = keccak(new Uint8Array([2]));
const forecastOf = (snapshot: Snapshot, volAnnual = 3): Forecast => ({
  modelId: FORECASTER,
  at: snapshot.at,
  horizonsHours: HORIZONS_HOURS,
  assets: snapshot.assets,
  variance: snapshot.assets.map(() => HORIZONS_HOURS.map((hours) => (volAnnual ** 2 * hours) / 8760)),
  correlation: [
    [1, 0.6],
    [0.6, 1],
  ],
  breachCalibration: { a: 0, b: 1 },
});
async function snapshotOf(seed: number): Promise<Snapshot> {
  const raw = await syntheticSource({ seed, hours: HOURS, start: START, assets: ["BTC", "ETH"] }).load({});
  return toMarket(raw, { now: AT }).market.past(AT).snapshot(LOOKBACK_HOURS);
}

const MANIFEST: ModelManifest = {
  format: "ballast-manifest/1",
  modelId: FORECASTER,
  dataset: {
    root: word("1"),
    name: "synthetic",
    assets: ["BTC", "ETH"],
    intervalMs: HOUR_MS,
    from: "2020-01-01T00:00:00Z",
    until: "2022-01-01T00:00:00Z",
    times: 100,
    strideHours: 24,
  },
  configuration: { seed: 1 },
  features: [],
  backend: { name: "wasm", version: "4.22.0", reproducible: true, reason: "asked for" },
  versions: {},
  folds: [],
  metrics: [],
  calibration: { a: 0, b: 1, predictions: 0, frequency: 0, brierSkillRaw: 0, brierSkillCalibrated: 0 },
  breachNetwork: { id: networkId(bytes), rows: 0, heldRows: 0, horizons: [], breach: [] },
};
const BYTES = manifestBytes(MANIFEST);

/** The attestations of model and dataset, with what a liar would have put in place of the manifest's. */
async function attest(lies: { model?: Partial<ModelRecord>; dataset?: Partial<DatasetRecord> } = {}) {
  const common = { ...eas, time: 1n, signer: attester! };
  const records = toRecords(MANIFEST);
  const dataset = await signRecord({
    ...common,
    schema: DATASET_SCHEMA,
    record: { ...records.dataset, ...lies.dataset },
  });
  const model = await signRecord({
    ...common,
    schema: MODEL_SCHEMA,
    record: { ...records.model, ...lies.model },
    refUID: dataset.uid,
  });
  return { model, references: [model.json, dataset.json] };
}

let snapshot: Snapshot;
let evidence: Evidence;
let material: AuditMaterial;
beforeAll(async () => {
  snapshot = await snapshotOf(4);
  const { model, references } = await attest();
  const state = stateWith(
    { USDC: 0.33, BTC: 0.351, ETH: 0.319 },
    {
      model: { id: networkId(bytes), attestationUid: model.uid, isActive: true, maxTurnover: toWad(0.5) },
      minScore: -20_000,
      notaryThreshold: 2,
    },
  );
  const policy = predictivePolicy();
  const foresight = { scorer: features.scorer(bytes), isNotarised: true };
  const { decision, trades } = decide(snapshot, state, forecastOf(snapshot), policy, AT, foresight);
  expect(decision).toMatchObject({ action: 1, modelId: networkId(bytes) });
  const { json } = await signDecision({ ...domain, decision, modelUid: model.uid, signer: attester! });
  const asset = decision.holding === 0 ? undefined : state.holdings[decision.holding]!.asset;
  const proof = features.prove(snapshot, asset);
  const statement = { inputRoot: snapshot.root, featuresRoot: proof.featuresRoot, at: decision.decidedAt };
  const signatures = await Promise.all(notaries.map((notary) => signStatement(statement, notary)));
  const addresses = notaries.map(({ address }) => address.toLowerCase() as Hex);
  evidence = {
    decision,
    trades,
    offchain: json,
    market: { ...proof, notarySignatures: packSignatures(statement, signatures, addresses, 2) },
    references,
    inputs: toInputs({
      state,
      policy,
      options: DECIDE_DEFAULTS,
      now: AT,
      hasScorer: true,
      isNotarised: true,
    }),
  };
  material = {
    evidence,
    snapshot,
    tolerance: { feature: 0, priceBps: 0 },
    network: bytes,
    forecaster: { id: FORECASTER, run: (of) => forecastOf(of) },
    manifests: [Buffer.from("{"), BYTES],
    training: { root: MANIFEST.dataset.root, isOther: false },
    notaries: { isKnown: (address) => addresses.includes(address), threshold: 2 },
  };
});

const audit = (change: Partial<AuditMaterial> = {}) => auditDecision({ ...material, ...change }, features);
const named = (links: readonly Link[], status: Link["status"]) =>
  links.filter((link) => link.status === status).map(({ name }) => name);
const withEvidence = (change: Partial<Evidence>) => audit({ evidence: { ...evidence, ...change } });
const withInputs = (from: string, to: string) => withEvidence({ inputs: evidence.inputs!.replace(from, to) });

describe("auditDecision", () => {
  it("default: every link from the market to the trades, each with a sentence", () => {
    const links = audit({ ownSnapshot: snapshot });
    expect(links.map(({ name, status }) => [name, status])).toEqual(
      [
        "data",
        "data-time",
        "data-source",
        "features-proof",
        "features",
        "notaries",
        "network",
        "score",
        "model-attestation",
        "dataset-attestation",
        "manifest",
        "dataset-manifest",
        "dataset-root",
        "forecaster",
        "forecast",
        "state",
        "policy",
      ].map((name) => [name, "pass"]),
    );
    for (const { detail } of links) expect(detail).not.toMatch(/^$|undefined|NaN/);
  });

  it("behaviour: with nothing but the evidence, what needs the world is not checked, and says what to give", () => {
    const links = auditDecision({ evidence, tolerance: material.tolerance }, features);
    expect(named(links, "fail")).toEqual([]);
    expect(named(links, "pass")).toEqual([
      "features-proof",
      "model-attestation",
      "dataset-attestation",
      "state",
    ]);
    expect(named(links, "not checked")).toEqual([
      "data",
      "features",
      "notaries",
      "network",
      "manifest",
      "dataset-root",
      "forecast",
      "policy",
    ]);
    for (const { status, detail } of links) if (status !== "pass") expect(detail).toMatch(/give|without/);
  });

  it("error: another market: its root, its features and the decision made from it all differ", async () => {
    const other = await snapshotOf(5);
    expect(named(audit({ snapshot: other }), "fail")).toEqual(["data", "features", "policy"]);
    expect(audit({ snapshot: other }).at(-1)!.detail).toMatch(/^deciding again gives another inputRoot/);
    const found = audit({ ownSnapshot: other }).find(({ name }) => name === "data-source")!;
    expect(found).toMatchObject({
      status: "fail",
      detail: expect.stringMatching(/^the close of .* bp apart/),
    });
  });

  it("error: another network, another forecaster, and another forecast of the same one", () => {
    const other = networkBytes({
      layers: [
        {
          inputs: BREACH_INPUTS,
          outputs: BREACH_OUTPUTS,
          weights: new Int16Array(BREACH_INPUTS * BREACH_OUTPUTS),
          bias: new Int32Array(BREACH_OUTPUTS),
          shift: 10,
        },
      ],
      inputFractionBits: 10,
      outputFractionBits: 10,
    });
    expect(named(audit({ network: other }), "fail")).toEqual(["network", "policy"]);
    const run = (of: Snapshot) => forecastOf(of);
    expect(named(audit({ forecaster: { id: word("9"), run } }), "fail")).toEqual(["forecaster"]);
    const calm = { id: FORECASTER, run: (of: Snapshot) => forecastOf(of, 1) };
    expect(named(audit({ forecaster: calm }), "fail")).toEqual(["forecast"]);
  });

  it("error: invented vault state, a changed policy and changed options give another decision", () => {
    expect(named(withInputs('"sequence":{"$bigint":"4"}', '"sequence":{"$bigint":"5"}'), "fail")).toEqual([
      "state",
      "policy",
    ]);
    const policy = withInputs('"actAt":0.3', '"actAt":0.31').find(({ status }) => status === "fail")!;
    expect(policy).toMatchObject({ name: "policy", detail: expect.stringMatching(/another policyId/) });
    const options = withInputs('"slippageTolerance":0.003', '"slippageTolerance":0.004');
    expect(options.find(({ status }) => status === "fail")!.detail).toMatch(/another tradesHash/);
    expect(named(withEvidence({ inputs: "{" }), "fail")).toEqual(["state"]);
  });

  it("error: features that are not the market's, not under the root, or none at all", () => {
    const { market } = evidence;
    const features = `0x${"00".repeat(40)}` as const;
    expect(named(withEvidence({ market: { ...market!, features } }), "fail")).toEqual([
      "features-proof",
      "features",
    ]);
    expect(named(withEvidence({ market: { ...market!, path: [] } }), "fail")).toEqual(["features-proof"]);
    const root = withEvidence({ market: { ...market!, featuresRoot: word("6") } });
    expect(named(root, "fail")).toEqual(["features-proof", "features", "notaries"]);
    const none = withEvidence({ market: undefined });
    expect(named(none, "fail")).toEqual(["features"]);
    expect(named(withEvidence({ market: { ...market!, features: "0x12" } }), "fail")).toContain(
      "features-proof",
    );
  });

  it("error: too few notaries, one the vault does not know, and a signature of nobody", () => {
    const notary = (change: Partial<NonNullable<AuditMaterial["notaries"]>>) =>
      audit({ notaries: { ...material.notaries!, ...change } }).find(({ name }) => name === "notaries")!;
    expect(notary({ threshold: 3 })).toMatchObject({
      status: "fail",
      detail: expect.stringMatching(/wants 3$/),
    });
    expect(notary({ isKnown: () => false }).detail).toMatch(/is no notary of the vault$/);
    const broken = `${evidence.market!.notarySignatures.slice(0, -2)}00` as Hex;
    const links = withEvidence({ market: { ...evidence.market!, notarySignatures: broken } });
    expect(links.find(({ name }) => name === "notaries")!.detail).toMatch(/^signature 1 is nobody's/);
  });

  it("error: references of another model, or none", () => {
    expect(named(withEvidence({ references: [evidence.references![1]!] }), "fail")).toEqual([
      "model-attestation",
    ]);
    expect(named(withEvidence({ references: undefined }), "not checked")).toEqual(["model-attestation"]);
  });

  describe("the manifest", () => {
    const lying = async (lies: Parameters<typeof attest>[0], change: Partial<AuditMaterial> = {}) => {
      const { model, references } = await attest(lies);
      const { decision } = evidence;
      const signed = await signDecision({ ...domain, decision, modelUid: model.uid, signer: attester! });
      const links = audit({ evidence: { ...evidence, offchain: signed.json, references }, ...change });
      return links.filter(({ status }) => status === "fail").map(({ name, detail }) => `${name}: ${detail}`);
    };

    it.each<[string, Partial<ModelRecord>, RegExp]>([
      [
        "a training with another configuration",
        { configurationHash: word("3") },
        /^manifest: the manifest's configurationHash is 0x\w{64}, and 0x3{64} is attested$/,
      ],
      ["another forecaster", { forecasterId: word("3") }, /^manifest: the manifest's forecasterId is /],
      [
        "another backend",
        { backend: "cpu" },
        /^manifest: the manifest's backend is wasm, and cpu is attested$/,
      ],
      ["better scores", { qlikeRatioPpm: [500_000] }, /^manifest: the manifest's qlikeRatioPpm is /],
      [
        "a manifest that nobody has, where that of the network is another",
        { manifestHash: word("3") },
        /^manifest: the manifest of that network hashes to 0x\w{64}, and 0x3{64} is attested$/,
      ],
    ])("error: the model's attestation claims %s", async (_, model, message) => {
      expect((await lying({ model }))[0]).toMatch(message);
    });

    it("error: the manifest that is attested is of another network", async () => {
      const other = manifestBytes({
        ...MANIFEST,
        breachNetwork: { ...MANIFEST.breachNetwork!, id: word("6") },
      });
      const [first] = await lying({ model: { manifestHash: keccak(other) } }, { manifests: [BYTES, other] });
      expect(first).toMatch(/^manifest: the manifest's modelId is 0x6{64}, and 0x\w{64} is attested$/);
    });

    it.each<[string, Partial<DatasetRecord>, string[]]>([
      ["root", { root: word("3") }, ["dataset-manifest", "dataset-root"]],
      ["until", { until: 2n }, ["dataset-manifest"]],
      ["source", { source: "binance" }, ["dataset-manifest"]],
      ["manifestHash", { manifestHash: word("3") }, ["dataset-manifest"]],
    ])("error: the dataset's attestation claims another %s", async (field, dataset, links) => {
      const found = await lying({ dataset });
      expect(found.map((line) => line.split(":")[0])).toEqual(links);
      expect(found[0]).toContain(`the manifest's ${field} is `);
    });

    it("error: the bars have another root; of another source, or short of the span, nothing is claimed", () => {
      const link = (training: AuditMaterial["training"]) =>
        audit({ training }).find(({ name }) => name === "dataset-root")!;
      expect(link({ root: word("3"), isOther: false })).toMatchObject({
        status: "fail",
        detail: `these bars have root ${word("3")}, and ${word("1")} is attested`,
      });
      expect(link({ root: word("3"), isOther: true })).toMatchObject({
        status: "not checked",
        detail: expect.stringMatching(/BTC, ETH from 2020-01-01T00:00:00Z until 2022-01-01T00:00:00Z$/),
      });
      expect(link({ root: word("1"), isOther: true }).status).toBe("pass");
      expect(link({ problem: "these begin in 2021" })).toMatchObject({
        status: "not checked",
        detail: expect.stringMatching(/; these begin in 2021$/),
      });
    });

    it("behaviour: a store that has neither the manifest nor another of the network checks nothing", () => {
      const link = audit({ manifests: [Buffer.from("{")] }).find(({ name }) => name === "manifest")!;
      expect(link).toMatchObject({
        status: "not checked",
        detail: expect.stringMatching(/^give --artefacts/),
      });
    });
  });

  it.each([...POLICIES.keys()])(
    "default: a decision of %s is decided again, after a breach and before one",
    (name) => {
      const model = {
        id: networkId(bytes),
        attestationUid: evidence.decision.modelId,
        isActive: true,
        maxTurnover: toWad(0.5),
      };
      const policy = policyOf({ name, parameters: name === "threshold" ? { size: 0.5, keep: 0.2 } : {} });
      for (const weights of [
        { USDC: 0.3, BTC: 0.37, ETH: 0.33 },
        { USDC: 0.33, BTC: 0.351, ETH: 0.319 },
      ]) {
        const state = stateWith(weights, { model, minScore: -20_000 });
        const foresight = { scorer: features.scorer(bytes), isNotarised: true };
        const { decision, trades } = decide(snapshot, state, forecastOf(snapshot), policy, AT, foresight);
        const { name: known, parameters } = policy;
        const inputs = toInputs({
          state,
          policy: { name: known, parameters },
          options: DECIDE_DEFAULTS,
          now: AT,
          hasScorer: true,
          isNotarised: true,
        });
        const link = (text: string) =>
          audit({ evidence: { ...evidence, decision, trades, inputs: text } }).find(
            ({ name }) => name === "policy",
          );
        expect(link(inputs)).toMatchObject({ status: "pass" });
        expect(link(inputs.replace(`"name":"${name}"`, '"name":"guess"'))).toMatchObject({
          status: "fail",
          detail: expect.stringMatching(/^policy guess is none of /),
        });
      }
    },
  );

  it("default: a reactive decision needs no network, and is decided again as well", () => {
    const state = stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 });
    const policy = thresholdPolicy();
    const { decision, trades } = decide(snapshot, state, undefined, policy, AT);
    const inputs = toInputs({
      state,
      policy,
      options: DECIDE_DEFAULTS,
      now: AT,
      hasScorer: false,
      isNotarised: false,
    });
    const links = audit({
      evidence: { decision, trades, inputs },
      network: undefined,
      forecaster: undefined,
    });
    expect(named(links, "pass")).toEqual(["data", "data-time", "features", "forecast", "state", "policy"]);
    expect(named(links, "fail")).toEqual([]);
  });
});
