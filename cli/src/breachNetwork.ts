import type { ArtefactStore, Hex } from "@ballast/data";
import { type ModelManifest, readManifest } from "@ballast/model";

/** All manifests of a store. Errors: BadManifestError, ArtefactCorruptError. */
const readManifests = async (store: ArtefactStore): Promise<ModelManifest[]> =>
  Promise.all((await store.list("manifest")).map(async (hash) => readManifest(await store.get(hash))));

/** Bytes of the breach network that was trained with a forecaster; undefined where the store has none. */
export async function findBreachNetwork(store: ArtefactStore, modelId: Hex): Promise<Uint8Array | undefined> {
  const manifest = (await readManifests(store)).find((candidate) => candidate.modelId === modelId);
  const id = manifest?.breachNetworkId;
  return id === undefined ? undefined : store.get(id);
}

/** The forecaster that a breach network was trained with; undefined where the store has none. */
export async function findForecasterId(store: ArtefactStore, networkId: Hex): Promise<Hex | undefined> {
  const manifests = await readManifests(store);
  return manifests.find(({ breachNetworkId }) => breachNetworkId === networkId)?.modelId;
}
