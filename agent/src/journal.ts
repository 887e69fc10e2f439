import type { ACTION, DecisionWithTrades, MarketEvidence } from "@ballast/attest";
import { BallastError, type Hex, type UnixMillis } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import type { Decided, Execution, Reason, Reasons, Watch } from "./types.ts";

/** How far a decision has come. Each is written before the step after it begins. */
export type Stage =
  | "decided" // forecast, decision and reasons are fixed
  | "signed" // the off-chain attestation exists
  | "attested" // the on-chain attestation exists; uid known
  | "submitted" // the transaction was handed to the node; its hash known
  | "executed"
  | "rejected" // the vault or the node refused; `rejection` says why
  | "abandoned"; // expired before it could be executed

/** What is learnt on reaching a stage. */
export interface StageFacts {
  readonly signed: { readonly offchainAttestation: string; readonly offchainUid: Hex };
  readonly attested: { readonly uid: Hex };
  readonly submitted: { readonly txHash: Hex };
  readonly executed: { readonly execution: Execution };
  readonly rejected: { readonly rejection: { readonly code: string; readonly message: string } };
  readonly abandoned: Readonly<Record<never, never>>;
}

/**
 * The stages that may follow each one. The vault may be given the off-chain attestation; then none is made on chain. A
 * submitted transaction may be replaced by another. A hold ends
 * signed (attested, where somebody wants it on chain): it has nothing to submit.
 */
export const NEXT_STAGES: Readonly<Record<Stage, readonly Stage[]>> = {
  decided: ["signed", "abandoned"],
  signed: ["attested", "submitted", "rejected", "abandoned"],
  attested: ["submitted", "rejected", "abandoned"],
  submitted: ["submitted", "executed", "rejected", "abandoned"],
  executed: [],
  rejected: [],
  abandoned: [],
};
export const STAGES = Object.keys(NEXT_STAGES) as readonly Stage[];

/** One row: a decision with everything known of it. */
export interface JournalEntry extends DecisionWithTrades {
  readonly hash: Hex;
  /** `predictive` and `threshold` runs of a demo share a journal. */
  readonly run: string;
  readonly at: UnixMillis;
  readonly stage: Stage;
  readonly policy: string;
  readonly reason: Reason;
  readonly numbers: Reasons;
  readonly weights: readonly number[];
  readonly breachProbability: number;
  readonly isBreached: boolean;
  readonly watch?: Watch | undefined;
  readonly forecast: Forecast | undefined;
  /** What the vault is given of the market; absent where it needs nothing of it. */
  readonly market?: MarketEvidence | undefined;
  /** What was decided on: see `toInputs`. Absent in journals of programs that did not keep it. */
  readonly inputs?: string | undefined;
  /** The signed off-chain attestation as JSON text (the EAS SDK's own format). */
  readonly offchainAttestation: string | undefined;
  readonly offchainUid: Hex | undefined;
  readonly uid: Hex | undefined;
  readonly txHash: Hex | undefined;
  readonly execution: Execution | undefined;
  readonly rejection: { readonly code: string; readonly message: string } | undefined;
}

export interface Context {
  readonly policy: string;
  readonly forecast: Forecast | undefined;
  readonly market?: MarketEvidence | undefined;
  readonly inputs?: string | undefined;
}

/** from ≤ at < to; newest first unless said otherwise. */
export interface PageQuery {
  readonly from?: UnixMillis | undefined;
  readonly to?: UnixMillis | undefined;
  readonly order?: "newest" | "oldest" | undefined;
  /** At least 1. */
  readonly limit: number;
  /** `nextCursor` of the page before. Pages do not shift when decisions are added meanwhile. */
  readonly cursor?: string | undefined;
}

