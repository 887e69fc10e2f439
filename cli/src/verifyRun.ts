import {
  type AuditMaterial,
  auditDecision,
  evidenceOf,
  features,
  type Journal,
  type JournalEntry,
} from "@ballast/agent";
import {
  ACTION,
  type Check,
  type EasDomain,
  OUTCOME_SCHEMA,
  readRecordAttestation,
  verifyEvidence,
} from "@ballast/attest";
import { type Hex, type Progress, type Snapshot, type UnixMillis, unixMillis } from "@ballast/data";
import type { JsonRpcApiProvider } from "ethers";
import { keepSnapshot } from "./snapshots.ts";

const PAGE = 500;

export interface RunVerification {
  /** Signed off chain: decisions, and what came of those that were executed. */
  readonly attestations: number;
  /** Of these, the ones that passed every check. */
  readonly verified: number;
  /** Executed decisions that were decided again from the market, with the same hash. */
  readonly decidedAgain: number;
  /** First failed check of each one that did not. */
  readonly failures: readonly string[];
}

export interface RunToVerify {
  readonly run: string;
  readonly journal: Journal;
  readonly provider: JsonRpcApiProvider;
  readonly vault: Hex;
  readonly domain: EasDomain;
  readonly attester: Hex;
  /** Of the attestation of the run's model; absent where it has none. */
  readonly modelUid?: Hex | undefined;
  /** What a stranger would have got hold of; without it nothing is decided again. */
  readonly audit?:
    | (Pick<AuditMaterial, "network" | "forecaster"> & { readonly snapshotAt: (at: UnixMillis) => Snapshot })
    | undefined;
  /** Folder to leave the markets of executed decisions in, by root. */
  readonly snapshots?: string | undefined;
  readonly onProgress: (progress: Progress) => void;
}

/**
 * Reads every attestation of a run back, from the journal and from the chain, and checks it as a stranger would;
 * every executed decision is followed from the market to the trades.
 */
export async function verifyRun(request: RunToVerify): Promise<RunVerification> {
  const { run, journal, domain } = request;
  const total = journal.runs().find((summary) => summary.run === run);
  const count = (total?.holds ?? 0) + (total?.rebalances ?? 0);
  const failures: string[] = [];
  let attestations = 0;
  let verified = 0;
  let decidedAgain = 0;
  let done = 0;
  const judge = (kind: string, hash: Hex, failure: string | undefined): boolean => {
    if (failure !== undefined) failures.push(`${kind} of ${hash}: ${failure}`);
    return failure === undefined;
  };
  let cursor: string | undefined;
  do {
    const page = journal.list({ run, order: "oldest", limit: PAGE, cursor });
    for (const entry of page.items) {
      const evidence = evidenceOf(journal, entry);
      if (evidence !== undefined) {
        attestations += 1;
        const { offchain, onchain } = await verifyEvidence(
          evidence,
          {
            ...domain,
            vault: request.vault,
            attesters: [request.attester],
            modelUid: request.modelUid,
            asOf: unixMillis(entry.at),
          },
          entry.execution === undefined ? undefined : request.provider,
        );
        if (judge("attestation", entry.hash, firstFailure([...offchain, ...onchain]))) verified += 1;
        const outcome = entry.execution?.outcomeAttestation;
        if (outcome !== undefined) {
          attestations += 1;
          const read = readRecordAttestation(outcome, OUTCOME_SCHEMA, domain);
          const problem = "problem" in read ? read.problem : undefined;
          if (judge("outcome attestation", entry.hash, problem)) verified += 1;
        }
        if (entry.execution !== undefined && entry.decision.action === ACTION.rebalance) {
          const failure = auditEntry(request, entry, evidence);
          if (failure !== "unchecked" && judge("audit", entry.hash, failure)) decidedAgain += 1;
        }
      }
      request.onProgress({ done: ++done, total: count, label: "verifying attestations" });
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return { attestations, verified, decidedAgain, failures };
}

const firstFailure = (checks: readonly Check[]): string | undefined => {
  const failed = checks.find(({ passed }) => !passed);
  return failed && `${failed.name}: ${failed.detail}`;
};

/** The first link that does not hold; undefined where the policy, decided again, gives the same decision. */
function auditEntry(
  { audit, snapshots }: RunToVerify,
  entry: JournalEntry,
  evidence: AuditMaterial["evidence"],
): string | undefined | "unchecked" {
  if (audit === undefined) return "unchecked";
  const snapshot = audit.snapshotAt(entry.at);
  if (snapshots !== undefined) keepSnapshot(snapshots, snapshot);
  const { network, forecaster } = audit;
  const tolerance = { feature: 0, priceBps: 0 };
  const links = auditDecision({ evidence, snapshot, network, forecaster, tolerance }, features);
  const broken =
    links.find(({ status }) => status === "fail") ??
    links.find(({ name, status }) => name === "policy" && status !== "pass");
  return broken && `${broken.name}: ${broken.detail}`;
}
