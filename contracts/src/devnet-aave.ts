/**
 * Aave v3 and v2 on the devnet, each from its published bytecode, with one reserve for each listed token. Somebody
 * has supplied the base token and somebody has borrowed of it, so that its utilisation is real.
 */
import { ZeroAddress } from "ethers";
import { devTokenArtifact } from "./artifacts.ts";
import { type Address, type Contract, type Deployer, readPackageArtifact } from "./devnet-deploy.ts";
import type { DevnetListing } from "./devnet-parts.ts";

export interface AaveAddresses {
  /** `Pool` of v3, `LendingPool` of v2. */
  readonly pool: Address;
  readonly addressesProvider: Address;
  readonly dataProvider: Address;
}

/** A ray is 1e27; interest rates and ratios are in rays. */
const PERCENT_RAY = 10n ** 25n;
/** Of the rate strategy that both versions share: kink at 80 %, 4 % a year below, 75 % more above. */
const RATES = [80n * PERCENT_RAY, 0n, 4n * PERCENT_RAY, 75n * PERCENT_RAY] as const;
/** Basis points: loan to value, liquidation threshold, liquidation bonus; and the treasury's share of interest. */
const COLLATERAL = [7_500n, 8_000n, 10_500n] as const;
const RESERVE_FACTOR = 1_000n;

const SUPPLIED_WHOLE = 10_000_000n;
const BORROWED_WHOLE = 4_000_000n;
const VARIABLE_RATE = 2n;

/** Aave v3 (`@aave/core-v3`). Stable-rate borrowing stays off, as on every v3 market of today. */
export const deployAaveV3 = async (
  deployer: Deployer,
  listings: readonly DevnetListing[],
): Promise<AaveAddresses> => {
  const artifact = (path: string) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return readPackageArtifact(`@aave/core-v3/artifacts/contracts/${path}.sol/${name}.json`);
  };
  const owner = deployer.from;
  const provider = await deployer.deploy(artifact("protocol/configuration/PoolAddressesProvider"), [
    "Ballast devnet",
    owner,
  ]);
  await provider.send("setACLAdmin", [owner]);
  const acl = await deployer.deploy(artifact("protocol/configuration/ACLManager"), [provider.address]);
  await provider.send("setACLManager", [acl.address]);
  await acl.send("addPoolAdmin", [owner]);

  const libraries: Record<string, Address> = {};
  for (const name of [
    "BorrowLogic",
    "BridgeLogic",
    "EModeLogic",
    "FlashLoanLogic", // after BorrowLogic, which it is linked to
    "LiquidationLogic",
    "PoolLogic",
    "SupplyLogic",
    "ConfiguratorLogic",
  ]) {
    const library = await deployer.deploy(artifact(`protocol/libraries/logic/${name}`), [], libraries);
    libraries[name] = library.address;
  }
  const poolArtifact = artifact("protocol/pool/Pool");
  const poolImpl = await deployer.deploy(poolArtifact, [provider.address], libraries);
  await provider.send("setPoolImpl", [poolImpl.address]);
  const pool = deployer.at(String((await provider.read("getPool"))[0]), poolArtifact);
  const configuratorArtifact = artifact("protocol/pool/PoolConfigurator");
  const configuratorImpl = await deployer.deploy(configuratorArtifact, [], libraries);
  await provider.send("setPoolConfiguratorImpl", [configuratorImpl.address]);
  const [configuratorAddress] = await provider.read("getPoolConfigurator");
  const configurator = deployer.at(String(configuratorAddress), configuratorArtifact);

  const tokens = listings.map(({ token }) => token);
  const feeds = listings.map(({ feed }) => feed);
  const oracle = await deployer.deploy(artifact("misc/AaveOracle"), [
    ...[provider.address, tokens, feeds, ZeroAddress, ZeroAddress, 10n ** 8n],
  ]);
  await provider.send("setPriceOracle", [oracle.address]);
  const data = await deployer.deploy(artifact("misc/AaveProtocolDataProvider"), [provider.address]);
  await provider.send("setPoolDataProvider", [data.address]);

  const strategy = await deployer.deploy(artifact("protocol/pool/DefaultReserveInterestRateStrategy"), [
    ...[provider.address, ...RATES, 0n, 0n, 0n, 0n, 0n],
  ]);
  const [aToken, stableDebt, variableDebt] = [
    await deployer.deploy(artifact("protocol/tokenization/AToken"), [pool.address]),
    await deployer.deploy(artifact("protocol/tokenization/StableDebtToken"), [pool.address]),
    await deployer.deploy(artifact("protocol/tokenization/VariableDebtToken"), [pool.address]),
  ];
  for (const { token, symbol, decimals } of listings) {
    const implementations = [aToken.address, stableDebt.address, variableDebt.address];
    const names = ["a", "variableDebt", "stableDebt"].flatMap((kind) => [
      `Aave ${kind} ${symbol}`,
      kind + symbol,
    ]);
    await configurator.send("initReserves", [
      [[...implementations, decimals, strategy.address, token, owner, ZeroAddress, ...names, "0x"]],
    ]);
    await configurator.send("configureReserveAsCollateral", [token, ...COLLATERAL]);
    await configurator.send("setReserveBorrowing", [token, true]);
    await configurator.send("setReserveFactor", [token, RESERVE_FACTOR]);
  }
  await supplyAndBorrow(deployer, pool, "supply", listings);
  return { pool: pool.address, addressesProvider: provider.address, dataProvider: data.address };
};

