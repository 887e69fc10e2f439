import { BallastError, type Hex, WrongChainError } from "@ballast/data";
import { keccak256, Signature, type Signer } from "ethers";
import type { Decision } from "./decision.ts";
import { decisionBytes, decisionHash, ZERO_ADDRESS, ZERO_BYTES32 } from "./encoding.ts";
import { OFFCHAIN_TYPES, type OffchainAttestation, offchainUid, recoverSigner } from "./offchain.ts";
import type { RecordSchema } from "./schemas.ts";
import { easContract, easSdk } from "./sdk.ts";

/** One EAS contract and the schema under which decisions stand. */
export interface EasDomain {
  readonly chainId: bigint;
  readonly easAddress: Hex;
  /** `EAS.version()`, part of the domain of off-chain signatures: `1.4.0`. */
  readonly easVersion: string;
  readonly schemaUid: Hex;
}

/** A signed off-chain attestation. */
export interface SignedAttestation {
  readonly uid: Hex;
  readonly attester: Hex;
  /** The attestation as JSON text, in the format easscan.org exports and imports. */
  readonly json: string;
  /** r, s and v: what the vault takes. */
  readonly signature: Hex;
}

export interface SignedDecision extends SignedAttestation {
  readonly hash: Hex;
}

/** The decision's own times leave no moment at which it could be executed. */
export class DecisionWindowError extends BallastError {
  readonly code = "DECISION_WINDOW";
  readonly decidedAt: bigint;
  readonly expiresAt: bigint;
  constructor(decidedAt: bigint, expiresAt: bigint) {
    super(`the decision of ${decidedAt} expires at ${expiresAt}, not after it; give it a longer life`);
    this.decidedAt = decidedAt;
    this.expiresAt = expiresAt;
  }
}

/** A decision refers to its model's attestation, and one without a model to none. */
export class ModelReferenceError extends BallastError {
  readonly code = "MODEL_REFERENCE";
  readonly modelId: Hex;
  readonly modelUid: Hex;
  constructor(modelId: Hex, modelUid: Hex) {
    super(
      `the decision has no model and is to refer to the attestation ${modelUid} of one; leave the reference out`,
    );
    this.modelId = modelId;
    this.modelUid = modelUid;
  }
}

/** What an attestation says beside its schema and time. */
export interface AttestationTerms {
  readonly recipient: Hex;
  /** Unix seconds, 0 for never. */
  readonly expirationTime: bigint;
  readonly revocable: boolean;
  readonly refUID: Hex;
  readonly data: Hex;
}

/**
 * What every attestation of a decision says, on chain and off chain alike.
 * @param modelUid Of the attestation of its model, as the vault has it registered; zero where it has none.
 * Throws FieldRangeError or ModelReferenceError.
 */
export function toAttestationTerms(decision: Decision, modelUid: Hex = ZERO_BYTES32): AttestationTerms {
  if (decision.modelId === ZERO_BYTES32 && modelUid !== ZERO_BYTES32)
    throw new ModelReferenceError(decision.modelId, modelUid);
  return {
    recipient: decision.vault,
    expirationTime: decision.expiresAt,
    revocable: true,
    refUID: modelUid,
    data: decisionBytes(decision),
  };
}

/** Throws WrongChainError or DecisionWindowError where the decision can never be executed in this domain. */
export function assertSignable(decision: Decision, chainId: bigint): void {
  if (decision.chainId !== chainId) throw new WrongChainError(decision.chainId, chainId);
  if (decision.expiresAt <= decision.decidedAt) {
    throw new DecisionWindowError(decision.decidedAt, decision.expiresAt);
  }
}

/**
 * Signs an off-chain EAS attestation (EIP-712, version 2). Its salt is the hash of its data, and ethers signs
 * deterministically (RFC 6979): the same content and key give the same bytes.
 * @param time Unix seconds.
 */
