import { ACTION, type Decision } from "@ballast/attest";
import { BallastError, type Hex, type Snapshot, type UnixMillis } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import { DECIDE_DEFAULTS, type DecideOptions, decide } from "./decide.ts";
import type { Journal, JournalEntry, StageFacts } from "./journal.ts";
import type { Decided, Execution, Policy, VaultState } from "./types.ts";
import type { Executable, Venue } from "./venue.ts";

export interface LoopPorts {
  /** Name of this run in the journal. */
  readonly run: string;
  /** Closes of bars, oldest first. Ends the loop when it ends. */
  readonly ticks: AsyncIterable<UnixMillis>;
  /** The caller's clock; a replay's is the bar close itself. */
  readonly now: () => UnixMillis;
  readonly observe: (at: UnixMillis) => Promise<Snapshot>;
  /** Undefined where there is no usable model. Where it fails, the policy decides without it. */
  readonly forecast: (snapshot: Snapshot) => Forecast | undefined;
  readonly policy: Policy;
  readonly decideOptions?: DecideOptions;
  readonly journal: Journal;
  readonly sign: (decision: Decision) => Promise<StageFacts["signed"]>;
  readonly venue: Venue;
  /** A dry run journals signed decisions and sends nothing. */
  readonly isDryRun: boolean;
  readonly onStep: (step: Step) => void;
}

/** What happened at one bar close. */
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
      readonly uid: Hex;
      readonly execution: Execution;
      /** Of the attestation's own transaction. */
      readonly attestGas: bigint;
    }
  | {
      readonly kind: "rejected";
      readonly at: UnixMillis;
      readonly state: VaultState;
      readonly decided: Decided;
      readonly error: BallastError;
    }
  /** Nothing could be decided: no data, no node. The next bar close is tried as usual. */
  | { readonly kind: "missed"; readonly at: UnixMillis; readonly error: BallastError }
  /** Followed by the step that was decided without it. */
  | { readonly kind: "unforecast"; readonly at: UnixMillis; readonly error: BallastError }
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
  for await (const at of ports.ticks) {
    try {
      if (!ports.isDryRun) await settleUnfinished(ports);
      ports.onStep(await takeStep(ports, at));
    } catch (error) {
      ports.onStep({ kind: "missed", at, error: asBallastError(error) });
    }
  }
}

async function takeStep(ports: LoopPorts, at: UnixMillis): Promise<Step> {
  const { run, journal, policy } = ports;
  const snapshot = await ports.observe(at);
  const state = await ports.venue.readState();
  const forecast = forecastOrReport(ports, snapshot);
  const options = ports.decideOptions ?? DECIDE_DEFAULTS;
  const decided = decide(snapshot, state, forecast, policy, ports.now(), options);

  // A restart within the same bar meets its own decision again; the journal's is the one that counts.
  const known = journal.get(decided.hash, run);
  if (known === undefined) {
    const attestation = await ports.sign(decided.decision);
    journal.recordSigned(run, decided, { policy: policy.name, forecast }, attestation);
  } else if (isFinal(known)) {
    return { kind: "held", at, state, decided };
  }
  if (decided.decision.action === ACTION.hold) return { kind: "held", at, state, decided };
  if (ports.isDryRun) return { kind: "would-execute", at, state, decided };
  const outcome = await carryOut(ports, decided);
  return "refusal" in outcome
    ? { kind: "rejected", at, state, decided, error: outcome.refusal }
    : { kind: "executed", at, state, decided, ...outcome };
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

type CarriedOut =
  | { readonly uid: Hex; readonly execution: Execution; readonly attestGas: bigint }
  | { readonly refusal: BallastError };

/**
 * Attests and executes a signed decision, from wherever an earlier attempt left it. An unreachable node refuses
 * nothing: its error is thrown, the decision stays as far as it came and is settled later.
 */
async function carryOut({ run, journal, venue }: LoopPorts, decided: Executable): Promise<CarriedOut> {
  const { hash } = decided;
  try {
    const known = journal.get(hash, run)?.uid;
    // One that was revoked since is not made anew: revoking is how its signer stops it.
    const { uid, gasUsed: attestGas } =
      known === undefined ? await venue.attest(decided) : { uid: known, gasUsed: 0n };
    journal.advance(run, hash, "attested", { uid });
    const execution = await venue.execute(decided, uid, (txHash) =>
      journal.advance(run, hash, "submitted", { txHash }),
    );
    journal.advance(run, hash, "executed", { execution });
    return { uid, execution, attestGas };
  } catch (error) {
    const refusal = asBallastError(error);
    if (refusal.code !== "VAULT_REJECTION") throw refusal;
    const { code, message } = refusal;
    journal.advance(run, hash, "rejected", { rejection: { code, message } });
    return { refusal };
  }
}

/**
 * Settles what an earlier process, or an unreachable node, left half done. While a decision is alive it is
 * carried on with: attesting and executing find what is there already, and the vault takes one decision of a
 * sequence at most. After that it was executed, or never will be.
 */
async function settleUnfinished(ports: LoopPorts): Promise<void> {
  const { run, journal, venue, now, onStep } = ports;
  for (const entry of journal.unfinished(run)) {
    const { hash, decision } = entry;
    const isAlive = BigInt(Math.floor(now() / 1000)) <= decision.expiresAt;
    if (isAlive && entry.stage !== "decided") {
      onStep({
        kind: "resumed",
        entry,
        as: "refusal" in (await carryOut(ports, entry)) ? "rejected" : "executed",
      });
      continue;
    }
    const execution = await venue.findExecution(entry);
    if (execution === undefined) {
      journal.advance(run, hash, "abandoned", {});
    } else {
      if (entry.uid === undefined)
        journal.advance(run, hash, "attested", { uid: (await venue.attest(entry)).uid });
      if (entry.txHash === undefined) journal.advance(run, hash, "submitted", { txHash: execution.txHash });
      journal.advance(run, hash, "executed", { execution });
    }
    onStep({ kind: "resumed", entry, as: execution === undefined ? "abandoned" : "executed" });
  }
}

const isFinal = ({ stage }: JournalEntry): boolean =>
  stage === "executed" || stage === "rejected" || stage === "abandoned";

function asBallastError(error: unknown): BallastError {
  if (error instanceof BallastError) return error;
  throw error;
}