/**
 * Aave v2. Its oracle prices in US dollars, as on Avalanche. `@aave/protocol-v2` is under the AGPL and therefore a
 * development dependency: its bytecode is deployed to test the chain readers and is no part of the product.
 */
export const deployAaveV2 = async (
  deployer: Deployer,
  listings: readonly DevnetListing[],
): Promise<AaveAddresses> => {
  const artifact = (path: string) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return readPackageArtifact(`@aave/protocol-v2/artifacts/contracts/${path}.sol/${name}.json`);
  };
  const owner = deployer.from;
  const provider = await deployer.deploy(artifact("protocol/configuration/LendingPoolAddressesProvider"), [
    "Ballast devnet",
  ]);
  await provider.send("setPoolAdmin", [owner]);
  await provider.send("setEmergencyAdmin", [owner]);

  const libraries: Record<string, Address> = {};
  for (const name of ["ReserveLogic", "GenericLogic", "ValidationLogic"]) {
    const library = await deployer.deploy(artifact(`protocol/libraries/logic/${name}`), [], libraries);
    libraries[name] = library.address;
  }
  const poolArtifact = artifact("protocol/lendingpool/LendingPool");
  const poolImpl = await deployer.deploy(poolArtifact, [], libraries);
  await provider.send("setLendingPoolImpl", [poolImpl.address]);
  const pool = deployer.at(String((await provider.read("getLendingPool"))[0]), poolArtifact);
  const configuratorArtifact = artifact("protocol/lendingpool/LendingPoolConfigurator");
  const configuratorImpl = await deployer.deploy(configuratorArtifact);
  await provider.send("setLendingPoolConfiguratorImpl", [configuratorImpl.address]);
  const [configuratorAddress] = await provider.read("getLendingPoolConfigurator");
  const configurator = deployer.at(String(configuratorAddress), configuratorArtifact);
  const liquidator = await deployer.deploy(artifact("protocol/lendingpool/LendingPoolCollateralManager"));
  await provider.send("setLendingPoolCollateralManager", [liquidator.address]);

  const tokens = listings.map(({ token }) => token);
  const feeds = listings.map(({ feed }) => feed);
  // No token is its WETH, so every price comes from a feed.
  const oracle = await deployer.deploy(artifact("misc/AaveOracle"), [
    tokens,
    feeds,
    ZeroAddress,
    ZeroAddress,
  ]);
  await provider.send("setPriceOracle", [oracle.address]);
  const stableRates = await deployer.deploy(artifact("mocks/oracle/LendingRateOracle"));
  await provider.send("setLendingRateOracle", [stableRates.address]);
  const data = await deployer.deploy(artifact("misc/AaveProtocolDataProvider"), [provider.address]);

  const strategy = await deployer.deploy(
    artifact("protocol/lendingpool/DefaultReserveInterestRateStrategy"),
    [...[provider.address, ...RATES, 0n, 0n]],
  );
  for (const { token, symbol, decimals } of listings) {
    const names = (kind: string) => [`Aave ${kind} ${symbol}`, kind + symbol, ZeroAddress];
    const deployToken = (contract: string, args: readonly unknown[]): Promise<Contract> =>
      deployer.deploy(artifact(`protocol/tokenization/${contract}`), [pool.address, token, ...args]);
    const aToken = await deployToken("AToken", [owner, ...names("a")]);
    const stableDebt = await deployToken("StableDebtToken", names("stableDebt"));
    const variableDebt = await deployToken("VariableDebtToken", names("variableDebt"));
    const implementations = [aToken.address, stableDebt.address, variableDebt.address];
    await configurator.send("initReserve", [...implementations, decimals, strategy.address]);
    await configurator.send("configureReserveAsCollateral", [token, ...COLLATERAL]);
    await configurator.send("enableBorrowingOnReserve", [token, false]);
    await configurator.send("setReserveFactor", [token, RESERVE_FACTOR]);
  }
  await supplyAndBorrow(deployer, pool, "deposit", listings);
  return { pool: pool.address, addressesProvider: provider.address, dataProvider: data.address };
};

/** Supplies ten million of the base token and, against it, borrows four million of the same. */
const supplyAndBorrow = async (
  deployer: Deployer,
  pool: Contract,
  supply: "supply" | "deposit",
  [base]: readonly DevnetListing[],
): Promise<void> => {
  const { token: address, decimals } = base!;
  const unit = 10n ** BigInt(decimals);
  const token = deployer.at(address, devTokenArtifact);
  await token.send("mint", [deployer.from, SUPPLIED_WHOLE * unit]);
  await token.send("approve", [pool.address, SUPPLIED_WHOLE * unit]);
  await pool.send(supply, [address, SUPPLIED_WHOLE * unit, deployer.from, 0]);
  await pool.send("borrow", [address, BORROWED_WHOLE * unit, VARIABLE_RATE, 0, deployer.from]);
};
