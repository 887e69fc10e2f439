import {
  assertChain,
  attestDecision,
  type EasDomain,
  read,
  type SubmitOptions,
  toOffchainAttestation,
} from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import { type Hex, unixMillis, type Wad, wad } from "@ballast/data";
import { Interface, type JsonRpcApiProvider, type Signer } from "ethers";
import type { Execution, Holding, VaultState } from "../types.ts";
import type { Executable, Venue } from "../venue.ts";
import { callVault, executeOnVault, findExecution, simulate } from "./execution.ts";
import { VaultRejection } from "./rejection.ts";
import {
  EtherPriceMissingError,
  VaultMismatchError,
  VaultNotFoundError,
  VenueNotAllowedError,
} from "./vault-errors.ts";

export interface VaultVenueOptions extends SubmitOptions {
  readonly provider: JsonRpcApiProvider;
  readonly vault: Hex;
  readonly expectedChainId: bigint;
  /** Attests; allowed by the vault. Connected to the provider. */
  readonly attester: Signer;
  /** Sends the rebalance and pays its gas; may be the same key. Connected to the provider. */
  readonly keeper: Signer;
  readonly domain: EasDomain;
  /** Where trades are made: one of the venues the vault allows, of Uniswap v3. */
  readonly tradeVenue: Hex;
  /** Of the breach network the agent runs; absent where it runs none. */
  readonly modelId?: Hex | undefined;
  /** How decisions reach the vault: off chain, the default, costs no transaction of its own. */
  readonly attestation?: "offchain" | "onchain" | undefined;
  /** Tickers of the vault's tokens in their order, base asset first; the tokens' own symbols where absent. */
  readonly assets?: readonly string[] | undefined;
  /** Ether's price in the base asset; the vault's own price of ETH where absent. */
  readonly fetchEtherPrice?: (() => Promise<Wad>) | undefined;
}

const _vaultInterface = new Interface(vaultAbi);
const symbolInterface = new Interface(["function symbol() view returns (string)"]);
/** Wrapped tokens that move one to one with a market's asset. */
const UNWRAPPED: Readonly<Record<string, string>> = { WETH: "ETH", WBTC: "BTC" };

const PPM = 10n ** 12n;
const fromPpm = (ppm: bigint): Wad => wad(ppm * PPM);

/** The vault on its chain: attestations off chain or to EAS, trades through `Vault.rebalance`. */
class VaultVenue implements Venue {
  readonly #options: VaultVenueOptions;
  readonly #assets: readonly string[];

  constructor(options: VaultVenueOptions, assets: readonly string[]) {
    this.#options = options;
    this.#assets = assets;
  }

