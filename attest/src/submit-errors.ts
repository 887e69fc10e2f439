import { BallastError, type Hex } from "@ballast/data";
import { formatEther, formatUnits } from "ethers";

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
    super(
      `transaction ${nonce} of ${address} was another one, of an earlier attempt or of another process; start again, ` +
        "and give each agent a key of its own",
    );
    this.address = address;
    this.nonce = nonce;
  }
}

/** An earlier transaction is in the way: too cheap for the blocks, too dear to be replaced within the limit. */
export class StuckTransactionError extends BallastError {
  readonly code = "STUCK_TRANSACTION";
  readonly address: Hex;
  readonly nonce: number;
  /** What was offered in its place, wei per gas. */
  readonly maxFeePerGas: bigint;
  constructor(address: Hex, nonce: number, maxFeePerGas: bigint) {
    super(
      `transaction ${nonce} of ${address} is pending, and ${formatUnits(maxFeePerGas, "gwei")} gwei per gas do not ` +
        "replace it; wait until gas falls to its price, or raise the limit on the gas price",
    );
    this.address = address;
    this.nonce = nonce;
    this.maxFeePerGas = maxFeePerGas;
  }
}
