import {
  type Feed,
  features,
  type Journal,
  type Json,
  type Policy,
  REFERENCES,
  vaultVenue,
} from "@ballast/agent";
import { ALL_SCHEMAS, createNotary, DECISION_SCHEMA, type EasDomain, fetchEasDomain } from "@ballast/attest";
import { type Devnet, type DevnetConfig, startDevnet, vaultAbi } from "@ballast/contracts";
import { type Hex, type Market, toWadNearest, type UnixMillis, unixMillis } from "@ballast/data";
import { type Forecaster, lookbackBars, type ModelManifest } from "@ballast/model";
import { Contract, Wallet } from "ethers";
import { attestModel } from "./attestModel.ts";
import type { Basket } from "./basket.ts";
import { createPublisher } from "./publisher.ts";
import { pricesAt, replay } from "./replay.ts";
import type { RunRecord } from "./runData.ts";
import type { Terminal } from "./terminal.ts";
import { verifyRun } from "./verifyRun.ts";
import { toWitness } from "./witness.ts";

export const NAV_USD = 1_000_000;
/** What it takes to move a pool by 2 %. */
const POOL_DEPTH_USD = 10_000_000;
/** Where a market brings no base fee of its own, wei. */
export const DEFAULT_BASE_FEE = 20_000_000_000n;
/** USDC, where the vault holds no ether. */
export const DEFAULT_ETHER_PRICE = 2_000;

/**
 * Of three notaries two must agree. A weight may end a little across its target, as half of a band of two points is
 * what the policy leaves the base asset; the budgets are a week's.
 */
const SETTINGS = {
  notaryThreshold: 2,
  crossTolerancePpm: 12_500,
  turnoverBudgetPpm: 2_000_000,
  lossBudgetPpm: 20_000,
  probation: 0,
};

/** One policy's turn: the market, the vault it starts with, and where it is recorded. */
export interface PolicyRun {
  /** Its name in the journal and in the report. */
  readonly run: string;
  readonly policy: Policy;
  readonly forecaster: Forecaster | undefined;
  readonly market: Market;
  readonly basket: Basket;
  readonly from: UnixMillis;
  readonly hours: number;
  /** Bytes of the network that the vault is to run, and what trained it; absent for a policy that uses none. */
  readonly network: { readonly bytes: Uint8Array; readonly manifest: ModelManifest } | undefined;
  /** Where the markets of executed decisions are left for whoever verifies them. */
  readonly snapshots: string;
  readonly journal: Journal;
  readonly devnet: Devnet;
  /** Where its steps are published, if anywhere. */
  readonly feed: Feed | undefined;
  readonly terminal: Terminal;
}

/** The chain of a run, with the real contracts around a vault at its target weights. Equal arguments, equal chain. */
export const startChain = (
  market: Market,
  basket: Basket,
  from: UnixMillis,
  terminal: Terminal,
): Promise<Devnet> =>
  terminal.track("deploying", (onProgress) => startDevnet(toDevnetConfig(market, basket, from), onProgress));

const toDevnetConfig = (market: Market, basket: Basket, from: UnixMillis): DevnetConfig => {
  const prices = pricesAt(market, basket, from);
  return {
    base: { symbol: basket.base.asset, decimals: basket.base.decimals },
    assets: basket.others.map(({ asset, decimals, poolFee, targetWeight, band }, index) => ({
      symbol: asset,
      decimals,
      price: prices[index]!,
      poolFee,
      targetWeight,
      band,
    })),
    baseTargetWeight: basket.base.targetWeight,
    baseBand: basket.base.band,
    navUsd: NAV_USD,
    poolDepthUsd: POOL_DEPTH_USD,
    startTime: from / 1000,
    decisionSchema: DECISION_SCHEMA,
    schemas: ALL_SCHEMAS.filter((schema) => schema !== DECISION_SCHEMA),
    vault: {
      cooldownSeconds: 3_000,
      maxTurnover: toWadNearest(0.5),
      maxSlippage: toWadNearest(0.01),
      maxOracleAgeSeconds: 4_000,
      settings: SETTINGS,
    },
  };
};

/**
 * The network registered with the vault under its off-chain attestation, and the two notaries of this process, each
 * with its own copy of the market and its own key.
 */
