import { BallastError, type Hex, WrongChainError } from "@ballast/data";
import type { Signer } from "ethers";
import type { Decision } from "./decision.ts";
import { decisionBytes, decisionHash, ZERO_BYTES32 } from "./encoding.ts";
import { easContract, easSdk } from "./sdk.ts";

/** One EAS contract and the schema under which decisions stand. */
export interface EasDomain {
  readonly chainId: bigint;
  readonly easAddress: Hex;
  /** `EAS.version()`, part of the domain of off-chain signatures: `1.4.0`. */
  readonly easVersion: string;
  readonly schemaUid: Hex;
}

export interface SignedDecision {
  readonly hash: Hex;
  /** Of the off-chain attestation; the on-chain attestation of the same decision has another. */
  readonly uid: Hex;
  readonly attester: Hex;
  /** The off-chain attestation as JSON text, in the format easscan.org exports and imports. */
  readonly json: string;
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

/** What every attestation of a decision says, on chain and off chain alike. */
export function toAttestationTerms(decision: Decision) {
  return {
    recipient: decision.vault,
    expirationTime: decision.expiresAt,
    revocable: true,
    refUID: ZERO_BYTES32,
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
 * Signs a decision as an off-chain EAS attestation (EIP-712, version 2). Its salt is the decision's hash, and
 * ethers signs deterministically (RFC 6979): the same decision and key give the same bytes.
 * Throws FieldRangeError, WrongChainError or DecisionWindowError.
 */
export async function signDecision(
  request: EasDomain & { readonly decision: Decision; readonly signer: Signer },
): Promise<SignedDecision> {
  const { decision, signer, chainId, easAddress, easVersion, schemaUid } = request;
  const hash = decisionHash(decision);
  assertSignable(decision, chainId);
  const { Offchain, OffchainAttestationVersion } = easSdk();
  const offchain = new Offchain(
    { address: easAddress, version: easVersion, chainId },
    OffchainAttestationVersion.Version2,
    easContract(easAddress, signer),
  );
  const terms = toAttestationTerms(decision);
  const sig = await offchain.signOffchainAttestation(
    { schema: schemaUid, time: decision.decidedAt, salt: hash, ...terms },
    signer,
  );
  const attester = (await signer.getAddress()) as Hex;
  const json = JSON.stringify({ signer: attester, sig }, (_, value) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  return { hash, uid: sig.uid as Hex, attester, json };
}
