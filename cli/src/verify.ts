import { existsSync, readFileSync } from "node:fs";
import { type JournalEntry, openJournal } from "@ballast/agent";
import {
  type Check,
  type Evidence,
  type Expectations,
  fetchEasDomain,
  readEvidence,
  toOffchainAttestation,
  verifyEvidence,
} from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import { BallastError, type Hex, unixMillis } from "@ballast/data";
import { Contract, JsonRpcProvider } from "ethers";
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
    options.rpc === undefined ? undefined : new JsonRpcProvider(options.rpc, undefined, { cacheTimeout: -1 });
  try {
    const expectations = await toExpectations(evidence, options, provider);
    const { offchain, onchain } = await verifyEvidence(evidence, expectations, provider);
    const isValid = [...offchain, ...onchain].every(({ passed }) => passed);
    if (options.json) {
      terminal.result(JSON.stringify({ isValid, offchain, onchain }));
    } else {
      print(terminal.result, "Off-chain attestation", offchain);
      if (onchain.length > 0) print(terminal.result, "On-chain attestation and execution", onchain);
      else if (evidence.uid !== undefined)
        terminal.result("\nIt is attested on chain as well: give --rpc to check that too.");
      terminal.result(isValid ? "\nEvery check passed." : "\nNot valid: see the first failed check above.");
    }
    if (!isValid) process.exitCode = 1;
  } finally {
    provider?.destroy();
  }
}

function print(write: (line: string) => void, title: string, checks: readonly Check[]): void {
  write(`\n${title}`);
  for (const { name, passed, detail } of checks) write(`  ${passed ? "pass" : "FAIL"}  ${name}: ${detail}`);
}

function readSubject(subject: string, journalPath: string | undefined): Evidence {
  if (existsSync(subject)) return readEvidence(readFileSync(subject, "utf8"));
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
 * domain is taken, and what the checks then show is that it is whole and by whom it was signed.
 */
async function toExpectations(
  evidence: Evidence,
  options: VerifyOptions,
  provider: JsonRpcProvider | undefined,
): Promise<Expectations> {
  const vault = (options.vault ?? evidence.decision.vault) as Hex;
  const { domain, message, signer } = toOffchainAttestation(evidence.offchain);
  const asOf = unixMillis(Number(evidence.decision.decidedAt) * 1000);
  const named = options.attester as readonly Hex[] | undefined;
  if (provider === undefined) {
    return {
      chainId: domain.chainId,
      easAddress: domain.verifyingContract,
      schemaUid: message.schema,
      vault,
      attesters: named ?? [signer],
      asOf,
    };
  }
  const contract = new Contract(vault, vaultAbi, provider);
  const [eas, schemaUid, isAllowed] = await Promise.all([
    contract.getFunction("eas").staticCall(),
    contract.getFunction("decisionSchema").staticCall(),
    contract.getFunction("isAttesterAllowed").staticCall(signer),
  ]);
  const easDomain = await fetchEasDomain(provider, eas, schemaUid);
  return { ...easDomain, vault, attesters: named ?? (isAllowed ? [signer] : []), asOf };
}
