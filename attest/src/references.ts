import type { Hex } from "@ballast/data";
import { attempt, type Check, type CheckName, type Expectations, toCheck } from "./checks.ts";
import type { Decision } from "./decision.ts";
import { ZERO_ADDRESS, ZERO_BYTES32 } from "./encoding.ts";
import { type OffchainAttestation, offchainUid, recoverSigner, toOffchainAttestation } from "./offchain.ts";
import {
  DATASET_SCHEMA,
  type DatasetRecord,
  MODEL_SCHEMA,
  type ModelRecord,
  type RecordSchema,
} from "./schemas.ts";

/** What a decision's references turned out to be. */
export interface References {
  readonly checks: readonly Check[];
  readonly model: { readonly record: ModelRecord; readonly attestation: OffchainAttestation } | undefined;
  readonly dataset: { readonly record: DatasetRecord; readonly attestation: OffchainAttestation } | undefined;
}

/** A record that is soundly attested off chain, or the sentence that says why it is not. */
export function readRecordAttestation<T>(
  json: unknown,
  schema: RecordSchema<T>,
  { chainId, easAddress, easVersion }: Pick<Expectations, "chainId" | "easAddress" | "easVersion">,
): { readonly record: T; readonly attestation: OffchainAttestation } | { readonly problem: string } {
  const parsed = attempt(() => toOffchainAttestation(json));
  if ("problem" in parsed) return parsed;
  const { domain, message, signer, uid } = parsed.value;
  const unequal = (
    [
      ["schema", message.schema, schema.uid],
      ["chain", domain.chainId, chainId],
      ["EAS contract", domain.verifyingContract, easAddress.toLowerCase()],
      ["EAS version", domain.version, easVersion ?? domain.version],
      ["signature's domain", domain.name, "EAS Attestation"],
      ["UID", uid, offchainUid(parsed.value)],
      ["signer", signer, recoverSigner(parsed.value)],
      ["expiry", message.expirationTime, 0n],
      ["revocability", message.revocable, true],
    ] as const
  ).find(([, found, expected]) => found !== expected);
  if (unequal !== undefined) {
    const [what, found, expected] = unequal;
    return { problem: `its ${what} is ${found}, not ${expected ?? "that of any key"}` };
  }
  const record = attempt(() => schema.decode(message.data));
  return "problem" in record ? record : { record: record.value, attestation: parsed.value };
}

/**
 * Follows a decision's reference to its model's off-chain attestation and on to the dataset's. Says nothing where the
 * decision has no model. Needs no network, and so says nothing of revocation, nor of who may attest a model: the
 * vault's owner accepted this one when it was registered.
 * @param refUID What the decision's attestation refers to.
 * @param references Off-chain attestations, `{signer, sig}` as text or parsed, in any order.
 */
export function verifyReferences(
  decision: Decision,
  refUID: Hex,
  references: readonly unknown[],
  expectations: Pick<Expectations, "chainId" | "easAddress" | "easVersion">,
): References {
  const none = { model: undefined, dataset: undefined };
  if (decision.modelId === ZERO_BYTES32) return { checks: [], ...none };
  const follow = <T>(name: CheckName, schema: RecordSchema<T>, uid: Hex) => {
    const failed = (why: string) => ({ check: toCheck(name, false, "", why), found: undefined });
    if (uid === ZERO_BYTES32) return failed(`there is no reference to the attestation of a ${schema.name}`);
    const json = references.find((item) => {
      const parsed = attempt(() => toOffchainAttestation(item));
      return "value" in parsed && parsed.value.uid === uid;
    });
    if (json === undefined)
      return failed(`the attestation ${uid} of the ${schema.name} is not among the evidence`);
    const read = readRecordAttestation(json, schema, expectations);
    if ("problem" in read) return failed(`the attestation ${uid} of the ${schema.name}: ${read.problem}`);
    const { signer, message } = read.attestation;
    if (message.recipient !== ZERO_ADDRESS) return failed(`it is for ${message.recipient}, not for everyone`);
    return { check: toCheck(name, true, `${schema.name} attested by ${signer} as ${uid}`, ""), found: read };
  };
  const model = follow("model-attestation", MODEL_SCHEMA, refUID);
  if (model.found === undefined) return { checks: [model.check], ...none };
  const { record, attestation } = model.found;
  if (record.modelId !== decision.modelId) {
    const other = `it attests model ${record.modelId}, and the decision was made with ${decision.modelId}`;
    return { checks: [toCheck("model-attestation", false, "", other)], ...none };
  }
  const dataset = follow("dataset-attestation", DATASET_SCHEMA, attestation.message.refUID);
  return { checks: [model.check, dataset.check], model: model.found, dataset: dataset.found };
}
