import { BallastError, type Hex, isoTime } from "@ballast/data";
import {
  Interface,
  id,
  type JsonRpcApiProvider,
  type Signer,
  type TransactionReceipt,
  zeroPadValue,
} from "ethers";
import type { Decision } from "./decision.ts";
import { EasNotFoundError, fetchAttestation, fetchEasVersion, reading } from "./eas.ts";
import { assertDelegable } from "./eas-version.ts";
import { ZERO_BYTES32 } from "./encoding.ts";
import { assertChain, logsSince, NodeError, rpcOf } from "./node.ts";
import type { RecordSchema } from "./schemas.ts";
import { easContract, easSdk } from "./sdk.ts";
import {
  type AttestationTerms,
  assertSignable,
  type EasDomain,
  toAttestationTerms,
  toRecordTerms,
} from "./sign.ts";
import { type SubmitOptions, settlePending, submit } from "./submit.ts";
import { RevertedError } from "./submit-errors.ts";

export interface Attested {
  readonly uid: Hex;
  readonly receipt: TransactionReceipt;
  /** An equal, living attestation by the same key was there already, and nothing was sent. */
  readonly isReused: boolean;
}

/** EAS accepts no attestation that is past its expiry when it is mined. */
export class DecisionExpiredError extends BallastError {
  readonly code = "DECISION_EXPIRED";
  /** Unix seconds. */
  readonly expiresAt: bigint;
  constructor(expiresAt: bigint) {
    super(
      `the decision expired at ${isoTime(Number(expiresAt) * 1000)}, before it was attested; decide again`,
    );
    this.expiresAt = expiresAt;
  }
}

/** EAS refuses a reference to what it does not hold on chain. */
export class ReferenceNotFoundError extends BallastError {
  readonly code = "REFERENCE_NOT_FOUND";
  readonly refUID: Hex;
  constructor(refUID: Hex) {
    super(
      `the attestation refers to ${refUID}, which is not on chain; attest that one on chain first, or both off chain`,
    );
    this.refUID = refUID;
  }
}

const attested = new Interface([
  "event Attested(address indexed recipient, address indexed attester, bytes32 uid, bytes32 indexed schemaUID)",
]);
const attestedTopic = attested.getEvent("Attested")!.topicHash as Hex;

/** What is searched for, and where. */
type Place = Pick<EasDomain, "easAddress" | "schemaUid">;

/** The newest living attestation of exactly these terms by this attester, not older than `since` (Unix seconds). */
async function findEqual(
  provider: JsonRpcApiProvider,
  { easAddress, schemaUid }: Place,
  terms: AttestationTerms,
  attester: Hex,
  since: bigint,
): Promise<{ readonly uid: Hex; readonly txHash: Hex } | undefined> {
  const topics = [
    attestedTopic,
    zeroPadValue(terms.recipient, 32) as Hex,
    zeroPadValue(attester, 32) as Hex,
    schemaUid,
  ];
  for await (const log of logsSince(provider, easAddress, topics, since)) {
    const uid = attested.parseLog(log)!.args.uid as Hex;
    const found = await fetchAttestation(provider, easAddress, uid);
    if (found.time < since) return undefined;
    const isAlive = found.revocationTime === 0n && found.expirationTime === terms.expirationTime;
    const isEqual = found.data === terms.data && found.refUID === terms.refUID && found.revocable;
    if (isAlive && isEqual) return { uid, txHash: log.transactionHash };
  }
  return undefined;
}

/**
 * The living attestation of exactly this decision by this attester, newest first, or undefined.
 * Looks no further back than the decision's own time: the vault accepts no older attestation.
 */
export const findAttestation = (
  provider: JsonRpcApiProvider,
  domain: Place,
  decision: Decision,
  attester: Hex,
  modelUid?: Hex,
): Promise<{ readonly uid: Hex; readonly txHash: Hex } | undefined> =>
  findEqual(provider, domain, toAttestationTerms(decision, modelUid), attester, decision.decidedAt);

/** The same, as what `attest` returns where nothing had to be sent. */
async function findAttested(
  provider: JsonRpcApiProvider,
  ...place: [Place, AttestationTerms, Hex, bigint]
): Promise<Attested | undefined> {
  const found = await findEqual(provider, ...place);
  if (found === undefined) return undefined;
  const receipt = await reading("reading a receipt", provider.getTransactionReceipt(found.txHash));
  if (receipt === null) throw new NodeError("reading a receipt", `it has none of ${found.txHash}`);
  return { uid: found.uid, receipt, isReused: true };
}

/** What EAS's own errors mean here. */
function explain(error: unknown, { refUID, expirationTime }: AttestationTerms): unknown {
  if (!(error instanceof RevertedError)) return error;
  if (error.data === id("InvalidExpirationTime()").slice(0, 10))
    return new DecisionExpiredError(expirationTime);
  return error.data === id("NotFound()").slice(0, 10) ? new ReferenceNotFoundError(refUID) : error;
}

/** Sends the call that attests, and reads the UID from its receipt. */
async function sendAttest(
  sender: Signer,
  easAddress: Hex,
  data: string,
  options: SubmitOptions,
): Promise<Attested> {
  const receipt = await submit(sender, { to: easAddress, data }, options);
  const log = receipt.logs.find(({ topics }) => topics[0] === attestedTopic);
  if (log === undefined) throw new EasNotFoundError(easAddress);
  return { uid: attested.parseLog(log)!.args.uid as Hex, receipt, isReused: false };
}

