/** The parts of the devnet, one function for each, in the order in which they are deployed. */
import { solidityPackedKeccak256, ZeroAddress } from "ethers";
import { devFeedArtifact, devMarketArtifact, devTokenArtifact, vaultArtifact } from "./artifacts.ts";
import type { DevnetConfig } from "./devnet-config.ts";
import { type Address, type Contract, type Deployer, readPackageArtifact } from "./devnet-deploy.ts";
import { fullRange, type Pair, toLiquidityDown, toSqrtPriceX96Down } from "./devnet-prices.ts";

const EAS = "@ethereum-attestation-service/eas-contracts/artifacts/contracts";
const CORE = "@uniswap/v3-core/artifacts/contracts";
const PERIPHERY = "@uniswap/v3-periphery/artifacts/contracts";
const AAVE = "@aave/core-v3/artifacts/contracts";

export interface EasAddresses {
  readonly schemaRegistry: Address;
  readonly eas: Address;
}

/** The real EAS with one revocable schema that has no resolver. */
export const deployEas = async (
  deployer: Deployer,
  schema: string,
): Promise<EasAddresses & { readonly schemaUid: Address }> => {
  const registry = await deployer.deploy(
    readPackageArtifact(`${EAS}/SchemaRegistry.sol/SchemaRegistry.json`),
  );
  const eas = await deployer.deploy(readPackageArtifact(`${EAS}/EAS.sol/EAS.json`), [registry.address]);
  await registry.send("register", [schema, ZeroAddress, true]);
  const schemaUid = solidityPackedKeccak256(
    ["string", "address", "bool"],
    [schema, ZeroAddress, true],
  ) as Address;
  return { schemaRegistry: registry.address, eas: eas.address, schemaUid };
};

export interface UniswapAddresses {
  readonly weth9: Address;
  readonly factory: Address;
  readonly router: Address;
  readonly quoter: Address;
  readonly positionManager: Address;
}

/** The real Uniswap v3; its position manager has no descriptor, so it draws no pictures. */
export const deployUniswap = async (
  deployer: Deployer,
): Promise<UniswapAddresses & { readonly factoryContract: Contract }> => {
  const weth9 = await deployer.deploy(readPackageArtifact(`${AAVE}/dependencies/weth/WETH9.sol/WETH9.json`));
  const factory = await deployer.deploy(
    readPackageArtifact(`${CORE}/UniswapV3Factory.sol/UniswapV3Factory.json`),
  );
  const both = [factory.address, weth9.address];
  // Off in a new factory, but switched on by Uniswap's governance on Ethereum.
  await factory.send("enableFeeAmount", [100, 1]);
  const router = await deployer.deploy(
    readPackageArtifact(`${PERIPHERY}/SwapRouter.sol/SwapRouter.json`),
    both,
  );
  const quoter = await deployer.deploy(
    readPackageArtifact(`${PERIPHERY}/lens/QuoterV2.sol/QuoterV2.json`),
    both,
  );
  const positionManager = await deployer.deploy(
    readPackageArtifact(`${PERIPHERY}/NonfungiblePositionManager.sol/NonfungiblePositionManager.json`),
    [...both, ZeroAddress],
  );
  return {
    weth9: weth9.address,
    factory: factory.address,
    router: router.address,
    quoter: quoter.address,
    positionManager: positionManager.address,
    factoryContract: factory,
  };
};

/** One token of the market with its feed and, unless it is the base token, its pool against that. */
export interface DevnetListing {
  readonly symbol: string;
  readonly decimals: number;
  readonly token: Address;
  readonly feed: Address;
  /** Undefined for the base token. */
  readonly pool: Address | undefined;
  /** Fee tier in hundredths of a bip; 0 for the base token. */
  readonly poolFee: number;
  readonly isToken0: boolean;
}

export interface DeployedMarket {
  readonly market: Contract;
  /** Base token first, then the assets in the order of the configuration. */
  readonly listings: readonly DevnetListing[];
}

/** Observations a pool keeps for its time-weighted average: one per replayed bar, two days of hours. */
const OBSERVATIONS = 48;

/** Tokens, feeds and pools, and the arbitrageur who owns the pools' liquidity and moves them. */
export const deployMarket = async (
  deployer: Deployer,
  config: DevnetConfig,
  factory: Contract,
): Promise<DeployedMarket> => {
  const market = await deployer.deploy(devMarketArtifact, [deployer.from]);
  const poolArtifact = readPackageArtifact(`${CORE}/UniswapV3Pool.sol/UniswapV3Pool.json`);

  const listings: DevnetListing[] = [];
  for (const { symbol, decimals } of [config.base, ...config.assets]) {
    const token = await deployer.deploy(devTokenArtifact, [`${symbol} of the devnet`, symbol, decimals]);
    const feed = await deployer.deploy(devFeedArtifact, [`${symbol} / USD`, market.address]);
    const asset = listings.length === 0 ? undefined : config.assets[listings.length - 1];
    if (asset === undefined) {
      await market.send("list", [feed.address, ZeroAddress]);
      const own = { token: token.address, feed: feed.address, pool: undefined };
      listings.push({ symbol, decimals, ...own, poolFee: 0, isToken0: false });
      continue;
    }
    const base = listings[0]!;
    const { price, poolFee } = asset;
    await factory.send("createPool", [base.token, token.address, poolFee]);
    const [address] = await factory.read("getPool", [base.token, token.address, poolFee]);
    const pool = deployer.at(String(address), poolArtifact);
    const isToken0 = BigInt(token.address) < BigInt(base.token);
    const pair: Pair = { assetDecimals: decimals, baseDecimals: base.decimals, isAssetToken0: isToken0 };
    await pool.send("initialize", [toSqrtPriceX96Down(price, pair)]);
    await pool.send("increaseObservationCardinalityNext", [OBSERVATIONS]);
    await market.send("list", [feed.address, pool.address]);
    const [tickSpacing] = await pool.read("tickSpacing");
    const range = fullRange(Number(tickSpacing));
    await market.send("provide", [pool.address, ...range, toLiquidityDown(config.poolDepthUsd, price, pair)]);
    const own = { token: token.address, feed: feed.address, pool: pool.address };
    listings.push({ symbol, decimals, ...own, poolFee, isToken0 });
  }
  return { market, listings };
};

/** The vault with its attester and models allowed, still empty. */
export const deployVault = async (
  deployer: Deployer,
  config: DevnetConfig,
  parts: { readonly eas: Address; readonly router: Address; readonly listings: readonly DevnetListing[] },
  attester: Address,
): Promise<Contract> => {
  const tokens = parts.listings.map(({ token, feed, poolFee }, i) => {
    const asset = i === 0 ? undefined : config.assets[i - 1];
    const targetWeight = asset?.targetWeight ?? config.baseTargetWeight;
    const band = asset?.band ?? config.baseBand;
    return { token, feed, maxAge: config.vault.maxOracleAgeSeconds, poolFee, targetWeight, band };
  });
  const { cooldownSeconds: cooldown, maxTurnover, maxSlippage } = config.vault;
  const vault = await deployer.deploy(vaultArtifact, [
    deployer.from,
    parts.eas,
    parts.router,
    tokens,
    { cooldown, maxTurnover, maxSlippage },
  ]);
  await vault.send("setAttester", [attester, true]);
  for (const modelId of config.allowedModels) await vault.send("setModel", [modelId, true]);
  return vault;
};
