import {
  assertChain,
  logsSince,
  NodeError,
  RevertedError,
  read,
  revertData,
  type SubmitOptions,
  settlePending,
  submit,
} from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import { type Hex, wad } from "@ballast/data";
import {
  Interface,
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
import { toRejection, VaultRejection } from "./rejection.ts";

/** What it takes to have a vault execute a decision; whoever attested it. */
export interface ExecutionOptions extends SubmitOptions {
  readonly provider: JsonRpcApiProvider;
  readonly vault: Hex;
  readonly expectedChainId: bigint;
  /** Sends the rebalance and pays its gas. Connected to the provider. */
  readonly keeper: Signer;
}

const vaultInterface = new Interface(vaultAbi);
const lower = (address: string): Hex => address.toLowerCase() as Hex;

/** See `Venue.execute`. Simulates before it sends. Throws VaultRejection, WrongChainError, NodeError or what `submit` throws. */
export async function executeOnVault(
  options: ExecutionOptions,
  decided: Executable,
  uid: Hex | undefined,
  onSubmitted: (txHash: Hex) => void,
): Promise<Execution> {
  const { provider, vault, keeper, expectedChainId } = options;
  await assertChain(provider, expectedChainId);
  await settlePending(keeper, options);
  const earlier = await findExecution(options, decided);
  if (earlier !== undefined) {
    onSubmitted(earlier.txHash);
    return earlier;
  }
  const data = encodeRebalance(decided, uid);
  const from = await keeper.getAddress();
  try {
    await simulate(provider, { from, to: vault, data });
    const receipt = await submit(keeper, { to: vault, data }, { ...options, onSubmitted });
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

/** A call that may be refused. Throws VaultRejection or NodeError. */
export async function simulate(
  provider: JsonRpcApiProvider,
  tx: { from?: string; to: Hex; data: string },
): Promise<Hex> {
  try {
    return await provider.send("eth_call", [tx, "latest"]);
  } catch (error) {
    const data = revertData(error);
    if (data === undefined) throw new NodeError("simulating a call", error);
    throw toRejection(tx.to, data);
  }
}

/** A view of the vault. Throws VaultRejection or NodeError. */
export async function callVault(
  provider: JsonRpcApiProvider,
  vault: Hex,
  name: string,
  args: readonly unknown[] = [],
) {
  const data = await simulate(provider, { to: vault, data: vaultInterface.encodeFunctionData(name, args) });
  try {
    return vaultInterface.decodeFunctionResult(name, data);
  } catch {
    throw toRejection(vault, "0x");
  }
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
  const block = await read<{ timestamp: Hex }>(provider, "eth_getBlockByNumber", [
    toQuantity(receipt.blockNumber),
    false,
  ]);
  return {
    txHash: receipt.hash as Hex,
    blockNumber: receipt.blockNumber,
    gasUsed: receipt.gasUsed,
    gasPrice: receipt.gasPrice,
    amountsOut: swaps.map(({ args }) => args.amountOut),
    minedAt: BigInt(block.timestamp),
    navBefore: wad(navBefore),
    navAfter: wad(navAfter),
  };
}
