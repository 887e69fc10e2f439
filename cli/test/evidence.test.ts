import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKeystore, openJournal } from "@ballast/agent";
import { ALL_SCHEMAS, DECISION_SCHEMA } from "@ballast/attest";
import { type Checkpoint, type Devnet, startDevnet } from "@ballast/contracts";
import {
  type Hex,
  HOUR_MS,
  isoTime,
  openArtefactStore,
  type RawSeries,
  syntheticSource,
  unixMillis,
} from "@ballast/data";
import { readModel } from "@ballast/model";
import { Wallet } from "ethers";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Ended,
  expectRefused,
  lastJson,
  newFolder,
  type Running,
  run,
  start,
  writeBars,
} from "./child.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const PASSWORD = "correct horse battery staple";
const env = { BALLAST_PASSWORD: PASSWORD };
const PERCENT = 10n ** 16n;
const START = Date.UTC(2023, 0, 1);
const TRAINED = 2_200;
const HOURS = TRAINED + 50;
const AT = START + HOURS * HOUR_MS;
const CONFIG = `
data: { bars: bars }
until: ${isoTime(START + TRAINED * HOUR_MS)}
backend: wasm
training: { maxRows: 2000, hidden: [6], members: 1, maxEpochs: 2, folds: 2, calibrationTimes: 60 }
`;
const home = newFolder();
const servers: Running[] = [];
let devnet: Devnet;
let registered: Checkpoint;
let modelId: string;
let attested: Ended;
let notaries: string[];

/** The same market as another exchange records it, two basis points off at most. */
const nearby = (series: readonly RawSeries[]): RawSeries[] =>
  series.map((one, asset) => {
    const { open, high, low, close, volume } = one.bars;
    const shift = (column: Float64Array) =>
      column.map((price, k) => price * (1 + 2e-4 * Math.sin(k * (asset + 2) * 0.7)));
    return {
      ...one,
      bars: { open: shift(open), high: shift(high), low: shift(low), close: shift(close), volume },
    };
  });

async function startNotary(number: number, bars: string): Promise<string> {
  const name = `notary-${number}.json`;
  await createKeystore(join(home, name), devnet.keys.notaries[number] as Hex, PASSWORD, 1_024);
  const child = start(home, ["notary", "--keystore", name, "--bars", bars, "--port", "0"], env);
  servers.push(child);
  return (await child.until("stderr", /Notary 0x\S+ at (http:\S+),/))[1]!;
}

beforeAll(async () => {
  const source = syntheticSource({ seed: 4, hours: HOURS, start: unixMillis(START), assets: ["BTC", "ETH"] });
  const { series } = await source.load({});
  writeBars(join(home, "bars"), series);
  writeBars(join(home, "elsewhere"), nearby(series));
  writeFileSync(join(home, "train.yaml"), CONFIG);
  const prices = series.map(({ bars: { close } }) => close.at(-1)!);
  const asset = { targetWeight: 33n * PERCENT, band: 2n * PERCENT, poolFee: 500 };
  const training = run(home, ["train", "--config", "train.yaml", "--json"]);
  devnet = await startDevnet({
    base: { symbol: "USDC", decimals: 6 },
    assets: [
      // Bitcoin has risen since the vault was filled: it is 96 % of the way to its band's edge.
      { ...asset, symbol: "WBTC", ticker: "BTC", decimals: 8, price: prices[0]! / 1.0894 },
      { ...asset, symbol: "WETH", ticker: "ETH", decimals: 18, price: prices[1]! },
    ],
    baseTargetWeight: 34n * PERCENT,
    baseBand: 2n * PERCENT,
    navUsd: 1_000_000,
    poolDepthUsd: 20_000_000,
    startTime: AT / 1000,
    decisionSchema: DECISION_SCHEMA,
    schemas: ALL_SCHEMAS.filter((schema) => schema !== DECISION_SCHEMA),
    vault: {
      cooldownSeconds: 3_000,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      maxOracleAgeSeconds: 4_000,
      settings: { notaryThreshold: 2, crossTolerancePpm: 12_500, probation: 0 },
    },
  });
  await createKeystore(join(home, "attester.json"), devnet.keys.attester, PASSWORD, 1_024);
  const trained = await training;
  expect(trained.stderr).toMatch(/Manifest 0x/);
  modelId = lastJson(trained).modelId;
  attested = await run(home, [...attest("attester.json"), "--json"], env);
  const store = await openArtefactStore(join(home, ".ballast/artefacts"));
  const { breachNetwork } = readModel(await store.get(modelId as Hex));
  store.close();
  const { modelId: networkId, attestationUid } = lastJson(attested);
  expect(await devnet.registerModel(breachNetwork!, attestationUid)).toBe(networkId);
  await devnet.setMarket({ time: AT / 1000, prices, baseFeeWei: 20_000_000_000n });
  registered = await devnet.checkpoint();
  notaries = await Promise.all([startNotary(0, "bars"), startNotary(1, "elsewhere")]);
});
afterAll(async () => {
  for (const { child } of servers) child.kill("SIGINT");
  await Promise.all(servers.map(({ ended }) => ended));
  await devnet?.stop();
});
beforeEach(() => devnet.restore(registered));

