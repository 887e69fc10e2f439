import type { Decided, Execution, VaultState } from "./types.ts";
import { isOutsideBand, navOf, toValue, weightsOf } from "./weights.ts";

/** Money of a run, in basis points of its average value. */
export interface CostBps {
  readonly fees: number;
  readonly impact: number;
  readonly gas: number;
  readonly total: number;
}

/** What a run came to. */
export interface Outcome {
  readonly decisions: number;
  readonly executed: number;
  /** Executed while every weight was still inside its band. */
  readonly executedAhead: number;
  readonly executedAfter: number;
  readonly holds: number;
  readonly rejections: number;
  /** Hours at whose bar close some weight was outside its band. */
  readonly hoursOutsideBand: number;
  /** Mean distance beyond the edge of the band, percentage points of the vault, over those hours. */
  readonly meanExcessPp: number;
  /** Annualised standard deviation of the hourly return against the frictionless constant mix, gas left out. */
  readonly trackingError: number;
  readonly costBps: CostBps;
  /** Value sold over average value. */
  readonly turnover: number;
  readonly returnPct: number;
}

/** Adds up a run step by step; values in the base asset as `number`, since nothing here goes on chain. */
export function outcomeRecorder(intervalHours: number) {
  const differences: number[] = [];
  const navs: number[] = [];
  let prices: number[] | undefined;
  let decisions = 0;
  let executedAhead = 0;
  let executedAfter = 0;
  let rejections = 0;
  let hoursOutsideBand = 0;
  let excess = 0;
  let fees = 0;
  let impact = 0;
  let gas = 0;
  let sold = 0;

  return {
    /** The vault at a bar close, before that bar's decision is executed. */
    observe(state: VaultState): void {
      const weights = weightsOf(state);
      const nav = Number(navOf(state)) / 1e18;
      const now = state.holdings.map(({ price }) => Number(price));
      const previousNav = navs.at(-1);
      if (prices !== undefined && previousNav !== undefined) {
        const before = prices;
        const mix = state.holdings.reduce(
          (sum, { targetWeight }, index) =>
            sum + (Number(targetWeight) / 1e18) * (now[index]! / before[index]! - 1),
          0,
        );
        differences.push(nav / previousNav - 1 - mix);
      }
      prices = now;
      navs.push(nav);
      const beyond = state.holdings.map((holding, index) => {
        if (!isOutsideBand(holding, weights[index]!)) return 0;
        return Math.abs(Number(weights[index]! - holding.targetWeight)) / 1e18 - Number(holding.band) / 1e18;
      });
      const worst = Math.max(...beyond);
      if (worst > 0) {
        hoursOutsideBand += intervalHours;
        excess += worst;
      }
    },
    decided(): void {
      decisions += 1;
    },
    rejected(): void {
      rejections += 1;
    },
    /** An executed decision; `gasUsed` counts the attestation's transaction as well. */
    executed(state: VaultState, decided: Decided, execution: Execution, gasUsed: bigint): void {
      if (decided.isBreached) executedAfter += 1;
      else executedAhead += 1;
      for (const [index, trade] of decided.trades.entries()) {
        const from = state.holdings.find(({ token }) => token === trade.tokenIn)!;
        const to = state.holdings.find(({ token }) => token === trade.tokenOut)!;
        const paid = Number(toValue(from, trade.amountIn)) / 1e18;
        const received = Number(toValue(to, execution.amountsOut[index]!)) / 1e18;
        const fee = (paid * (from.poolFee + to.poolFee)) / 1e6;
        sold += paid;
        fees += fee;
        impact += paid - received - fee;
      }
      gas += (Number(gasUsed * execution.gasPrice) / 1e18) * (Number(state.etherPrice) / 1e18);
    },
    outcome(): Outcome {
      const average = navs.reduce((sum, nav) => sum + nav, 0) / Math.max(1, navs.length);
      const toBps = (amount: number) => (average > 0 ? (amount / average) * 1e4 : 0);
      const mean = differences.reduce((sum, value) => sum + value, 0) / Math.max(1, differences.length);
      const variance =
        differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) /
        Math.max(1, differences.length - 1);
      const executed = executedAhead + executedAfter;
      return {
        decisions,
        executed,
        executedAhead,
        executedAfter,
        holds: decisions - executed - rejections,
        rejections,
        hoursOutsideBand,
        meanExcessPp: hoursOutsideBand > 0 ? (excess * intervalHours * 100) / hoursOutsideBand : 0,
        trackingError: Math.sqrt((variance * 8760) / intervalHours),
        costBps: {
          fees: toBps(fees),
          impact: toBps(impact),
          gas: toBps(gas),
          total: toBps(fees + impact + gas),
        },
        turnover: average > 0 ? sold / average : 0,
        returnPct: navs.length > 1 ? (navs.at(-1)! / navs[0]! - 1) * 100 : 0,
      };
    },
  };
}

export type OutcomeRecorder = ReturnType<typeof outcomeRecorder>;
