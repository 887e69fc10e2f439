import type { Hex } from "@ballast/data";
import { BadManifestError, type ModelManifest, readManifest } from "@ballast/model";

/**
 * Manifests of this version alone: their figures can be set side by side. What lies under a hash never changes, so each
 * artefact is read once.
 */
export function scoredModels(artefacts: {
  list(): Promise<readonly Hex[]>;
  get(hash: Hex): Promise<Uint8Array>;
}): () => Promise<ModelManifest[]> {
  const read = new Map<Hex, ModelManifest | undefined>();
  return async () => {
    const hashes = await artefacts.list();
    for (const hash of hashes) if (!read.has(hash)) read.set(hash, toManifest(await artefacts.get(hash)));
    return hashes.flatMap((hash) => read.get(hash) ?? []);
  };
}

/** Undefined for models, reports and manifests of other versions, which lie in the same store. */
function toManifest(bytes: Uint8Array): ModelManifest | undefined {
  try {
    return readManifest(bytes);
  } catch (error) {
    if (error instanceof BadManifestError) return undefined;
    throw error;
  }
}
