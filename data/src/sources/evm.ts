import { FetchRequest, type Interface, type JsonRpcApiProvider, JsonRpcProvider, Network } from "ethers";
import { type Hex, type UnixMillis, unixMillis } from "../units.ts";
import {
  CallRevertedError,
  NoContractError,
  RpcRefusedError,
  RpcUnreachableError,
  UnexpectedAnswerError,
  WrongChainError,
} from "./evm-errors.ts";

export interface EvmOptions {
  readonly provider: JsonRpcApiProvider;
  /** The chain the reader must be on. */
  readonly chainId: number | bigint;
  /** Of one request until the node counts as unreachable; 4 where absent. */
  readonly attempts?: number | undefined;
  /** Before an attempt counts as lost, ms; 20,000 where absent. */
  readonly timeoutMs?: number | undefined;
  /** Before the second attempt, ms, doubling with each; 250 where absent. */
  readonly retryDelayMs?: number | undefined;
}

export interface EvmBlock {
  readonly number: number;
  readonly time: UnixMillis;
  /** Undefined before London. */
  readonly baseFeeWei: bigint | undefined;
}

export type BlockTag = number | "latest";

/**
 * A node of a known chain. Reads are pinned to a block, so that several of them belong together.
 * All methods throw `RpcUnreachableError` and `RpcRefusedError`.
 */
export interface EvmNode {
  readonly chainId: bigint;
  /** Scheme and host of the node, without the rest of its URL, which may hold a key. */
  readonly endpoint: string;
  request(method: string, params: readonly unknown[]): Promise<unknown>;
  block(tag: BlockTag): Promise<EvmBlock>;
  /**
   * Calls a view function.
   * @returns the answer's bytes
   * @throws NoContractError, CallRevertedError
   */
  call(call: ViewCall): Promise<string>;
  /**
   * Calls a view function.
   * @returns the decoded results
   * @throws NoContractError, CallRevertedError, UnexpectedAnswerError
   */
  read(call: ViewCall): Promise<readonly unknown[]>;
}

export interface ViewCall {
  readonly to: Hex;
  readonly face: Interface;
  readonly name: string;
  readonly args?: readonly unknown[];
  readonly block: number;
}

/** An ethers provider for a URL that asks nothing by itself: `connectEvm` checks the chain. */
export const evmProvider = (url: string, chainId: number | bigint, timeoutMs = 20_000): JsonRpcProvider => {
  const network = Network.from(chainId);
  const request = new FetchRequest(url);
  request.timeout = timeoutMs;
  // Retries are this file's; ethers' own would wait for minutes.
  request.setThrottleParams({ maxAttempts: 1 });
  return new JsonRpcProvider(request, network, { staticNetwork: network, batchMaxCount: 20 });
};

/**
 * Makes sure that the provider's node is there and on the expected chain.
 * @throws WrongChainError, RpcUnreachableError, RpcRefusedError
 */
export const connectEvm = async (options: EvmOptions): Promise<EvmNode> => {
  const expected = BigInt(options.chainId);
  const url = options.provider instanceof JsonRpcProvider ? options.provider._getConnection().url : "";
  const endpoint = toEndpoint(url);
  const request = (method: string, params: readonly unknown[]): Promise<unknown> =>
    requestWithRetries(options, url, endpoint, method, params);

  const actual = BigInt(String(await request("eth_chainId", [])));
  if (actual !== expected) throw new WrongChainError(expected, actual, endpoint);

  const block = async (tag: BlockTag): Promise<EvmBlock> => {
    const name = tag === "latest" ? tag : toQuantity(tag);
    const header = (await request("eth_getBlockByNumber", [name, false])) as BlockHeader | null;
    if (header === null)
      throw new RpcRefusedError(endpoint, "eth_getBlockByNumber", `there is no block ${tag} yet`);
    const { number, timestamp, baseFeePerGas } = header;
    return {
      number: Number(number),
      time: unixMillis(Number(timestamp) * 1_000),
      baseFeeWei: baseFeePerGas === undefined ? undefined : BigInt(baseFeePerGas),
    };
  };

  const call = async ({ to, face, name, args = [], block: at }: ViewCall): Promise<string> => {
    const data = face.encodeFunctionData(name, args);
    const tag = toQuantity(at);
    try {
      const result = String(await request("eth_call", [{ to, data }, tag]));
      if (result !== "0x" || (await request("eth_getCode", [to, tag])) !== "0x") return result;
    } catch (error) {
      if (error instanceof RevertedCall) throw new CallRevertedError(to, name, error.message);
      throw error;
    }
    throw new NoContractError(to, actual, at);
  };
  const read = async (view: ViewCall): Promise<readonly unknown[]> => {
    const result = await call(view);
    try {
      // Spread: a value that does not decode throws only when it is touched.
      return [...view.face.decodeFunctionResult(view.name, result)];
    } catch {
      throw new UnexpectedAnswerError(view.to, view.name, (result.length - 2) / 2);
    }
  };
  return { chainId: actual, endpoint, request, block, call, read };
};

