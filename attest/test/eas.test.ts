import { type Devnet, DevnetProvider, startAnvil, startDevnet, vaultAbi } from "@ballast/contracts";
import { type Hex, unixMillis } from "@ballast/data";
import { Interface, Wallet } from "ethers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  attestDecision,
  attestDelegated,
  attestRecord,
  type Check,
  DATASET_SCHEMA,
  DECISION_SCHEMA,
  DECISION_SCHEMA_UID,
  type Decision,
  decisionBytes,
  decisionHash,
  type EasDomain,
  type Expectations,
  fetchAttestation,
  fetchEasDomain,
  fetchOffchainRevocation,
  findAttestation,
  MODEL_SCHEMA,
  OUTCOME_SCHEMA,
  registerSchemas,
  signDecision,
  signDelegated,
  signRecord,
  submit,
  type Trade,
  toOffchainAttestation,
  tradesHash,
  verifyEvidence,
  verifyOnchain,
  ZERO_BYTES32,
} from "../src/index.ts";
import { easSdk } from "../src/sdk.ts";

const START = 1_620_000_000 - (1_620_000_000 % 3600);
const PERCENT = 10n ** 16n;
const word = (digit: string): Hex => `0x${digit.repeat(64)}`;

let devnet: Devnet;
let attester: Wallet;
let stranger: Wallet;
let domain: EasDomain;
beforeAll(async () => {
  devnet = await startDevnet({
    base: { symbol: "USDC", decimals: 6 },
    assets: [
      {
        symbol: "ETH",
        decimals: 18,
        price: 2_000,
        poolFee: 500,
        targetWeight: 50n * PERCENT,
        band: 5n * PERCENT,
      },
    ],
    baseTargetWeight: 50n * PERCENT,
    baseBand: 5n * PERCENT,
    navUsd: 1_000_000,
    poolDepthUsd: 10_000_000,
    startTime: START,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: 60,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      maxOracleAgeSeconds: 7_200,
    },
  });
  attester = new Wallet(devnet.keys.attester, devnet.provider);
  stranger = new Wallet(devnet.keys.stranger, devnet.provider);
  domain = await fetchEasDomain(devnet.provider, devnet.addresses.eas);
}, 60_000);
afterAll(() => devnet?.stop());

/** One hour of the market for each test, so that none sees another's attestations. */
let hour = 0;
let decision: Decision;
let trades: Trade[];
let expectations: Expectations;
beforeEach(async () => {
  const time = START + 3600 * hour++;
  await devnet.setMarket({ time, prices: [2_000], baseFeeWei: 20_000_000_000n });
  const [base, ether] = devnet.listings.map(({ token }) => token.toLowerCase() as Hex);
  trades = [
    {
      venue: stranger.address as Hex,
      tokenIn: ether!,
      tokenOut: base!,
      amountIn: 10n ** 18n,
      minAmountOut: 1_985_000_000n,
      route: "0x",
    },
  ];
  decision = {
    chainId: 31337n,
    vault: devnet.addresses.vault.toLowerCase() as Hex,
    sequence: 1n,
    action: 1,
    reason: 1,
    decidedAt: BigInt(time),
    expiresAt: BigInt(time + 1800),
    inputRoot: word("1"),
    stateHash: word("2"),
    modelId: ZERO_BYTES32,
    forecastHash: ZERO_BYTES32,
    policyId: word("5"),
    breachPpm: 0,
    holding: 0,
    tradesHash: tradesHash(trades),
  };
  expectations = {
    ...domain,
    vault: devnet.addresses.vault,
    attesters: [attester.address as Hex],
    asOf: unixMillis((time + 60) * 1000),
  };
});

const failures = (checks: readonly Check[]) => checks.filter(({ passed }) => !passed).map(({ name }) => name);
const sdkEas = (signer: Wallet) => new (easSdk().EAS)(devnet.addresses.eas, { signer });

