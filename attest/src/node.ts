import { BallastError, type Hex, WrongChainError } from "@ballast/data";
import { isError, JsonRpcApiProvider, type Signer } from "ethers";

/** The node did not answer, or not in a way that can be understood. */
export class NodeError extends BallastError {
  readonly code = "NODE";
  readonly doing: string;
  constructor(doing: string, cause: unknown) {
    const reason =
      cause instanceof Error
        ? ((cause as { shortMessage?: string }).shortMessage ?? cause.message)
        : String(cause);
    // RPC URLs often carry an API key.
    super(
      `the node failed while ${doing}: ${reason.replace(/\w+:\/\/\S+/g, "<url>").slice(0, 300)}; check the RPC endpoint`,
    );
    this.doing = doing;
  }
}

/** The JSON-RPC provider behind a signer; raw `send` is used because ethers serves repeated reads from a cache. */
export function rpcOf(signer: Signer): JsonRpcApiProvider {
  if (signer.provider instanceof JsonRpcApiProvider) return signer.provider;
  throw new NodeError("connecting a key", "the key is not connected to a JSON-RPC endpoint");
}

export const read = async <T>(
  provider: JsonRpcApiProvider,
  method: string,
  params: unknown[],
): Promise<T> => {
  try {
    return await provider.send(method, params);
  } catch (error) {
    throw new NodeError(`answering ${method}`, error);
  }
};

/** Throws WrongChainError before anything is signed, NodeError where nobody answers. */
export async function assertChain(provider: JsonRpcApiProvider, expected: bigint): Promise<void> {
  const found = BigInt(await read<string>(provider, "eth_chainId", []));
  if (found !== expected) throw new WrongChainError(expected, found);
}

/** A log as nodes return it. */
export interface RawLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly transactionHash: Hex;
}

/** What public nodes let one log query span. */
const BLOCKS_PER_QUERY = 10_000;
const toTag = (block: number): Hex => `0x${block.toString(16)}`;

/**
 * Logs of one contract, newest first, back to a time (Unix seconds) at the least. `topics` as in `eth_getLogs`:
 * null matches anything. Throws NodeError.
 */
export async function* logsSince(
  provider: JsonRpcApiProvider,
  address: Hex,
  topics: readonly (Hex | null)[],
  sinceSeconds: bigint,
): AsyncGenerator<RawLog> {
  let last = Number(await read<Hex>(provider, "eth_blockNumber", []));
  while (last >= 0) {
    const first = Math.max(0, last - BLOCKS_PER_QUERY + 1);
    const filter = { address, topics, fromBlock: toTag(first), toBlock: toTag(last) };
    yield* (await read<RawLog[]>(provider, "eth_getLogs", [filter])).reverse();
    const block = await read<{ timestamp: Hex }>(provider, "eth_getBlockByNumber", [toTag(first), false]);
    if (BigInt(block.timestamp) < sinceSeconds) return;
    last = first - 1;
  }
}

/** Revert data inside an ethers error; undefined where the error is no revert. */
export function revertData(error: unknown): Hex | undefined {
  if (isError(error, "CALL_EXCEPTION")) return (error.data ?? "0x") as Hex;
  const info = (error as { error?: { data?: unknown }; info?: { error?: { data?: unknown } } }) ?? {};
  const data = info.error?.data ?? info.info?.error?.data;
  return typeof data === "string" && /^0x([0-9a-f]{2})*$/i.test(data) ? (data as Hex) : undefined;
}
