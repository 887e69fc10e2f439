/**
 * What the devnet can fail with, and its JSON-RPC transport. This room imports no other one, so its errors
 * have the shape of `BallastError` (a stable `code`, the values as fields) without being derived from it.
 */
export abstract class DevnetError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** The devnet's node answered a call with an error, or not at all. */
export class DevnetRpcError extends DevnetError {
  readonly code = "DEVNET_RPC";
  readonly method: string;
  readonly reason: string;
  /** What a reverted call reverted with. */
  readonly data: string | undefined;
  constructor(method: string, reason: string, data?: unknown) {
    super(`the devnet refused ${method}: ${reason}`);
    this.method = method;
    this.reason = reason;
    this.data = typeof data === "string" ? data : undefined;
  }
}

/** A transaction of the devnet's own set-up or market was mined but reverted. */
export class DevnetRevertError extends DevnetError {
  readonly code = "DEVNET_REVERTED";
  readonly what: string;
  readonly reason: string;
  constructor(what: string, reason: string) {
    super(`${what} reverted on the devnet (${reason}): check the configuration it was made from`);
    this.what = what;
    this.reason = reason;
  }
}

export interface RpcCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

export interface RpcReply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/**
 * Several calls in one HTTP request. Anvil begins them in their order, but does not wait: a transaction ought to
 * come last, for a call behind it is answered before it is mined.
 * @returns the replies in the order of the calls
 * @throws DevnetRpcError where the node does not answer
 */
export const postBatch = async (url: string, calls: readonly RpcCall[]): Promise<readonly RpcReply[]> => {
  const body = calls.map(({ method, params }, id) => ({ jsonrpc: "2.0", id, method, params }));
  const method = calls[0]?.method ?? "an empty batch";
  let replies: readonly RpcReply[];
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    replies = (await response.json()) as readonly RpcReply[];
  } catch (cause) {
    const { code, message } = ((cause as Error).cause ?? cause) as { code?: string; message: string };
    throw new DevnetRpcError(method, `no answer (${code ?? message})`);
  }
  const byId = new Map(replies.map((reply) => [reply.id, reply]));
  return calls.map((call, id) => {
    const reply = byId.get(id);
    if (reply === undefined) throw new DevnetRpcError(call.method, "the answer is missing from the batch");
    return reply;
  });
};

/**
 * As `postBatch`, but only the results.
 * @throws DevnetRpcError for the first call that failed; those after it were carried out all the same
 */
export const postRpc = async (url: string, calls: readonly RpcCall[]): Promise<readonly unknown[]> =>
  (await postBatch(url, calls)).map((reply, i) => {
    const { error } = reply;
    if (error !== undefined) throw new DevnetRpcError(calls[i]!.method, error.message, error.data);
    return reply.result;
  });

/** A non-negative number as JSON-RPC writes it. */
export const toQuantity = (value: number | bigint): string => `0x${value.toString(16)}`;
