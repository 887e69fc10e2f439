import type { Hex } from "@ballast/data";
import { BadManifestError, type ModelManifest, readManifest } from "@ballast/model";
import { type Manifest, toManifest } from "./resources.ts";
import type { Artefacts } from "./routes/models.ts";

export interface Manifests {
  /** Of all trained models, as training wrote them. */
  all(): Promise<Manifest[]>;
  /** Those of this version alone: their figures can be set side by side. */
  current(): Promise<ModelManifest[]>;
}

/** What lies under a hash never changes, so each artefact is read once. */
export function openManifests(artefacts: Artefacts): Manifests {
  const read = new Map<
    Hex,
    { readonly any?: Manifest | undefined; readonly current?: ModelManifest | undefined }
  >();
  async function load() {
    const hashes = await artefacts.list();
    for (const hash of hashes) {
      if (read.has(hash)) continue;
      const bytes = await artefacts.get(hash);
      const any = toManifest(bytes);
      read.set(hash, { any, current: any && toCurrent(bytes) });
    }
    return hashes.map((hash) => read.get(hash));
  }
  return {
    all: async () => (await load()).flatMap((entry) => entry?.any ?? []),
    current: async () => (await load()).flatMap((entry) => entry?.current ?? []),
  };
}

function toCurrent(bytes: Uint8Array): ModelManifest | undefined {
  try {
    return readManifest(bytes);
  } catch (error) {
    if (error instanceof BadManifestError) return undefined;
    throw error;
  }
}