/** An attestation that says something else than `attestDecision` would. */
const attestWith = async (
  signer: Wallet,
  change: Record<string, unknown>,
  schema: string = domain.schemaUid,
) => {
  const terms = {
    recipient: decision.vault,
    expirationTime: decision.expiresAt,
    revocable: true,
    refUID: ZERO_BYTES32,
  };
  const data = { ...terms, data: decisionBytes(decision), ...change };
  return (await sdkEas(signer).attest({ schema, data })).wait();
};

describe("fetchEasDomain", () => {
  it("default: reads chain, version and schema from the real contract", () => {
    expect(domain).toEqual({
      chainId: 31337n,
      easAddress: devnet.addresses.eas,
      easVersion: "1.4.0",
      schemaUid: DECISION_SCHEMA_UID,
    });
    expect(devnet.schemaUid).toBe(DECISION_SCHEMA_UID);
  });

  it("error: an address without code, a contract that is no EAS, an unknown schema, no node", async () => {
    const nobody = stranger.address as Hex;
    await expect(fetchEasDomain(devnet.provider, nobody)).rejects.toMatchObject({ code: "EAS_NOT_FOUND" });
    await expect(fetchEasDomain(devnet.provider, devnet.addresses.vault)).rejects.toMatchObject({
      code: "EAS_NOT_FOUND",
    });
    await expect(fetchEasDomain(devnet.provider, devnet.addresses.eas, word("9"))).rejects.toMatchObject({
      code: "SCHEMA_NOT_FOUND",
      schemaUid: word("9"),
    });
    const anvil = await startAnvil({ timestamp: START });
    const dead = new DevnetProvider(anvil.rpcUrl, 31337);
    await anvil.stop();
    await expect(fetchEasDomain(dead, devnet.addresses.eas)).rejects.toMatchObject({ code: "NODE" });
    dead.destroy();
  });
});

describe("registerSchemas", () => {
  it("behaviour: a registered schema is left alone, an unregistered one registered", async () => {
    const { schemaRegistry } = devnet.addresses;
    const before = await devnet.provider.getTransactionCount(attester.address);
    expect(await registerSchemas(attester, schemaRegistry, [DECISION_SCHEMA])).toEqual([DECISION_SCHEMA_UID]);
    expect(await devnet.provider.getTransactionCount(attester.address)).toBe(before);
    await expect(registerSchemas(attester, attester.address as Hex)).rejects.toMatchObject({
      code: "SCHEMA_NOT_FOUND",
    });
  });
});

