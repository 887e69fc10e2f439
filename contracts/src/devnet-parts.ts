/** The parts of the devnet, one function for each, in the order in which they are deployed. */
import { encodeBytes32String, solidityPackedKeccak256, ZeroAddress, ZeroHash } from "ethers";
import {
  devFeedArtifact,
  devMarketArtifact,
  devTokenArtifact,
  rebalancerArtifact,
  uniswapV3VenueArtifact,
  vaultArtifact,
  vaultLensArtifact,
} from "./artifacts.ts";
import { type DevnetConfig, toSettings } from "./devnet-config.ts";
import { type Address, type Contract, type Deployer, readPackageArtifact } from "./devnet-deploy.ts";
import { fullRange, type Pair, toLiquidityDown, toSqrtPriceX96Down, toUnitsDown } from "./devnet-prices.ts";

const EAS = "@ethereum-attestation-service/eas-contracts/artifacts/contracts";
const CORE = "@uniswap/v3-core/artifacts/contracts";
/** Of the pools' creation code, which the factory carries: a pool's address follows from it. */
const POOL_CODE_HASH = "0xe34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54";
const PERIPHERY = "@uniswap/v3-periphery/artifacts/contracts";
const AAVE = "@aave/core-v3/artifacts/contracts";

export interface EasAddresses {
  readonly schemaRegistry: Address;
  readonly eas: Address;
}

/** The real EAS with revocable schemas that have no resolver; the first is the decisions'. */
export const deployEas = async (
  deployer: Deployer,
  schema: string,
  others: readonly string[],
): Promise<EasAddresses & { readonly schemaUid: Address }> => {
  const registry = await deployer.deploy(
    readPackageArtifact(`${EAS}/SchemaRegistry.sol/SchemaRegistry.json`),
  );
  const eas = await deployer.deploy(readPackageArtifact(`${EAS}/EAS.sol/EAS.json`), [registry.address]);
  for (const text of [schema, ...others]) await registry.send("register", [text, ZeroAddress, true]);
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

export interface VaultParts {
  readonly eas: Address;
  readonly factory: Address;
  readonly listings: readonly DevnetListing[];
  readonly attester: Address;
  readonly guardian: Address;
  readonly notaries: readonly Address[];
}

export interface VaultAddresses {
  readonly rebalancer: Address;
  readonly lens: Address;
  readonly venue: Address;
}

/** Feeds between a millionth of a dollar and a billion dollars are believed. */
const PRICE_BOUNDS = [10n ** 12n, 10n ** 27n] as const;

/** The vault with its signers and its venue, still empty. Its timelock is open: the devnet's time runs in market hours. */
export const deployVault = async (
  deployer: Deployer,
  config: DevnetConfig,
  parts: VaultParts,
): Promise<VaultAddresses & { readonly vault: Contract }> => {
  const tokens = parts.listings.map(({ token, feed, pool, symbol }, i) => {
    const ticker = config.assets[i - 1]?.ticker ?? symbol;
    const [minPrice, maxPrice] = PRICE_BOUNDS;
    const assetId = i === 0 ? ZeroHash : encodeBytes32String(ticker);
    const own = { token, feed, maxAge: config.vault.maxOracleAgeSeconds, minPrice, maxPrice };
    return { ...own, pool: pool ?? ZeroAddress, assetId };
  });
  const targets = [
    { weight: config.baseTargetWeight, band: config.baseBand },
    ...config.assets.map(({ targetWeight, band }) => ({ weight: targetWeight, band })),
  ];
  const venue = await deployer.deploy(uniswapV3VenueArtifact, [parts.factory, POOL_CODE_HASH]);
  const market = { eas: parts.eas, sequencerFeed: ZeroAddress, sequencerGrace: 0, tokens };
  const rebalancer = await deployer.deploy(rebalancerArtifact, [market]);
  const lens = await deployer.deploy(vaultLensArtifact);
  const vault = await deployer.deploy(vaultArtifact, [
    {
      name: "Ballast of the devnet",
      symbol: "BLST",
      owner: deployer.from,
      guardian: parts.guardian,
      delay: 0,
      rebalancer: rebalancer.address,
      lens: lens.address,
      targets,
      settings: toSettings(config),
      attesters: [parts.attester],
      notaries: parts.notaries,
      venues: [venue.address],
    },
  ]);
  return { vault, rebalancer: rebalancer.address, lens: lens.address, venue: venue.address };
};

/** Fills the vault to its targets: the base token is deposited for shares, the others are given to their holder. */
export const fundVault = async (
  deployer: Deployer,
  config: DevnetConfig,
  vault: Contract,
  listings: readonly DevnetListing[],
): Promise<void> => {
  for (const [i, { token: address, decimals }] of listings.entries()) {
    const asset = i === 0 ? undefined : config.assets[i - 1];
    const share = Number(asset?.targetWeight ?? config.baseTargetWeight) / 1e18;
    const amount = toUnitsDown((config.navUsd * share) / (asset?.price ?? 1), decimals);
    const token = deployer.at(address, devTokenArtifact);
    if (i > 0) {
      await token.send("mint", [vault.address, amount]);
      continue;
    }
    await token.send("mint", [deployer.from, amount]);
    await token.send("approve", [vault.address, amount]);
    await vault.send("deposit", [amount, deployer.from]);
  }
};

/** Deploys a network's bytes as code. */
export const deployNetwork = async (deployer: Deployer, bytes: string): Promise<Address> => {
  const code = bytes.slice(2);
  const size = (code.length / 2).toString(16).padStart(4, "0");
  // PUSH2 size, DUP1, PUSH1 offset, PUSH0, CODECOPY, PUSH0, RETURN: returns what follows these ten bytes.
  const artifact = { contractName: "network", abi: [], bytecode: `0x61${size}80600a5f395ff3${code}` };
  return (await deployer.deploy(artifact)).address;
};
