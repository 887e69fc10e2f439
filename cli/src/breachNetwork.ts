import type { ArtefactStore, Hex } from "@ballast/data";
import { type NetworkArtefact, networkId, readModel } from "@ballast/model";

/** Bytes of the breach network that a model brings along; undefined where it was trained without. */
export const breachNetworkOf = ({ breachNetwork }: NetworkArtefact): Uint8Array | undefined =>
  breachNetwork === undefined ? undefined : Buffer.from(breachNetwork.slice(2), "hex");

/**
 * The model that brings a breach network along, among those of a store; undefined where none does.
 * Errors: BadModelError, ArtefactCorruptError.
 */
export async function findModelOf(
  store: ArtefactStore,
  breachNetworkId: Hex,
): Promise<{ readonly id: Hex; readonly artefact: NetworkArtefact } | undefined> {
  for (const id of await store.list("model")) {
    const artefact = readModel(await store.get(id));
    const network = breachNetworkOf(artefact);
    if (network !== undefined && networkId(network) === breachNetworkId) return { id, artefact };
  }
  return undefined;
}
