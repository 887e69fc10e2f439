import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DECISION_SCHEMA,
  type EasDomain,
  fetchEasDomain,
  packSignatures,
  signDecision,
  signStatement,
} from "@ballast/attest";
import { type Checkpoint, type Devnet, startDevnet } from "@ballast/contracts";
import { type Hex, HOUR_MS, type Snapshot, syntheticSource, toMarket, unixMillis } from "@ballast/data";
import { BREACH_INPUTS, BREACH_OUTPUTS, LOOKBACK_HOURS, networkBytes } from "@ballast/model";
import { JsonRpcProvider, Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { auditDecision } from "../src/audit.ts";
import { evidenceOf } from "../src/evidence.ts";
import { features } from "../src/features.ts";
import { decideAgain, readInputs } from "../src/inputs.ts";
import type { Journal } from "../src/journal.ts";
import { openJournal } from "../src/journal-sqlite.ts";
import { type LoopPorts, runLoop, type Step } from "../src/loop.ts";
import { policyOf } from "../src/policies/registry.ts";
import { vaultVenue } from "../src/venues/vault.ts";

const START = unixMillis(Date.UTC(2023, 0, 1));
const HOURS = LOOKBACK_HOURS + 10;
const AT = unixMillis(START + HOURS * HOUR_MS);
const MINUTE = 60_000;
const PERCENT = 10n ** 16n;
const GWEI = 10n ** 9n;
const MODEL_UID: Hex = `0x${"4".repeat(64)}`;
/** Scores 0 whatever the market: the vault of this test wants no more. */
const network = networkBytes({
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
const scorer = features.scorer(network);
/** Without a forecast it goes by the week's median of the base fee, 20 gwei. */
const policy = policyOf({ name: "patient" });

let devnet: Devnet;
let plain: JsonRpcProvider;
let domain: EasDomain;
let ready: Checkpoint;
let prices: readonly number[];
let snapshotAt: (at: number) => Snapshot;
beforeAll(async () => {
  const source = syntheticSource({
    seed: 6,
    hours: HOURS + 3,
    start: START,
    assets: ["BTC", "ETH"],
  });
  const raw = await source.load({});
  const publishedAt = Float64Array.from({ length: HOURS }, (_, i) => START + i * HOUR_MS);
  const fees = { name: "base_fee_gwei", unit: "gwei", publishedAt, value: publishedAt.map(() => 20) };
  const { market } = toMarket({ ...raw, exogenous: [fees] }, { now: unixMillis(AT + 3 * HOUR_MS) });
  snapshotAt = (at) => market.past(unixMillis(at)).snapshot(LOOKBACK_HOURS);
  prices = snapshotAt(AT).bars.map(({ close }) => close.at(-1)!);
  const asset = { targetWeight: 33n * PERCENT, band: 2n * PERCENT, poolFee: 500 };
  devnet = await startDevnet({
    base: { symbol: "USDC", decimals: 6 },
    assets: [
      // Bitcoin has risen since the vault was filled: it is four fifths of the way to its band's edge.
      { ...asset, symbol: "WBTC", ticker: "BTC", decimals: 8, price: prices[0]! / 1.075 },
      { ...asset, symbol: "WETH", ticker: "ETH", decimals: 18, price: prices[1]! },
    ],
    baseTargetWeight: 34n * PERCENT,
    baseBand: 2n * PERCENT,
    navUsd: 1_000_000,
    poolDepthUsd: 20_000_000,
    startTime: AT / 1000,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: 3_000,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      maxOracleAgeSeconds: 4_000,
      settings: { notaryThreshold: 1, minScore: 0, crossTolerancePpm: 12_500, probation: 0 },
    },
  });
  await devnet.registerModel(`0x${Buffer.from(network).toString("hex")}`, MODEL_UID);
  domain = await fetchEasDomain(devnet.provider, devnet.addresses.eas, devnet.schemaUid);
  plain = new JsonRpcProvider(devnet.rpcUrl, 31337, { staticNetwork: true, cacheTimeout: -1 });
  ready = await devnet.checkpoint();
}, 60_000);
afterAll(async () => {
  plain?.destroy();
  await devnet?.stop();
});

let folder: string;
let journal: Journal;
beforeEach(async () => {
  await devnet.restore(ready);
  folder = mkdtempSync(join(tmpdir(), "ballast-relook-"));
  journal = openJournal(join(folder, "journal.sqlite"));
});
afterEach(async () => {
  await plain.send("evm_setAutomine", [true]);
  journal.close();
  rmSync(folder, { recursive: true });
});

/** One look: the minutes since the first bar's close, and what happens before it. */
type Look = readonly [minutes: number, before: () => Promise<unknown>];

async function run(looks: readonly Look[], provider = devnet.provider as JsonRpcProvider) {
  const attester = new Wallet(devnet.keys.attester, provider);
  const venue = await vaultVenue({
    provider,
    vault: devnet.addresses.vault,
    expectedChainId: 31337n,
    attester,
    keeper: attester,
    domain,
    tradeVenue: devnet.addresses.venue,
    modelId: scorer.modelId,
    receiptTimeoutMs: 300,
  });
  const steps: Step[] = [];
  let now = AT;
  const ports: LoopPorts = {
    run: "test",
    ticks: (async function* () {
      for (const [minutes, before] of looks) {
        now = unixMillis(AT + minutes * MINUTE);
        await before();
        yield unixMillis(AT + Math.floor(minutes / 60) * HOUR_MS);
      }
    })(),
    now: () => now,
    observe: async (at) => snapshotAt(at),
    forecast: () => undefined,
    witness: {
      scorer,
      prove: (snapshot, { holdings }, holding) =>
        features.prove(snapshot, holding === 0 ? undefined : holdings[holding]!.asset),
      async notarise({ root, at }, featuresRoot) {
        const statement = { inputRoot: root, featuresRoot, at: BigInt(at / 1000) };
        const notary = new Wallet(devnet.keys.notaries[0]!);
        const signature = await signStatement(statement, notary);
        return { signatures: packSignatures(statement, [signature], [notary.address as Hex], 1) };
      },
    },
    policy,
    journal,
    sign: async (decision, modelUid) => {
      const { json, uid } = await signDecision({ ...domain, decision, modelUid, signer: attester });
      return { offchainAttestation: json, offchainUid: uid };
    },
    venue,
    isDryRun: false,
    onStep: (step) => steps.push(step),
  };
  await runLoop(ports);
  return steps;
}
const entries = () => journal.list({ limit: 10, order: "oldest" }).items;
const setMarket = (minutes: number, baseFeeGwei: bigint) => () =>
  devnet.setMarket({ time: AT / 1000 + minutes * 60, prices, baseFeeWei: baseFeeGwei * GWEI });

describe("the patient policy on a chain", () => {
  it("default: waits while the base fee is high, and rebalances when it falls within the hour", async () => {
    const steps = await run([
      [0, setMarket(0, 60n)],
      [3, setMarket(3, 55n)],
      [6, setMarket(6, 20n)],
      [9, setMarket(9, 20n)],
    ]);
    expect(steps.map(({ kind }) => kind)).toEqual(["held", "still-holds", "executed"]);
    const [bars, looks, ...others] = entries();
    expect(others).toEqual([]);
    expect([bars!.reason, looks!.reason]).toEqual(["gas-above-cap", "worth-its-cost"]);
    const { gasPrice, minedAt } = looks!.execution!;
    const highest = looks!.numbers.highestGasGwei!;
    expect(highest).toBeGreaterThan(21);
    expect(highest).toBeLessThan(55);
    expect(gasPrice).toBeGreaterThanOrEqual(20n * GWEI);
    expect(Number(gasPrice) / 1e9).toBeLessThanOrEqual(highest);
    expect(minedAt).toBeGreaterThan(BigInt(AT / 1000 + 6 * 60));
    const sent = await devnet.provider.getTransaction(looks!.txHash!);
    expect(Number(sent!.maxFeePerGas) / 1e9).toBeLessThanOrEqual(highest);
    // A stranger, from the evidence and the market alone; this model has no manifest and no forecaster to ask for.
    for (const entry of [bars!, looks!]) {
      const links = auditDecision(
        {
          evidence: evidenceOf(journal, entry)!,
          snapshot: snapshotAt(AT),
          tolerance: { feature: 0, priceBps: 0 },
          network,
        },
        features,
      );
      const named = (status: string) =>
        links.filter((link) => link.status === status).map(({ name }) => name);
      expect(named("fail")).toEqual([]);
      expect(named("pass")).toEqual(expect.arrayContaining(["data", "data-time", "state", "policy"]));
      const again = decideAgain(readInputs(entry.inputs!), snapshotAt(AT), undefined, scorer);
      expect(again.hash).toBe(entry.hash);
    }
  });

  /** Base fee of the block to come, which nobody mines before it is asked to. */
  const setNextFee = (gwei: bigint) =>
    plain.send("anvil_setNextBlockBaseFeePerGas", [`0x${(gwei * GWEI).toString(16)}`]);
  const queue = async (): Promise<{ nonce: string; to: string; hash: Hex }[]> => {
    const { pending } = await plain.send("txpool_content", []);
    return Object.values(pending as Record<string, Record<string, never>>).flatMap(Object.values);
  };

  it("behaviour: a base fee that rises before inclusion is not paid, what it leaves is cancelled, and the next hour goes on", async () => {
    const { address } = new Wallet(devnet.keys.attester);
    let stuck: Hex | undefined;
    let cancelling: Hex | undefined;
    const steps = await run(
      [
        [
          0,
          async () => {
            await setMarket(0, 20n)();
            await plain.send("evm_setAutomine", [false]);
            await setNextFee(20n);
          },
        ],
        [3, () => setNextFee(90n)],
        [
          60,
          async () => {
            const queued = await queue();
            expect(queued).toMatchObject([{ to: devnet.addresses.vault.toLowerCase(), nonce: "0x0" }]);
            stuck = queued[0]!.hash;
            // Other nodes keep what a block's base fee is too high for; anvil forgets it and is given it again.
            const raw = await plain.send("eth_getRawTransactionByHash", [stuck]);
            await plain.send("evm_setAutomine", [true]);
            await setMarket(60, 90n)();
            await plain.send("evm_setAutomine", [false]);
            await setNextFee(21n);
            expect(await plain.send("eth_sendRawTransaction", [raw])).toBe(stuck);
          },
        ],
        [
          63,
          async () => {
            const queued = await queue();
            expect(queued).toMatchObject([{ to: address.toLowerCase(), nonce: "0x0", gas: "0x5208" }]);
            cancelling = queued[0]!.hash;
            await setNextFee(21n);
            await plain.send("evm_mine", []);
            await plain.send("evm_setAutomine", [true]);
          },
        ],
      ],
      plain,
    );
    expect(steps).toMatchObject([
      { kind: "missed", error: { code: "RECEIPT_TIMEOUT" } },
      { kind: "missed", error: { code: "GAS_PRICE" } },
      { kind: "resumed", as: "abandoned" },
      // The cancelling transaction offers more than the next decision is worth, and is about to be mined.
      { kind: "missed", error: { code: "STUCK_TRANSACTION" } },
      { kind: "resumed", as: "executed" },
    ]);
    expect(await plain.getTransactionReceipt(stuck!)).toBeNull();
    expect(await plain.getTransactionReceipt(cancelling!)).toMatchObject({ status: 1, gasUsed: 21_000n });
    expect(await plain.getTransactionCount(address)).toBe(2);
    const [first, second, ...others] = entries();
    expect([first!.stage, second!.stage, others]).toEqual(["abandoned", "executed", []]);
    const { gasPrice } = second!.execution!;
    expect(Number(gasPrice) / 1e9).toBeLessThanOrEqual(second!.numbers.highestGasGwei!);
  });
});
