/**
 * A local chain with the real contracts around the vault: anvil, EAS and its SchemaRegistry, the Uniswap v3
 * factory, pools, router, quoter and position manager from their published bytecode, and on it the vault. Only
 * the world outside is ours: tokens that anyone may mint, feeds with Chainlink's interface, and an arbitrageur
 * who keeps the pools at the replayed market's price.
 *
 * ALL KEYS OF THE DEVNET ARE PUBLIC (`DEV_MNEMONIC`). Never send anything of value to one of its accounts.
 *
 * Everything is a function of the configuration: the same configuration gives the same addresses, and the same
 * transactions in the same order give the same block times, gas prices and attestation UIDs.
 */
import { HDNodeWallet, keccak256, Mnemonic } from "ethers";
import { DEV_MNEMONIC, startAnvil } from "./anvil.ts";
import { type AaveAddresses, deployAaveV2, deployAaveV3 } from "./devnet-aave.ts";
import {
  checkConfig,
  checkPrice,
  type DevnetConfig,
  DevnetConfigError,
  toSettings,
} from "./devnet-config.ts";
import { type Address, Deployer } from "./devnet-deploy.ts";
import {
  type DevnetListing,
  deployEas,
  deployMarket,
  deployNetwork,
  deployUniswap,
  deployVault,
  type EasAddresses,
  fundVault,
  type UniswapAddresses,
  type VaultAddresses,
} from "./devnet-parts.ts";
import { toAnswerDown, toSqrtPriceX96Down } from "./devnet-prices.ts";
import { DevnetProvider } from "./devnet-provider.ts";
import { postRpc, toQuantity } from "./devnet-rpc.ts";

export interface DevnetAddresses
  extends EasAddresses,
    VaultAddresses,
    Omit<UniswapAddresses, "factoryContract"> {
  readonly vault: Address;
  /** The arbitrageur, who is also the pools' liquidity provider. */
  readonly market: Address;
}

/** Private keys, all public knowledge: see `DEV_MNEMONIC`. */
export interface DevnetKeys {
  /** Owns the vault, holds its shares, and deployed everything. */
  readonly owner: `0x${string}`;
  /** Signs decisions; the vault allows it. */
  readonly attester: `0x${string}`;
  /** Sends transactions and pays their gas; needs no permission. */
  readonly keeper: `0x${string}`;
  /** May pause the vault, deactivate models and strike signers off. */
  readonly guardian: `0x${string}`;
  /** Co-sign market data; the vault knows all of them. */
  readonly notaries: readonly `0x${string}`[];
  /** Not allowed anything: for tests of refusal. */
  readonly stranger: `0x${string}`;
}

/** The market at one moment. */
export interface DevnetMoment {
  /** Bar close, Unix seconds: the time of the block. */
  readonly time: number;
  /** US dollars for one whole token, in the order of `config.assets`. */
  readonly prices: readonly number[];
  /** Base fee of this block and of all until the next moment. */
  readonly baseFeeWei: bigint;
}

/** Names a state of the chain; stays good however often it is restored, until an older one is. */
export interface Checkpoint {
  readonly id: number;
}

export interface Devnet {
  readonly rpcUrl: string;
  /** Leader of the process group the chain runs in. */
  readonly pid: number;
  readonly chainId: number;
  /** Keeps the base fee at the market's: see `DevnetProvider`. */
  readonly provider: DevnetProvider;
  readonly addresses: DevnetAddresses;
  /** Base token first, then the assets in the order of the configuration. */
  readonly listings: readonly DevnetListing[];
  readonly keys: DevnetKeys;
  readonly schemaUid: `0x${string}`;
  /** With `withAave` only. */
  readonly aave: { readonly v2: AaveAddresses; readonly v3: AaveAddresses } | undefined;
  /**
   * Reports prices to the feeds and swaps the pools to them, in one transaction in a block of that time.
   * Blocks after it follow second by second.
   * @throws DevnetTimeError, DevnetConfigError, DevnetRevertError, DevnetRpcError
   */
  setMarket(moment: DevnetMoment): Promise<void>;
  /**
   * Deploys a network's canonical bytes and registers it with the vault.
   * @param attestationUid Of the model's attestation.
   * @returns modelId, the keccak256 of the bytes
   * @throws DevnetRevertError
   */
  registerModel(bytes: `0x${string}`, attestationUid: `0x${string}`): Promise<`0x${string}`>;
  checkpoint(): Promise<Checkpoint>;
  /** Back to exactly that state: balances, nonces, time, base fee. @throws DevnetConfigError */
  restore(checkpoint: Checkpoint): Promise<void>;
  /** Ends the chain. May be called again. */
  stop(): Promise<void>;
}

