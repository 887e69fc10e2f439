import {
  decide,
  type Executable,
  type Execution,
  thresholdPolicy,
  type VaultVenueOptions,
  type Venue,
  vaultVenue,
} from "@ballast/agent";
import { DECISION_SCHEMA, fetchEasDomain, signDecision, ZERO_ADDRESS, ZERO_BYTES32 } from "@ballast/attest";
import { type Devnet, startDevnet } from "@ballast/contracts";
import { type Hex, HOUR_MS, type Market, toWadNearest, unixMillis } from "@ballast/data";
import { lookbackBars, type NetworkArtefact, toForecaster } from "@ballast/model";
import { Interface, Wallet } from "ethers";
import { fundAccount, sendForGas, swapTogether } from "./bare-swaps.ts";
import { fetchGasParts } from "./gas.ts";
import { measureInterleaved, type Plan, type Row, toMilliseconds, toTimedRow } from "./measure.ts";

const BASE_FEE_WEI = 20_000_000_000n;
const NAV_USD = 1_000_000;
/** What the vault holds beside its base asset, where the market has as many; as many trades as that. */
const MOST_HELD = 3;
/** Against the prices an hour before: every weight leaves its band of 2 points or comes near its edge. */
const SHOCKS = [
  [1.2, 0.8, 1.1],
  [0.75, 1.3, 0.85],
] as const;

const easInterface = new Interface([
  "function attest((bytes32 schema,(address recipient,uint64 expirationTime,bool revocable,bytes32 refUID,bytes data,uint256 value) data) request) payable returns (bytes32)",
]);

/** A rebalance of three trades, attested off chain, on the devnet, beside the same three swaps sent bare from an account. */
export async function measureChain(
  market: Market,
  artefact: NetworkArtefact,
  plan: Plan,
  log: (line: string) => void,
): Promise<Row[]> {
  const end = Math.floor((market.start + market.length * market.intervalMs) / HOUR_MS) * HOUR_MS;
  const from = unixMillis(end - HOUR_MS);
  log("starting a local chain with EAS, Uniswap v3 and the vault");
  const prices = pricesAt(market, from);
  const devnet = await startDevnet(toConfig(market, prices, from));
  const stop = () => void devnet.stop();
  process.once("exit", stop);
  try {
    const signer = new Wallet(devnet.keys.attester, devnet.provider);
    const keeper = new Wallet(devnet.keys.keeper, devnet.provider);
    const domain = await fetchEasDomain(devnet.provider, devnet.addresses.eas, devnet.schemaUid);
    const options: VaultVenueOptions = {
      provider: devnet.provider,
      vault: devnet.addresses.vault,
      expectedChainId: BigInt(devnet.chainId),
      attester: signer,
      keeper,
      domain,
      tradeVenue: devnet.addresses.venue,
      assets: ["USDC", ...market.assets.slice(0, prices.length)],
      fetchEtherPrice: async () => toWadNearest(2_000),
    };
    const venue = await vaultVenue(options);
    const onchain = await vaultVenue({ ...options, attestation: "onchain" });
    const forecaster = toForecaster(artefact);
    const decideAt = async (hour: number): Promise<Executable> => {
      const at = unixMillis(from + hour * HOUR_MS);
      const shocked = prices.map((price, i) => price * SHOCKS[hour]![i]!);
      await devnet.setMarket({ time: at / 1000, prices: shocked, baseFeeWei: BASE_FEE_WEI });
      const snapshot = market.past(at).snapshot(lookbackBars(market.intervalMs));
      const decided = decide(snapshot, await venue.readState(), forecaster(snapshot), thresholdPolicy(), at);
      const { json } = await signDecision({ ...domain, decision: decided.decision, signer });
      return { ...decided, offchainAttestation: json };
    };
    // The first rebalance of a vault pays for storage that every later one finds written.
    const first = await decideAt(0);
    await venue.execute(first, undefined, ignore);
    const decided = await decideAt(1);
    await fundAccount(devnet, keeper, decided.trades);
    const start = await devnet.checkpoint();
    const back = () => devnet.restore(start);

    log(`${decided.trades.length} trades, attested and carried out, beside bare swaps of the same state`);
    const attested = (await onchain.attest(decided))!;
    await back();
    const execution = await venue.execute(decided, undefined, ignore);
    const parts = await fetchGasParts(devnet, execution);
    await back();
    const together = await swapTogether(devnet, keeper, decided.trades);
    await back();
    let apart = 0n;
    for (const trade of decided.trades) apart += await swapTogether(devnet, keeper, [trade]);
    await back();
    const digestOnly = await attestBytes(devnet, signer, decided.hash);

    const own = { run: () => roundTrip(venue, decided), prepare: back };
    const peer = { run: () => swapTogether(devnet, keeper, decided.trades), prepare: back };
    const times = await measureInterleaved({ own, peer }, plan);
    return [
      {
        ...GAS,
        name: "attested_rebalance_gas",
        value: Number(execution.gasUsed),
        peer: "the same swaps by an account, one multicall of the router",
        peerValue: Number(together),
      },
      {
        ...GAS,
        name: "attested_rebalance_against_single_swaps_gas",
        value: Number(execution.gasUsed),
        peer: "the same swaps by an account, one transaction each",
        peerValue: Number(apart),
      },
      {
        ...GAS,
        name: "attestation_gas",
        value: Number(attested.gasUsed),
        peer: "EAS attest of the decision's hash alone, 32 bytes",
        peerValue: Number(digestOnly),
      },
      ...parts.map(({ name, gas }) => ({
        ...GAS,
        name: `rebalance_part_${name}_gas`,
        value: gas,
        peer: "the whole rebalance",
        peerValue: Number(execution.gasUsed),
      })),
      toTimedRow(
        {
          name: "vault_round_trip_ms",
          unit: "ms",
          better: "less",
          peer: "the bare multicall sent and awaited",
        },
        times.own,
        times.peer,
        toMilliseconds,
      ),
    ];
  } finally {
    process.off("exit", stop);
    await devnet.stop();
  }
}

