import type { Hex } from "@ballast/data";

/** One swap of the vault. Field order and types are those of `struct Trade` in Types.sol. */
export interface Trade {
  /** Contract that swaps, one of those the vault allows. */
  readonly venue: Hex;
  readonly tokenIn: Hex;
  readonly tokenOut: Hex;
  /** In tokenIn's smallest unit. */
  readonly amountIn: bigint;
  /** In tokenOut's smallest unit. */
  readonly minAmountOut: bigint;
  /** Which pools, in the venue's own encoding. */
  readonly route: Hex;
}

export const ACTION = { hold: 0, rebalance: 1 } as const;

/**
 * Field order and types are those of `struct Decision` in Types.sol and of the EAS schema; the canonical
 * bytes are the ABI encoding of the struct, which is also the attestation's data.
 */
export interface Decision {
  readonly chainId: bigint; // uint256
  readonly vault: Hex; // address
  /** Sequence this decision would consume: the vault's last executed sequence + 1. */
  readonly sequence: bigint; // uint64
  readonly action: number; // uint8, ACTION
  /** Index into REASONS. */
  readonly reason: number; // uint8
  /** Bar close the decision was made for, Unix seconds. */
  readonly decidedAt: bigint; // uint64
  /** Last second at which the vault may execute it, Unix seconds. */
  readonly expiresAt: bigint; // uint64
  readonly inputRoot: Hex; // bytes32, Snapshot.root
  readonly stateHash: Hex; // bytes32, of the vault state it read
  /** The breach network, which the vault runs itself. */
  readonly modelId: Hex; // bytes32, zero where none was used
  /** The forecast, whose bytes begin with its forecaster's own id. */
  readonly forecastHash: Hex; // bytes32, zero where none was used
  readonly policyId: Hex; // bytes32
  /** Calibrated probability that a weight leaves its band within the policy's horizon, parts per million. */
  readonly breachPpm: number; // uint32
  /** Index of the weight that is about to leave its band; 0 is the base asset's. */
  readonly holding: number; // uint8
  readonly tradesHash: Hex; // bytes32, keccak256(abi.encode(Trade[]))
}

export interface DecisionWithTrades {
  readonly decision: Decision;
  readonly trades: readonly Trade[];
}