const SETUP_SECONDS = 3_600;
const MARKET_GAS = toQuantity(20_000_000);
const BASE_USD = 1;

const accountAt = (index: number): HDNodeWallet =>
  HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(DEV_MNEMONIC), `m/44'/60'/0'/0/${index}`);

/**
 * Starts the chain, deploys everything and funds the vault.
 * @param onProgress Called before each step.
 * @throws DevnetError of some kind, after the chain has been ended
 */
export const startDevnet = async (
  config: DevnetConfig,
  onProgress: (progress: { done: number; total: number; label: string }) => void = () => {},
): Promise<Devnet> => {
  checkConfig(config);
  const steps = [
    "chain",
    "EAS",
    "Uniswap v3",
    "tokens, feeds and pools",
    "vault",
    config.withAave ? "Aave" : "funding",
    "ready",
  ];
  const step = (done: number) => onProgress({ done, total: steps.length - 1, label: steps[done]! });

  step(0);
  const { chainId, port, startTime } = config;
  const anvil = await startAnvil({ chainId, port, timestamp: startTime - SETUP_SECONDS });
  const provider = new DevnetProvider(anvil.rpcUrl, anvil.chainId);
  const stop = async () => {
    provider.destroy();
    await anvil.stop();
  };
  try {
    const [owner, attester, keeper, stranger] = [accountAt(0), accountAt(1), accountAt(2), accountAt(3)];
    const [guardian, notaries] = [accountAt(4), [accountAt(5), accountAt(6), accountAt(7)]];
    const deployer = new Deployer(anvil.rpcUrl, owner.address as Address);
    step(1);
    const { schemaUid, ...eas } = await deployEas(deployer, config.decisionSchema, config.schemas ?? []);
    step(2);
    const { factoryContract, ...uniswap } = await deployUniswap(deployer);
    step(3);
    const { market, listings } = await deployMarket(deployer, config, factoryContract);
    step(4);
    const { vault, ...vaultAddresses } = await deployVault(deployer, config, {
      eas: eas.eas,
      factory: uniswap.factory,
      listings,
      attester: attester.address as Address,
      guardian: guardian.address as Address,
      notaries: notaries.map(({ address }) => address as Address),
    });
    const [vaultSchema] = await vault.read("decisionSchema");
    if (vaultSchema !== schemaUid) {
      throw new DevnetConfigError(
        "decisionSchema",
        `its UID is ${schemaUid}, but the vault expects ${vaultSchema}`,
      );
    }

    /** Arbitrage is ahead of the reports: the pools stand at their prices for one averaging window before. */
    const arrive = async (time: number, roots: readonly bigint[]): Promise<void> => {
      const arrival = time - toSettings(config).twapWindow;
      if (arrival <= (await provider.getBlock("latest"))!.timestamp) return;
      const data = market.interface.encodeFunctionData("movePools", [roots]);
      const maxFeePerGas = toQuantity(provider.baseFeeWei * 2n);
      const transaction = { from: owner.address, to: market.address, data, gas: MARKET_GAS, maxFeePerGas };
      await provider.mineAt(
        arrival,
        provider.baseFeeWei,
        { ...transaction, maxPriorityFeePerGas: "0x0" },
        "moving the pools",
      );
    };
    const setMarket = async ({ time, prices, baseFeeWei }: DevnetMoment): Promise<void> => {
      if (prices.length !== config.assets.length) {
        throw new DevnetConfigError("prices", `${prices.length} given for ${config.assets.length} assets`);
      }
      const all = [
        BASE_USD,
        ...prices.map((price, i) => checkPrice(price, `price of ${config.assets[i]!.symbol}`)),
      ];
      const roots = listings.map(({ decimals, pool, isToken0 }, i) => {
        const pair = { assetDecimals: decimals, baseDecimals: config.base.decimals, isAssetToken0: isToken0 };
        return pool === undefined ? 0n : toSqrtPriceX96Down(all[i]!, pair);
      });
      await arrive(time, roots);
      const data = market.interface.encodeFunctionData("setMarket", [all.map(toAnswerDown), roots]);
      // Whatever the base fee, the market pays it: the account holds a million ether.
      const maxFeePerGas = toQuantity(baseFeeWei * 2n);
      const transaction = { from: owner.address, to: market.address, data, gas: MARKET_GAS, maxFeePerGas };
      await provider.mineAt(
        time,
        baseFeeWei,
        { ...transaction, maxPriorityFeePerGas: "0x0" },
        "setting the market",
      );
    };

    const checkpoints = new Map<number, { snapshot: string; baseFeeWei: bigint }>();
    let taken = 0;
    const takeSnapshot = async () =>
      (await postRpc(anvil.rpcUrl, [{ method: "evm_snapshot", params: [] }]))[0];
    const checkpoint = async (): Promise<Checkpoint> => {
      const id = taken++;
      checkpoints.set(id, { snapshot: String(await takeSnapshot()), baseFeeWei: provider.baseFeeWei });
      return { id };
    };
    const restore = async ({ id }: Checkpoint): Promise<void> => {
      const saved = checkpoints.get(id);
      const revert = { method: "evm_revert", params: [saved?.snapshot] };
      if (saved === undefined || (await postRpc(anvil.rpcUrl, [revert]))[0] !== true) {
        throw new DevnetConfigError(
          "checkpoint",
          `${id} is unknown, or an older one has been restored since`,
        );
      }
      // Anvil uses this snapshot up and forgets, but numbers anew, all later ones: the same state is saved again.
      for (const other of checkpoints.keys()) if (other > id) checkpoints.delete(other);
      checkpoints.set(id, { ...saved, snapshot: String(await takeSnapshot()) });
      await provider.setBaseFee(saved.baseFeeWei);
    };

    const now = startTime - SETUP_SECONDS / 2;
    await setMarket({
      time: now,
      prices: config.assets.map(({ price }) => price),
      baseFeeWei: provider.baseFeeWei,
    });
    step(5);
    await deployer.resume();
    await fundVault(deployer, config, vault, listings);
    const registerModel = async (
      bytes: `0x${string}`,
      attestationUid: `0x${string}`,
    ): Promise<`0x${string}`> => {
      await deployer.resume();
      const modelId = keccak256(bytes) as `0x${string}`;
      const args = [modelId, await deployNetwork(deployer, bytes), attestationUid];
      await vault.send("submit", [vault.interface.encodeFunctionData("registerModel", args)]);
      await vault.send("registerModel", args);
      return modelId;
    };
    const aave = config.withAave
      ? { v2: await deployAaveV2(deployer, listings), v3: await deployAaveV3(deployer, listings) }
      : undefined;
    step(6);
    return {
      rpcUrl: anvil.rpcUrl,
      pid: anvil.pid,
      chainId: anvil.chainId,
      provider,
      addresses: { ...eas, ...uniswap, ...vaultAddresses, vault: vault.address, market: market.address },
      listings,
      keys: {
        owner: owner.privateKey as `0x${string}`,
        attester: attester.privateKey as `0x${string}`,
        keeper: keeper.privateKey as `0x${string}`,
        guardian: guardian.privateKey as `0x${string}`,
        notaries: notaries.map(({ privateKey }) => privateKey as `0x${string}`),
        stranger: stranger.privateKey as `0x${string}`,
      },
      schemaUid,
      aave,
      setMarket,
      registerModel,
      checkpoint,
      restore,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