describe("attestDecision", () => {
  it("default: the chain then holds exactly the decision's bytes, for the vault, revocable, until its expiry", async () => {
    const { uid, receipt, isReused } = await attestDecision({ ...domain, decision, signer: attester });
    expect(isReused).toBe(false);
    expect(receipt.status).toBe(1);
    expect(await fetchAttestation(devnet.provider, devnet.addresses.eas, uid)).toMatchObject({
      uid,
      schema: DECISION_SCHEMA_UID,
      refUID: ZERO_BYTES32,
      expirationTime: decision.expiresAt,
      revocationTime: 0n,
      recipient: decision.vault,
      attester: attester.address.toLowerCase(),
      revocable: true,
      data: decisionBytes(decision),
    });
    expect(
      failures(await verifyOnchain({ provider: devnet.provider, uid, decision, trades, expectations })),
    ).toEqual([]);
  });

  it("behaviour: a second call finds the first attestation and sends nothing", async () => {
    const first = await attestDecision({ ...domain, decision, signer: attester });
    const count = await devnet.provider.getTransactionCount(attester.address);
    const second = await attestDecision({ ...domain, decision, signer: attester });
    expect(second).toMatchObject({ uid: first.uid, isReused: true });
    expect(second.receipt.hash).toBe(first.receipt.hash);
    expect(await devnet.provider.getTransactionCount(attester.address)).toBe(count);
  });

  it("behaviour: another decision's, another key's and a revoked attestation are not reused", async () => {
    const foreign = await attestDecision({ ...domain, decision, signer: stranger });
    const other = await attestDecision({ ...domain, decision: { ...decision, reason: 2 }, signer: attester });
    const mine = await attestDecision({ ...domain, decision, signer: attester });
    expect(new Set([foreign.uid, other.uid, mine.uid]).size).toBe(3);
    await (await sdkEas(attester).revoke({ schema: domain.schemaUid, data: { uid: mine.uid } })).wait();
    const again = await attestDecision({ ...domain, decision, signer: attester });
    expect(again.isReused).toBe(false);
    expect(again.uid).not.toBe(mine.uid);
    expect(await findAttestation(devnet.provider, domain, decision, attester.address as Hex)).toMatchObject({
      uid: again.uid,
    });
  });

  it("error: past its expiry EAS refuses, and nothing is sent", async () => {
    const late = {
      ...decision,
      decidedAt: decision.decidedAt - 7_200n,
      expiresAt: decision.decidedAt - 3_600n,
    };
    const count = await devnet.provider.getTransactionCount(attester.address);
    await expect(attestDecision({ ...domain, decision: late, signer: attester })).rejects.toMatchObject({
      code: "DECISION_EXPIRED",
      expiresAt: late.expiresAt,
    });
    expect(await devnet.provider.getTransactionCount(attester.address)).toBe(count);
  });

  it("error: another chain's decision is refused before anything is sent", async () => {
    const request = { ...domain, chainId: 1n, decision: { ...decision, chainId: 1n }, signer: attester };
    await expect(attestDecision(request)).rejects.toMatchObject({
      code: "WRONG_CHAIN",
      expected: 1n,
      actual: 31337n,
    });
  });

  it("error: a key without ether, with what it has and needs", async () => {
    const poor = new Wallet(word("d"), devnet.provider);
    await expect(attestDecision({ ...domain, decision, signer: poor })).rejects.toMatchObject({
      code: "UNFUNDED_KEY",
      address: poor.address,
      balance: 0n,
    });
  });

  it("error: gas above the limit", async () => {
    const request = { ...domain, decision, signer: attester, maxGasPrice: 10_000_000_000n };
    await expect(attestDecision(request)).rejects.toMatchObject({
      code: "GAS_PRICE",
      maxGasPrice: 10_000_000_000n,
    });
  });

  it("error: a key that is connected to no node", async () => {
    await expect(
      attestDecision({ ...domain, decision, signer: new Wallet(devnet.keys.attester) }),
    ).rejects.toMatchObject({ code: "NODE" });
  });
});

