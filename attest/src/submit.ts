import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "@ballast/data";
import {
  isError,
  type JsonRpcApiProvider,
  type Signer,
  type TransactionReceipt,
  type TransactionRequest,
} from "ethers";
import { NodeError, read, revertData, rpcOf } from "./node.ts";
import {
  GasPriceError,
  NonceTakenError,
  ReceiptTimeoutError,
  RevertedError,
  StuckTransactionError,
  UnfundedKeyError,
} from "./submit-errors.ts";

/** Where the chain is and whose key pays, and how patient to be. */
export interface SubmitOptions {
  /** Refuse to send while the network asks for more than this, wei per gas. No limit where absent. */
  readonly maxGasPrice?: bigint | undefined;
  /** How long to wait for a receipt before the transaction is sent again at a higher price. Default 60 s. */
  readonly receiptTimeoutMs?: number | undefined;
  /** How often it may be sent again. Default 3. */
  readonly maxReplacements?: number | undefined;
  /** Gives up after so long in all. Without it only the two above bound the wait. */
  readonly patienceMs?: number | undefined;
  /**
   * What is sent takes the nonce of a transaction that stays out of the blocks, so that one stuck at too low a price holds
   * up nothing: for a key that nobody else uses. Without it a stuck transaction is a ReceiptTimeoutError.
   */
  readonly replacesPending?: boolean | undefined;
  /** Called with every hash handed to the node, before its receipt is awaited. */
  readonly onSubmitted?: ((txHash: Hex) => void | Promise<void>) | undefined;
}

