import { setTimeout as sleep } from "node:timers/promises";
import { BallastError, type Hex } from "@ballast/data";
import {
  formatEther,
  formatUnits,
  isError,
  type JsonRpcApiProvider,
  type Signer,
  type TransactionReceipt,
} from "ethers";
import { NodeError, read, revertData, rpcOf } from "./node.ts";

/** Where the chain is and whose key pays, and how patient to be. */
export interface SubmitOptions {
  /** Refuse to send while the network asks for more than this, wei per gas. No limit where absent. */
  readonly maxGasPrice?: bigint | undefined;
  /** How long to wait for a receipt before the transaction is sent again at a higher price. Default 60 s. */
  readonly receiptTimeoutMs?: number | undefined;
  /** How often it may be sent again. Default 3. */
  readonly maxReplacements?: number | undefined;
  /** Called with every hash handed to the node, before its receipt is awaited. */
  readonly onSubmitted?: ((txHash: Hex) => void | Promise<void>) | undefined;
}

export interface Call {
  readonly to: Hex;
  readonly data: string;
}

export class UnfundedKeyError extends BallastError {
  readonly code = "UNFUNDED_KEY";
  readonly address: Hex;
  /** Wei. */
  readonly balance: bigint;
  /** Wei. */
  readonly need: bigint;
  constructor(address: Hex, balance: bigint, need: bigint) {
    super(
      `${address} holds ${formatEther(balance)} ether and the transaction may cost ${formatEther(need)}; ` +
        `send it at least ${formatEther(need - balance)} more`,
    );
    this.address = address;
    this.balance = balance;
    this.need = need;
  }
}

export class GasPriceError extends BallastError {
  readonly code = "GAS_PRICE";
  /** Wei per gas. */
  readonly gasPrice: bigint;
  readonly maxGasPrice: bigint;
  constructor(gasPrice: bigint, maxGasPrice: bigint) {
    super(
      `the network asks ${formatUnits(gasPrice, "gwei")} gwei per gas and the limit is ` +
        `${formatUnits(maxGasPrice, "gwei")}; wait, or raise the limit`,
    );
    this.gasPrice = gasPrice;
    this.maxGasPrice = maxGasPrice;
  }
}

/** The call reverts: found while its gas was estimated (no hash) or after it was mined. */
export class RevertedError extends BallastError {
  readonly code = "REVERTED";
  readonly to: Hex;
  /** Revert data as the node returned it; 0x where it returned none. */
  readonly data: Hex;
  readonly txHash: Hex | undefined;
  constructor(to: Hex, data: Hex, txHash?: Hex) {
    super(
      `${txHash === undefined ? "a call" : `transaction ${txHash}`} to ${to} reverted` +
        `${data === "0x" ? "" : ` with ${data.slice(0, 10)}`}; read the contract's state before trying again`,
    );
    this.to = to;
    this.data = data;
    this.txHash = txHash;
  }
}

export class ReceiptTimeoutError extends BallastError {
  readonly code = "RECEIPT_TIMEOUT";
  readonly address: Hex;
  readonly nonce: number;
  /** Every hash that was sent; none where somebody else's transaction of the same key is pending. */
  readonly txHashes: readonly Hex[];
  constructor(address: Hex, nonce: number, txHashes: readonly Hex[], waitedMs: number) {
    super(
      `transaction ${nonce} of ${address} is not in a block after ${Math.round(waitedMs / 1000)} s; ` +
        "it may still be: look at the node and its gas price, then start again, which resumes where this stopped",
    );
    this.address = address;
    this.nonce = nonce;
    this.txHashes = txHashes;
  }
}

export class NonceTakenError extends BallastError {
  readonly code = "NONCE_TAKEN";
  readonly address: Hex;
  readonly nonce: number;
  constructor(address: Hex, nonce: number) {
    super(`transaction ${nonce} of ${address} was used by another process; give each agent a key of its own`);
    this.address = address;
    this.nonce = nonce;
  }
}

interface Fees {
  readonly gasPrice: bigint;
  readonly overrides: { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint };
}

/** Headroom of one doubling of the base fee, never beyond the caller's limit. */
async function fetchFees(provider: JsonRpcApiProvider, maxGasPrice: bigint | undefined): Promise<Fees> {
  const [price, priority] = await Promise.all([
    read<string>(provider, "eth_gasPrice", []),
    read<string>(provider, "eth_maxPriorityFeePerGas", []),
  ]);
  const gasPrice = BigInt(price);
  const tip = BigInt(priority) < gasPrice ? BigInt(priority) : gasPrice;
  if (maxGasPrice !== undefined && gasPrice > maxGasPrice) throw new GasPriceError(gasPrice, maxGasPrice);
  const roomy = 2n * gasPrice - tip;
  const maxFeePerGas = maxGasPrice !== undefined && roomy > maxGasPrice ? maxGasPrice : roomy;
  return { gasPrice, overrides: { maxFeePerGas, maxPriorityFeePerGas: tip } };
}

/** Sleeps 5 ms, then longer and longer up to 2 s: quick on a local chain, gentle on a remote one. */
async function* ticks(timeoutMs: number): AsyncGenerator<void> {
  let waited = 0;
  for (let pause = 5; waited < timeoutMs; pause = Math.min(pause * 1.5, 2_000)) {
    yield;
    await sleep(pause);
    waited += pause;
  }
}

