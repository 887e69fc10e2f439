import type { Hex } from "@ballast/data";
import { type Manifest, toManifest } from "./resources.ts";

/** What models are read from: `openArtefactStore` of @ballast/data. */
export interface Artefacts {
  /** Hashes of all artefacts. */
  list(): Promise<readonly Hex[]>;
  get(hash: Hex): Promise<Uint8Array>;
}

/** All manifests in a store. What lies under a hash never changes, so each artefact is read once. */
export function manifestReader(artefacts: Artefacts): () => Promise<Manifest[]> {
  const read = new Map<Hex, Manifest | undefined>();
  return async () => {
    const hashes = await artefacts.list();
    for (const hash of hashes) if (!read.has(hash)) read.set(hash, toManifest(await artefacts.get(hash)));
    return hashes.flatMap((hash) => read.get(hash) ?? []);
  };
}
