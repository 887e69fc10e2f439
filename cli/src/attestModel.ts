import { DATASET_SCHEMA, type EasDomain, MODEL_SCHEMA, signRecord } from "@ballast/attest";
import { canonicalJson, type Hex, keccak } from "@ballast/data";
import { type ModelManifest, manifestBytes } from "@ballast/model";
import type { Signer } from "ethers";

/** A model's off-chain attestation and, before it in the chain, its dataset's. */
export interface AttestedModel {
  readonly uid: Hex;
  /** JSON texts, as evidence brings them along. */
  readonly references: readonly string[];
}

const hashOf = (value: unknown): Hex => keccak(Buffer.from(canonicalJson(value), "utf8"));
const seconds = (iso: string): bigint => BigInt(Math.floor(Date.parse(iso) / 1000));

/**
 * Signs, off chain, what a model was trained on and how good it was out of sample. All of it is in the manifest.
 * @param modelId Of the breach network, which the vault runs.
 * @param time Unix seconds.
 */
export async function attestModel(
  manifest: ModelManifest,
  modelId: Hex,
  domain: EasDomain,
  signer: Signer,
  time: bigint,
): Promise<AttestedModel> {
  const { dataset, configuration, backend, metrics, modelId: forecasterId } = manifest;
  const own = { ...domain, signer, time };
  const data = await signRecord({
    ...own,
    schema: DATASET_SCHEMA,
    record: {
      root: dataset.root,
      from: seconds(dataset.from),
      until: seconds(dataset.until),
      source: dataset.name,
      manifestHash: hashOf(dataset),
    },
  });
  const model = await signRecord({
    ...own,
    schema: MODEL_SCHEMA,
    record: {
      modelId,
      forecasterId,
      configurationHash: hashOf(configuration),
      manifestHash: keccak(manifestBytes(manifest)),
      backend: backend.name,
      qlikeRatioPpm: metrics.map(({ ratioToLogHar }) => Math.round(ratioToLogHar.network * 1e6)),
    },
    refUID: data.uid,
  });
  return { uid: model.uid, references: [model.json, data.json] };
}
