import {
  ACTION,
  type Decision,
  type MarketEvidence,
  type OutcomeRecord,
  ZERO_BYTES32,
} from "@ballast/attest";
import { type BallastError, type Hex, type Snapshot, type UnixMillis, unixMillis } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import { asBallastError, carryOut, settleUnfinished } from "./carry-out.ts";
import { DECIDE_DEFAULTS, type DecideOptions, decide } from "./decide.ts";
import { toInputs } from "./inputs.ts";
import type { Journal, JournalEntry, StageFacts } from "./journal.ts";
import type { Decided, Execution, Policy, VaultScorer, VaultState } from "./types.ts";
import type { Venue } from "./venue.ts";

/** What stands behind a trade ahead of a breach: the vault's own network, and notaries of the market. */
export interface MarketWitness {
  readonly scorer: VaultScorer;
  /** The features of one holding's asset in the tree of all; the first holding is the base asset. */
  prove(snapshot: Snapshot, state: VaultState, holding: number): Omit<MarketEvidence, "notarySignatures">;
  /** As many signatures as the vault wants, packed for it; or one line for each notary that did not sign. */
  notarise(
    snapshot: Snapshot,
    featuresRoot: Hex,
    threshold: number,
  ): Promise<{ readonly signatures: Hex } | { readonly refusals: readonly string[] }>;
}

export interface LoopPorts {
  /** Name of this run in the journal. */
  readonly run: string;
  /**
   * Closes of bars, oldest first. One that comes again is a second look at the vault and the price of gas, with the same
   * snapshot and forecast. Ends the loop when it ends.
   */
  readonly ticks: AsyncIterable<UnixMillis>;
  /** The caller's clock; a replay's is the bar close itself. */
  readonly now: () => UnixMillis;
  readonly observe: (at: UnixMillis) => Promise<Snapshot>;
  /** Undefined where there is no usable model. Where it fails, the policy decides without it. */
  readonly forecast: (snapshot: Snapshot) => Forecast | undefined;
  /** Absent where only the reactive rule trades. */
  readonly witness?: MarketWitness | undefined;
  /** The first; later ones are what it makes of its own decisions, where it remembers anything. */
  readonly policy: Policy;
  readonly decideOptions?: DecideOptions;
  readonly journal: Journal;
  /** @param modelUid Of the attestation of the decision's model, zero where it has none. */
  readonly sign: (decision: Decision, modelUid: Hex) => Promise<StageFacts["signed"]>;
  /** Signs what a decision came to, referring to the attestation it was executed by. Absent: nobody does. */
  readonly signOutcome?: ((outcome: OutcomeRecord, decisionUid: Hex) => Promise<string>) | undefined;
  readonly venue: Venue;
  /** A dry run journals signed decisions and sends nothing. */
  readonly isDryRun: boolean;
  readonly onStep: (step: Step) => void;
}

/** What happened at one bar close, or at a look between two. */
export type Step =
  | { readonly kind: "held"; readonly at: UnixMillis; readonly state: VaultState; readonly decided: Decided }
  | {
      readonly kind: "would-execute";
      readonly at: UnixMillis;
      readonly state: VaultState;
      readonly decided: Decided;
    }
  | {
      readonly kind: "executed";
      readonly at: UnixMillis;
      readonly state: VaultState;
      readonly decided: Decided;
      /** Of the attestation it was executed by, on chain or off. */
      readonly uid: Hex;
      readonly execution: Execution;
      /** Of the attestation's own transaction, where it has one. */
      readonly attestGas: bigint;
    }
  | {
      readonly kind: "rejected";
      readonly at: UnixMillis;
      readonly state: VaultState;
      readonly decided: Decided;
      readonly error: BallastError;
    }
  /** Looked again since the bar close and would still hold: neither signed nor journalled. */
  | {
      readonly kind: "still-holds";
      readonly at: UnixMillis;
      readonly state: VaultState;
      readonly decided: Decided;
    }
  /** Nothing could be decided: no data, no node. The next bar close is tried as usual. */
  | { readonly kind: "missed"; readonly at: UnixMillis; readonly error: BallastError }
  /** Followed by the step that was decided without it. */
  | { readonly kind: "unforecast"; readonly at: UnixMillis; readonly error: BallastError }
  /** Too few notaries stand behind the market; followed by the step that was decided so. */
  | { readonly kind: "unnotarised"; readonly at: UnixMillis; readonly refusals: readonly string[] }
  /** What an earlier step left unfinished; `entry` is the journal's before it was settled. */
  | {
      readonly kind: "resumed";
      readonly entry: JournalEntry;
      readonly as: "executed" | "rejected" | "abandoned";
    };

/**
 * Observe, forecast, decide, sign, attest, execute, record: one bar close after the other. Demo, dry run and
 * live differ in their ports alone. Each stage is journalled before the next begins, and what an earlier
 * process left unfinished is settled first, so that a killed loop never does anything twice.
 *
 * Failures of the outside world are steps, not exceptions; whatever is no BallastError is a defect and throws.
 */
