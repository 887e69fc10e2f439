import { type JsonRpcError, type JsonRpcPayload, JsonRpcProvider, type JsonRpcResult, Network } from "ethers";
import {
  DevnetError,
  DevnetRevertError,
  postBatch,
  postRpc,
  type RpcCall,
  type RpcReply,
  toQuantity,
} from "./devnet-rpc.ts";

/** The chain's clock only runs forward, and the market lies behind it. */
export class DevnetTimeError extends DevnetError {
  readonly code = "DEVNET_TIME";
  readonly wanted: number;
  readonly chain: number;
  constructor(wanted: number, chain: number) {
    super(
      `the devnet stands at ${chain} s and cannot go to ${wanted} s: ` +
        "set the market in ascending order, with fewer transactions between two bars than seconds",
    );
    this.wanted = wanted;
    this.chain = chain;
  }
}

/** Calls whose answer hangs on the next block's base fee, and what is sent in their place. */
const SENT_WITH_BASE_FEE: ReadonlyMap<string, string> = new Map([
  ["eth_sendRawTransaction", "eth_sendRawTransactionSync"],
  ["eth_gasPrice", "eth_gasPrice"],
]);

const DEFAULT_BASE_FEE_WEI = 1_000_000_000n;

/**
 * An ethers provider for a chain whose base fee is the replayed market's. Left alone, anvil lowers the base fee
 * by an eighth with each near-empty block; this provider sets it anew with each transaction it sends and each gas
 * price it asks for, and returns from sending only once the transaction is mined. Receipts and quotes are thus the
 * market's.
 */
export class DevnetProvider extends JsonRpcProvider {
  readonly #rpcUrl: string;
  #baseFeeWei = DEFAULT_BASE_FEE_WEI;

  constructor(rpcUrl: string, chainId: number) {
    const network = Network.from(chainId);
    const tuning = { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1, pollingInterval: 10 };
    super(rpcUrl, network, tuning);
    this.#rpcUrl = rpcUrl;
  }

  get baseFeeWei(): bigint {
    return this.#baseFeeWei;
  }

  /** Base fee of all blocks from the next one on. */
  async setBaseFee(wei: bigint): Promise<void> {
    this.#baseFeeWei = wei;
    await postRpc(this.#rpcUrl, [this.#keepBaseFee()]);
  }

  /**
   * Mines one transaction of an unlocked account in a block of exactly this time (Unix seconds), and
   * keeps that base fee from then on.
   * @throws DevnetTimeError, DevnetRevertError, DevnetRpcError
   */
  async mineAt(
    time: number,
    baseFeeWei: bigint,
    transaction: Readonly<Record<string, string>>,
    what: string,
  ): Promise<void> {
    const head = { method: "eth_getBlockByNumber", params: ["latest", false] };
    const [latest] = (await postRpc(this.#rpcUrl, [head])) as [{ timestamp: string }];
    const now = Number(latest.timestamp);
    if (!(time > now)) throw new DevnetTimeError(time, now);
    this.#baseFeeWei = baseFeeWei;
    const results = await postRpc(this.#rpcUrl, [
      { method: "evm_setNextBlockTimestamp", params: [time] },
      this.#keepBaseFee(),
      { method: "eth_sendTransactionSync", params: [transaction] },
    ]);
    const receipt = results[2] as { status: string; transactionHash: string };
    if (receipt.status !== "0x1") throw new DevnetRevertError(what, `transaction ${receipt.transactionHash}`);
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<JsonRpcResult[]> {
    const method = Array.isArray(payload) ? undefined : SENT_WITH_BASE_FEE.get(payload.method);
    if (Array.isArray(payload) || method === undefined) return super._send(payload);
    const call = { method, params: payload.params as unknown[] };
    const [, { result, error }] = (await postBatch(this.#rpcUrl, [this.#keepBaseFee(), call])) as [
      RpcReply,
      RpcReply,
    ];
    const { id } = payload;
    // ethers turns an `error` into its own exceptions; its type merely leaves it out.
    if (error !== undefined) return [{ id, error } as JsonRpcError as unknown as JsonRpcResult];
    return [{ id, result: (result as { transactionHash?: string }).transactionHash ?? result }];
  }

  #keepBaseFee(): RpcCall {
    return { method: "anvil_setNextBlockBaseFeePerGas", params: [toQuantity(this.#baseFeeWei)] };
  }
}
