import { BallastError } from "@ballast/data";

/** What a run came to. Shares are of the portfolio's value at the time. */
export interface SimResult {
  /** Bars after the first, at which the portfolio begins on target. */
  readonly bars: number;
  readonly trades: number;
  readonly swaps: number;
  /** Sum over the trades of half of what changed hands, share: selling everything for something else is 1. */
  readonly turnover: number;
  /** Sums over the trades, shares. */
  readonly fees: number;
  readonly gas: number;
  readonly impact: number;
  /** Sum of the three, in dollars as they were paid. */
  readonly dollars: number;
  /** Root mean square per bar of growth before costs less that of the frictionless constant mix. */
  readonly trackingError: number;
  /** Bars at whose close, before any trade, some weight was outside its band. */
  readonly outsideBars: number;
  /** Over those bars, how far outside the worst weight was: mean and most, shares of the value; 0 where there are none. */
  readonly meanExcess: number;
  readonly worstExcess: number;
  /** Value at the end over that at the start, after costs. */
  readonly growth: number;
  /** Per block of `blockBars`, the last one shorter; absent without them. */
  readonly blocks?: SimBlocks | undefined;
}

export interface SimBlocks {
  /** Costs of all kinds, and that of gas among them, shares. */
  readonly cost: Float64Array;
  readonly gas: Float64Array;
  /** Sum of squared tracking differences. */
  readonly squares: Float64Array;
  readonly outsideBars: Float64Array;
}

export class TradeExceedsPoolError extends BallastError {
  readonly code = "TRADE_EXCEEDS_POOL";
  /** The bar, or asset and time. */
  readonly where: string;
  readonly dollars: number;
  readonly depth: number;
  constructor(where: string, dollars: number, depth: number) {
    super(
      `At ${where} a trade of ${dollars} dollars meets a pool of ${depth}. Trade less at a time, or against deeper pools.`,
    );
    this.where = where;
    this.dollars = dollars;
    this.depth = depth;
  }
}

export class RuinedError extends BallastError {
  readonly code = "RUINED";
  readonly bar: number;
  constructor(bar: number) {
    super(
      `At bar ${bar} a trade costs more than the portfolio is worth. Trade less often, or begin with more.`,
    );
    this.bar = bar;
  }
}
