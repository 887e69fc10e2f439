import type { Journal, JournalEntry } from "@ballast/agent";
import { type Check, type EasDomain, type Evidence, verifyEvidence } from "@ballast/attest";
import { type Hex, type Progress, unixMillis } from "@ballast/data";
import type { JsonRpcApiProvider } from "ethers";

const PAGE = 500;

export interface RunVerification {
  /** Signed off chain, and those put on chain besides. */
  readonly attestations: number;
  /** Of these, the ones that passed every check. */
  readonly verified: number;
  /** First failed check of each one that did not. */
  readonly failures: readonly string[];
}

/** What the journal knows of a decision, as evidence for a stranger; undefined before it is signed. */
export const evidenceOf = (entry: JournalEntry): Evidence | undefined =>
  entry.offchainAttestation === undefined
    ? undefined
    : {
        decision: entry.decision,
        trades: entry.trades,
        offchain: entry.offchainAttestation,
        uid: entry.uid,
        txHash: entry.execution?.txHash,
      };

/** Reads every attestation of a run back, from the journal and from the chain, and checks it as a stranger would. */
export async function verifyRun(request: {
  readonly run: string;
  readonly journal: Journal;
  readonly provider: JsonRpcApiProvider;
  readonly vault: Hex;
  readonly domain: EasDomain;
  readonly attester: Hex;
  readonly onProgress: (progress: Progress) => void;
}): Promise<RunVerification> {
  const { run, journal, provider, domain } = request;
  const total = journal.runs().find((summary) => summary.run === run);
  const count = (total?.holds ?? 0) + (total?.rebalances ?? 0);
  const failures: string[] = [];
  let attestations = 0;
  let verified = 0;
  let done = 0;
  const judge = (kind: string, hash: Hex, checks: readonly Check[]) => {
    attestations += 1;
    const failed = checks.find(({ passed }) => !passed);
    if (failed === undefined) verified += 1;
    else failures.push(`${kind} attestation of ${hash}: ${failed.name}: ${failed.detail}`);
  };
  let cursor: string | undefined;
  do {
    const page = journal.list({ run, order: "oldest", limit: PAGE, cursor });
    for (const entry of page.items) {
      const evidence = evidenceOf(entry);
      if (evidence !== undefined) {
        const { offchain, onchain } = await verifyEvidence(
          evidence,
          { ...domain, vault: request.vault, attesters: [request.attester], asOf: unixMillis(entry.at) },
          evidence.uid === undefined ? undefined : provider,
        );
        judge("off-chain", entry.hash, offchain);
        if (evidence.uid !== undefined) judge("on-chain", entry.hash, onchain);
      }
      request.onProgress({ done: ++done, total: count, label: "verifying attestations" });
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return { attestations, verified, failures };
}
