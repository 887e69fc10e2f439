import { auditDecision, features, type Link } from "@ballast/agent";
import {
  type Check,
  DECISION_SCHEMA_UID,
  type Evidence,
  type Expectations,
  toOffchainAttestation,
  verifyEvidence,
  ZERO_ADDRESS,
} from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import { type Hex, unixMillis } from "@ballast/data";
import { Contract, type JsonRpcProvider } from "ethers";
import { connect, fetchVaultDomain } from "./chain.ts";
import type { Terminal } from "./terminal.ts";
import { type MaterialOptions, toMaterial } from "./verifyMaterial.ts";
import { fetchModelUid, fetchSubject, NoEvidenceError, readSubject } from "./verifySubject.ts";

export interface VerifyOptions extends MaterialOptions {
  readonly rpc?: string;
  readonly journal?: string;
  readonly attester?: string[];
  readonly vault?: string;
  readonly json?: boolean;
}

export async function runVerify(subject: string, options: VerifyOptions, terminal: Terminal): Promise<void> {
  const known = readSubject(subject, options.journal);
  const provider =
    options.rpc === undefined ? undefined : await connect(options.rpc, known?.decision.chainId);
  try {
    const evidence =
      known ?? (provider && (await fetchSubject(provider, subject, options.vault?.toLowerCase() as Hex)));
    if (evidence === undefined) throw new NoEvidenceError(subject, options.journal ?? "any journal here");
    const expectations = await toExpectations(evidence, options, provider);
    const { offchain, onchain } = await verifyEvidence(evidence, expectations, provider);
    const material = await toMaterial(evidence, expectations.vault, options, provider, terminal);
    const links = auditDecision(material, features);
    const checks = [...offchain, ...onchain];
    const isValid = checks.every(({ passed }) => passed) && links.every(({ status }) => status !== "fail");
    const isCheckedOnChain = provider !== undefined;
    const conclusion = toConclusion(evidence, checks, links, options);
    if (options.json) {
      terminal.result(JSON.stringify({ isValid, isCheckedOnChain, offchain, onchain, links, conclusion }));
    } else {
      print(terminal.result, "Off-chain attestation", offchain);
      if (isCheckedOnChain) print(terminal.result, "The chain", onchain);
      terminal.result("\nFrom the market to the trades");
      for (const { name, status, detail } of links)
        terminal.result(`  ${status === "fail" ? "FAIL" : status}  ${name}: ${detail}`);
      terminal.result(`\n${conclusion}`);
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
  links: readonly Link[],
  { rpc, attester, vault }: Pick<VerifyOptions, "rpc" | "attester" | "vault">,
): string {
  const failed = checks.find(({ passed }) => !passed) ?? links.find(({ status }) => status === "fail");
  if (failed !== undefined) return `Not valid: ${failed.name}: ${failed.detail}`;
  const signer =
    evidence.offchain === undefined ? undefined : toOffchainAttestation(evidence.offchain).signer;
  const open = links.filter(({ status }) => status === "not checked").map(({ name }) => name);
  const left = open.length === 0 ? "" : ` Not checked: ${open.join(", ")}.`;
  if (rpc === undefined) {
    const isNamed = attester === undefined ? "" : ", a key you named";
    const unsure = attester === undefined ? "Whether the vault lets that key sign, and whether" : "Whether";
    const more =
      evidence.uid === undefined
        ? "give --rpc to ask one."
        : "it says that it is attested on chain as well: give --rpc to check that too.";
    const by =
      signer === undefined ? "is attested on chain alone" : `is whole and signed by ${signer}${isNamed}`;
    return `The evidence ${by}. ${unsure} it was executed or revoked, only a node can tell; ${more}${left}`;
  }
  const isYours =
    vault === undefined
      ? " The vault is the one the evidence names: give --vault with yours to be sure."
      : "";
  const by = signer === undefined ? "attested on chain" : `signed by ${signer}`;
  return `Every check passed: ${by}, for vault ${evidence.decision.vault}.${isYours}${left}`;
}

function print(write: (line: string) => void, title: string, checks: readonly Check[]): void {
  write(`\n${title}`);
  for (const { name, passed, detail } of checks) write(`  ${passed ? "pass" : "FAIL"}  ${name}: ${detail}`);
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
  const { decision, offchain } = evidence;
  const vault = (options.vault ?? decision.vault) as Hex;
  const attestation = offchain === undefined ? undefined : toOffchainAttestation(offchain);
  const asOf = unixMillis(Number(decision.decidedAt) * 1000);
  const named = options.attester as readonly Hex[] | undefined;
  if (provider === undefined) {
    return {
      chainId: attestation?.domain.chainId ?? decision.chainId,
      easAddress: attestation?.domain.verifyingContract ?? ZERO_ADDRESS,
      schemaUid: DECISION_SCHEMA_UID,
      vault,
      attesters: named,
      asOf,
    };
  }
  const easDomain = await fetchVaultDomain(provider, vault);
  const modelUid = await fetchModelUid(provider, vault, decision.modelId);
  const common = { ...easDomain, vault, modelUid, asOf };
  if (attestation === undefined) return { ...common, attesters: named };
  const isAllowed: boolean = await new Contract(vault, vaultAbi, provider)
    .getFunction("isAttester")
    .staticCall(attestation.signer);
  return { ...common, attesters: named ?? (isAllowed ? [attestation.signer] : []) };
}
