import { ACTION, type Decision } from "@ballast/attest";
import { BallastError, type Hex, type Snapshot, type UnixMillis } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import { DECIDE_DEFAULTS, type DecideOptions, decide } from "./decide.ts";
import type { Journal, JournalEntry, StageFacts } from "./journal.ts";
import type { Decided, Execution, Policy, VaultState } from "./types.ts";
import type { Venue } from "./venue.ts";

export interface LoopPorts {
  /** Name of this run in the journal. */
  readonly run: string;
  /** Closes of bars, oldest first. Ends the loop when it ends. */
  readonly ticks: AsyncIterable<UnixMillis>;
  /** The caller's clock; a replay's is the bar close itself. */
  readonly now: () => UnixMillis;
  readonly observe: (at: UnixMillis) => Promise<Snapshot>;
  /** Undefined where there is no usable model; a failure to forecast is not a failure to decide. */
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
  | { readonly kind: "resumed"; readonly entry: JournalEntry; readonly as: "executed" | "abandoned" }
  /** An earlier transaction may still be mined; nothing new is decided until it is or its decision expires. */
  | { readonly kind: "waiting"; readonly at: UnixMillis; readonly entry: JournalEntry };

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
      const pending = ports.isDryRun ? undefined : await settleUnfinished(ports);
      ports.onStep(
        pending === undefined ? await takeStep(ports, at) : { kind: "waiting", at, entry: pending },
      );
    } catch (error) {
      ports.onStep({ kind: "missed", at, error: asBallastError(error) });
    }
  }
}

async function takeStep(ports: LoopPorts, at: UnixMillis): Promise<Step> {
  const { run, journal, policy } = ports;
  const snapshot = await ports.observe(at);
  const state = await ports.venue.readState();
  const forecast = ports.forecast(snapshot);
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
  try {
    const { uid, execution, attestGas } = await carryOut(ports, decided, known);
    return { kind: "executed", at, state, decided, uid, execution, attestGas };
  } catch (error) {
    const refusal = asBallastError(error);
    // An unreachable node refuses nothing: the decision stays as far as it came and is settled later.
    if (refusal.code !== "VAULT_REJECTION") throw refusal;
    journal.advance(run, decided.hash, "rejected", {
      rejection: { code: refusal.code, message: refusal.message },
    });
    return { kind: "rejected", at, state, decided, error: refusal };
  }
}

async function carryOut(
  ports: LoopPorts,
  decided: Pick<Decided, "decision" | "trades" | "hash">,
  known?: JournalEntry,
) {
  const { run, journal, venue } = ports;
  const { uid, gasUsed: attestGas } = await venue.attest(decided);
  if (known?.uid === undefined) journal.advance(run, decided.hash, "attested", { uid });
  const execution = await venue.execute(decided, uid, (txHash) =>
    journal.advance(run, decided.hash, "submitted", { txHash }),
  );
  journal.advance(run, decided.hash, "executed", { execution });
  return { uid, execution, attestGas };
}

/**
 * Settles what an earlier process, or an unreachable node, left half done: executed after all, or abandoned.
 * Abandoning is safe because the next decision takes the same sequence: the vault executes one of the two at
 * most. A transaction that may still be mined is waited for until its decision expires.
 */
async function settleUnfinished({
  run,
  journal,
  venue,
  now,
  onStep,
}: LoopPorts): Promise<JournalEntry | undefined> {
  for (const entry of journal.unfinished(run)) {
    const execution = await venue.findExecution(entry);
    if (execution !== undefined) {
      if (entry.uid === undefined)
        journal.advance(run, entry.hash, "attested", { uid: (await venue.attest(entry)).uid });
      if (entry.txHash === undefined)
        journal.advance(run, entry.hash, "submitted", { txHash: execution.txHash });
      journal.advance(run, entry.hash, "executed", { execution });
      onStep({ kind: "resumed", entry, as: "executed" });
    } else if (entry.stage === "submitted" && BigInt(Math.floor(now() / 1000)) <= entry.decision.expiresAt) {
      return entry;
    } else {
      journal.advance(run, entry.hash, "abandoned", {});
      onStep({ kind: "resumed", entry, as: "abandoned" });
    }
  }
  return undefined;
}

const isFinal = ({ stage }: JournalEntry): boolean =>
  stage === "executed" || stage === "rejected" || stage === "abandoned";

function asBallastError(error: unknown): BallastError {
  if (error instanceof BallastError) return error;
  throw error;
}
