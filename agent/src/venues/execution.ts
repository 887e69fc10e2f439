import {
  assertChain,
  logsSince,
  NodeError,
  RevertedError,
  type SubmitOptions,
  settlePending,
  submit,
} from "@ballast/attest";
import { type Hex, wad } from "@ballast/data";
import {
  type JsonRpcApiProvider,
  type LogDescription,
  type Signer,
  type TransactionReceipt,
  toBeHex,
  toQuantity,
} from "ethers";
import type { Execution } from "../types.ts";
import type { Executable } from "../venue.ts";
import { encodeRebalance } from "./calldata.ts";
import { fetchBlockTime, lower, simulate, vaultInterface } from "./calls.ts";
import { toGasLimit } from "./gas-limit.ts";
import { toRejection, VaultRejection } from "./rejection.ts";

/** What it takes to have a vault execute a decision; whoever attested it. */
export interface ExecutionOptions extends SubmitOptions {
  readonly provider: JsonRpcApiProvider;
  readonly vault: Hex;
  readonly expectedChainId: bigint;
  /** Sends the rebalance and pays its gas. Connected to the provider. */
  readonly keeper: Signer;
}

/** Pays no more than the decision is worth, waits no longer than it lives, and lets nothing stuck be in its way. */
export async function toTerms(
  {
    provider,
    maxGasPrice,
    receiptTimeoutMs,
    maxReplacements,
  }: SubmitOptions & Pick<ExecutionOptions, "provider">,
  { decision, numbers }: Executable,
): Promise<SubmitOptions> {
  const secondsLeft = Number(decision.expiresAt - (await fetchBlockTime(provider, "latest")));
  return {
    receiptTimeoutMs,
    maxReplacements,
    maxGasPrice: toGasLimit(numbers, maxGasPrice),
    patienceMs: Math.max(0, secondsLeft) * 1000,
    replacesPending: true,
  };
}

/** See `Venue.execute`. Simulates before it sends. Throws VaultRejection, WrongChainError, NodeError or what `submit` throws. */
export async function executeOnVault(
  options: ExecutionOptions,
  decided: Executable,
  uid: Hex | undefined,
  onSubmitted: (txHash: Hex) => void,
): Promise<Execution> {
  const { provider, vault, keeper, expectedChainId } = options;
  await assertChain(provider, expectedChainId);
  const terms = await toTerms(options, decided);
  await settlePending(keeper, terms);
  const earlier = await findExecution(options, decided);
  if (earlier !== undefined) {
    onSubmitted(earlier.txHash);
    return earlier;
  }
  const data = encodeRebalance(decided, uid);
  const from = await keeper.getAddress();
  try {
    await simulate(provider, { from, to: vault, data });
    const receipt = await submit(keeper, { to: vault, data }, { ...terms, onSubmitted });
    return toExecution(options, decided, receipt);
  } catch (error) {
    if (!(error instanceof RevertedError || error instanceof VaultRejection)) throw error;
    // Anyone may carry a decision out: where somebody was quicker, ours fails, and theirs is as good.
    const theirs = await findExecution(options, decided);
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

/** See `Venue.findExecution`. */
export async function findExecution(
  options: Pick<ExecutionOptions, "provider" | "vault">,
  decided: Executable,
): Promise<Execution | undefined> {
  const { provider, vault } = options;
  const { decision, hash } = decided;
  const rebalanced = vaultInterface.getEvent("Rebalanced")!.topicHash as Hex;
  const topics = [rebalanced, toBeHex(decision.sequence, 32) as Hex, null, hash];
  for await (const { transactionHash } of logsSince(provider, vault, topics, decision.decidedAt)) {
    const receipt = await provider.getTransactionReceipt(transactionHash).catch((error: unknown) => {
      throw new NodeError("reading a receipt", error);
    });
    if (receipt !== null) return toExecution(options, decided, receipt);
  }
  return undefined;
}

/** Whether the vault would execute it now, by anybody. Throws VaultRejection where it would not, or NodeError. */
export async function simulateExecution(
  { provider, vault }: Pick<ExecutionOptions, "provider" | "vault">,
  decided: Executable,
): Promise<void> {
  await simulate(provider, { to: vault, data: encodeRebalance(decided, undefined) });
}

/** One transaction may hold several rebalances; the events of this decision carry its sequence. */
async function toExecution(
  { provider, vault }: Pick<ExecutionOptions, "provider" | "vault">,
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
