export * from "./decision.ts";
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
  tradesHash,
  ZERO_ADDRESS,
  ZERO_BYTES32,
} from "./encoding.ts";
