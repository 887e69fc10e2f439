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
import { DECISION_SCHEMA, DECISION_SCHEMA_UID, ZERO_ADDRESS, ZERO_BYTES32 } from "./encoding.ts";
import { assertChain, logsSince, NodeError, read, revertData, rpcOf } from "./node.ts";
import { easContract, easSdk } from "./sdk.ts";
import { assertSignable, type EasDomain, toAttestationTerms } from "./sign.ts";
import { RevertedError, type SubmitOptions, settlePending, submit } from "./submit.ts";

/** An attestation as EAS keeps it on chain; times in Unix seconds, 0 for never. Addresses in lower case. */
export interface OnchainAttestation {
  readonly uid: Hex;
  readonly schema: Hex;
  readonly refUID: Hex;
  readonly time: bigint;
  readonly expirationTime: bigint;
  readonly revocationTime: bigint;
  readonly recipient: Hex;
  readonly attester: Hex;
  readonly revocable: boolean;
  readonly data: Hex;
}

export interface AttestedDecision {
  readonly uid: Hex;
  readonly receipt: TransactionReceipt;
  /** An equal, living attestation by the same key was there already, and nothing was sent. */
  readonly isReused: boolean;
}

export class EasNotFoundError extends BallastError {
  readonly code = "EAS_NOT_FOUND";
  readonly address: Hex;
  constructor(address: Hex) {
    super(`there is no EAS contract at ${address}; take this chain's address from docs.attest.org`);
    this.address = address;
  }
}

export class SchemaNotFoundError extends BallastError {
  readonly code = "SCHEMA_NOT_FOUND";
  readonly schemaUid: Hex;
  readonly registry: Hex;
  constructor(schemaUid: Hex, registry: Hex) {
    super(`schema ${schemaUid} is not registered at ${registry}; register the decision schema there first`);
    this.schemaUid = schemaUid;
    this.registry = registry;
  }
}

export class AttestationNotFoundError extends BallastError {
  readonly code = "ATTESTATION_NOT_FOUND";
  readonly uid: string;
  constructor(uid: string, easAddress: Hex) {
    super(
      `EAS at ${easAddress} knows no attestation ${JSON.stringify(uid.slice(0, 80))}; check the UID and the chain`,
    );
    this.uid = uid;
  }
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

/** Makes a failed contract read a NodeError, and leaves typed errors alone. */
async function reading<T>(doing: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof BallastError ? error : new NodeError(doing, error);
  }
}

const isContract = async (provider: JsonRpcApiProvider, address: Hex): Promise<boolean> =>
  (await read<string>(provider, "eth_getCode", [address, "latest"])) !== "0x";

/** `EAS.version()`, e.g. `1.4.0`. Throws EasNotFoundError where no such contract answers, or NodeError. */
export async function fetchEasVersion(provider: JsonRpcApiProvider, easAddress: Hex): Promise<string> {
  if (!(await isContract(provider, easAddress))) throw new EasNotFoundError(easAddress);
  try {
    return await easContract(easAddress, provider).getVersion();
  } catch (error) {
    throw revertData(error) !== undefined
      ? new EasNotFoundError(easAddress)
      : new NodeError("reading EAS", error);
  }
}

/**
 * What signing and attesting need to know of an EAS contract, read from it.
 * Throws EasNotFoundError, SchemaNotFoundError or NodeError.
 */
export async function fetchEasDomain(
  provider: JsonRpcApiProvider,
  easAddress: Hex,
  schemaUid: Hex = DECISION_SCHEMA_UID,
): Promise<EasDomain> {
  const { SchemaRegistry } = easSdk();
  const easVersion = await fetchEasVersion(provider, easAddress);
  const { contract } = easContract(easAddress, provider);
  const registry = (await reading("reading EAS", contract.getSchemaRegistry())) as Hex;
  const schemas = new SchemaRegistry(registry, { signer: provider });
  const { uid } = await reading("reading a schema", schemas.contract.getSchema(schemaUid));
  if (uid !== schemaUid) throw new SchemaNotFoundError(schemaUid, registry);
  const chainId = BigInt(await read<string>(provider, "eth_chainId", []));
  return { chainId, easAddress, easVersion, schemaUid };
}

/** Registers DECISION_SCHEMA where it is not registered yet, and returns its UID. */
export async function registerDecisionSchema(
  signer: Signer,
  registry: Hex,
  options?: SubmitOptions,
): Promise<Hex> {
  const { SchemaRegistry } = easSdk();
  const schemas = new SchemaRegistry(registry, { signer });
  if (!(await isContract(rpcOf(signer), registry)))
    throw new SchemaNotFoundError(DECISION_SCHEMA_UID, registry);
  const { uid } = await reading("reading a schema", schemas.contract.getSchema(DECISION_SCHEMA_UID));
  if (uid === DECISION_SCHEMA_UID) return uid as Hex;
  const { data } = await schemas.register({
    schema: DECISION_SCHEMA,
    resolverAddress: ZERO_ADDRESS,
    revocable: true,
  });
  await submit(signer, { to: registry, data: data.data }, options);
  return DECISION_SCHEMA_UID;
}