async function signOffchain(
  { chainId, easAddress, easVersion, schemaUid }: EasDomain,
  time: bigint,
  terms: AttestationTerms,
  signer: Signer,
): Promise<SignedAttestation> {
  const { Offchain, OffchainAttestationVersion } = easSdk();
  const offchain = new Offchain(
    { address: easAddress, version: easVersion, chainId },
    OffchainAttestationVersion.Version2,
    easContract(easAddress, signer),
  );
  const sig = await offchain.signOffchainAttestation(
    { schema: schemaUid, time, salt: keccak256(terms.data), ...terms },
    signer,
  );
  const attester = (await signer.getAddress()) as Hex;
  const json = JSON.stringify({ signer: attester, sig }, (_, value) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  return { uid: sig.uid as Hex, attester, json, signature: Signature.from(sig.signature).serialized as Hex };
}

/**
 * Signs a decision off chain. Throws FieldRangeError, WrongChainError, DecisionWindowError or ModelReferenceError.
 */
export async function signDecision(
  request: EasDomain & {
    readonly decision: Decision;
    readonly signer: Signer;
    /** Of the attestation of its model, as the vault has it registered; zero where absent. */
    readonly modelUid?: Hex | undefined;
  },
): Promise<SignedDecision> {
  const { decision, signer, chainId, modelUid } = request;
  const hash = decisionHash(decision);
  assertSignable(decision, chainId);
  const terms = toAttestationTerms(decision, modelUid);
  return { hash, ...(await signOffchain(request, decision.decidedAt, terms, signer)) };
}

/** What an attestation of a dataset, a model or an outcome says: it never expires and may be revoked. */
export const toRecordTerms = <T>(
  schema: RecordSchema<T>,
  record: T,
  refUID: Hex,
  recipient: Hex = ZERO_ADDRESS,
): AttestationTerms => ({
  recipient,
  expirationTime: 0n,
  revocable: true,
  refUID,
  data: schema.encode(record),
});

/**
 * Signs a dataset, a model or an outcome off chain.
 * @param request.refUID Of the attestation it refers to: a model's dataset, an outcome's decision.
 * @param request.time Unix seconds.
 * Throws FieldRangeError.
 */
export const signRecord = <T>(
  request: Omit<EasDomain, "schemaUid"> & {
    readonly schema: RecordSchema<T>;
    readonly record: T;
    readonly refUID?: Hex | undefined;
    readonly recipient?: Hex | undefined;
    readonly time: bigint;
    readonly signer: Signer;
  },
): Promise<SignedAttestation> => {
  const { schema, record, refUID = ZERO_BYTES32, recipient, time, signer } = request;
  return signOffchain(
    { ...request, schemaUid: schema.uid },
    time,
    toRecordTerms(schema, record, refUID, recipient),
    signer,
  );
};

/** The 65 bytes r, s, v of an off-chain attestation, as the vault takes them. */
export const signatureBytes = ({ signature }: OffchainAttestation): Hex =>
  Signature.from(signature).serialized as Hex;

/**
 * The off-chain attestation of a decision, rebuilt from what the vault was given: the decision, the signature and what
 * it knows itself. `{signer, sig}` as JSON text; the signer is whoever made the signature, the zero address where
 * nobody can have. Throws FieldRangeError or ModelReferenceError.
 */
export function rebuildOffchain(
  { chainId, easAddress, easVersion, schemaUid }: EasDomain,
  decision: Decision,
  modelUid: Hex,
  signature: Hex,
): string {
  const { data, ...terms } = toAttestationTerms(decision, modelUid);
  const message = {
    version: 2 as const,
    schema: schemaUid,
    ...terms,
    time: decision.decidedAt,
    data,
    salt: keccak256(data) as Hex,
  };
  const domain = { name: "EAS Attestation", version: easVersion, chainId, verifyingContract: easAddress };
  const digits = signature.slice(2).padEnd(130, "0");
  const parts = {
    r: `0x${digits.slice(0, 64)}`,
    s: `0x${digits.slice(64, 128)}`,
    v: Number.parseInt(digits.slice(128, 130), 16),
  } as const;
  const signer = recoverSigner({ domain, message, signature: parts } as OffchainAttestation) ?? ZERO_ADDRESS;
  const sig = {
    version: 2,
    uid: offchainUid({ message }),
    domain,
    primaryType: "Attest",
    message,
    types: OFFCHAIN_TYPES,
    signature: parts,
  };
  return JSON.stringify({ signer, sig }, (_, value) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}