export async function runLoop(ports: LoopPorts): Promise<void> {
  let policy: Policy | undefined;
  let bar: Bar | undefined;
  for await (const at of ports.ticks) {
    try {
      if (!ports.isDryRun) await settleUnfinished(ports);
      policy ??= resume(ports, at);
      if (bar?.at !== at) bar = { at, known: undefined, isDecided: false };
      // The vault executes one decision of a bar at most: what became of it, the next bar finds.
      else if (hasActed(ports, at)) continue;
      bar.known ??= await learn(ports, at);
      const step = await takeStep({ ...ports, policy }, bar.known, bar.isDecided);
      bar.isDecided = true;
      // What is not journalled a restarted agent could not remember.
      if (step.kind !== "still-holds") policy = policy.next?.(step.decided.numbers) ?? policy;
      ports.onStep(step);
    } catch (error) {
      ports.onStep({ kind: "missed", at, error: asBallastError(error) });
    }
  }
}

/** Decisions back to which a policy finds in the journal what it has to remember. */
const MEMORY = 500;

/** The policy as it had become before the bar close `at`, if earlier processes decided under it. */
function resume({ policy, journal, run }: LoopPorts, at: UnixMillis): Policy {
  if (policy.next === undefined) return policy;
  return journal
    .list({ run, order: "newest", limit: MEMORY })
    .items.filter((entry) => entry.at < at)
    .reduceRight<Policy>((known, { numbers }) => known.next?.(numbers) ?? known, policy);
}

interface Known {
  readonly snapshot: Snapshot;
  readonly forecast: Forecast | undefined;
}

/** The bar that was looked at last. */
interface Bar {
  readonly at: UnixMillis;
  known: Known | undefined;
  /** Whether its own decision is in the journal. */
  isDecided: boolean;
}

const hasActed = ({ journal, run }: LoopPorts, at: UnixMillis): boolean =>
  journal.list({ run, from: at, to: unixMillis(at + 1), action: "rebalance", limit: 1 }).items.length > 0;

async function learn(ports: LoopPorts, at: UnixMillis): Promise<Known> {
  const snapshot = await ports.observe(at);
  return { snapshot, forecast: forecastOrReport(ports, snapshot) };
}

/** @param isAgain After the bar's own decision: a hold then is no news, and is not signed. */
async function takeStep(
  ports: LoopPorts,
  { snapshot, forecast }: Known,
  isAgain: boolean,
): Promise<Step & { readonly decided: Decided }> {
  const { run, journal, policy } = ports;
  const { at } = snapshot;
  const state = await ports.venue.readState();
  const { decided, market, inputs } = await decideWithWitness(ports, snapshot, state, forecast);
  const { decision, hash } = decided;
  if (isAgain && decision.action === ACTION.hold) return { kind: "still-holds", at, state, decided };

  // A restart within the same bar meets its own decision again; the journal's is the one that counts.
  const known = journal.get(hash, run);
  if (known === undefined) {
    const modelUid = decision.modelId === ZERO_BYTES32 ? ZERO_BYTES32 : state.model!.attestationUid;
    const attestation = await ports.sign(decision, modelUid);
    journal.recordSigned(run, decided, { policy: policy.name, forecast, market, inputs }, attestation);
  } else if (isFinal(known)) {
    return { kind: "held", at, state, decided };
  }
  if (decision.action === ACTION.hold) return { kind: "held", at, state, decided };
  if (ports.isDryRun) return { kind: "would-execute", at, state, decided };
  const outcome = await carryOut(ports, hash);
  return "refusal" in outcome
    ? { kind: "rejected", at, state, decided, error: outcome.refusal }
    : { kind: "executed", at, state, decided, ...outcome };
}

interface Witnessed {
  readonly decided: Decided;
  readonly market: MarketEvidence | undefined;
  readonly inputs: string;
}

/**
 * Decides as if the notaries will sign, and asks them only where it comes to a trade ahead of a breach; where too few
 * do, decides again without them, which holds and says so.
 */
async function decideWithWitness(
  ports: LoopPorts,
  snapshot: Snapshot,
  state: VaultState,
  forecast: Forecast | undefined,
): Promise<Witnessed> {
  const { witness, policy, decideOptions: options = DECIDE_DEFAULTS } = ports;
  const now = ports.now();
  const decideIf = (isNotarised: boolean, market?: MarketEvidence): Witnessed => {
    const foresight = witness && { scorer: witness.scorer, isNotarised };
    return {
      decided: decide(snapshot, state, forecast, policy, now, foresight, options),
      market,
      inputs: toInputs({ state, policy, options, now, hasScorer: witness !== undefined, isNotarised }),
    };
  };
  const hopeful = decideIf(true);
  const { action, modelId, holding } = hopeful.decided.decision;
  if (witness === undefined || action === ACTION.hold || modelId === ZERO_BYTES32) return hopeful;
  const proof = witness.prove(snapshot, state, holding);
  const answer =
    state.notaryThreshold === 0
      ? { signatures: "0x" as const }
      : await witness.notarise(snapshot, proof.featuresRoot, state.notaryThreshold);
  if ("signatures" in answer)
    return { ...hopeful, market: { ...proof, notarySignatures: answer.signatures } };
  ports.onStep({ kind: "unnotarised", at: snapshot.at, refusals: answer.refusals });
  return decideIf(false);
}

/** A model that fails must not keep the vault from what it does without one. */
function forecastOrReport({ forecast, onStep }: LoopPorts, snapshot: Snapshot): Forecast | undefined {
  try {
    return forecast(snapshot);
  } catch (error) {
    onStep({ kind: "unforecast", at: snapshot.at, error: asBallastError(error) });
    return undefined;
  }
}

const isFinal = ({ stage }: JournalEntry): boolean =>
  stage === "executed" || stage === "rejected" || stage === "abandoned";