async function attestOnce(
  domain: Omit<EasDomain, "easVersion">,
  terms: AttestationTerms,
  since: bigint,
  signer: Signer,
  options: SubmitOptions,
): Promise<Attested> {
  const { chainId, easAddress, schemaUid } = domain;
  const provider = rpcOf(signer);
  await assertChain(provider, chainId);
  await settlePending(signer, options);
  const attester = (await signer.getAddress()) as Hex;
  const found = await findAttested(provider, domain, terms, attester, since);
  if (found !== undefined) return found;
  const { data } = await easContract(easAddress, signer).attest({ schema: schemaUid, data: terms });
  try {
    return await sendAttest(signer, easAddress, data.data, options);
  } catch (error) {
    throw explain(error, terms);
  }
}

/**
 * Attests a decision on chain, once: what an earlier run left pending is awaited, and an equal attestation
 * that is already there is returned. Throws WrongChainError, DecisionWindowError, FieldRangeError,
 * ModelReferenceError, DecisionExpiredError, ReferenceNotFoundError and whatever `submit` throws.
 */
export async function attestDecision(
  request: Omit<EasDomain, "easVersion"> & {
    readonly decision: Decision;
    /** Of its model's attestation, which must be on chain; zero where absent. */
    readonly modelUid?: Hex | undefined;
    /** Connected to a JSON-RPC provider; pays, and is the attester. */
    readonly signer: Signer;
  } & SubmitOptions,
): Promise<Attested> {
  const { decision, signer, chainId, modelUid } = request;
  assertSignable(decision, chainId);
  return attestOnce(request, toAttestationTerms(decision, modelUid), decision.decidedAt, signer, request);
}

/**
 * Attests a dataset, a model or an outcome on chain, once.
 * @param request.since An equal attestation of this time (Unix seconds) or later is taken for the same.
 * Throws as `attestDecision` does.
 */
export const attestRecord = <T>(
  request: Omit<EasDomain, "easVersion" | "schemaUid"> & {
    readonly schema: RecordSchema<T>;
    readonly record: T;
    readonly refUID?: Hex | undefined;
    readonly recipient?: Hex | undefined;
    readonly since: bigint;
    readonly signer: Signer;
  } & SubmitOptions,
): Promise<Attested> => {
  const { schema, record, refUID = ZERO_BYTES32, recipient, since, signer } = request;
  const terms = toRecordTerms(schema, record, refUID, recipient);
  return attestOnce({ ...request, schemaUid: schema.uid }, terms, since, signer, request);
};

/** An attestation signed by one key for anybody to send. */
export interface DelegatedDecision {
  readonly decision: Decision;
  readonly modelUid: Hex | undefined;
  readonly attester: Hex;
  /** Last second at which EAS takes it: the decision's own expiry. */
  readonly deadline: bigint;
  readonly signature: { readonly v: number; readonly r: Hex; readonly s: Hex };
}

/**
 * Signs a decision for somebody else to attest and pay for. The signature uses up the attester's next nonce in EAS.
 * Throws as `signDecision` does, EasVersionError where this EAS makes it unsafe, or NodeError.
 */
export async function signDelegated(
  request: Omit<EasDomain, "easVersion"> & {
    readonly decision: Decision;
    readonly modelUid?: Hex | undefined;
    /** Connected to a JSON-RPC provider, which is asked for the nonce. */
    readonly signer: Signer;
  },
): Promise<DelegatedDecision> {
  const { decision, modelUid, signer, chainId, easAddress, schemaUid } = request;
  assertSignable(decision, chainId);
  const terms = toAttestationTerms(decision, modelUid);
  const provider = rpcOf(signer);
  await assertChain(provider, chainId);
  const version = await fetchEasVersion(provider, easAddress);
  assertDelegable(version, easAddress);
  const { Delegated } = easSdk();
  const delegated = new Delegated({ address: easAddress, version, chainId }, easContract(easAddress, signer));
  const deadline = decision.expiresAt;
  const { signature } = await reading(
    "reading a nonce",
    delegated.signDelegatedAttestation({ schema: schemaUid, value: 0n, deadline, ...terms }, signer),
  );
  const { v, r, s } = signature;
  const attester = (await signer.getAddress()) as Hex;
  return { decision, modelUid, attester, deadline, signature: { v, r: r as Hex, s: s as Hex } };
}

/**
 * Sends a delegated attestation. Whoever saw it can have sent it first, which makes this call fail and leaves
 * just what was wanted: the attestation that is there is returned.
 * Throws WrongChainError, DecisionExpiredError, ReferenceNotFoundError and whatever `submit` throws.
 */
export async function attestDelegated(
  request: Omit<EasDomain, "easVersion"> & {
    readonly delegated: DelegatedDecision;
    /** Connected to a JSON-RPC provider; pays. */
    readonly sender: Signer;
  } & SubmitOptions,
): Promise<Attested> {
  const { delegated, sender, chainId, easAddress, schemaUid: schema } = request;
  const { decision, modelUid, attester, deadline, signature } = delegated;
  const terms = toAttestationTerms(decision, modelUid);
  const provider = rpcOf(sender);
  await assertChain(provider, chainId);
  await settlePending(sender, request);
  const find = () => findAttested(provider, request, terms, attester, decision.decidedAt);
  const found = await find();
  if (found !== undefined) return found;
  const data = delegation.encodeFunctionData("attestByDelegation", [
    { schema, data: { ...terms, value: 0n }, signature, attester, deadline },
  ]);
  try {
    return await sendAttest(sender, easAddress, data, request);
  } catch (error) {
    const theirs = error instanceof RevertedError ? await find() : undefined;
    if (theirs === undefined) throw explain(error, terms);
    return theirs;
  }
}

const delegation = new Interface([
  `function attestByDelegation((bytes32 schema, (address recipient, uint64 expirationTime, bool revocable,
   bytes32 refUID, bytes data, uint256 value) data, (uint8 v, bytes32 r, bytes32 s) signature, address attester,
   uint64 deadline) request) payable returns (bytes32)`,
]);