export interface DecisionQuery extends PageQuery {
  readonly run?: string | undefined;
  readonly action?: keyof typeof ACTION | undefined;
  readonly stage?: Stage | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface RunSummary {
  readonly run: string;
  readonly meta: Readonly<Record<string, Json>>;
  readonly holds: number;
  readonly rebalances: number;
  readonly stages: Readonly<Record<Stage, number>>;
  /** First and last decision; undefined where there is none. */
  readonly from: UnixMillis | undefined;
  readonly to: UnixMillis | undefined;
}

/** One thing that was written: a new forecast, or a decision that reached a stage. */
export interface Change {
  /** 1, 2, …: its place in this journal, for good. */
  readonly sequence: number;
  /** Hex digits that depend on what was written alone: the same place in another journal has others. */
  readonly digest: string;
  readonly forecast?: Forecast;
  /** The decision as it was at this stage, without what was learnt later. */
  readonly entry?: JournalEntry;
  /** Whether the decision was new. */
  readonly isNew: boolean;
}

export interface Journal {
  /** Stage `decided`. Repeating it with the same content changes nothing. Errors: `JOURNAL_CONFLICT`. */
  record(run: string, decided: Decided, context: Context): void;
  /** `record` and `advance` to `signed` in one commit: enough for a hold, which nothing irreversible follows. */
  recordSigned(run: string, decided: Decided, context: Context, facts: StageFacts["signed"]): void;
  /**
   * Writes that a decision reached a stage; on return it is on the disk. Repeating it with the same facts
   * changes nothing. Errors: `JOURNAL_TRANSITION`, `JOURNAL_CONFLICT`, `JOURNAL_UNKNOWN_DECISION`.
   */
  advance<S extends keyof StageFacts>(run: string, hash: Hex, stage: S, facts: StageFacts[S]): void;
  /** Rebalances that are neither executed, rejected nor abandoned, in the order they were recorded. */
  unfinished(run: string): readonly JournalEntry[];
  /** The one recorded last. */
  last(run: string): JournalEntry | undefined;
  /** Errors: `JOURNAL_CURSOR`. */
  list(query: DecisionQuery): Page<JournalEntry>;
  /** Where several runs made the same decision and none is named, the one recorded last. */
  get(hash: Hex, run?: string): JournalEntry | undefined;
  /** By the uid of its off-chain or of its on-chain attestation. */
  getByUid(uid: Hex): JournalEntry | undefined;
  /** Each distinct forecast once. Errors: `JOURNAL_CURSOR`. */
  forecasts(query: PageQuery): Page<Forecast>;
  latestForecast(): Forecast | undefined;
  /** What a run is made of and came to: market, its hash, modelId, backend, seed, summary. */
  setMeta(run: string, key: string, value: Json): void;
  meta(run: string): Readonly<Record<string, Json>>;
  /** In the order of their first record. */
  runs(): readonly RunSummary[];
  /**
   * What was written after a place, in order; from 0, all. A journal that an older program wrote and no newer one has
   * opened for writing since has none.
   * @param limit at least 1
   */
  changes(after: number, limit: number): readonly Change[];
  /** The newest change: of all, of forecasts, of decisions, or of new decisions alone. */
  lastChange(of: "all" | "forecasts" | "decisions" | "new decisions"): Change | undefined;
  /** Another text whenever anything was written, by whatever process. Takes microseconds. */
  version(): string;
  close(): void;
}

export class JournalTransitionError extends BallastError {
  readonly code = "JOURNAL_TRANSITION";
  readonly hash: Hex;
  readonly from: Stage;
  readonly to: Stage;
  constructor(hash: Hex, from: Stage, to: Stage) {
    const allowed = NEXT_STAGES[from].join(", ") || "nothing";
    super(`decision ${hash} is ${from} and cannot become ${to}; after ${from} may come ${allowed}`);
    this.hash = hash;
    this.from = from;
    this.to = to;
  }
}

export class JournalConflictError extends BallastError {
  readonly code = "JOURNAL_CONFLICT";
  readonly hash: Hex;
  readonly stage: Stage;
  constructor(hash: Hex, stage: Stage) {
    super(
      `decision ${hash} is already journalled as ${stage} with other content; read what the journal ` +
        "has and go on from there instead of doing the step again",
    );
    this.hash = hash;
    this.stage = stage;
  }
}

export class JournalUnknownDecisionError extends BallastError {
  readonly code = "JOURNAL_UNKNOWN_DECISION";
  readonly hash: Hex;
  readonly run: string;
  constructor(hash: Hex, run: string) {
    super(`run ${run} has no decision ${hash}; record it before its later stages`);
    this.hash = hash;
    this.run = run;
  }
}

export class JournalCursorError extends BallastError {
  readonly code = "JOURNAL_CURSOR";
  readonly cursor: string;
  constructor(cursor: string) {
    super(
      `cursor ${JSON.stringify(cursor.slice(0, 80))} is not one of this journal's; leave it out to start again`,
    );
    this.cursor = cursor;
  }
}