describe("attestRecord", () => {
  const dataset = { root: word("1"), from: 1n, until: 2n, source: "binance", manifestHash: word("2") };
  const model = {
    modelId: word("3"),
    forecasterId: word("4"),
    configurationHash: word("5"),
    manifestHash: word("6"),
    backend: "wasm",
    qlikeRatioPpm: [860_000],
  };

  it("default: dataset, model, decision and outcome refer to each other on chain, each attested once", async () => {
    const since = decision.decidedAt;
    const base = { ...domain, since, signer: attester };
    await registerSchemas(stranger, devnet.addresses.schemaRegistry);
    const first = await attestRecord({ ...base, schema: DATASET_SCHEMA, record: dataset });
    expect(await attestRecord({ ...base, schema: DATASET_SCHEMA, record: dataset })).toMatchObject({
      uid: first.uid,
      isReused: true,
    });
    const second = await attestRecord({ ...base, schema: MODEL_SCHEMA, record: model, refUID: first.uid });
    const made = { ...decision, modelId: model.modelId };
    const third = await attestDecision({ ...domain, decision: made, modelUid: second.uid, signer: attester });
    const outcome = {
      decisionHash: decisionHash(made),
      txHash: word("7"),
      observedAt: since,
      wasBreached: false,
      lossPpm: -3n,
      gasUsed: 400_000n,
    };
    const terms = { schema: OUTCOME_SCHEMA, record: outcome, refUID: third.uid, recipient: decision.vault };
    const fourth = await attestRecord({ ...base, ...terms });
    const read = (uid: Hex) => fetchAttestation(devnet.provider, devnet.addresses.eas, uid);
    const chain = await Promise.all([fourth, third, second, first].map(({ uid }) => read(uid)));
    expect(chain.map(({ refUID }) => refUID)).toEqual([third.uid, second.uid, first.uid, ZERO_BYTES32]);
    expect(OUTCOME_SCHEMA.decode(chain[0]!.data)).toEqual(outcome);
    expect(MODEL_SCHEMA.decode(chain[2]!.data)).toEqual(model);
    const found = { ...expectations, modelUid: second.uid };
    const request = { provider: devnet.provider, uid: third.uid, decision: made, expectations: found };
    const sound = await verifyOnchain(request);
    expect(failures(sound)).toEqual([]);
    expect(sound.map(({ name }) => name)).toContain("model-attestation");
    const another = { ...request, expectations: { ...found, modelUid: word("9") } };
    expect(failures(await verifyOnchain(another))).toEqual(["reference"]);
    await (await sdkEas(attester).revoke({ schema: MODEL_SCHEMA.uid, data: { uid: second.uid } })).wait();
    expect(failures(await verifyOnchain(request))).toEqual(["model-attestation"]);
  });

  it("error: off chain, the attestation of the model or of the dataset was revoked", async () => {
    const common = { ...domain, time: decision.decidedAt, signer: attester };
    const first = await signRecord({ ...common, schema: DATASET_SCHEMA, record: dataset });
    const second = await signRecord({ ...common, schema: MODEL_SCHEMA, record: model, refUID: first.uid });
    const made = { ...decision, modelId: model.modelId };
    const { json } = await signDecision({ ...common, decision: made, modelUid: second.uid });
    const evidence = { decision: made, trades, offchain: json, references: [second.json, first.json] };
    const failed = async () =>
      failures(
        (await verifyEvidence(evidence, { ...expectations, modelUid: second.uid }, devnet.provider)).onchain,
      );
    expect(await failed()).toEqual([]);
    await (await sdkEas(attester).revokeOffchain(first.uid)).wait();
    expect(await failed()).toEqual(["references-not-revoked"]);
  });

  it("error: a reference to what is not on chain", async () => {
    const made = { ...decision, modelId: model.modelId };
    await expect(
      attestDecision({ ...domain, decision: made, modelUid: word("9"), signer: attester }),
    ).rejects.toMatchObject({ code: "REFERENCE_NOT_FOUND", refUID: word("9") });
  });
});

describe("attestDelegated", () => {
  const sign = () => signDelegated({ ...domain, decision, signer: attester });

  it("default: somebody else sends and pays, and the attester is the attester", async () => {
    const count = await devnet.provider.getTransactionCount(attester.address);
    const { uid } = await attestDelegated({ ...domain, delegated: await sign(), sender: stranger });
    expect(await devnet.provider.getTransactionCount(attester.address)).toBe(count);
    const request = { provider: devnet.provider, uid, decision, trades, expectations };
    expect(failures(await verifyOnchain(request))).toEqual([]);
  });

  it("behaviour: one that somebody sent first is accepted, seen before sending or after", async () => {
    const delegated = await sign();
    const first = await attestDelegated({ ...domain, delegated, sender: stranger });
    const keeper = new Wallet(devnet.keys.keeper, devnet.provider);
    expect(await attestDelegated({ ...domain, delegated, sender: keeper })).toMatchObject({
      uid: first.uid,
      isReused: true,
    });
    // It appears between the look and the call: the nonce is used, EAS refuses ours, and theirs is found.
    const later = { ...decision, reason: 2 };
    const frontRun = await signDelegated({ ...domain, decision: later, signer: attester });
    let theirs: Hex | undefined;
    const provider = new Proxy(devnet.provider, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name !== "send") return typeof value === "function" ? value.bind(target) : value;
        return async (method: string, params: unknown[]) => {
          if (method === "eth_estimateGas" && theirs === undefined) {
            theirs = (await attestDelegated({ ...domain, delegated: frontRun, sender: stranger })).uid;
          }
          return target.send(method, params as unknown[]);
        };
      },
    });
    const victim = new Wallet(devnet.keys.keeper, provider);
    const found = await attestDelegated({ ...domain, delegated: frontRun, sender: victim });
    expect(found).toMatchObject({ uid: theirs, isReused: true });
  });

  it("error: a signature over something else is refused by EAS", async () => {
    const delegated = await sign();
    const forged = { ...delegated, decision: { ...decision, sequence: 99n } };
    await expect(attestDelegated({ ...domain, delegated: forged, sender: stranger })).rejects.toMatchObject({
      code: "REVERTED",
    });
  });
});

