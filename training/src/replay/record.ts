/** What one policy's event-driven backtest leaves behind; the engine writes it, metrics and reports read it. */

/** One policy's run over one market. All money in dollars (base asset), shares 0..1, times ms UTC. */
export interface BacktestRecord {
  readonly format: "ballast-backtest/1";
  readonly name: string; // policy label, unique in a comparison
  readonly policy: {
    readonly name: string;
    readonly parameters: Readonly<Record<string, unknown>>;
    readonly id: string;
  };
  readonly market: {
    readonly hash: string;
    readonly from: number;
    readonly to: number;
    readonly barMs: number;
  };
  readonly assets: readonly string[]; // base asset first
  readonly targets: readonly number[];
  readonly bands: readonly number[]; // half-widths
  readonly nav: number; // dollars at the start
  readonly bars: BacktestColumns; // one entry per bar close
  readonly trades: readonly BacktestTrade[];
  readonly decisionsDigest: string; // keccak256 over decision hashes in order
  readonly models: readonly { readonly from: number; readonly modelId: string }[]; // walk-forward: who forecast from when
  readonly notes: readonly string[]; // halts, assets missing for part, degraded to threshold, ...
}
export interface BacktestColumns {
  // arrays of equal length
  readonly at: readonly number[];
  readonly value: readonly number[]; // after costs of trades up to this bar
  readonly mix: readonly number[]; // frictionless constant mix, starts at nav
  readonly weights: readonly (readonly number[])[]; // [asset][bar], at the close, before any trade of that bar
  readonly prices: readonly (readonly number[])[]; // [asset][bar]
  readonly gasGwei: readonly number[]; // base fee at that bar; NaN is written as null in JSON
  readonly breachProbability: readonly (number | null)[];
}
export interface BacktestTrade {
  readonly decidedAt: number;
  readonly executedAt: number;
  readonly reason: string; // a REASONS entry of the agent
  readonly numbers: Readonly<Record<string, number>>;
  readonly decisionHash: string;
  readonly weightsBefore: readonly number[];
  readonly weightsAfter: readonly number[];
  readonly soldDollars: number; // half of what changed hands
  readonly costs: {
    readonly fee: number;
    readonly spread: number;
    readonly impact: number;
    readonly mev: number;
    readonly gas: number;
    readonly attestationGas: number;
  };
  readonly shortfall: number; // implementation shortfall against prices at decision, costs included, dollars
  readonly gasGwei: number;
}
