import { vaultAbi } from "@ballast/contracts";
import { type Hex, type UnixMillis, unixMillis } from "@ballast/data";
import { Interface, type JsonRpcApiProvider, type LogDescription } from "ethers";
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
  toTime,
} from "./checks.ts";
import type { Decision, Trade } from "./decision.ts";
import {
  AttestationNotFoundError,
  EasNotFoundError,
  fetchAttestation,
  fetchEasVersion,
  fetchOffchainRevocation,
  type OnchainAttestation,
} from "./eas.ts";
import { decisionHash } from "./encoding.ts";
import type { Evidence } from "./evidence.ts";
import { read } from "./node.ts";
import { offchainUid, recoverSigner, toOffchainAttestation } from "./offchain.ts";

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

export interface OnchainRequest {
  readonly provider: JsonRpcApiProvider;
  readonly uid: string;
  readonly decision: Decision;
  /** Where absent, nothing is said of them. */
  readonly trades?: readonly Trade[] | undefined;
  readonly expectations: Expectations;
  /** Of the rebalance: then its events are checked too. */
  readonly txHash?: Hex | undefined;
}

/**
 * Checks the on-chain attestation of a decision, and its execution where `txHash` is given. Never throws for a
 * bad attestation; NodeError where the node does not answer, for then nothing is known.
 */
export async function verifyOnchain(request: OnchainRequest): Promise<Check[]> {
  const { provider, decision, trades, expectations } = request;
  const hash = attempt(() => decisionHash(decision));
  if ("problem" in hash) return [toCheck("decision-hash", false, "", hash.problem)];
  const chain = await checkChain(provider, decision, expectations);
  let attestation: OnchainAttestation;
  let version: string;
  try {
    version = await fetchEasVersion(provider, expectations.easAddress);
    attestation = await fetchAttestation(provider, expectations.easAddress, request.uid);
  } catch (error) {
    if (error instanceof AttestationNotFoundError)
      return [chain, toCheck("format", false, "", error.message)];
    if (error instanceof EasNotFoundError) return [chain, toCheck("eas", false, "", error.message)];
    throw error;
  }
  const { attester, time, revocationTime } = attestation;
  const tooEarly = `attested at ${toTime(time)}, before the decision's own time ${toTime(decision.decidedAt)}`;
  const checks = [
    toCheck("format", true, `attestation ${attestation.uid} is on chain`, ""),
    ...checkDecision(decision, trades, attestation.data),
    chain,
    toEqualityCheck("eas", "the EAS version", version, expectations.easVersion ?? version),
    ...checkTerms(decision, attestation, expectations).map((check) =>
      check.name === "terms"
        ? toFirstFailure([check, toCheck("terms", time >= decision.decidedAt, "", tooEarly)])
        : check,
    ),
    ...checkAttester(attester, expectations.attesters),
    checkWindow(decision, BigInt(Math.floor(expectations.asOf / 1000))),
    toCheck("not-revoked", revocationTime === 0n, "not revoked", `revoked at ${toTime(revocationTime)}`),
  ];
  if (request.txHash !== undefined)
    checks.push(await verifyExecution({ ...request, txHash: request.txHash, uid: attestation.uid }));
  return checks;
}

async function checkChain(
  provider: JsonRpcApiProvider,
  decision: Decision,
  expectations: Expectations,
): Promise<Check> {
  const chainId = BigInt(await read<string>(provider, "eth_chainId", []));
  return toFirstFailure([
    toEqualityCheck("chain", "the node's chain", chainId, expectations.chainId),
    toEqualityCheck("chain", "the decision's chain", decision.chainId, expectations.chainId),
  ]);
}

/** Whether its signer revoked an off-chain attestation; nothing where it cannot be read. */
async function checkOffchainRevocation(
  provider: JsonRpcApiProvider,
  json: string,
  { easAddress }: Expectations,
): Promise<Check[]> {
  const parsed = attempt(() => toOffchainAttestation(json));
  if ("problem" in parsed) return [];
  const at = await fetchOffchainRevocation(provider, easAddress, parsed.value.signer, parsed.value.uid);
  const detail = `the off-chain attestation was revoked at ${toTime(at)}`;
  return [toCheck("not-revoked-offchain", at === 0n, "the off-chain attestation is not revoked", detail)];
}

const vaultInterface = new Interface(vaultAbi);

export interface ExecutionRequest {
  readonly provider: JsonRpcApiProvider;
  readonly txHash: Hex;
  /** Of the attestation, on chain or off, that the vault took. */
  readonly uid: string;
  readonly decision: Decision;
  readonly trades?: readonly Trade[] | undefined;
  readonly expectations: Expectations;
}

/**
 * Whether a transaction is the vault's execution of exactly this decision and these trades. The decision must
 * have canonical bytes. Throws NodeError.
 */
export async function verifyExecution(request: ExecutionRequest): Promise<Check> {
  const { provider, txHash, uid, trades, expectations } = request;
  const hash = decisionHash(request.decision);
  const failed = (detail: string) => toCheck("execution", false, "", detail);
  type Receipt = { status: Hex; logs: { address: Hex; topics: Hex[]; data: Hex }[] } | null;
  const receipt = await read<Receipt>(provider, "eth_getTransactionReceipt", [txHash]);
  if (receipt === null) return failed(`the chain knows no transaction ${txHash}`);
  if (BigInt(receipt.status) !== 1n) return failed(`transaction ${txHash} was reverted`);
  const events = receipt.logs
    .filter(({ address }) => address.toLowerCase() === expectations.vault.toLowerCase())
    .map((log) => vaultInterface.parseLog(log))
    .filter((event): event is LogDescription => event !== null);
  const rebalances = events.filter(({ name }) => name === "Rebalanced");
  // One transaction may hold several; the swaps of each carry its sequence.
  const rebalanced = rebalances.find(({ args }) => args.decisionHash === hash) ?? rebalances[0];
  if (rebalanced === undefined)
    return failed(`transaction ${txHash} is no rebalance of vault ${expectations.vault}`);
  const swaps = events
    .filter(({ name, args }) => name === "Traded" && args.sequence === rebalanced.args.sequence)
    .map(({ args }) => args);
  const same = (what: string, found: unknown, expected: unknown) =>
    toEqualityCheck("execution", what, found, expected);
  const checks = [
    same("the executed decision", rebalanced.args.decisionHash, hash),
    same("the attestation it was executed by", rebalanced.args.uid, uid),
    same("the number of swaps", swaps.length, trades?.length ?? swaps.length),
    ...(trades ?? []).flatMap((trade, i) => [
      same(`the venue of trade ${i}`, swaps[i]?.venue, trade.venue),
      same(`the token sold in trade ${i}`, swaps[i]?.tokenIn, trade.tokenIn),
      same(`the token bought in trade ${i}`, swaps[i]?.tokenOut, trade.tokenOut),
      same(`the amount sold in trade ${i}`, swaps[i]?.amountIn, trade.amountIn),
    ]),
  ];
  const failure = checks.find(({ passed }) => !passed);
  return failure ?? toCheck("execution", true, `executed by the vault in transaction ${txHash}`, "");
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
    onchain.push(...(await checkOffchainRevocation(provider, evidence.offchain ?? "", then)));
  return { offchain, onchain };
}
