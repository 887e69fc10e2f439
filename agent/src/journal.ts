import type { DecisionWithTrades } from "@ballast/attest";
import type { Hex, UnixMillis } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import type { Execution, Reason, Reasons } from "./types.ts";

/** How far a decision has come. Each is written before the step after it begins. */
export type Stage =
  | "decided" // forecast, decision and reasons are fixed
  | "signed" // the off-chain attestation exists
  | "attested" // the on-chain attestation exists; uid known
  | "submitted" // the transaction was handed to the node; its hash known
  | "executed"
  | "rejected" // the vault or the node refused; `rejection` says why
  | "abandoned"; // expired before it could be executed

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
  readonly forecast: Forecast | undefined;
  /** The signed off-chain attestation as JSON text (the EAS SDK's own format). */
  readonly offchainAttestation: string | undefined;
  readonly offchainUid: Hex | undefined;
  readonly uid: Hex | undefined;
  readonly txHash: Hex | undefined;
  readonly execution: Execution | undefined;
  readonly rejection: { readonly code: string; readonly message: string } | undefined;
}