const attest = (keystore: string, id = modelId) => [
  ...["models", "attest", id, "--rpc", devnet.rpcUrl, "--eas", devnet.addresses.eas],
  ...["--keystore", keystore, "--out", "references.json"],
];
const agent = (journal: string, asked: readonly string[]) =>
  run(
    home,
    [
      ...["agent", "--rpc", devnet.rpcUrl, "--vault", devnet.addresses.vault],
      ...["--venue", devnet.addresses.venue, "--bars", "bars", "--once", "--at", isoTime(AT)],
      ...["--model", modelId, "--references", "references.json", "--notary", asked.join(",")],
      ...["--keystore", "attester.json", "--journal", journal],
    ],
    env,
  );
function entryOf(file: string) {
  const journal = openJournal(join(home, file), { readOnly: true });
  try {
    return journal.list({ order: "oldest", limit: 2 }).items[0]!;
  } finally {
    journal.close();
  }
}
interface Verified {
  readonly isValid: boolean;
  readonly links: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
}
const linksBut = ({ links }: Verified, status: string) =>
  links.filter((link) => link.status !== status).map(({ name }) => name);

describe("ballast models attest", () => {
  it("default: names the network, the attestation and its signer, and leaves both attestations in a file", () => {
    expect(lastJson(attested)).toEqual({
      modelId: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      attestationUid: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      signer: new Wallet(devnet.keys.attester).address,
      file: "references.json",
    });
  });

  it("error: an unknown model, no EAS at the address, a missing keystore", async () => {
    expectRefused(await run(home, attest("attester.json", "0xdead"), env), /^UNKNOWN_MODEL: /m);
    expectRefused(await run(home, attest("lost.json"), env), /^KEYSTORE_MISSING: .*lost\.json/m);
    const elsewhere = [...attest("attester.json"), "--eas", `0x${"12".repeat(20)}`, "--out", "none.json"];
    expectRefused(await run(home, elsewhere, env), /^EAS_NOT_FOUND: /m);
  });
});

describe("from the training to the trade", () => {
  it("default: two notaries vouch for the market, the vault trades ahead of a breach, and every link holds", async () => {
    const { status, stderr } = await agent("ahead.sqlite", notaries);
    expect(stderr).toMatch(/rebalanced \(breach-forecast\), .* transaction 0x[0-9a-f]{64}/);
    expect(status).toBe(0);
    const { decision, hash, txHash, isBreached } = entryOf("ahead.sqlite");
    const { modelId: networkId } = lastJson(attested);
    expect([decision.modelId, isBreached]).toEqual([networkId, false]);
    const receipt = await devnet.provider.getTransactionReceipt(txHash!);
    expect(receipt).toMatchObject({ status: 1, to: devnet.addresses.vault });

    const snapshot = join("snapshots", `${decision.inputRoot}.snapshot`);
    const verify = (...args: string[]) =>
      run(home, ["verify", hash, "--journal", "ahead.sqlite", "--rpc", devnet.rpcUrl, "--json", ...args]);
    const whole: Verified = lastJson(
      await verify("--snapshot", snapshot, "--bars", "bars", "--artefacts", ".ballast/artefacts"),
    );
    expect(linksBut(whole, "pass")).toEqual([]);
    expect(whole.isValid).toBe(true);
    for (const name of ["notaries", "score", "manifest", "dataset-manifest", "dataset-root", "forecaster"])
      expect(whole.links.map((link) => link.name)).toContain(name);

    // Another exchange's bars confirm the market, and cannot have the training's root.
    const second: Verified = lastJson(
      await verify("--snapshot", snapshot, "--bars", "elsewhere", "--artefacts", ".ballast/artefacts"),
    );
    expect(linksBut(second, "pass")).toEqual(["dataset-root"]);
    expect([second.isValid, second.links.find(({ name }) => name === "dataset-root")!.status]).toEqual([
      true,
      "not checked",
    ]);
    // Said to be the market of the decision, they are not.
    const wrong: Verified = lastJson(
      await verify("--bars", "elsewhere", "--artefacts", ".ballast/artefacts"),
    );
    expect(wrong.isValid).toBe(false);
    expect(wrong.links.filter(({ status }) => status === "fail").map(({ name }) => name)).toContain(
      "dataset-root",
    );
  });

  it("error: one notary of the two that the vault wants: it holds, says so, and sends nothing", async () => {
    const { address } = new Wallet(devnet.keys.attester);
    const nonce = await devnet.provider.getTransactionCount(address);
    const { status, stderr } = await agent("alone.sqlite", [notaries[0]!, "http://127.0.0.1:9"]);
    expect(stderr).toMatch(/too few notaries: .*127\.0\.0\.1:9/);
    expect(stderr).toMatch(/holds \(too-few-notaries\)/);
    expect([status, await devnet.provider.getTransactionCount(address)]).toEqual([0, nonce]);
  });
});
