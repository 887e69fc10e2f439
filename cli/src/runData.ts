import type { CostBps, Outcome } from "@ballast/agent";

/** One replayed hour, at bar close and before that hour's trades. */
export interface HourRecord {
  /** Unix ms. */
  readonly at: number;
  /** Share of each holding, 0..1, in the order of `holdings`. */
  readonly weights: readonly number[];
  /** Value of the vault in the base asset. */
  readonly nav: number;
  /** Value of one unit of the frictionless constant mix started at the same time. */
  readonly mix: number;
  /** Calibrated probability that some weight leaves its band within the policy's horizon; absent without a forecast. */
  readonly breachProbability: number | undefined;
  readonly baseFeeGwei: number;
}

/** One decision that was sent to the vault. */
export interface TradeRecord {
  readonly at: number;
  readonly reason: string;
  readonly wasOutsideBand: boolean;
  readonly numbers: Readonly<Record<string, number>>;
  /** `sell 1.25 ETH for 2,150 USDC`, one a trade. */
  readonly trades: readonly string[];
  readonly decisionHash: string;
  readonly uid: string | undefined;
  readonly txHash: string | undefined;
  readonly gasUsed: number | undefined;
  /** Why the vault refused it, in plain English; absent where it was executed. */
  readonly rejection: string | undefined;
}

export interface RunRecord {
  readonly policy: string;
  /** Breach probability, 0..1, at which the policy acts, and the hours it looks ahead; absent where it uses none. */
  readonly trigger?: { readonly probability: number; readonly horizonHours: number } | undefined;
  readonly outcome: Outcome;
  readonly hours: readonly HourRecord[];
  readonly trades: readonly TradeRecord[];
  readonly attestations: number;
  readonly verified: number;
  /** keccak256 over the decisions' hashes in order: equal for equal seed and data. */
  readonly decisionsDigest: string;
}

export interface ModelRecord {
  readonly modelId: string;
  readonly backend: string;
  /** Walk-forward QLIKE as a ratio to per-asset log-HAR, by horizon in hours: `{ "1": 0.91, … }`. */
  readonly qlikeVsLogHar: Readonly<Record<string, number>>;
  /** Brier skill of the calibrated breach probability over climatology; absent where it could not be scored. */
  readonly brierSkill: number | undefined;
  readonly trainedFrom: number;
  readonly trainedUntil: number;
}

/** Everything the demo's report shows; also written beside it as JSON. */
export interface DemoRecord {
  readonly market: {
    readonly name: string;
    readonly hash: string;
    readonly assets: readonly string[];
    readonly from: number;
    readonly to: number;
    readonly notes: readonly string[];
  };
  readonly model: ModelRecord;
  readonly holdings: readonly { readonly asset: string; readonly target: number; readonly band: number }[];
  readonly vault: {
    readonly chainId: number;
    readonly address: string;
    readonly eas: string;
    readonly navStart: number;
  };
  readonly seed: number;
  readonly hours: number;
  /** The policy in question first, the plain threshold rule second. */
  readonly runs: readonly RunRecord[];
  readonly seconds: number;
}

export type { CostBps, Outcome };
