import {
  assertChain,
  attestDecision,
  cancel,
  type EasDomain,
  logsSince,
  NodeError,
  RevertedError,
  read,
  type SubmitOptions,
  settlePending,
  submit,
  toOffchainAttestation,
} from "@ballast/attest";
import { type Hex, unixMillis, type Wad, wad } from "@ballast/data";
import {
  type JsonRpcApiProvider,
  type LogDescription,
  type Signer,
  type TransactionReceipt,
  toBeHex,
  toQuantity,
} from "ethers";
import type { Execution, Holding, VaultState } from "../types.ts";
import type { Executable, Venue } from "../venue.ts";
import { encodeRebalance } from "./calldata.ts";
import { callVault, fetchBlockTime, fetchTicker, lower, simulate, vaultInterface } from "./calls.ts";
import { toGasLimit } from "./gas-limit.ts";
import { toRejection, VaultRejection } from "./rejection.ts";
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
    const [[{ registeredAt, isActive, attestationUid }], now] = await Promise.all([
      callVault(provider, vault, "model", [id]),
      fetchBlockTime(provider, "latest"),
    ]);
    return { id, isActive, attestationUid: lower(attestationUid), age: now - registeredAt };
  }

  /** Pays no more than the decision is worth, waits no longer than it lives, and lets nothing stuck be in its way. */
  async #termsOf({ decision, numbers }: Executable): Promise<SubmitOptions> {
    const { provider, maxGasPrice, receiptTimeoutMs, maxReplacements } = this.#options;
    const secondsLeft = Number(decision.expiresAt - (await fetchBlockTime(provider, "latest")));
    return {
      receiptTimeoutMs,
      maxReplacements,
      maxGasPrice: toGasLimit(numbers, maxGasPrice),
      patienceMs: Math.max(0, secondsLeft) * 1000,
      replacesPending: true,
    };
  }

  async attest(decided: Executable) {
    const { attester, domain, attestation } = this.#options;
    if (attestation !== "onchain") return undefined;
    const modelUid = toOffchainAttestation(decided.offchainAttestation).message.refUID;
    const { uid, receipt, isReused } = await attestDecision({
      ...(await this.#termsOf(decided)),
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
    const { provider, vault, keeper, expectedChainId } = this.#options;
    await assertChain(provider, expectedChainId);
    const terms = await this.#termsOf(decided);
    await settlePending(keeper, terms);
    const earlier = await this.findExecution(decided);
    if (earlier !== undefined) {
      onSubmitted(earlier.txHash);
      return earlier;
    }
    const data = encodeRebalance(decided, uid);
    const from = await keeper.getAddress();
    try {
      await simulate(provider, { from, to: vault, data });
      const receipt = await submit(keeper, { to: vault, data }, { ...terms, onSubmitted });
      return toExecution(this.#options, decided, receipt);
    } catch (error) {
      if (!(error instanceof RevertedError || error instanceof VaultRejection)) throw error;
      // Anyone may carry a decision out: where somebody was quicker, ours fails, and theirs is as good.
      const theirs = await this.findExecution(decided);
      if (theirs !== undefined) {
        onSubmitted(theirs.txHash);
        return theirs;
      }
      if (error instanceof VaultRejection) throw error;
      // A mined transaction tells no reason: ask again, for what refused it then mostly refuses it still.
      if (error.data === "0x") await simulate(provider, { from, to: vault, data });
      throw toRejection(vault, error.data);
    }
  }

  cancel(txHash: Hex): Promise<void> {
    return cancel(this.#options.keeper, txHash);
  }

  async findExecution(decided: Executable): Promise<Execution | undefined> {
    const { provider, vault } = this.#options;
    const { decision, hash } = decided;
    const rebalanced = vaultInterface.getEvent("Rebalanced")!.topicHash as Hex;
    const topics = [rebalanced, toBeHex(decision.sequence, 32) as Hex, null, hash];
    for await (const { transactionHash } of logsSince(provider, vault, topics, decision.decidedAt)) {
      const receipt = await provider.getTransactionReceipt(transactionHash).catch((error: unknown) => {
        throw new NodeError("reading a receipt", error);
      });
      if (receipt !== null) return toExecution(this.#options, decided, receipt);
    }
    return undefined;
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

/** One transaction may hold several rebalances; the events of this decision carry its sequence. */
async function toExecution(
  { provider, vault }: Pick<VaultVenueOptions, "provider" | "vault">,
  { decision }: Executable,
  receipt: TransactionReceipt,
): Promise<Execution> {
  const events = receipt.logs
    .filter(({ address }) => lower(address) === lower(vault))
    .map((log) => vaultInterface.parseLog(log))
    .filter((event): event is LogDescription => event?.args.sequence === decision.sequence);
  const swaps = events.filter(({ name }) => name === "Traded");
  const { navBefore, navAfter } = events.find(({ name }) => name === "Rebalanced")!.args;
  return {
    txHash: receipt.hash as Hex,
    blockNumber: receipt.blockNumber,
    gasUsed: receipt.gasUsed,
    gasPrice: receipt.gasPrice,
    amountsOut: swaps.map(({ args }) => args.amountOut),
    minedAt: await fetchBlockTime(provider, toQuantity(receipt.blockNumber)),
    navBefore: wad(navBefore),
    navAfter: wad(navAfter),
  };
}
