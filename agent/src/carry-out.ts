import { BallastError, type Hex } from "@ballast/data";
import type { JournalEntry } from "./journal.ts";
import type { LoopPorts } from "./loop.ts";
import type { Execution } from "./types.ts";

type CarriedOut =
  | { readonly uid: Hex; readonly execution: Execution; readonly attestGas: bigint }
  | { readonly refusal: BallastError };

/**
 * Attests, where that is wanted, and executes a signed decision, from wherever an earlier attempt left it. An
 * unreachable node refuses nothing: its error is thrown, the decision stays as far as it came and is settled later.
 */
export async function carryOut(ports: LoopPorts, hash: Hex): Promise<CarriedOut> {
  const { run, journal, venue } = ports;
  try {
    const entry = journal.get(hash, run)!;
    // One that was revoked since is not made anew: revoking is how its signer stops it.
    const attested = entry.uid === undefined ? await venue.attest(entry) : { uid: entry.uid, gasUsed: 0n };
    if (attested !== undefined) journal.advance(run, hash, "attested", { uid: attested.uid });
    const uid = attested?.uid ?? entry.offchainUid!;
    const executed = await venue.execute(entry, attested?.uid, (txHash) =>
      journal.advance(run, hash, "submitted", { txHash }),
    );
    const execution = await withOutcome(ports, entry, uid, executed);
    journal.advance(run, hash, "executed", { execution });
    return { uid, execution, attestGas: attested?.gasUsed ?? 0n };
  } catch (error) {
    const refusal = asBallastError(error);
    if (refusal.code !== "VAULT_REJECTION") throw refusal;
    const { code, message } = refusal;
    journal.advance(run, hash, "rejected", { rejection: { code, message } });
    return { refusal };
  }
}

const PPM = 1_000_000n;

/** The execution with the signed record of what it came to. */
async function withOutcome(
  { signOutcome }: LoopPorts,
  { hash, isBreached }: JournalEntry,
  uid: Hex,
  execution: Execution,
): Promise<Execution> {
  if (signOutcome === undefined) return execution;
  const { txHash, minedAt: observedAt, navBefore, navAfter, gasUsed } = execution;
  const lossPpm = navBefore === 0n ? 0n : ((navBefore - navAfter) * PPM) / navBefore;
  const record = { decisionHash: hash, txHash, observedAt, wasBreached: isBreached, lossPpm, gasUsed };
  return { ...execution, outcomeAttestation: await signOutcome(record, uid) };
}

/**
 * Settles what an earlier process, or an unreachable node, left half done. While a decision is alive it is
 * carried on with: attesting and executing find what is there already, and the vault takes one decision of a
 * sequence at most. After that it was executed, or never will be.
 */
export async function settleUnfinished(ports: LoopPorts): Promise<void> {
  const { run, journal, venue, now, onStep } = ports;
  for (const entry of journal.unfinished(run)) {
    const { hash, decision } = entry;
    const isAlive = BigInt(Math.floor(now() / 1000)) <= decision.expiresAt;
    if (isAlive && entry.stage !== "decided") {
      onStep({
        kind: "resumed",
        entry,
        as: "refusal" in (await carryOut(ports, hash)) ? "rejected" : "executed",
      });
      continue;
    }
    const found = await venue.findExecution(entry);
    if (found === undefined) {
      journal.advance(run, hash, "abandoned", {});
    } else {
      const attested = entry.uid === undefined ? await venue.attest(entry) : undefined;
      if (attested !== undefined) journal.advance(run, hash, "attested", { uid: attested.uid });
      if (entry.txHash === undefined) journal.advance(run, hash, "submitted", { txHash: found.txHash });
      const uid = attested?.uid ?? entry.uid ?? entry.offchainUid!;
      journal.advance(run, hash, "executed", { execution: await withOutcome(ports, entry, uid, found) });
    }
    onStep({ kind: "resumed", entry, as: found === undefined ? "abandoned" : "executed" });
    // The vault refuses it by now, and refusing costs gas. After the journal: what cannot be cancelled holds up nothing.
    if (found === undefined && entry.txHash !== undefined) await venue.cancel?.(entry.txHash);
  }
}

export function asBallastError(error: unknown): BallastError {
  if (error instanceof BallastError) return error;
  throw error;
}
