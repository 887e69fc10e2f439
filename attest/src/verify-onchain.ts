import type { Hex } from "@ballast/data";
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
import { decisionHash, ZERO_BYTES32 } from "./encoding.ts";
import { read } from "./node.ts";
import { toOffchainAttestation } from "./offchain.ts";
import { MODEL_SCHEMA } from "./schemas.ts";
import { verifyExecution } from "./verify-execution.ts";

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
  if (attestation.refUID !== ZERO_BYTES32)
    checks.push(await checkModelOnchain(provider, expectations.easAddress, decision, attestation.refUID));
  if (request.txHash !== undefined)
    checks.push(await verifyExecution({ ...request, txHash: request.txHash, uid: attestation.uid }));
  return checks;
}

/** What a decision on chain refers to: there, of its model, and not revoked. */
async function checkModelOnchain(
  provider: JsonRpcApiProvider,
  easAddress: Hex,
  { modelId }: Decision,
  refUID: Hex,
): Promise<Check> {
  const failed = (why: string) => toCheck("model-attestation", false, "", why);
  const found = await fetchAttestation(provider, easAddress, refUID);
  const { schema, data, revocationTime, attester } = found;
  if (schema !== MODEL_SCHEMA.uid)
    return failed(`it refers to ${refUID}, which is no attestation of a model`);
  const record = attempt(() => MODEL_SCHEMA.decode(data));
  if ("problem" in record) return failed(record.problem);
  if (record.value.modelId !== modelId)
    return failed(`it refers to model ${record.value.modelId}, and was made with ${modelId}`);
  const revoked = `the attestation of its model was revoked at ${toTime(revocationTime)}`;
  return toCheck(
    "model-attestation",
    revocationTime === 0n,
    `model attested on chain by ${attester}`,
    revoked,
  );
}

/** Whether the attestations of its model and dataset were revoked, off chain; nothing where it brings none. */
export async function checkReferences(
  provider: JsonRpcApiProvider,
  references: readonly string[],
  { easAddress }: Expectations,
): Promise<Check[]> {
  if (references.length === 0) return [];
  const name = "references-not-revoked";
  for (const json of references) {
    const parsed = attempt(() => toOffchainAttestation(json));
    if ("problem" in parsed) return [toCheck(name, false, "", parsed.problem)];
    const { signer, uid } = parsed.value;
    const at = await fetchOffchainRevocation(provider, easAddress, signer, uid);
    if (at !== 0n)
      return [toCheck(name, false, "", `${uid}, which it refers to, was revoked at ${toTime(at)}`)];
  }
  return [toCheck(name, true, "what it refers to is not revoked", "")];
}

export async function checkChain(
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
export async function checkOffchainRevocation(
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
