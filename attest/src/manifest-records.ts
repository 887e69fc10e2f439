import { canonicalJson, type Hex, keccak } from "@ballast/data";
import { type ModelManifest, manifestBytes } from "@ballast/model";
import { ZERO_BYTES32 } from "./encoding.ts";
import type { DatasetRecord, ModelRecord } from "./schemas.ts";

const hashOf = (value: unknown): Hex => keccak(Buffer.from(canonicalJson(value), "utf8"));
const seconds = (iso: string): bigint => BigInt(Math.floor(Date.parse(iso) / 1000));

/**
 * What a manifest lets its owner attest: the same manifest gives the same records, whoever reads it. The model's id is
 * that of the breach network, zero where the manifest has none.
 */
export function toRecords(manifest: ModelManifest): {
  readonly dataset: DatasetRecord;
  readonly model: ModelRecord;
} {
  const { dataset, configuration, backend, metrics, modelId, breachNetwork } = manifest;
  return {
    dataset: {
      root: dataset.root,
      from: seconds(dataset.from),
      until: seconds(dataset.until),
      source: dataset.name,
      manifestHash: hashOf(dataset),
    },
    model: {
      modelId: breachNetwork?.id ?? ZERO_BYTES32,
      forecasterId: modelId,
      configurationHash: hashOf(configuration),
      manifestHash: keccak(manifestBytes(manifest)),
      backend: backend.name,
      qlikeRatioPpm: metrics.map(({ ratioToLogHar }) => Math.round(ratioToLogHar.network * 1e6)),
    },
  };
}