/** Reads an attestation. Throws AttestationNotFoundError for a malformed or unknown UID, NodeError. */
export async function fetchAttestation(
  provider: JsonRpcApiProvider,
  easAddress: Hex,
  uid: string,
): Promise<OnchainAttestation> {
  if (!/^0x[0-9a-fA-F]{64}$/.test(uid)) throw new AttestationNotFoundError(uid, easAddress);
  if (!(await isContract(provider, easAddress))) throw new EasNotFoundError(easAddress);
  const found = await reading(
    "reading an attestation",
    easContract(easAddress, provider).getAttestation(uid),
  );
  if (found.uid === ZERO_BYTES32) throw new AttestationNotFoundError(uid, easAddress);
  return {
    uid: found.uid as Hex,
    schema: found.schema as Hex,
    refUID: found.refUID as Hex,
    time: found.time,
    expirationTime: found.expirationTime,
    revocationTime: found.revocationTime,
    recipient: found.recipient.toLowerCase() as Hex,
    attester: found.attester.toLowerCase() as Hex,
    revocable: found.revocable,
    data: found.data as Hex,
  };
}

/** When the attester revoked an off-chain attestation, Unix seconds; 0 for never. Throws NodeError. */
export async function fetchOffchainRevocation(
  provider: JsonRpcApiProvider,
  easAddress: Hex,
  attester: Hex,
  offchainUid: Hex,
): Promise<bigint> {
  const eas = easContract(easAddress, provider);
  return reading("reading a revocation", eas.getRevocationOffchain(attester, offchainUid));
}

const attested = new Interface([
  "event Attested(address indexed recipient, address indexed attester, bytes32 uid, bytes32 indexed schemaUID)",
]);
const attestedTopic = attested.getEvent("Attested")!.topicHash as Hex;

/**
 * The living attestation of exactly this decision by this attester, newest first, or undefined.
 * Looks no further back than the decision's own time: the vault accepts no older attestation.
 */
export async function findAttestation(
  provider: JsonRpcApiProvider,
  domain: Pick<EasDomain, "easAddress" | "schemaUid">,
  decision: Decision,
  attester: Hex,
): Promise<{ readonly uid: Hex; readonly txHash: Hex } | undefined> {
  const terms = toAttestationTerms(decision);
  const topics = [
    attestedTopic,
    zeroPadValue(decision.vault, 32) as Hex,
    zeroPadValue(attester, 32) as Hex,
    domain.schemaUid,
  ];
  for await (const log of logsSince(provider, domain.easAddress, topics, decision.decidedAt)) {
    const uid = attested.parseLog(log)!.args.uid as Hex;
    const found = await fetchAttestation(provider, domain.easAddress, uid);
    if (found.time < decision.decidedAt) return undefined;
    const isAlive = found.revocationTime === 0n && found.expirationTime === terms.expirationTime;
    if (isAlive && found.data === terms.data) return { uid, txHash: log.transactionHash };
  }
  return undefined;
}

/**
 * Attests a decision on chain, once: what an earlier run left pending is awaited, and an equal attestation
 * that is already there is returned. Throws WrongChainError, DecisionWindowError, FieldRangeError,
 * DecisionExpiredError and whatever `submit` throws.
 */
export async function attestDecision(
  request: Omit<EasDomain, "easVersion"> & {
    readonly decision: Decision;
    /** Connected to a JSON-RPC provider; pays, and is the attester. */
    readonly signer: Signer;
  } & SubmitOptions,
): Promise<AttestedDecision> {
  const { decision, signer, chainId, easAddress, schemaUid } = request;
  const provider = rpcOf(signer);
  assertSignable(decision, chainId);
  const terms = toAttestationTerms(decision);
  await assertChain(provider, chainId);
  await settlePending(signer, request);
  const attester = (await signer.getAddress()) as Hex;
  const found = await findAttestation(provider, request, decision, attester);
  if (found !== undefined) {
    const receipt = await reading("reading a receipt", provider.getTransactionReceipt(found.txHash));
    if (receipt === null) throw new NodeError("reading a receipt", `it has none of ${found.txHash}`);
    return { uid: found.uid, receipt, isReused: true };
  }
  const { data } = await easContract(easAddress, signer).attest({
    schema: schemaUid,
    data: terms,
  });
  try {
    const receipt = await submit(signer, { to: easAddress, data: data.data }, request);
    const log = receipt.logs.find(({ topics }) => topics[0] === attestedTopic);
    if (log === undefined) throw new EasNotFoundError(easAddress);
    return { uid: attested.parseLog(log)!.args.uid as Hex, receipt, isReused: false };
  } catch (error) {
    const isExpired =
      error instanceof RevertedError && error.data === id("InvalidExpirationTime()").slice(0, 10);
    throw isExpired ? new DecisionExpiredError(decision.expiresAt) : error;
  }
}