const BLOCKS_AT_ONCE = 20;

/** Several blocks in the order asked for, a few at a time. */
export const fetchBlocks = async (
  node: EvmNode,
  numbers: readonly number[],
  signal?: AbortSignal,
): Promise<readonly EvmBlock[]> => {
  const blocks: EvmBlock[] = [];
  for (let i = 0; i < numbers.length; i += BLOCKS_AT_ONCE) {
    signal?.throwIfAborted();
    blocks.push(
      ...(await Promise.all(numbers.slice(i, i + BLOCKS_AT_ONCE).map((number) => node.block(number)))),
    );
  }
  return blocks;
};

/**
 * The last block at or before a time, by bisection.
 * @throws RpcRefusedError where the chain began after it
 */
export const fetchBlockAt = async (node: EvmNode, time: UnixMillis): Promise<EvmBlock> => {
  let after = await node.block("latest");
  if (after.time <= time) return after;
  let before = await node.block(0);
  if (before.time > time) {
    throw new RpcRefusedError(node.endpoint, "eth_getBlockByNumber", `the chain began after ${time} ms`);
  }
  while (after.number - before.number > 1) {
    const middle = await node.block(Math.floor((before.number + after.number) / 2));
    if (middle.time <= time) before = middle;
    else after = middle;
  }
  return before;
};

/** A non-negative number as JSON-RPC writes it. */
export const toQuantity = (value: number | bigint): string => `0x${value.toString(16)}`;

interface BlockHeader {
  readonly number: string;
  readonly timestamp: string;
  readonly baseFeePerGas?: string;
}

/** Inside this file only: becomes a `CallRevertedError` where address and function are known. */
class RevertedCall extends Error {}

/** What ethers throws: a code, a message free of the request, and for node errors the node's own words. */
interface EthersError {
  readonly code?: string;
  readonly shortMessage?: string;
  readonly message?: string;
  readonly reason?: string | null;
  readonly data?: string | null;
  readonly error?: { readonly code?: number; readonly message?: string };
  readonly info?: { readonly error?: { readonly code?: number; readonly message?: string } };
}

const UNANSWERED = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "NETWORK_ERROR",
  "SERVER_ERROR",
  "TIMEOUT",
  "BAD_DATA",
]);
/** Words of a node, or of ethers about a garbled body, that another attempt may cure. */
const PASSING = /rate.?limit|too many requests|capacity|throughput|not valid JSON/i;

const requestWithRetries = async (
  { provider, attempts = 4, timeoutMs = 20_000, retryDelayMs = 250 }: EvmOptions,
  url: string,
  endpoint: string,
  method: string,
  params: readonly unknown[],
): Promise<unknown> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withTimeout(provider.send(method, [...params]), timeoutMs);
    } catch (caught) {
      const error = caught as EthersError;
      const answer = error.error ?? error.info?.error;
      const words = scrub(answer?.message ?? error.shortMessage ?? error.code ?? "no reason given", url);
      const isRevert =
        (error.data ?? "") !== "" || answer?.code === 3 || /revert/i.test(answer?.message ?? "");
      if (error.code === "CALL_EXCEPTION" && isRevert) throw new RevertedCall(error.reason ?? words);
      const isUnanswered = UNANSWERED.has(error.code ?? "");
      if (!isUnanswered && !PASSING.test(words)) throw new RpcRefusedError(endpoint, method, words);
      if (attempt >= attempts) throw new RpcUnreachableError(endpoint, method, attempt, words);
      await sleep(retryDelayMs * 2 ** (attempt - 1));
    }
  }
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const withTimeout = async <T>(promise: Promise<T>, ms: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    const lost = Object.assign(new Error(), { code: "TIMEOUT", shortMessage: `no answer within ${ms} ms` });
    timer = setTimeout(() => reject(lost), ms);
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
};

/** Scheme and host alone: keys stand in the path, the query or before the @. */
const toEndpoint = (url: string): string => {
  try {
    return new URL(url).origin;
  } catch {
    return "the node";
  }
};

/** A node's words without any URL and without the parts of its own URL that may be a key. */
const scrub = (words: string, url: string): string => {
  let clean = words.replace(/https?:\/\/\S+/g, (found) => toEndpoint(found));
  if (!URL.canParse(url)) return clean;
  const { pathname, searchParams, username, password } = new URL(url);
  for (const secret of [...pathname.split("/"), ...searchParams.values(), username, password]) {
    if (secret.length >= 8) clean = clean.replaceAll(secret, "…");
  }
  return clean;
};
