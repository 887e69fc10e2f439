import { readFileSync, statSync } from "node:fs";
import { type JournalEntry, openJournal } from "@ballast/agent";
import {
  type Check,
  DECISION_SCHEMA_UID,
  type Evidence,
  type Expectations,
  readEvidence,
  toOffchainAttestation,
  verifyEvidence,
} from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import { BallastError, type Hex, unixMillis } from "@ballast/data";
import { Contract, type JsonRpcProvider } from "ethers";
import { connect, fetchVaultDomain } from "./chain.ts";
import { newestRun } from "./folders.ts";
import type { Terminal } from "./terminal.ts";
import { evidenceOf } from "./verifyRun.ts";

export interface VerifyOptions {
  readonly rpc?: string;
  readonly journal?: string;
  readonly attester?: string[];
  readonly vault?: string;
  readonly json?: boolean;
}

export class NoEvidenceError extends BallastError {
  readonly code = "NO_EVIDENCE";
  constructor(subject: string, where: string) {
    super(
      `${subject} is neither a file nor a decision or attestation in ${where}. Give the evidence file, or --journal with the right journal.`,
    );
  }
}

export async function runVerify(subject: string, options: VerifyOptions, terminal: Terminal): Promise<void> {
  const evidence = readSubject(subject, options.journal);
  const provider =
    options.rpc === undefined ? undefined : await connect(options.rpc, evidence.decision.chainId);
  try {
    const expectations = await toExpectations(evidence, options, provider);
    const { offchain, onchain } = await verifyEvidence(evidence, expectations, provider);
    const checks = [...offchain, ...onchain];
    const isValid = checks.every(({ passed }) => passed);
    const isCheckedOnChain = provider !== undefined;
    if (options.json) {
      terminal.result(JSON.stringify({ isValid, isCheckedOnChain, offchain, onchain }));
    } else {
      print(terminal.result, "Off-chain attestation", offchain);
      if (isCheckedOnChain) print(terminal.result, "On-chain attestation and execution", onchain);
      terminal.result(`\n${toConclusion(evidence, checks, options)}`);
    }
    if (!isValid) process.exitCode = 1;
  } finally {
    provider?.destroy();
  }
}

/** What the checks add up to and what they leave open: an evidence file alone can name any key and any vault. */
export function toConclusion(
  evidence: Evidence,
  checks: readonly Check[],
  { rpc, attester, vault }: Pick<VerifyOptions, "rpc" | "attester" | "vault">,
): string {
  const failed = checks.find(({ passed }) => !passed);
  if (failed !== undefined) return `Not valid: ${failed.name}: ${failed.detail}`;
  const { signer } = toOffchainAttestation(evidence.offchain);
  if (rpc === undefined) {
    const isNamed = attester === undefined ? "" : ", a key you named";
    const open = attester === undefined ? "Whether the vault lets that key sign, and whether" : "Whether";
    const more =
      evidence.uid === undefined
        ? "give --rpc to ask one."
        : "it says that it is attested on chain as well: give --rpc to check that too.";
    return (
      `The evidence is whole and signed by ${signer}${isNamed}. ${open} it was executed or revoked, ` +
      `only a node can tell; ${more}`
    );
  }
  const isYours =
    vault === undefined
      ? " The vault is the one the evidence names: give --vault with yours to be sure."
      : "";
  return `Every check passed: signed by ${signer}, for vault ${evidence.decision.vault}.${isYours}`;
}

function print(write: (line: string) => void, title: string, checks: readonly Check[]): void {
  write(`\n${title}`);
  for (const { name, passed, detail } of checks) write(`  ${passed ? "pass" : "FAIL"}  ${name}: ${detail}`);
}

function readSubject(subject: string, journalPath: string | undefined): Evidence {
  if (statSync(subject, { throwIfNoEntry: false })?.isFile())
    return readEvidence(readFileSync(subject, "utf8"));
  const path = journalPath ?? newestRun(".ballast/demo")?.journal;
  const entry = path === undefined ? undefined : lookUp(subject, path);
  const evidence = entry && evidenceOf(entry);
  if (evidence === undefined) throw new NoEvidenceError(subject, path ?? "any journal here");
  return evidence;
}

function lookUp(subject: string, path: string): JournalEntry | undefined {
  const journal = openJournal(path, { readOnly: true });
  try {
    return journal.getByUid(subject as Hex) ?? journal.get(subject as Hex);
  } finally {
    journal.close();
  }
}

/**
 * With a node, who may sign and under which EAS is what the vault itself says. Without one, the attestation's own
 * domain is taken and nothing is known of who may sign: the checks then show that it is whole and whose it is.
 */
async function toExpectations(
  evidence: Evidence,
  options: VerifyOptions,
  provider: JsonRpcProvider | undefined,
): Promise<Expectations> {
  const vault = (options.vault ?? evidence.decision.vault) as Hex;
  const { domain, signer } = toOffchainAttestation(evidence.offchain);
  const asOf = unixMillis(Number(evidence.decision.decidedAt) * 1000);
  const named = options.attester as readonly Hex[] | undefined;
  if (provider === undefined) {
    return {
      chainId: domain.chainId,
      easAddress: domain.verifyingContract,
      schemaUid: DECISION_SCHEMA_UID,
      vault,
      attesters: named,
      asOf,
    };
  }
  const easDomain = await fetchVaultDomain(provider, vault);
  const isAllowed: boolean = await new Contract(vault, vaultAbi, provider)
    .getFunction("isAttesterAllowed")
    .staticCall(signer);
  return { ...easDomain, vault, attesters: named ?? (isAllowed ? [signer] : []), asOf };
}
