import { BallastError } from "../errors.ts";
import type { Hex } from "../units.ts";

export class WrongChainError extends BallastError {
  readonly code = "WRONG_CHAIN";
  readonly expected: bigint;
  readonly actual: bigint;
  readonly endpoint: string;
  constructor(expected: bigint, actual: bigint, endpoint = "the node") {
    super(
      `${endpoint} serves chain ${actual}, but chain ${expected} is wanted: use a node of chain ${expected}`,
    );
    this.expected = expected;
    this.actual = actual;
    this.endpoint = endpoint;
  }
}

export class RpcUnreachableError extends BallastError {
  readonly code = "RPC_UNREACHABLE";
  readonly endpoint: string;
  readonly method: string;
  readonly attempts: number;
  constructor(endpoint: string, method: string, attempts: number, reason: string) {
    super(
      `${endpoint} did not answer ${method} (${reason}; ${attempts} attempts): ` +
        "check that the node runs, the URL and its key, and the network",
    );
    this.endpoint = endpoint;
    this.method = method;
    this.attempts = attempts;
  }
}

/** The node is there, but will not or cannot answer: no archive, range too wide, unknown method. */
export class RpcRefusedError extends BallastError {
  readonly code = "RPC_REFUSED";
  readonly endpoint: string;
  readonly method: string;
  readonly reason: string;
  constructor(endpoint: string, method: string, reason: string) {
    super(
      `${endpoint} refused ${method}: ${reason}. Reading the past needs an archive node; ask for less, or ask another node`,
    );
    this.endpoint = endpoint;
    this.method = method;
    this.reason = reason;
  }
}

export class NoContractError extends BallastError {
  readonly code = "NO_CONTRACT";
  readonly address: Hex;
  readonly chainId: bigint;
  readonly blockNumber: number;
  constructor(address: Hex, chainId: bigint, blockNumber: number) {
    super(
      `there is no contract at ${address} on chain ${chainId} in block ${blockNumber}: check address, chain and block`,
    );
    this.address = address;
    this.chainId = chainId;
    this.blockNumber = blockNumber;
  }
}

export class CallRevertedError extends BallastError {
  readonly code = "CALL_REVERTED";
  readonly address: Hex;
  readonly call: string;
  readonly reason: string;
  constructor(address: Hex, call: string, reason: string) {
    super(
      `${call} of ${address} reverted (${reason}): check that this is the kind of contract it is taken for`,
    );
    this.address = address;
    this.call = call;
    this.reason = reason;
  }
}

/** The contract answered with bytes of another shape. */
export class UnexpectedAnswerError extends BallastError {
  readonly code = "UNEXPECTED_ANSWER";
  readonly address: Hex;
  readonly call: string;
  readonly bytes: number;
  constructor(address: Hex, call: string, bytes: number) {
    super(
      `${call} of ${address} answered ${bytes} bytes that are no such answer: it is another kind of contract`,
    );
    this.address = address;
    this.call = call;
    this.bytes = bytes;
  }
}
