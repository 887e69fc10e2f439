import type { Hex } from "@ballast/data";

/** One swap of the vault. Field order and types are those of `struct Trade` in Vault.sol. */
export interface Trade {
  readonly tokenIn: Hex;
  readonly tokenOut: Hex;
  /** Uniswap v3 fee tier in hundredths of a bip: 500 is 0.05 %. */
  readonly fee: number;
  /** In tokenIn's smallest unit. */
  readonly amountIn: bigint;
  /** In tokenOut's smallest unit. */
  readonly minAmountOut: bigint;
}

export const ACTION = { hold: 0, rebalance: 1 } as const;

/**
 * Field order and types are those of `struct Decision` in Vault.sol and of the EAS schema; the canonical
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
  readonly modelId: Hex; // bytes32, zero where no forecast was used
  readonly forecastHash: Hex; // bytes32, zero where no forecast was used
  readonly policyId: Hex; // bytes32
  /** Calibrated probability that a weight leaves its band within the policy's horizon, parts per million. */
  readonly breachPpm: number; // uint32
  readonly tradesHash: Hex; // bytes32, keccak256(abi.encode(Trade[]))
}

export interface DecisionWithTrades {
  readonly decision: Decision;
  readonly trades: readonly Trade[];
}