/** Waits until no transaction of the key is pending. Throws ReceiptTimeoutError. */
export async function settlePending(signer: Signer, options: SubmitOptions = {}): Promise<void> {
  const provider = rpcOf(signer);
  const address = (await signer.getAddress()) as Hex;
  const timeoutMs = options.receiptTimeoutMs ?? 60_000;
  let mined = 0;
  for await (const _ of ticks(timeoutMs)) {
    const [latest, pending] = await Promise.all([
      read<string>(provider, "eth_getTransactionCount", [address, "latest"]),
      read<string>(provider, "eth_getTransactionCount", [address, "pending"]),
    ]);
    mined = Number(latest);
    if (mined >= Number(pending)) return;
  }
  throw new ReceiptTimeoutError(address, mined, [], timeoutMs);
}

/**
 * Sends one call and waits for its receipt. A transaction that stays out of the blocks is sent again with the
 * same nonce at a price higher by an eighth, so that at most one of them can ever be mined.
 * Throws RevertedError, UnfundedKeyError, GasPriceError, ReceiptTimeoutError, NonceTakenError or NodeError.
 */
export async function submit(
  signer: Signer,
  call: Call,
  options: SubmitOptions = {},
): Promise<TransactionReceipt> {
  const provider = rpcOf(signer);
  const from = (await signer.getAddress()) as Hex;
  const [{ overrides }, count, chainId, gasLimit] = await Promise.all([
    fetchFees(provider, options.maxGasPrice),
    read<string>(provider, "eth_getTransactionCount", [from, "pending"]),
    read<string>(provider, "eth_chainId", []),
    estimateGas(provider, from, call),
  ]);
  const need = gasLimit * overrides.maxFeePerGas;
  const balance = BigInt(await read<string>(provider, "eth_getBalance", [from, "latest"]));
  if (balance < need) throw new UnfundedKeyError(from, balance, need);

  const nonce = Number(count);
  const tx = { ...call, from, nonce, gasLimit, chainId: BigInt(chainId), type: 2 };
  const timeoutMs = options.receiptTimeoutMs ?? 60_000;
  const txHashes: Hex[] = [];
  let fees = overrides;
  for (let attempt = 0; attempt <= (options.maxReplacements ?? 3); attempt++) {
    if (attempt > 0) {
      fees = {
        maxFeePerGas: raise(fees.maxFeePerGas),
        maxPriorityFeePerGas: raise(fees.maxPriorityFeePerGas),
      };
      if (options.maxGasPrice !== undefined && fees.maxFeePerGas > options.maxGasPrice) break;
    }
    const txHash = await broadcast(signer, { ...tx, ...fees }, from, nonce, txHashes.length > 0);
    if (txHash !== undefined) {
      txHashes.push(txHash);
      await options.onSubmitted?.(txHash);
    }
    const receipt = await fetchReceipt(provider, from, nonce, txHashes, timeoutMs);
    if (receipt?.status === 0) throw new RevertedError(call.to, "0x", receipt.hash as Hex);
    if (receipt !== undefined) return receipt;
  }
  throw new ReceiptTimeoutError(from, nonce, txHashes, timeoutMs * txHashes.length);
}

/** Nodes ask for at least a tenth more before they replace a transaction. */
const raise = (price: bigint): bigint => (price * 9n + 7n) / 8n;

async function estimateGas(provider: JsonRpcApiProvider, from: Hex, call: Call): Promise<bigint> {
  try {
    // A fifth of headroom: storage that others touch in between may turn warm writes into cold ones.
    return (
      (BigInt(await provider.send("eth_estimateGas", [{ from, to: call.to, data: call.data }])) * 6n) / 5n
    );
  } catch (error) {
    const data = revertData(error);
    if (data !== undefined) throw new RevertedError(call.to, data);
    throw new NodeError("estimating gas", error);
  }
}

/** The hash of what was sent; undefined where a replacement came too late because the original was mined. */
async function broadcast(
  signer: Signer,
  tx: Parameters<Signer["sendTransaction"]>[0],
  from: Hex,
  nonce: number,
  isReplacement: boolean,
): Promise<Hex | undefined> {
  try {
    return (await signer.sendTransaction(tx)).hash as Hex;
  } catch (error) {
    if (isError(error, "NONCE_EXPIRED") || isError(error, "REPLACEMENT_UNDERPRICED")) {
      if (isReplacement) return undefined;
      throw new NonceTakenError(from, nonce);
    }
    throw new NodeError("sending a transaction", error);
  }
}

async function fetchReceipt(
  provider: JsonRpcApiProvider,
  from: Hex,
  nonce: number,
  txHashes: readonly Hex[],
  timeoutMs: number,
): Promise<TransactionReceipt | undefined> {
  let isTaken = false;
  for await (const _ of ticks(timeoutMs)) {
    for (const txHash of txHashes) {
      if ((await read<unknown>(provider, "eth_getTransactionReceipt", [txHash])) !== null) {
        const receipt = await provider.getTransactionReceipt(txHash);
        if (receipt !== null) return receipt;
      }
    }
    // Looked at twice, because a load-balanced endpoint may count a transaction before it serves the receipt.
    if (isTaken) throw new NonceTakenError(from, nonce);
    isTaken = Number(await read<string>(provider, "eth_getTransactionCount", [from, "latest"])) > nonce;
  }
  return undefined;
}
