import { isoTime, unixMillis } from "@ballast/data";
import type { Execution } from "../backtest/execution.ts";
import { TradeExceedsPoolError } from "../backtest/sim-result.ts";

/** What a trade loses, shares of what is traded, as the fast simulator has it. */
export interface AssetRates {
  readonly fee: number;
  /** Between bid and ask; half of it is paid. */
  readonly spread: number;
  readonly mev: number;
  /** Dollars: a trade of x loses x²/depth to its impact, and none is larger than it. Infinite where absent. */
  readonly depth?: number | undefined;
}

export interface ConstantRates extends AssetRates {
  /** What differs for single assets. */
  readonly assets?: Readonly<Record<string, Partial<AssetRates>>> | undefined;
  /** Units of a rebalance without a swap, of each swap, and of an attestation on chain. */
  readonly gas: { readonly perRebalance: number; readonly perSwap: number; readonly perAttestation: number };
}

/** Costs at rates that never change; an assumption, not a measurement. */
export function constantRates({ assets = {}, gas, ...all }: ConstantRates): Execution {
  return {
    name: "constant rates",
    swapCosts(asset, dollars, _price, at) {
      const { fee, spread, mev, depth = Number.POSITIVE_INFINITY } = { ...all, ...assets[asset] };
      const size = Math.abs(dollars);
      if (size > depth)
        throw new TradeExceedsPoolError(`${isoTime(unixMillis(at))}, in ${asset},`, size, depth);
      return { fee: size * fee, spread: (size * spread) / 2, impact: size ** 2 / depth, mev: size * mev };
    },
    gasUnits: (swaps) => ({
      rebalance: gas.perRebalance + swaps * gas.perSwap,
      attestation: gas.perAttestation,
    }),
  };
}
