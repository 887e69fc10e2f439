export { FieldRangeError, toAbiWord } from "./abi.ts";
export {
  CHECKS,
  type Check,
  type CheckName,
  type Expectations,
} from "./checks.ts";
export * from "./decision.ts";
export {
  AttestationNotFoundError,
  EasNotFoundError,
  fetchAttestation,
  fetchEasDomain,
  fetchEasVersion,
  fetchOffchainRevocation,
  type OnchainAttestation,
  registerSchemas,
  SchemaNotFoundError,
} from "./eas.ts";
export {
  assertDelegable,
  assertEasVersion,
  EAS_VERSIONS,
  type EasSupport,
  EasVersionError,
} from "./eas-version.ts";
export {
  DECISION_FIELDS,
  DECISION_SCHEMA,
  DECISION_SCHEMA_UID,
  DecisionBytesError,
  decisionBytes,
  decisionFromBytes,
  decisionHash,
  schemaUid,
  TRADE_FIELDS,
  tradesHash,
  ZERO_ADDRESS,
  ZERO_BYTES32,
} from "./encoding.ts";
export {
  type Evidence,
  type EvidenceFile,
  type MarketEvidence,
  readEvidence,
  toEvidence,
} from "./evidence.ts";
export { MalformedJsonError } from "./json.ts";
export { toRecords } from "./manifest-records.ts";
export { assertChain, logsSince, NodeError, type RawLog, read, revertData } from "./node.ts";
export {
  type Collected,
  collectSignatures,
  createNotary,
  type Notarised,
  type Notary,
  type NotaryPorts,
  NotaryRefusedError,
  NotarySourceError,
  ProposalInFutureError,
} from "./notarise.ts";
export {
  type FeatureTable,
  type Judgement,
  judgeProposal,
  type NotaryTolerance,
  type Refusal,
} from "./notary.ts";
export { type OffchainAttestation, offchainUid, recoverSigner, toOffchainAttestation } from "./offchain.ts";
export {
  type Attested,
  attestDecision,
  attestDelegated,
  attestRecord,
  DecisionExpiredError,
  type DelegatedDecision,
  findAttestation,
  ReferenceNotFoundError,
  signDelegated,
} from "./onchain.ts";
export { type Proposal, type ProposalFile, readProposal, statementOf, toProposalFile } from "./proposal.ts";
export { type References, readRecordAttestation, verifyReferences } from "./references.ts";
export {
  ALL_SCHEMAS,
  DATASET_SCHEMA,
  type DatasetRecord,
  MODEL_SCHEMA,
  type ModelRecord,
  OUTCOME_SCHEMA,
  type OutcomeRecord,
  RecordBytesError,
  type RecordSchema,
} from "./schemas.ts";
export {
  DecisionWindowError,
  type EasDomain,
  ModelReferenceError,
  rebuildOffchain,
  type SignedAttestation,
  type SignedDecision,
  signatureBytes,
  signDecision,
  signRecord,
} from "./sign.ts";
export {
  type MarketStatement,
  NOTARY_DOMAIN,
  NotariesMissingError,
  packSignatures,
  recoverNotaries,
  recoverNotary,
  STATEMENT_TYPES,
  signStatement,
} from "./statement.ts";
export { type Call, cancel, type SubmitOptions, settlePending, submit } from "./submit.ts";
export {
  GasPriceError,
  NonceTakenError,
  ReceiptTimeoutError,
  RevertedError,
  StuckTransactionError,
  UnfundedKeyError,
} from "./submit-errors.ts";
export { verifyEvidence, verifyOffchain } from "./verify.ts";
export { verifyExecution } from "./verify-execution.ts";
export { verifyOnchain } from "./verify-onchain.ts";
