import type { DecisionWithTrades } from "@ballast/attest";
import type { Hex, Snapshot, UnixMillis, Wad } from "@ballast/data";
import type { Forecast } from "@ballast/model";

/** One token the vault holds. */
export interface Holding {
  readonly token: Hex;
  /** Ticker as in `Market.assets`; the base asset's is its own, e.g. `USDC`, and has no bars. */
  readonly asset: string;
  readonly decimals: number;
  /** In the token's smallest unit. */
  readonly balance: bigint;
  /** Oracle price of one whole token in the base asset; exactly 1e18 for the base asset. */
  readonly price: Wad;
  /** Target share of the vault's value; all together exactly 1e18. */
  readonly targetWeight: Wad;
  /** Half-width of the band: the weight shall stay within target ± band. */
  readonly band: Wad;
  /** Fee tier of the pool against the base asset; 0 for the base asset. */
  readonly poolFee: number;
}

/** The breach network that the agent runs, as the vault has it registered. */
export interface VaultModel {
  readonly id: Hex;
  /** Of its attestation: what every decision made with it refers to. */
  readonly attestationUid: Hex;
  readonly isActive: boolean;
  /** Largest share of the vault's value that a rebalance with it may sell: less than the vault's own on probation. */
  readonly maxTurnover: Wad;
}

/** What the agent read from the vault before it decided. The base asset is the first holding. */
export interface VaultState {
  readonly chainId: bigint;
  readonly vault: Hex;
  /** Last executed sequence. */
  readonly sequence: bigint;
  readonly paused: boolean;
  /** False while paused, while the sequencer is down, or while a pool's average price disagrees with its feed. */
  readonly isTradingAllowed: boolean;
  readonly lastRebalanceAt: UnixMillis;
  readonly cooldownSeconds: number;
  /** Largest share of the vault's value that one rebalance may sell. */
  readonly maxTurnover: Wad;
  /** Largest shortfall of a trade against the oracle price, fee included. */
  readonly maxSlippage: Wad;
  /** What is left of the decaying budgets: shares of the vault's value that may be sold and lost. */
  readonly turnoverLeft: Wad;
  readonly lossLeft: Wad;
  /** How far a rebalance may take a weight across its target, or further from it. */
  readonly crossTolerance: Wad;
  /** Least breach score that justifies a trade while every weight is in its band; 10 fraction bits. */
  readonly minScore: number;
  /** Which output of the breach network is scored: 0 for 1 h, 1 for 4 h, 2 for 24 h, 3 for 168 h. */
  readonly scoreHorizon: number;
  /** How many notaries must have signed the market that such a trade is decided from. */
  readonly notaryThreshold: number;
  /** Absent where the agent runs no breach network. */
  readonly model: VaultModel | undefined;
  /** Where trades are made: a venue the vault allows. */
  readonly venue: Hex;
  readonly holdings: readonly Holding[];
  /** Gas price now, wei, and ether's price in the base asset: what acting costs. */
  readonly gasPrice: bigint;
  readonly etherPrice: Wad;
}

export interface PolicyInput {
  readonly snapshot: Snapshot;
  readonly state: VaultState;
  /** Absent where no usable forecast exists: a policy must then say so and still act on breaches. */
  readonly forecast: Forecast | undefined;
  /** Calibrated probability, per holding, that its weight leaves its band within so many hours; absent with the forecast. */
  readonly breachWithin: (hours: number) => readonly number[] | undefined;
}

/** Numbers behind a choice, for the journal and the reader; keys are names with units. */
export type Reasons = Readonly<Record<string, number>>;

export type Intent =
  | { readonly kind: "hold"; readonly reason: Reason; readonly numbers: Reasons }
  | {
      readonly kind: "rebalance";
      readonly reason: Reason;
      /** Weights to trade to, in the order of the holdings, summing to 1e18. */
      readonly toWeights: readonly Wad[];
      readonly numbers: Reasons;
    };

/** The index of a reason is its code in the signed decision: append only. */
export const REASONS = [
  "inside-band",
  "breach",
  "breach-forecast",
  "cheaper-later",
  "no-forecast",
  "stale-data",
  "paused",
  "cooldown",
  "too-small",
  "no-pool",
  "trading-halted",
  "no-network",
  "model-inactive",
  "score-too-low",
  "too-few-notaries",
  "trigger-crossed",
  "inside-trigger",
  "trigger-widened",
  "no-history",
  "calendar-due",
  "not-due",
  "no-trade-edge",
  "floor-near",
  "cushion-grown",
  "inside-tolerance",
  "away-from-target",
  "worth-its-cost",
  "gas-is-cheap",
  "gas-above-cap",
] as const;
export type Reason = (typeof REASONS)[number];

export interface Policy {
  /** One of POLICIES where it is to be decided again by strangers. */
  readonly name: string;
  /** keccak256 of the name and the canonical parameters. */
  readonly id: Hex;
  /** What it was made with, by name: together with the name, all that its choices depend on. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Horizon of the breach probability that goes into the decision, hours. */
  readonly horizonHours: number;
  choose(input: PolicyInput): Intent;
  /**
   * The policy that decides next, made from the numbers of a decision of this one: what has to be remembered is a
   * parameter of it, so that each decision can still be made again from its own inputs. Absent: itself.
   */
  next?(numbers: Reasons): Policy;
}

/** The breach network that the vault runs itself, run here. */
export interface VaultScorer {
  /** keccak256 of the network's bytes. */
  readonly modelId: Hex;
  /**
   * Per holding, the score the vault will compute at the same weights; 10 fraction bits, higher is likelier. Undefined
   * for a weight outside its band, which has none.
   */
  scores(snapshot: Snapshot, state: VaultState): readonly (number | undefined)[];
}

/** What justifies a trade while every weight is still in its band. */
export interface Foresight {
  readonly scorer: VaultScorer;
  /** Whether enough notaries stand behind the snapshot. */
  readonly isNotarised: boolean;
}

/** Bands, and how often weights are looked at: all that their drift depends on beside weights and forecast. */
export interface Watch {
  /** Hours between two bar closes. */
  readonly monitorHours: number;
  /** In the order of the holdings; weights 0..1. */
  readonly holdings: readonly { readonly asset: string; readonly target: number; readonly band: number }[];
}

/** What `decide` returns: the decision to sign, its trades, and why. */
export interface Decided extends DecisionWithTrades {
  readonly hash: Hex;
  readonly reason: Reason;
  readonly numbers: Reasons;
  /** Highest calibrated breach probability of any holding within the policy's horizon, 0..1. */
  readonly breachProbability: number;
  /** Weights before, in the order of the holdings, 0..1. */
  readonly weights: readonly number[];
  /** Whether a weight was outside its band when the decision was made. */
  readonly isBreached: boolean;
  /** Absent in journals of programs that did not keep it. */
  readonly watch?: Watch | undefined;
}

/** What became of an executed decision. */
export interface Execution {
  readonly txHash: Hex;
  readonly blockNumber: number;
  readonly gasUsed: bigint;
  /** Wei. */
  readonly gasPrice: bigint;
  /** Received for each trade, smallest unit of its tokenOut. */
  readonly amountsOut: readonly bigint[];
  /** Unix seconds of its block. */
  readonly minedAt: bigint;
  /** The vault's value before and after in the base asset, at the vault's own prices, WAD. */
  readonly navBefore: Wad;
  readonly navAfter: Wad;
  /** The signed off-chain attestation of what it came to, as JSON text; absent where nobody signs one. */
  readonly outcomeAttestation?: string | undefined;
}
