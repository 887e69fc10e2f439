import { type Hex, type UnixMillis, unixMillis } from "@ballast/data";
import type { JsonRpcApiProvider } from "ethers";
import {
  attempt,
  type Check,
  checkAttester,
  checkDecision,
  checkTerms,
  checkWindow,
  type Expectations,
  toCheck,
  toEqualityCheck,
  toFirstFailure,
} from "./checks.ts";
import type { Decision, Trade } from "./decision.ts";
import { decisionHash } from "./encoding.ts";
import type { Evidence } from "./evidence.ts";
import { read } from "./node.ts";
import { offchainUid, recoverSigner, toOffchainAttestation } from "./offchain.ts";
import { verifyExecution } from "./verify-execution.ts";
import { checkChain, checkOffchainRevocation, checkReferences, verifyOnchain } from "./verify-onchain.ts";

/**
 * Checks an off-chain attestation (`{signer, sig}` as text or parsed) of a decision. Needs no network, and so
 * says nothing of revocation. Never throws: what cannot be read is a failed check, and ends the list.
 */
export function verifyOffchain(
  json: unknown,
  decision: Decision,
  trades: readonly Trade[] | undefined,
  expectations: Expectations,
): Check[] {
  const parsed = attempt(() => toOffchainAttestation(json));
  if ("problem" in parsed) return [toCheck("format", false, "", parsed.problem)];
  const format = toCheck("format", true, "an off-chain EAS attestation of version 2", "");
  const hash = attempt(() => decisionHash(decision));
  if ("problem" in hash) return [format, toCheck("decision-hash", false, "", hash.problem)];
  const { domain, message, signer, uid } = parsed.value;
  const recovered = recoverSigner(parsed.value);
  return [
    format,
    toEqualityCheck("decision-hash", "the hash of the decision", hash.value, message.salt),
    ...checkDecision(decision, trades, message.data),
    toFirstFailure([
      toEqualityCheck("chain", "the signature's chain", domain.chainId, expectations.chainId),
      toEqualityCheck("chain", "the decision's chain", decision.chainId, expectations.chainId),
    ]),
    toFirstFailure([
      toEqualityCheck("eas", "the EAS contract", domain.verifyingContract, expectations.easAddress),
      toEqualityCheck("eas", "the EAS version", domain.version, expectations.easVersion ?? domain.version),
      toEqualityCheck("eas", "the signature's domain", domain.name, "EAS Attestation"),
    ]),
    ...checkTerms(decision, message, expectations).map((check) =>
      check.name === "terms"
        ? toFirstFailure([
            check,
            toEqualityCheck("terms", "the signed time", message.time, decision.decidedAt),
          ])
        : check,
    ),
    toEqualityCheck("uid", "the UID", uid, offchainUid(parsed.value)),
    toCheck(
      "signature",
      recovered === signer,
      `signed by ${signer}`,
      recovered === undefined
        ? "no key can have made this signature"
        : `signed by ${recovered}, not by ${signer}`,
    ),
    ...checkAttester(recovered ?? signer, expectations.attesters),
    checkWindow(decision, BigInt(Math.floor(expectations.asOf / 1000))),
  ];
}

/** When a transaction was mined; undefined where it was not. Throws NodeError. */
async function fetchMinedAt(provider: JsonRpcApiProvider, txHash: Hex): Promise<UnixMillis | undefined> {
  const receipt = await read<{ blockNumber: Hex } | null>(provider, "eth_getTransactionReceipt", [txHash]);
  if (receipt === null) return undefined;
  const block = await read<{ timestamp: Hex }>(provider, "eth_getBlockByNumber", [
    receipt.blockNumber,
    false,
  ]);
  return unixMillis(Number(block.timestamp) * 1000);
}

/**
 * Both lists for a piece of evidence: what it shows by itself, and what the chain says; the second is empty
 * without a provider. Where it was executed, the window is judged at the block of the execution. Throws
 * NodeError only.
 */
export async function verifyEvidence(
  evidence: Evidence,
  expectations: Expectations,
  provider?: JsonRpcApiProvider,
): Promise<{ readonly offchain: Check[]; readonly onchain: Check[] }> {
  const { decision, trades, uid, txHash } = evidence;
  const minedAt = provider && txHash ? await fetchMinedAt(provider, txHash) : undefined;
  const then = { ...expectations, asOf: minedAt ?? expectations.asOf };
  const offchain =
    evidence.offchain === undefined ? [] : verifyOffchain(evidence.offchain, decision, trades, then);
  if (provider === undefined) return { offchain, onchain: [] };
  const onchain =
    uid === undefined
      ? [await checkChain(provider, decision, then)]
      : await verifyOnchain({ provider, uid, decision, trades, expectations: then, txHash });
  const parsed = attempt(() => ({
    ...toOffchainAttestation(evidence.offchain),
    hash: decisionHash(decision),
  }));
  if (uid === undefined && txHash !== undefined && "value" in parsed)
    onchain.push(
      await verifyExecution({
        provider,
        txHash,
        uid: parsed.value.uid,
        decision,
        trades,
        expectations: then,
      }),
    );
  // Only the right EAS on the right chain knows of revocations.
  if (onchain.every(({ name, passed }) => passed || (name !== "chain" && name !== "eas")))
    onchain.push(
      ...(await checkOffchainRevocation(provider, evidence.offchain ?? "", then)),
      ...(await checkReferences(provider, evidence.references ?? [], then)),
    );
  return { offchain, onchain };
}