describe("verifyOnchain", () => {
  const verify = (uid: string, change: Partial<Parameters<typeof verifyOnchain>[0]> = {}) =>
    verifyOnchain({ provider: devnet.provider, uid, decision, trades, expectations, ...change });

  it("error: by a key that is not allowed", async () => {
    expect(failures(await verify(await attestWith(stranger, {})))).toEqual(["attester"]);
  });

  it("error: for another recipient", async () => {
    expect(failures(await verify(await attestWith(attester, { recipient: stranger.address })))).toEqual([
      "recipient",
    ]);
  });

  it("error: with another expiry, without one, or irrevocable", async () => {
    for (const change of [
      { expirationTime: decision.expiresAt + 1n },
      { expirationTime: 0n },
      { revocable: false },
    ]) {
      expect(failures(await verify(await attestWith(attester, change)))).toEqual(["terms"]);
    }
  });

  it("error: with a reference to an attestation of no model of its own", async () => {
    const refUID = await attestWith(attester, {});
    expect(failures(await verify(await attestWith(attester, { refUID })))).toEqual([
      "reference",
      "model-attestation",
    ]);
  });

  it("error: under another schema", async () => {
    const registry = new (easSdk().SchemaRegistry)(devnet.addresses.schemaRegistry, { signer: attester });
    const schema = await (await registry.register({ schema: "bytes decision", revocable: true })).wait();
    expect(failures(await verify(await attestWith(attester, {}, schema)))).toEqual(["schema"]);
  });

  it("error: of other bytes, naming the first field", async () => {
    const other = { ...decision, sequence: 2n };
    const checks = await verify(await attestWith(attester, { data: decisionBytes(other) }));
    expect(failures(checks)).toEqual(["data"]);
    expect(checks.find(({ name }) => name === "data")!.detail).toBe(
      "sequence was attested as 2 and is given as 1",
    );
    expect(failures(await verify(await attestWith(attester, { data: "0x1234" })))).toEqual(["data"]);
  });

  it("error: revoked, on chain and off chain", async () => {
    const uid = await attestWith(attester, {});
    const { uid: offchainUid, json: offchain } = await signDecision({
      ...domain,
      decision,
      signer: attester,
    });
    const failed = async (evidence: { uid?: Hex }) => {
      const all = { decision, trades, offchain, ...evidence };
      return failures((await verifyEvidence(all, expectations, devnet.provider)).onchain);
    };
    expect(await failed({ uid: uid as Hex })).toEqual([]);
    expect(await failed({})).toEqual([]);
    await (await sdkEas(attester).revokeOffchain(offchainUid)).wait();
    expect(await failed({ uid: uid as Hex })).toEqual(["not-revoked-offchain"]);
    // Never put on chain, as a hold is.
    expect(await failed({})).toEqual(["not-revoked-offchain"]);
    await (await sdkEas(attester).revoke({ schema: domain.schemaUid, data: { uid } })).wait();
    expect(await failed({ uid: uid as Hex })).toEqual(["not-revoked", "not-revoked-offchain"]);
    expect(failures(await verify(uid))).toEqual(["not-revoked"]);
    // EAS's own answer is no help: it tests existence only.
    expect(await sdkEas(attester).isAttestationValid(uid)).toBe(true);
    const { easAddress } = domain;
    expect(
      await fetchOffchainRevocation(devnet.provider, easAddress, attester.address as Hex, offchainUid),
    ).toBeGreaterThan(decision.decidedAt);
  });

  it("error: before its time, and when it has expired", async () => {
    const uid = await attestWith(attester, {});
    for (const seconds of [decision.decidedAt - 1n, decision.expiresAt + 1n]) {
      const asOf = unixMillis(Number(seconds) * 1000);
      expect(failures(await verify(uid, { expectations: { ...expectations, asOf } }))).toEqual(["window"]);
    }
  });

  it("error: attested before the decision's own time", async () => {
    const early = { ...decision, decidedAt: decision.decidedAt + 600n };
    const uid = await attestWith(attester, { data: decisionBytes(early) });
    expect(failures(await verify(uid, { decision: early }))).toEqual(["terms", "window"]);
  });

  it("error: unknown and malformed UIDs, and an EAS that is not there, are failed checks", async () => {
    expect(failures(await verify(word("7")))).toEqual(["format"]);
    for (const uid of ["", "0x12", "not a uid", `${word("7")}00`]) {
      const checks = await verify(uid);
      expect(failures(checks)).toEqual(["format"]);
      expect(checks.at(-1)!.detail).toContain("check the UID");
    }
    const elsewhere = { ...expectations, easAddress: stranger.address as Hex };
    expect(failures(await verify(word("7"), { expectations: elsewhere }))).toEqual(["eas"]);
    const uid = await attestWith(attester, {});
    const older = { ...expectations, easVersion: "1.3.0" };
    expect(failures(await verify(uid, { expectations: older }))).toEqual(["eas"]);
    expect(failures(await verify(uid, { expectations: { ...expectations, chainId: 1n } }))).toEqual([
      "chain",
    ]);
  });
});

