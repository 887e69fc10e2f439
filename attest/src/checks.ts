import { type Hex, isoTime, type UnixMillis } from "@ballast/data";
import { ACTION, type Decision, type Trade } from "./decision.ts";
import { DECISION_FIELDS, decisionBytes, decisionFromBytes, tradesHash, ZERO_BYTES32 } from "./encoding.ts";

/** What a verification may check; each is reported where there is something to check. */
export const CHECKS = [
  "format", // the attestation can be read at all
  "decision-hash", // the decision has canonical bytes and is the one the signer named
  "data", // the attested bytes are the decision's
  "trades-hash", // the trades are the decided ones
  "action", // a rebalance has trades, a hold has none
  "chain",
  "recipient", // for the expected vault
  "schema",
  "eas", // made for the expected EAS contract
  "terms", // time, expiry and revocability are those every decision gets
  "reference", // it refers to the attestation of its model, and only where it has one
  "uid",
  "signature",
  "attester", // allowed to sign
  "window", // decided at or before the moment asked about, and not expired at it
  "not-revoked",
  "not-revoked-offchain",
  "execution", // the vault's own events confirm it
  "references-not-revoked", // nor are the attestations of its model and dataset
  "model-attestation", // what it refers to is a sound attestation of its model
  "dataset-attestation", // what that refers to is a sound attestation of a dataset
] as const;
export type CheckName = (typeof CHECKS)[number];

export interface Check {
  readonly name: CheckName;
  readonly passed: boolean;
  /** One sentence with the values; where the check failed, the first thing that is wrong. */
  readonly detail: string;
}

/** What the verifier trusts; everything else is checked against it. */
export interface Expectations {
  readonly chainId: bigint;
  readonly vault: Hex;
  readonly easAddress: Hex;
  /** Any where absent. */
  readonly easVersion?: string | undefined;
  readonly schemaUid: Hex;
  /** Of the model's attestation as the vault has it registered. Where absent, any is taken for a decision with a model. */
  readonly modelUid?: Hex | undefined;
  /** Keys whose attestations the vault accepts. Where absent, nothing is said of who may sign. */
  readonly attesters?: readonly Hex[] | undefined;
  /** The moment at which the decision must be usable. */
  readonly asOf: UnixMillis;
}

export const toCheck = (name: CheckName, passed: boolean, ifPassed: string, ifFailed: string): Check => ({
  name,
  passed,
  detail: passed ? ifPassed : ifFailed,
});

/** A check that one value equals another; hexadecimal in any case. */
export function toEqualityCheck(name: CheckName, what: string, found: unknown, expected: unknown): Check {
  const passed = String(found).toLowerCase() === String(expected).toLowerCase();
  return toCheck(name, passed, `${what} is ${found}`, `${what} is ${found}, not ${expected}`);
}

/** The first failed check of several of one name, or the first of them. */
export const toFirstFailure = (checks: readonly [Check, ...Check[]]): Check =>
  checks.find(({ passed }) => !passed) ?? checks[0];

/** A value, or the sentence that says why there is none: bad input is a finding here, not an error. */
export function attempt<T>(compute: () => T): { readonly value: T } | { readonly problem: string } {
  try {
    return { value: compute() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Unix seconds for a reader. */
export const toTime = (seconds: bigint): string => isoTime(Number(seconds) * 1000);

/** Names the first field in which attested bytes differ from a decision that has canonical bytes. */
function toFirstDifference(data: Hex, decision: Decision): string {
  const attested = attempt(() => decisionFromBytes(data));
  if ("problem" in attested) return `the attested bytes are no decision: ${attested.problem}`;
  const given = decisionFromBytes(decisionBytes(decision));
  const field = DECISION_FIELDS.map(([name]) => name).find((name) => attested.value[name] !== given[name]);
  return field === undefined
    ? "the attested bytes are the decision's"
    : `${field} was attested as ${attested.value[field]} and is given as ${given[field]}`;
}

/** What holds for a decision and any attestation of it. The decision must have canonical bytes. */
export function checkDecision(decision: Decision, trades: readonly Trade[] | undefined, data: Hex): Check[] {
  const difference = toFirstDifference(data, decision);
  const checks = [toCheck("data", data === decisionBytes(decision), difference, difference)];
  if (trades === undefined) return checks;
  const hash = attempt(() => tradesHash(trades));
  const found = "value" in hash ? hash.value : undefined;
  const decided = decision.tradesHash.toLowerCase();
  const problem = "problem" in hash ? hash.problem : `they hash to ${found}, not to ${decided}`;
  checks.push(toCheck("trades-hash", found === decided, `the trades hash to ${decided}`, problem));
  if (found !== undefined) {
    const { action } = decision;
    const isSound = trades.length > 0 ? action === ACTION.rebalance : action === ACTION.hold;
    const detail = `action ${action} comes with ${trades.length} trades`;
    checks.push(
      toCheck("action", isSound, detail, `${detail}; 0 is a hold without any, 1 a rebalance with some`),
    );
  }
  return checks;
}

/** What an attestation says beside its data, on chain and off chain alike. */
export interface AttestedTerms {
  readonly schema: Hex;
  readonly recipient: Hex;
  readonly expirationTime: bigint;
  readonly revocable: boolean;
  readonly refUID: Hex;
}

export function checkTerms(decision: Decision, terms: AttestedTerms, expectations: Expectations): Check[] {
  return [
    toFirstFailure([
      toEqualityCheck("recipient", "the attestation's recipient", terms.recipient, expectations.vault),
      toEqualityCheck("recipient", "the decision's vault", decision.vault, expectations.vault),
    ]),
    toEqualityCheck("schema", "the schema", terms.schema, expectations.schemaUid),
    toFirstFailure([
      toEqualityCheck("terms", "the attested expiry", terms.expirationTime, decision.expiresAt),
      toEqualityCheck("terms", "revocable", terms.revocable, true),
    ]),
    checkReference(decision, terms.refUID, expectations.modelUid),
  ];
}

function checkReference({ modelId }: Decision, refUID: Hex, modelUid: Hex | undefined): Check {
  if (modelId === ZERO_BYTES32)
    return toEqualityCheck("reference", "the reference of a decision without a model", refUID, ZERO_BYTES32);
  return toEqualityCheck("reference", "the reference to the model", refUID, modelUid ?? refUID);
}

/** @param nowSeconds The moment asked about, Unix seconds. */
export function checkWindow({ decidedAt, expiresAt }: Decision, nowSeconds: bigint): Check {
  const window = `from ${toTime(decidedAt)} to ${toTime(expiresAt)}`;
  const isOpen = decidedAt <= nowSeconds && nowSeconds <= expiresAt;
  const side = nowSeconds > expiresAt ? "expired" : "not decided yet";
  return toCheck("window", isOpen, `usable ${window}`, `${side} at ${toTime(nowSeconds)}: usable ${window}`);
}

/** No check at all where nobody knows who is allowed. */
export function checkAttester(attester: Hex, allowed: readonly Hex[] | undefined): Check[] {
  if (allowed === undefined) return [];
  const isAllowed = allowed.some((key) => key.toLowerCase() === attester.toLowerCase());
  const list = allowed.length === 0 ? "nobody is" : `allowed are ${allowed.join(", ")}`;
  const refusal = `${attester} is not allowed to sign; ${list}`;
  return [toCheck("attester", isAllowed, `${attester} is allowed to sign`, refusal)];
}