const GAS = { unit: "gas", better: "less" } as const;
const ignore = () => {};

/** What a live agent does with the vault in one step: reads it, and has the decision executed. */
async function roundTrip(venue: Venue, decided: Executable): Promise<Execution> {
  await venue.readState();
  return venue.execute(decided, undefined, ignore);
}

const pricesAt = (market: Market, at: ReturnType<typeof unixMillis>): number[] => {
  const past = market.past(at);
  return market.assets.slice(0, MOST_HELD).map((_, asset) => past.bars(asset, 1).close[0]!);
};

const toConfig = (market: Market, prices: readonly number[], from: number) => {
  const share = 10n ** 18n / BigInt(prices.length + 1);
  return {
    base: { symbol: "USDC", decimals: 6 },
    assets: prices.map((price, i) => ({
      symbol: market.assets[i]!,
      decimals: 18,
      price,
      poolFee: 500,
      targetWeight: share,
      band: toWadNearest(0.02),
    })),
    baseTargetWeight: 10n ** 18n - share * BigInt(prices.length),
    baseBand: toWadNearest(0.02),
    navUsd: NAV_USD,
    poolDepthUsd: 10 * NAV_USD,
    startTime: from / 1000,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: 3_000,
      maxTurnover: toWadNearest(0.5),
      maxSlippage: toWadNearest(0.01),
      maxOracleAgeSeconds: 4_000,
    },
  };
};

async function attestBytes(devnet: Devnet, account: Wallet, bytes: Hex): Promise<bigint> {
  const terms = { expirationTime: 0n, revocable: true, refUID: ZERO_BYTES32, data: bytes, value: 0n };
  const request = { schema: devnet.schemaUid, data: { recipient: ZERO_ADDRESS, ...terms } };
  return sendForGas(account, devnet.addresses.eas, easInterface.encodeFunctionData("attest", [request]));
}
