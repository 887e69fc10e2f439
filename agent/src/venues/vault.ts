import {
  assertChain,
  attestDecision,
  cancel,
  type EasDomain,
  read,
  type SubmitOptions,
  toOffchainAttestation,
} from "@ballast/attest";
import type { Hex, Wad } from "@ballast/data";
import type { JsonRpcApiProvider, Signer } from "ethers";
import type { Execution, VaultState } from "../types.ts";
import type { Executable, Venue } from "../venue.ts";
import { callVault, fetchBlockTime, fetchTicker, lower } from "./calls.ts";
import { executeOnVault, findExecution, toTerms } from "./execution.ts";
import { VaultRejection } from "./rejection.ts";
import {
  EtherPriceMissingError,
  VaultMismatchError,
  VaultNotFoundError,
  VenueNotAllowedError,
} from "./vault-errors.ts";
import { fromPpm, toVaultBooks } from "./vault-state.ts";

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
    const books = toVaultBooks(raw, this.#assets);
    const { settings } = raw;
    return {
      chainId: expectedChainId,
      vault: lower(vault),
      ...books,
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
      gasPrice: BigInt(gasPrice),
      etherPrice: (await fetchEtherPrice?.()) ?? books.holdings.find(({ asset }) => asset === "ETH")!.price,
    };
  }

  /** The network as the vault has it, and seconds since its registration at the chain's clock. */
  async #readModel(id: Hex) {
    const { provider, vault } = this.#options;
    const [[{ registeredAt, isActive, attestationUid }], now] = await Promise.all([
      callVault(provider, vault, "model", [id]),
      fetchBlockTime(provider, "latest"),
    ]);
    return { id, isActive, attestationUid: lower(attestationUid), age: now - registeredAt };
  }

  async attest(decided: Executable) {
    const { attester, domain, attestation } = this.#options;
    if (attestation !== "onchain") return undefined;
    const modelUid = toOffchainAttestation(decided.offchainAttestation).message.refUID;
    const { uid, receipt, isReused } = await attestDecision({
      ...(await toTerms(this.#options, decided)),
      ...domain,
      decision: decided.decision,
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

  cancel(txHash: Hex): Promise<void> {
    return cancel(this.#options.keeper, txHash);
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