export interface Call {
  readonly to: Hex;
  readonly data: string;
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

/** Once at least; sleeps 5 ms, then longer and longer up to 2 s: quick on a local chain, gentle on a remote one. */
async function* ticks(timeoutMs: number): AsyncGenerator<void> {
  yield;
  let waited = 0;
  for (let pause = 5; waited < timeoutMs; pause = Math.min(pause * 1.5, 2_000)) {
    await sleep(pause);
    waited += pause;
    yield;
  }
}

const patienceOf = ({ receiptTimeoutMs = 60_000, patienceMs = Number.POSITIVE_INFINITY }: SubmitOptions) =>
  Math.min(receiptTimeoutMs, patienceMs);

/** Waits until no transaction of the key is pending. Throws ReceiptTimeoutError, unless what is pending will be replaced. */
export async function settlePending(signer: Signer, options: SubmitOptions = {}): Promise<void> {
  const provider = rpcOf(signer);
  const address = (await signer.getAddress()) as Hex;
  const timeoutMs = patienceOf(options);
  let mined = 0;
  for await (const _ of ticks(timeoutMs)) {
    const [latest, pending] = await Promise.all([
      read<string>(provider, "eth_getTransactionCount", [address, "latest"]),
      read<string>(provider, "eth_getTransactionCount", [address, "pending"]),
    ]);
    mined = Number(latest);
    if (mined >= Number(pending)) return;
  }
  if (!options.replacesPending) throw new ReceiptTimeoutError(address, mined, [], timeoutMs);
}

/**
 * Sends one call and waits for its receipt. A transaction that stays out of the blocks is sent again with the
 * same nonce at a price higher by an eighth, so that at most one of them can ever be mined.
 * Throws RevertedError, UnfundedKeyError, GasPriceError, ReceiptTimeoutError, StuckTransactionError, NonceTakenError or
 * NodeError.
 */
export async function submit(
  signer: Signer,
  call: Call,
  options: SubmitOptions = {},
): Promise<TransactionReceipt> {
  const provider = rpcOf(signer);
  const from = (await signer.getAddress()) as Hex;
  const [{ overrides }, mined, count, chainId, gasLimit] = await Promise.all([
    fetchFees(provider, options.maxGasPrice),
    read<string>(provider, "eth_getTransactionCount", [from, "latest"]),
    read<string>(provider, "eth_getTransactionCount", [from, "pending"]),
    read<string>(provider, "eth_chainId", []),
    estimateGas(provider, from, call),
  ]);
  const need = gasLimit * overrides.maxFeePerGas;
  const balance = BigInt(await read<string>(provider, "eth_getBalance", [from, "latest"]));
  if (balance < need) throw new UnfundedKeyError(from, balance, need);

  const isInTheWay = options.replacesPending === true && Number(count) > Number(mined);
  const nonce = Number(isInTheWay ? mined : count);
  const tx = { ...call, from, nonce, gasLimit, chainId: BigInt(chainId), type: 2 };
  const timeoutMs = patienceOf(options);
  const patienceMs = options.patienceMs ?? Number.POSITIVE_INFINITY;
  const txHashes: Hex[] = [];
  let waitedMs = 0;
  let fees = overrides;
  for (let attempt = 0; attempt <= (options.maxReplacements ?? 3); attempt++) {
    if (attempt > 0) {
      if (waitedMs >= patienceMs) break;
      fees = {
        maxFeePerGas: raise(fees.maxFeePerGas),
        maxPriorityFeePerGas: raise(fees.maxPriorityFeePerGas),
      };
      if (options.maxGasPrice !== undefined && fees.maxFeePerGas > options.maxGasPrice) break;
    }
    let txHash: Hex | undefined;
    if (isInTheWay && attempt === 0) ({ txHash, fees } = await displace(signer, tx, fees));
    else txHash = await broadcast(signer, { ...tx, ...fees }, txHashes.length > 0);
    if (txHash !== undefined) {
      txHashes.push(txHash);
      await options.onSubmitted?.(txHash);
    }
    const waitMs = Math.min(timeoutMs, patienceMs - waitedMs);
    const receipt = await fetchReceipt(provider, from, nonce, txHashes, waitMs);
    waitedMs += waitMs;
    if (receipt?.status === 0) throw new RevertedError(call.to, "0x", receipt.hash as Hex);
    if (receipt !== undefined) return receipt;
  }
  throw new ReceiptTimeoutError(from, nonce, txHashes, waitedMs);
}

/**
 * Sends nothing to nobody in place of a transaction that can no longer come to anything, if it is still pending, and waits
 * for neither. Should it be mined, it costs 21,000 gas at up to an eighth more than the other would have paid a unit.
 * Throws NodeError.
 */
export async function cancel(signer: Signer, txHash: Hex): Promise<void> {
  const provider = rpcOf(signer);
  const from = (await signer.getAddress()) as Hex;
  const stuck = await read<Stuck | null>(provider, "eth_getTransactionByHash", [txHash]);
  if (stuck === null || stuck.blockNumber !== null) return;
  const { nonce, chainId, maxFeePerGas, maxPriorityFeePerGas } = stuck;
  await broadcast(
    signer,
    {
      ...{ from, to: from, nonce: Number(nonce), chainId: BigInt(chainId), gasLimit: 21_000n, type: 2 },
      maxFeePerGas: raise(BigInt(maxFeePerGas)),
      maxPriorityFeePerGas: raise(BigInt(maxPriorityFeePerGas)),
    },
    true,
  );
}

interface Stuck {
  readonly blockNumber: string | null;
  readonly nonce: string;
  readonly chainId: string;
  readonly maxFeePerGas: string;
  readonly maxPriorityFeePerGas: string;
}

type Unpriced = TransactionRequest & { readonly from: Hex; readonly nonce: number };

/** Offers an ever higher tip for the nonce of what is pending, up to all of the price: what that one offers is not known. */
async function displace(
  signer: Signer,
  tx: Unpriced,
  { maxFeePerGas, maxPriorityFeePerGas: tip }: Fees["overrides"],
): Promise<{ readonly txHash: Hex; readonly fees: Fees["overrides"] }> {
  const tips = [tip, 2n * tip + 1n, 8n * tip + 7n].filter((price) => price < maxFeePerGas);
  for (const maxPriorityFeePerGas of [...tips, maxFeePerGas]) {
    const fees = { maxFeePerGas, maxPriorityFeePerGas };
    const txHash = await broadcast(signer, { ...tx, ...fees }, true);
    if (txHash !== undefined) return { txHash, fees };
  }
  throw new StuckTransactionError(tx.from, tx.nonce, maxFeePerGas);
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

/** The hash of what was sent; undefined where a replacement came too late, is no dearer, or is the original itself. */
async function broadcast(signer: Signer, tx: Unpriced, isReplacement: boolean): Promise<Hex | undefined> {
  try {
    return (await signer.sendTransaction(tx)).hash as Hex;
  } catch (error) {
    if (isError(error, "NONCE_EXPIRED") || isError(error, "REPLACEMENT_UNDERPRICED")) {
      if (isReplacement) return undefined;
      throw new NonceTakenError(tx.from, tx.nonce);
    }
    if (isReplacement && /already (known|imported)/i.test(String(error))) return undefined;
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
