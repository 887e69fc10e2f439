export {
  CHECKS,
  type Check,
  type CheckName,
  type Expectations,
} from "./checks.ts";
export * from "./decision.ts";
export {
  AttestationNotFoundError,
  type AttestedDecision,
  attestDecision,
  DecisionExpiredError,
  EasNotFoundError,
  fetchAttestation,
  fetchEasDomain,
  fetchOffchainRevocation,
  findAttestation,
  type OnchainAttestation,
  registerDecisionSchema,
  SchemaNotFoundError,
} from "./eas.ts";
export {
  DECISION_FIELDS,
  DECISION_SCHEMA,
  DECISION_SCHEMA_UID,
  DecisionBytesError,
  decisionBytes,
  decisionFromBytes,
  decisionHash,
  FieldRangeError,
  schemaUid,
  TRADE_FIELDS,
  toAbiWord,
  tradesHash,
  ZERO_ADDRESS,
  ZERO_BYTES32,
} from "./encoding.ts";
export { type Evidence, type EvidenceFile, readEvidence, toEvidence } from "./evidence.ts";
export { MalformedJsonError } from "./json.ts";
export { assertChain, logsSince, NodeError, type RawLog, read, revertData } from "./node.ts";
export { type OffchainAttestation, toOffchainAttestation } from "./offchain.ts";
export { DecisionWindowError, type EasDomain, type SignedDecision, signDecision } from "./sign.ts";
export {
  type Call,
  GasPriceError,
  NonceTakenError,
  ReceiptTimeoutError,
  RevertedError,
  type SubmitOptions,
  settlePending,
  submit,
  UnfundedKeyError,
} from "./submit.ts";
export { verifyEvidence, verifyOffchain, verifyOnchain } from "./verify.ts";