  /** Balances, prices and settings of one block. Throws VaultRejection where an oracle has no usable price, NodeError. */
  async readState(): Promise<VaultState> {
    const { provider, vault, expectedChainId, fetchEtherPrice, modelId, tradeVenue } = this.#options;
    const [[raw], gasPrice, model] = await Promise.all([
      callVault(provider, vault, "state"),
      read<Hex>(provider, "eth_gasPrice", []),
      modelId && this.#readModel(modelId),
    ]);
    const holdings = this.#assets.map(
      (asset, i): Holding => ({
        token: lower(raw.tokens[i]),
        asset,
        decimals: Number(raw.decimals[i]),
        balance: raw.balances[i],
        price: wad(raw.pricesWad[i]),
        targetWeight: wad(raw.targetWeights[i]),
        band: wad(raw.bands[i]),
        poolFee: Number(raw.poolFees[i]),
      }),
    );
    const { settings } = raw;
    return {
      chainId: expectedChainId,
      vault: lower(vault),
      sequence: raw.sequence,
      paused: raw.paused,
      isTradingAllowed: raw.isTradingAllowed,
      lastRebalanceAt: unixMillis(Number(raw.lastRebalanceAt) * 1000),
      cooldownSeconds: Number(settings.cooldown),
      maxTurnover: fromPpm(settings.maxTurnoverPpm),
      maxSlippage: fromPpm(settings.maxSlippagePpm),
      turnoverLeft: wad(raw.turnoverLeft),
      lossLeft: wad(raw.lossLeft),
      crossTolerance: fromPpm(settings.crossTolerancePpm),
      minScore: Number(settings.minScore),
      scoreHorizon: Number(settings.scoreHorizon),
      notaryThreshold: Number(settings.notaryThreshold),
      model: model && {
        id: model.id,
        attestationUid: model.attestationUid,
        isActive: model.isActive,
        maxTurnover: fromPpm(
          model.age < settings.probation && settings.probationTurnoverPpm < settings.maxTurnoverPpm
            ? settings.probationTurnoverPpm
            : settings.maxTurnoverPpm,
        ),
      },
      venue: lower(tradeVenue),
      holdings,
      gasPrice: BigInt(gasPrice),
      etherPrice: (await fetchEtherPrice?.()) ?? holdings.find(({ asset }) => asset === "ETH")!.price,
    };
  }

  /** The network as the vault has it, and seconds since its registration at the chain's clock. */
  async #readModel(id: Hex) {
    const { provider, vault } = this.#options;
    const [[{ registeredAt, isActive, attestationUid }], { timestamp }] = await Promise.all([
      callVault(provider, vault, "model", [id]),
      read<{ timestamp: Hex }>(provider, "eth_getBlockByNumber", ["latest", false]),
    ]);
    return { id, isActive, attestationUid: lower(attestationUid), age: BigInt(timestamp) - registeredAt };
  }

  async attest({ decision, offchainAttestation }: Executable) {
    const { attester, domain, attestation, ...options } = this.#options;
    if (attestation !== "onchain") return undefined;
    const modelUid = toOffchainAttestation(offchainAttestation).message.refUID;
    const { uid, receipt, isReused } = await attestDecision({
      ...options,
      ...domain,
      decision,
      modelUid,
      signer: attester,
    });
    return { uid, gasUsed: isReused ? 0n : receipt.gasUsed };
  }

  async execute(
    decided: Executable,
    uid: Hex | undefined,
    onSubmitted: (txHash: Hex) => void,
  ): Promise<Execution> {
    return executeOnVault(this.#options, decided, uid, onSubmitted);
  }

  async findExecution(decided: Executable): Promise<Execution | undefined> {
    return findExecution(this.#options, decided);
  }
}

/**
 * The venue of one vault, after checking that it is there and set up as the agent is.
 * Throws WrongChainError, VaultNotFoundError, VaultMismatchError, VenueNotAllowedError, EtherPriceMissingError or NodeError.
 */
export async function vaultVenue(options: VaultVenueOptions): Promise<Venue> {
  const { provider, vault, expectedChainId, domain } = options;
  await assertChain(provider, expectedChainId);
  if ((await read<Hex>(provider, "eth_getCode", [vault, "latest"])) === "0x") {
    throw new VaultNotFoundError(vault, expectedChainId);
  }
  const same = (what: string, ofVault: string, ofAgent: string) => {
    if (ofVault.toLowerCase() !== ofAgent.toLowerCase()) throw new VaultMismatchError(what, ofVault, ofAgent);
  };
  same("chain", String(expectedChainId), String(domain.chainId));
  const [[schema], [eas], [configs], [isVenue]] = await Promise.all([
    callVault(provider, vault, "decisionSchema"),
    callVault(provider, vault, "eas"),
    callVault(provider, vault, "holdings"),
    callVault(provider, vault, "isVenue", [options.tradeVenue]),
  ]).catch((error: unknown) => {
    throw error instanceof VaultRejection ? new VaultNotFoundError(vault, expectedChainId) : error;
  });
  same("EAS schema", schema, domain.schemaUid);
  same("EAS contract", eas, domain.easAddress);
  if (!isVenue) throw new VenueNotAllowedError(options.tradeVenue, vault);
  const tokens: string[] = [...configs].map(({ token }) => token);
  const assets = options.assets ?? (await Promise.all(tokens.map((token) => fetchTicker(provider, token))));
  same("number of tokens", String(tokens.length), String(assets.length));
  if (!assets.includes("ETH") && options.fetchEtherPrice === undefined)
    throw new EtherPriceMissingError(assets);
  return new VaultVenue(options, assets);
}

const lower = (address: string): Hex => address.toLowerCase() as Hex;

async function fetchTicker(provider: JsonRpcApiProvider, token: string): Promise<string> {
  const data = await simulate(provider, {
    to: lower(token),
    data: symbolInterface.encodeFunctionData("symbol"),
  });
  const symbol: string = symbolInterface.decodeFunctionResult("symbol", data)[0].toUpperCase();
  return UNWRAPPED[symbol] ?? symbol;
}
