import { type Executable, REASONS, VaultRejection, vaultVenue } from "@ballast/agent";
import {
  ACTION,
  DECISION_SCHEMA,
  type Decision,
  fetchEasDomain,
  type MarketEvidence,
  packSignatures,
  signDecision,
  signStatement,
  type Trade,
  tradesHash,
} from "@ballast/attest";
import { type Devnet, startDevnet, vaultAbi } from "@ballast/contracts";
import type { Hex } from "@ballast/data";
import {
  featureBytes,
  featuresProof,
  featuresRoot,
  MARKET_FEATURE_COUNT,
  networkBytes,
  toFeatureRows,
} from "@ballast/model";
import { Contract, keccak256, toBeHex, toUtf8Bytes, Wallet } from "ethers";
import { toNetworkPair } from "./inference-network.ts";

const HOUR = 3_600;
const START = 462_000 * HOUR;
const PERCENT = 10n ** 16n;
const NAV_USD = 1_000_000;
const NOTARIES = 2;
/** Ether a tenth dearer and bitcoin a tenth cheaper than when the vault was filled: off target, inside every band. */
const PRICES = [2_200, 27_000];
const [BASE, ETHER, BITCOIN] = [0, 1, 2] as const;
const WIDTHS = [24, 32, 16, 4];
const idOf = (name: string) => keccak256(toUtf8Bytes(name)) as Hex;

/** A vault on a devnet of its own, and what it takes to have it rebalance. Whoever starts one stops its devnet. */
export interface VaultScene {
  readonly devnet: Devnet;
  readonly vault: Contract;
  readonly keeper: Wallet;
  /** Holds the vault's shares. */
  readonly owner: Wallet;
  /** An hour later: the same prices, reported anew. */
  readonly passHour: () => Promise<void>;
  /** Sells ether for the base asset and buys bitcoin with it. */
  readonly decide: () => Promise<Executable>;
  /** @returns gas of the rebalance */
  readonly rebalance: (decided: Executable) => Promise<bigint>;
  /** The name of the error by which the vault refuses a decision; undefined where it carries it out. */
  readonly refusalOf: (decided: Executable) => Promise<string | undefined>;
}

/**
 * A vault of three tokens whose weights are all inside their bands, so that it trades only on a forecast that two
 * notaries signed and that it scores itself, by a 24-32-16-4 network.
 */
export async function startVaultScene(): Promise<VaultScene> {
  const devnet = await startDevnet(toConfig());
  try {
    return await toScene(devnet);
  } catch (error) {
    await devnet.stop();
    throw error;
  }
}

async function toScene(devnet: Devnet): Promise<VaultScene> {
  const { addresses, keys, provider } = devnet;
  const [owner, keeper, attester] = [keys.owner, keys.keeper, keys.attester].map(
    (key) => new Wallet(key, provider),
  ) as [Wallet, Wallet, Wallet];
  const vault = new Contract(addresses.vault, vaultAbi, owner);
  const { integer, rows } = toNetworkPair(WIDTHS);
  const modelUid = idOf("attestation of the model");
  const modelId = await devnet.registerModel(toHex(networkBytes(integer)), modelUid);
  const domain = await fetchEasDomain(provider, addresses.eas, devnet.schemaUid);
  const venue = await vaultVenue({
    provider,
    vault: addresses.vault,
    expectedChainId: BigInt(devnet.chainId),
    attester,
    keeper,
    domain,
    tradeVenue: addresses.venue,
    modelId,
  });
  // The whole market's row and three assets': the vault's two, and one that it does not hold.
  const features = toFeatureRows(
    ["ETH", "BTC", "SOL"],
    [0, 1, 2, 3].map((row) => rows.slice(row * WIDTHS[0]!, row * WIDTHS[0]! + MARKET_FEATURE_COUNT)),
  );

  const trade = async (from: number, to: number, amountIn: bigint): Promise<Trade> => {
    const { listings } = devnet;
    const [tokenIn, tokenOut] = [listings[from]!.token, listings[to]!.token];
    const minAmountOut: bigint = await vault.minOut!(tokenIn, tokenOut, amountIn);
    const route = toBeHex(listings[Math.max(from, to)]!.poolFee, 3) as Hex;
    return { venue: addresses.venue, tokenIn, tokenOut, amountIn, minAmountOut, route };
  };
  const notarise = async ({ inputRoot, decidedAt: at }: Decision): Promise<MarketEvidence> => {
    const statement = { inputRoot, featuresRoot: featuresRoot(features), at };
    const notaries = keys.notaries.slice(0, NOTARIES).map((key) => new Wallet(key));
    const signatures = await Promise.all(notaries.map((notary) => signStatement(statement, notary)));
    const known = notaries.map(({ address }) => address as Hex);
    return {
      featuresRoot: statement.featuresRoot,
      features: toHex(featureBytes(features[ETHER]!.features)),
      path: featuresProof(features, ETHER),
      notarySignatures: packSignatures(statement, signatures, known, NOTARIES),
    };
  };

  let now = START;
  const passHour = async () => {
    now += HOUR;
    await devnet.setMarket({ time: now, prices: PRICES, baseFeeWei: 20_000_000_000n });
  };
  const decide = async (): Promise<Executable> => {
    const trades = [await trade(ETHER, BASE, 5n * 10n ** 18n), await trade(BASE, BITCOIN, 10_000_000_000n)];
    const decision: Decision = {
      chainId: BigInt(devnet.chainId),
      vault: addresses.vault,
      sequence: (await venue.readState()).sequence + 1n,
      action: ACTION.rebalance,
      reason: REASONS.indexOf("breach-forecast"),
      decidedAt: BigInt(now),
      expiresAt: BigInt(now + HOUR / 2),
      inputRoot: idOf("snapshot"),
      stateHash: idOf("state"),
      modelId,
      forecastHash: idOf("forecast"),
      policyId: idOf("policy"),
      breachPpm: 420_000,
      holding: ETHER,
      tradesHash: tradesHash(trades),
    };
    const { hash, json } = await signDecision({ ...domain, decision, signer: attester, modelUid });
    return { decision, trades, hash, offchainAttestation: json, market: await notarise(decision) };
  };
  const execute = (decided: Executable) => venue.execute(decided, undefined, () => {});
  return {
    devnet,
    vault,
    keeper,
    owner,
    passHour,
    decide,
    rebalance: async (decided) => (await execute(decided)).gasUsed,
    refusalOf: (decided) =>
      execute(decided).then(
        () => undefined,
        (error: unknown) => {
          if (error instanceof VaultRejection) return error.reason;
          throw error;
        },
      ),
  };
}

const toHex = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString("hex")}`;

const toConfig = () => {
  const asset = { targetWeight: 30n * PERCENT, band: 5n * PERCENT };
  return {
    base: { symbol: "USDC", decimals: 6 },
    assets: [
      { symbol: "ETH", decimals: 18, price: 2_000, poolFee: 500, ...asset },
      { symbol: "BTC", decimals: 8, price: 30_000, poolFee: 3_000, ...asset },
    ],
    baseTargetWeight: 40n * PERCENT,
    baseBand: 5n * PERCENT,
    navUsd: NAV_USD,
    poolDepthUsd: 10 * NAV_USD,
    startTime: START,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: HOUR / 2,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      maxOracleAgeSeconds: 2 * HOUR,
      // Low enough for any score: what scoring costs does not hang on it.
      settings: { minScore: -100_000, notaryThreshold: NOTARIES },
    },
  };
};