describe("execution by the vault", () => {
  const rebalanceWith = (uid: Hex, executed: Decision, signature: Hex = "0x") => {
    const market = { featuresRoot: ZERO_BYTES32, features: "0x", path: [], notarySignatures: "0x" };
    const args = [executed, trades, { uid, signature, ...market }];
    return new Interface(vaultAbi).encodeFunctionData("rebalance", args);
  };
  /** Ether has risen out of its band, and some of it is sold. */
  beforeEach(async () => {
    const time = START + 3600 * hour++;
    await devnet.setMarket({ time, prices: [2_600], baseFeeWei: 20_000_000_000n });
    trades = [
      {
        ...trades[0]!,
        venue: lower(devnet.addresses.venue),
        minAmountOut: 2_575_000_000n,
        route: "0x0001f4",
      },
    ];
    decision = {
      ...decision,
      sequence: await nextSequence(),
      decidedAt: BigInt(time),
      expiresAt: BigInt(time + 1800),
      tradesHash: tradesHash(trades),
    };
    expectations = { ...expectations, asOf: unixMillis((time + 60) * 1000) };
  });
  const lower = (address: string) => address.toLowerCase() as Hex;
  const nextSequence = async (): Promise<bigint> => {
    const [progress] = new Interface(vaultAbi).decodeFunctionResult(
      "progress",
      await devnet.provider.call({
        to: devnet.addresses.vault,
        data: new Interface(vaultAbi).encodeFunctionData("progress"),
      }),
    );
    return progress.sequence + 1n;
  };

  it("default: evidence with an off-chain attestation alone, which the vault itself has verified", async () => {
    const { json, signature, uid } = await signDecision({ ...domain, decision, signer: attester });
    const data = rebalanceWith(ZERO_BYTES32, decision, signature);
    const receipt = await submit(stranger, { to: devnet.addresses.vault, data });
    const evidence = { decision, trades, offchain: json, txHash: receipt.hash as Hex };
    const { offchain, onchain } = await verifyEvidence(evidence, expectations, devnet.provider);
    expect(failures([...offchain, ...onchain])).toEqual([]);
    expect(onchain.map(({ name }) => name)).toEqual(["chain", "execution", "not-revoked-offchain"]);
    const other = await signDecision({ ...domain, decision: { ...decision, reason: 2 }, signer: attester });
    expect(other.uid).not.toBe(uid);
    const failed = await verifyEvidence({ ...evidence, offchain: other.json }, expectations, devnet.provider);
    expect(failures(failed.onchain)).toEqual(["execution"]);
  });

  /** Attests, lets the vault execute, and returns all there is to verify. */
  const execute = async () => {
    const { uid } = await attestDecision({ ...domain, decision, signer: attester });
    const { json } = await signDecision({ ...domain, decision, signer: attester });
    const data = rebalanceWith(uid, decision);
    const receipt = await submit(stranger, { to: devnet.addresses.vault, data });
    return { decision, trades, offchain: json, uid, txHash: receipt.hash as Hex };
  };

  it("default: evidence of an executed decision verifies, however much later", async () => {
    const evidence = await execute();
    const muchLater = { ...expectations, asOf: unixMillis(expectations.asOf + 10 * 365 * 86_400_000) };
    const { offchain, onchain } = await verifyEvidence(evidence, muchLater, devnet.provider);
    expect(failures([...offchain, ...onchain])).toEqual([]);
    expect(onchain.map(({ name }) => name)).toContain("execution");
    expect(failures((await verifyEvidence(evidence, muchLater)).offchain)).toEqual(["window"]);

    for (const [field, value] of [
      ["amountIn", trades[0]!.amountIn + 1n],
      ["tokenIn", trades[0]!.tokenOut],
      ["tokenOut", trades[0]!.tokenIn],
      ["venue", trades[0]!.tokenIn],
    ] as const) {
      const tampered = { ...evidence, trades: [{ ...trades[0]!, [field]: value }] };
      const checks = (await verifyEvidence(tampered, expectations, devnet.provider)).onchain;
      expect(failures(checks)).toEqual(["trades-hash", "execution"]);
    }
    const elsewhere = { ...evidence, txHash: word("8") };
    expect(failures((await verifyEvidence(elsewhere, expectations, devnet.provider)).onchain)).toEqual([
      "execution",
    ]);
    const attested = await findAttestation(devnet.provider, domain, decision, attester.address as Hex);
    const wrongTx = { ...evidence, txHash: attested!.txHash };
    const failed = (await verifyEvidence(wrongTx, expectations, devnet.provider)).onchain;
    expect(failures(failed)).toEqual(["execution"]);
    expect(toOffchainAttestation(evidence.offchain).message.data).toBe(decisionBytes(decision));

    const detailOf = async (change: Partial<typeof evidence>) => {
      const checks = (await verifyEvidence({ ...evidence, ...change }, expectations, devnet.provider))
        .onchain;
      return checks.find(({ name }) => name === "execution")?.detail;
    };
    const doubled = [...trades, ...trades];
    expect(await detailOf({ trades: doubled })).toMatch(/^the number of swaps is 1, not 2/);
    expect(await detailOf({ trades: [] })).toMatch(/^the number of swaps is 1, not 0/);
    const other = { ...decision, breachPpm: 1 };
    const { uid } = await attestDecision({ ...domain, decision: other, signer: attester });
    expect(await detailOf({ decision: other, uid })).toMatch(/^the executed decision is 0x/);
    // The same decision attested a second time: a true attestation, but not the one it was executed by.
    const second = await attestWith(attester, {});
    expect(await detailOf({ uid: second as Hex })).toMatch(/^the attestation it was executed by is 0x/);
    // Somebody carried out two decisions in one transaction, another one first.
    type Log = { topics: Hex[]; address: Hex; data: Hex };
    const bundled = new Proxy(devnet.provider, {
      get(provider, name) {
        const value = Reflect.get(provider, name);
        if (name !== "send") return typeof value === "function" ? value.bind(provider) : value;
        return async (method: string, params: unknown[]) => {
          const answer = await provider.send(method, params);
          if (method !== "eth_getTransactionReceipt") return answer;
          const theirs = answer.logs.map((log: Log) => ({
            ...log,
            topics: log.topics.map((topic, i) => (i === 1 || i === 3 ? word("6") : topic)),
          }));
          return { ...answer, logs: [...theirs, ...answer.logs] };
        };
      },
    });
    expect(failures((await verifyEvidence(evidence, expectations, bundled)).onchain)).toEqual([]);
    const data = rebalanceWith(uid, other);
    const sent = await stranger.sendTransaction({ to: devnet.addresses.vault, data, gasLimit: 1_000_000n });
    expect(await detailOf({ txHash: sent.hash as Hex })).toMatch(/was reverted$/);
  });
});
