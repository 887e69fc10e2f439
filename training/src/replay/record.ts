/** One policy's run over one market. All money in dollars (base asset), shares 0..1, times ms UTC. */
export interface BacktestRecord {
  readonly format: "ballast-backtest/1";
  /** Label of the policy, unique in a comparison. */
  readonly name: string;
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
  /** The base asset first. */
  readonly assets: readonly string[];
  readonly targets: readonly number[];
  /** Half-widths. */
  readonly bands: readonly number[];
  /** Dollars at the start. */
  readonly nav: number;
  /** One entry per bar close. */
  readonly bars: BacktestColumns;
  readonly trades: readonly BacktestTrade[];
  /** keccak256 over the decisions' hashes in order. */
  readonly decisionsDigest: string;
  /** Which model forecast from when on; empty where none did. */
  readonly models: readonly { readonly from: number; readonly modelId: string }[];
  /** Halts, assets missing for part of the time, what was decided without a forecast, and the like. */
  readonly notes: readonly string[];
}

/** Arrays of equal length. */
export interface BacktestColumns {
  readonly at: readonly number[];
  /** After the costs of the trades up to this bar. */
  readonly value: readonly number[];
  /** The frictionless constant mix, which starts at `nav`. */
  readonly mix: readonly number[];
  /** [asset][bar], at the close, before any trade of that bar. */
  readonly weights: readonly (readonly number[])[];
  /** [asset][bar] */
  readonly prices: readonly (readonly number[])[];
  /** Base fee at that bar; NaN is written as null in JSON. */
  readonly gasGwei: readonly number[];
  /** Null where there was no forecast. */
  readonly breachProbability: readonly (number | null)[];
}

export interface BacktestTrade {
  readonly decidedAt: number;
  readonly executedAt: number;
  /** An entry of the agent's REASONS. */
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly decisionHash: string;
  /** At the prices of the execution. */
  readonly weightsBefore: readonly number[];
  readonly weightsAfter: readonly number[];
  /** Half of what changed hands. */
  readonly soldDollars: number;
  readonly costs: {
    readonly fee: number;
    readonly spread: number;
    readonly impact: number;
    readonly mev: number;
    readonly gas: number;
    readonly attestationGas: number;
  };
  /** Implementation shortfall against the prices at the decision, costs included, dollars. */
  readonly shortfall: number;
  readonly gasGwei: number;
}
