import { REBALANCE_GAS } from "@ballast/agent";
import { requireThat } from "../evaluation/sample.ts";

/** What one rebalance takes in gas. */
export interface RebalanceGas {
  /** Attestation and everything of the rebalance that does not depend on its swaps. */
  readonly perTrade: number;
  readonly perSwap: number;
}

/** The same of Ballast's own vault, every decision attested on chain. */
export const VAULT_GAS: RebalanceGas = {
  perTrade: REBALANCE_GAS.fixed + REBALANCE_GAS.attestation,
  perSwap: REBALANCE_GAS.perSwap,
};

/** Off chain the decision is signed, and the check of the signature is part of the rebalance. */
export type AttestationKind = "on-chain" | "off-chain";

/** Gas units of a rebalance of Ballast's vault, and of its attestation apart. Throws OutOfRangeError. */
export function rebalanceGas(
  swaps: number,
  kind: AttestationKind,
): { readonly rebalance: number; readonly attestation: number } {
  requireThat(Number.isInteger(swaps) && swaps >= 0, "number of swaps", swaps, "a whole number from 0");
  return {
    rebalance: REBALANCE_GAS.fixed + swaps * REBALANCE_GAS.perSwap,
    attestation: kind === "on-chain" ? REBALANCE_GAS.attestation : 0,
  };
}

/** Dollars per unit of gas: (base fee + tip) in gwei times ether's price, the market's own or a series of it. */
export function toGasDollars(
  baseFeeGwei: Float64Array,
  tipGwei: number,
  etherDollars: number | ArrayLike<number>,
): Float64Array {
  requireThat(tipGwei >= 0 && Number.isFinite(tipGwei), "tip", tipGwei, "gwei from 0");
  return baseFeeGwei.map((fee, t) => {
    const ether = typeof etherDollars === "number" ? etherDollars : etherDollars[t]!;
    requireThat(fee >= 0, `base fee of bar ${t}`, fee, "gwei from 0");
    requireThat(ether > 0, `ether's price of bar ${t}`, ether, "dollars above 0");
    return (fee + tipGwei) * 1e-9 * ether;
  });
}

/** What a trade loses beyond its pool's impact, shares of what is traded. */
export interface FrictionRates {
  /** Of the pool. */
  readonly fee: number;
  /** Between bid and ask; half of it is paid. 0 in a pool, whose fee is its spread. */
  readonly spread: number;
  /** Allowance for what others take who see the transaction coming; 0 through a private route. An assumption, not a measurement. */
  readonly mev: number;
}

/** One rate for `SimCosts.feeRates`. */
export function toFeeRate({ fee, spread, mev }: FrictionRates): number {
  for (const [name, rate] of Object.entries({ fee, spread, mev }))
    requireThat(rate >= 0 && rate < 1, name, rate, "a share from 0 to below 1");
  return fee + spread / 2 + mev;
}

/**
 * Loss versus rebalancing of a constant-product pool, share of its value per unit of time: σ²/8 (Milionis, Moallemi,
 * Roughgarden & Zhang 2022, example 2). What a passive 50/50 pool pays to be kept in balance: the yardstick for a
 * vault that does it itself.
 */
export const lossVersusRebalancing = (sigma: number): number => {
  requireThat(sigma >= 0, "volatility", sigma, "from 0");
  return weightedPoolLoss(
    [0.5, 0.5],
    [
      [sigma ** 2, 0],
      [0, 0],
    ],
  );
};

/**
 * The same of a weighted pool, whose value is the weighted geometric mean of the prices: ½(Σ wᵢσᵢ² − wᵀΣw), with Σ the
 * covariance of the returns per unit of time (by Itô's lemma; of two assets ½w(1−w)σ², as in Milionis et al.
 * 2022). It is also the excess growth rate of the constant mix (Fernholz 2002, section 1.1): what rebalancing without costs
 * would earn over the pool. Throws OutOfRangeError unless weights from 0 sum to one and Σ is square with variances from 0.
 */
export function weightedPoolLoss(
  weights: readonly number[],
  covariance: readonly (readonly number[])[],
): number {
  const sum = weights.reduce((total, w) => total + w, 0);
  requireThat(Math.abs(sum - 1) < 1e-9, "sum of weights", sum, "1");
  requireThat(
    covariance.length === weights.length,
    "covariance's size",
    covariance.length,
    `${weights.length}`,
  );
  let loss = 0;
  for (const [i, w] of weights.entries()) {
    const row = covariance[i]!;
    requireThat(w >= 0, `weight ${i}`, w, "from 0");
    requireThat(
      row.length === weights.length,
      `size of covariance row ${i}`,
      row.length,
      `${weights.length}`,
    );
    requireThat(row[i]! >= 0, `variance ${i}`, row[i]!, "from 0");
    loss += w * row[i]!;
    for (const [j, v] of weights.entries()) loss -= w * v * row[j]!;
  }
  return loss / 2;
}
