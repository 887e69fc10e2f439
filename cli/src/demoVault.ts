import { type Journal, type Policy, PREDICTIVE_DEFAULTS, vaultVenue } from "@ballast/agent";
import { DECISION_SCHEMA, fetchEasDomain, ZERO_BYTES32 } from "@ballast/attest";
import { type Devnet, type DevnetConfig, startDevnet } from "@ballast/contracts";
import { type Hex, type Market, toWadNearest, type UnixMillis } from "@ballast/data";
import { type Forecaster, lookbackBars } from "@ballast/model";
import { Wallet } from "ethers";
import type { Basket } from "./basket.ts";
import { pricesAt, replay } from "./replay.ts";
import type { RunRecord } from "./runData.ts";
import type { Terminal } from "./terminal.ts";
import { verifyRun } from "./verifyRun.ts";

export const NAV_USD = 1_000_000;
/** What it takes to move a pool by 2 %. */
const POOL_DEPTH_USD = 10_000_000;
/** Where a market brings no base fee of its own, wei. */
export const DEFAULT_BASE_FEE = 20_000_000_000n;
/** USDC, where the vault holds no ether. */
export const DEFAULT_ETHER_PRICE = 2_000;

/** One policy's turn: the market, the vault it starts with, and where it is recorded. */
export interface PolicyRun {
  readonly policy: Policy;
  readonly forecaster: Forecaster | undefined;
  readonly market: Market;
  readonly basket: Basket;
  readonly from: UnixMillis;
  readonly hours: number;
  readonly modelId: Hex;
  readonly journal: Journal;
  readonly devnet: Devnet;
  readonly terminal: Terminal;
}

/** The chain of a run, with the real contracts around a vault at its target weights. Equal arguments, equal chain. */
export const startChain = (
  market: Market,
  basket: Basket,
  from: UnixMillis,
  modelId: Hex,
  terminal: Terminal,
): Promise<Devnet> =>
  terminal.track("deploying", (onProgress) =>
    startDevnet(toDevnetConfig(market, basket, from, modelId), onProgress),
  );

const toDevnetConfig = (market: Market, basket: Basket, from: UnixMillis, modelId: Hex): DevnetConfig => {
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
    vault: {
      cooldownSeconds: 3_000,
      maxTurnover: toWadNearest(0.5),
      maxSlippage: toWadNearest(0.01),
      maxOracleAgeSeconds: 4_000,
    },
    allowedModels: [ZERO_BYTES32, modelId],
  };
};

/** Replays the market under one policy, then reads back and verifies every attestation of the run. */
export async function runPolicy(turn: PolicyRun): Promise<RunRecord> {
  const { policy, market, basket, devnet, journal, terminal, hours: count } = turn;
  const run = policy.name;
  const { vault, eas } = devnet.addresses;
  const attester = new Wallet(devnet.keys.attester, devnet.provider);
  const domain = await fetchEasDomain(devnet.provider, eas, devnet.schemaUid);
  const assets = [basket.base.asset, ...basket.others.map(({ asset }) => asset)];
  const venue = await vaultVenue({
    provider: devnet.provider,
    vault,
    expectedChainId: BigInt(devnet.chainId),
    attester,
    keeper: new Wallet(devnet.keys.keeper, devnet.provider),
    domain,
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
      lookback: lookbackBars(market.intervalMs),
      defaultBaseFee: DEFAULT_BASE_FEE,
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
      onProgress,
    }),
  );
  for (const failure of verification.failures) terminal.say(`Not verified: ${failure}`);
  const { attestations, verified } = verification;
  terminal.say(
    `${outcome.decisions} decisions signed, ${outcome.executed} executed (${outcome.executedAhead} ahead of a breach), ` +
      `${outcome.rejections} refused; ${verified} of ${attestations} attestations verified.`,
  );
  return {
    policy: run,
    outcome,
    hours,
    trades,
    attestations,
    verified,
    decisionsDigest,
    ...(turn.forecaster && {
      trigger: { probability: PREDICTIVE_DEFAULTS.actAt, horizonHours: policy.horizonHours },
    }),
  };
}
