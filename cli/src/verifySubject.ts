import { readFileSync, statSync } from "node:fs";
import { decodeRebalance, evidenceOf, openJournal } from "@ballast/agent";
import {
  decisionFromBytes,
  type EasDomain,
  type Evidence,
  fetchAttestation,
  logsSince,
  NodeError,
  readEvidence,
  rebuildOffchain,
  ZERO_BYTES32,
} from "@ballast/attest";
import { vaultAbi } from "@ballast/contracts";
import { BallastError, type Hex } from "@ballast/data";
import { Contract, Interface, type JsonRpcProvider } from "ethers";
import { fetchVaultDomain } from "./chain.ts";
import { newestRun } from "./folders.ts";

export class NoEvidenceError extends BallastError {
  readonly code = "NO_EVIDENCE";
  constructor(subject: string, where: string) {
    super(
      `${subject} is neither a file nor a decision, attestation or transaction in ${where}. Give the evidence file, ` +
        "--journal with the right journal, or --rpc and --vault to look on the chain.",
    );
  }
}

const vaultInterface = new Interface(vaultAbi);
const isHash = (text: string): text is Hex => /^0x[0-9a-fA-F]{64}$/.test(text);

/** Evidence from a file, or from a journal by UID or decision hash; undefined where neither has it. */
export function readSubject(subject: string, journalPath: string | undefined): Evidence | undefined {
  if (statSync(subject, { throwIfNoEntry: false })?.isFile())
    return readEvidence(readFileSync(subject, "utf8"));
  const path = journalPath ?? newestRun(".ballast/demo")?.journal;
  if (path === undefined || !isHash(subject)) return undefined;
  const journal = openJournal(path, { readOnly: true });
  try {
    const entry = journal.getByUid(subject) ?? journal.get(subject);
    return entry && evidenceOf(journal, entry);
  } finally {
    journal.close();
  }
}

/**
 * What the chain alone knows of a decision: by the transaction that executed it, or by the UID of its attestation or
 * its hash where the vault is named. Undefined where the chain does not know it.
 * Errors: NotARebalanceCallError for another transaction, NoVaultError, NodeError.
 */
export async function fetchSubject(
  provider: JsonRpcProvider,
  subject: string,
  vault: Hex | undefined,
): Promise<Evidence | undefined> {
  if (!isHash(subject)) return undefined;
  const sent = await fetchTransaction(provider, subject);
  if (sent !== undefined) return fromCalldata(provider, sent.data, subject, sent.to);
  if (vault === undefined) return undefined;
  const domain = await fetchVaultDomain(provider, vault);
  const topic = vaultInterface.getEvent("Rebalanced")!.topicHash as Hex;
  for (const topics of [
    [topic, null, subject],
    [topic, null, null, subject],
  ]) {
    for await (const { transactionHash } of logsSince(provider, vault, topics, 0n)) {
      const found = await fetchTransaction(provider, transactionHash);
      if (found !== undefined) return fromCalldata(provider, found.data, transactionHash, found.to);
    }
  }
  return fromAttestation(provider, subject, domain);
}

async function fetchTransaction(provider: JsonRpcProvider, hash: Hex) {
  const found: { readonly input: string; readonly to: Hex | null } | null = await provider
    .send("eth_getTransactionByHash", [hash])
    .catch((error: unknown) => {
      throw new NodeError("reading a transaction", error);
    });
  return found === null ? undefined : { data: found.input, to: found.to };
}

async function fromCalldata(
  provider: JsonRpcProvider,
  data: string,
  txHash: Hex,
  to: Hex | null,
): Promise<Evidence> {
  const { decision, trades, uid, signature, market } = decodeRebalance(data);
  const common = { decision, trades, market, txHash: txHash.toLowerCase() as Hex };
  if (uid !== undefined) return { ...common, uid };
  const vault = (to ?? decision.vault).toLowerCase() as Hex;
  const domain = await fetchVaultDomain(provider, vault);
  const modelUid = await fetchModelUid(provider, vault, decision.modelId);
  return { ...common, offchain: rebuildOffchain(domain, decision, modelUid, signature) };
}

/** A decision that is attested on chain and was not executed: what it says, without its trades. */
async function fromAttestation(
  provider: JsonRpcProvider,
  uid: Hex,
  { easAddress }: EasDomain,
): Promise<Evidence | undefined> {
  const found = await fetchAttestation(provider, easAddress, uid).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === "ATTESTATION_NOT_FOUND") return undefined;
    throw error;
  });
  return found && { decision: decisionFromBytes(found.data), trades: [], uid: found.uid };
}

/** What a decision made with the model must refer to: as the vault has it registered. */
export async function fetchModelUid(provider: JsonRpcProvider, vault: Hex, modelId: Hex): Promise<Hex> {
  if (modelId === ZERO_BYTES32) return ZERO_BYTES32;
  return (await new Contract(vault, vaultAbi, provider).getFunction("model").staticCall(modelId))
    .attestationUid;
}

/** Bytes of a registered network, which are the code of the contract that holds it; undefined where there is none. */
export async function fetchNetwork(
  provider: JsonRpcProvider,
  vault: Hex,
  modelId: Hex,
): Promise<Uint8Array | undefined> {
  const { holder } = await new Contract(vault, vaultAbi, provider).getFunction("model").staticCall(modelId);
  const code = await provider.getCode(holder);
  return code === "0x" ? undefined : Buffer.from(code.slice(2), "hex");
}