async function register(turn: PolicyRun, domain: EasDomain, attester: Wallet) {
  const { network, market, devnet, journal, run, from } = turn;
  if (network === undefined) return undefined;
  const { bytes, manifest } = network;
  const scorer = features.scorer(bytes);
  const attested = await attestModel(manifest, scorer.modelId, domain, attester, BigInt(from / 1000));
  journal.setMeta(
    run,
    REFERENCES,
    attested.references.map((json) => JSON.parse(json) as Json),
  );
  await devnet.registerModel(`0x${Buffer.from(bytes).toString("hex")}`, attested.uid);
  turn.terminal.say(
    `The vault runs its breach network ${scorer.modelId.slice(0, 18)}…, attested as ${attested.uid.slice(0, 18)}…; two notaries co-sign the market.`,
  );
  const notaries = await Promise.all(
    devnet.keys.notaries.slice(0, 2).map((key) =>
      createNotary({
        signer: new Wallet(key),
        observe: async ({ at, bars }) => market.past(at).snapshot(bars[0]!.close.length),
        featuresOf: (snapshot) => features.table(snapshot),
        tolerance: { feature: 0, priceBps: 0 },
        clock: () => unixMillis(Date.now()),
      }),
    ),
  );
  const vault = new Contract(devnet.addresses.vault, vaultAbi, devnet.provider);
  const isNotary = (signer: Hex): Promise<boolean> => vault.getFunction("isNotary").staticCall(signer);
  const witness = toWitness(features, scorer, notaries, isNotary);
  return { witness, modelId: scorer.modelId, modelUid: attested.uid, references: attested.references };
}

/** Replays the market under one policy, then reads back and verifies every attestation of the run. */
export async function runPolicy(turn: PolicyRun): Promise<RunRecord> {
  const { run, policy, market, basket, devnet, journal, terminal, hours: count } = turn;
  const { actAt } = policy.parameters;
  const { vault, eas } = devnet.addresses;
  const attester = new Wallet(devnet.keys.attester, devnet.provider);
  const domain = await fetchEasDomain(devnet.provider, eas, devnet.schemaUid);
  const model = await register(turn, domain, attester);
  const assets = [basket.base.asset, ...basket.others.map(({ asset }) => asset)];
  const venue = await vaultVenue({
    provider: devnet.provider,
    vault,
    expectedChainId: BigInt(devnet.chainId),
    attester,
    keeper: new Wallet(devnet.keys.keeper, devnet.provider),
    domain,
    tradeVenue: devnet.addresses.venue,
    modelId: model?.modelId,
    assets,
    ...(!assets.includes("ETH") && { fetchEtherPrice: async () => toWadNearest(DEFAULT_ETHER_PRICE) }),
  });
  const { outcome, hours, trades, missed, decisionsDigest } = await terminal.track("replaying", (report) =>
    replay({
      ...turn,
      run,
      venue,
      domain,
      attester,
      witness: model?.witness,
      lookback: lookbackBars(market.intervalMs),
      defaultBaseFee: DEFAULT_BASE_FEE,
      publish: turn.feed && createPublisher(turn.feed, journal, run, terminal).onStep,
      onHour: (hour) => report({ done: hour, total: count, label: `replaying, ${run}` }),
    }),
  );
  for (const line of new Set(missed)) terminal.say(`Missed: ${line}`);
  for (const { rejection } of trades) if (rejection !== undefined) terminal.say(`Refused: ${rejection}`);
  const verification = await terminal.track("verifying", (onProgress) =>
    verifyRun({
      run,
      journal,
      provider: devnet.provider,
      vault,
      domain,
      attester: attester.address as Hex,
      modelUid: model?.modelUid,
      audit: {
        snapshotAt: (at) => market.past(at).snapshot(lookbackBars(market.intervalMs)),
        network: turn.network?.bytes,
        forecaster: turn.forecaster &&
          turn.network && { id: turn.network.manifest.modelId, run: turn.forecaster },
      },
      snapshots: turn.snapshots,
      onProgress,
    }),
  );
  for (const failure of verification.failures) terminal.say(`Not verified: ${failure}`);
  const { attestations, verified, decidedAgain } = verification;
  terminal.say(
    `${outcome.decisions} decisions signed, ${outcome.executed} executed (${outcome.executedAhead} ahead of a breach), ` +
      `${outcome.rejections} refused; ${verified} of ${attestations} attestations verified, and ${decidedAgain} trades ` +
      "decided again from the market alone, with the same hash.",
  );
  return {
    policy: run,
    outcome,
    hours,
    trades,
    attestations,
    verified,
    decisionsDigest,
    ...(turn.forecaster &&
      typeof actAt === "number" && {
        trigger: { probability: actAt, horizonHours: policy.horizonHours },
      }),
  };
}
