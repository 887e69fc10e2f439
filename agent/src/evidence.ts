import type { Evidence } from "@ballast/attest";
import { ZERO_BYTES32 } from "@ballast/attest";
import type { Journal, JournalEntry } from "./journal.ts";

/** Name of a run's meta entry that holds the off-chain attestations of its model and dataset. */
export const REFERENCES = "references";

/** What the journal knows of a decision, as evidence for a stranger; undefined before it is signed. */
export function evidenceOf(journal: Pick<Journal, "meta">, entry: JournalEntry): Evidence | undefined {
  if (entry.offchainAttestation === undefined) return undefined;
  const known = entry.decision.modelId === ZERO_BYTES32 ? undefined : journal.meta(entry.run)[REFERENCES];
  return {
    decision: entry.decision,
    trades: entry.trades,
    offchain: entry.offchainAttestation,
    market: entry.market,
    references: Array.isArray(known) ? known.map((reference) => JSON.stringify(reference)) : undefined,
    inputs: entry.inputs,
    uid: entry.uid,
    txHash: entry.execution?.txHash,
  };
}
