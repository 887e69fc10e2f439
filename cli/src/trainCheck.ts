import { readFileSync } from "node:fs";
import { type ArtefactStore, BallastError, openArtefactStore } from "@ballast/data";
import { type ModelManifest, readManifest } from "@ballast/model";
import { checkRoot, checkTraining, type TrainingPlan, toTrainConfig } from "@ballast/training";
import type { Terminal } from "./terminal.ts";
import { trainOn } from "./train.ts";
import { readSameDataset } from "./trainingData.ts";

export class ManifestMissingError extends BallastError {
  readonly code = "MANIFEST_MISSING";
  readonly manifest: string;
  constructor(manifest: string, folder: string) {
    super(
      `${manifest} is neither a manifest or model in ${folder} nor a file. Give --check the hash of a manifest, a modelId, or a manifest's file.`,
    );
    this.manifest = manifest;
  }
}

/**
 * `ballast train --check`: trains again what a manifest describes, on the plan's source, and says part by part whether
 * it came out the same. Exit status 1 where the weights differ.
 */
export async function runCheck(subject: string, plan: TrainingPlan, terminal: Terminal): Promise<void> {
  const store = await openArtefactStore(plan.artefacts);
  try {
    const manifest = await findManifest(subject, store);
    const config = toTrainConfig(manifest);
    const market = await readSameDataset(manifest, plan.data, terminal);
    const root = checkRoot(manifest, market.hash);
    const stored = await store.get(manifest.modelId).catch(() => undefined);
    // On other data the weights are others in any case.
    const parts = root.isSame
      ? checkTraining(
          manifest,
          (await trainOn(market, { training: config, backend: manifest.backend.name }, terminal)).trained,
          stored,
        )
      : [root];
    for (const { part, isSame, detail } of parts)
      terminal.result(`${isSame ? "same" : "DIFFERS"}  ${part}: ${detail}`);
    const isSame = root.isSame && parts.at(-1)!.isSame;
    terminal.result(
      isSame ? "The training gives the same model again, bit for bit." : "The training is not repeated.",
    );
    if (!manifest.backend.reproducible && !isSame)
      terminal.say(`The backend ${manifest.backend.name} does not promise the same bits again.`);
    if (!isSame) process.exitCode = 1;
  } finally {
    store.close();
  }
}

/** By the manifest's hash, the model's, or the path of a file. Errors: ManifestMissingError, BadManifestError. */
async function findManifest(subject: string, store: ArtefactStore): Promise<ModelManifest> {
  const hashes = await store.list("manifest");
  for (const hash of hashes) {
    if (hash === subject) return readManifest(await store.get(hash));
  }
  for (const hash of hashes) {
    const manifest = readManifest(await store.get(hash));
    if (manifest.modelId === subject) return manifest;
  }
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(subject);
  } catch {
    throw new ManifestMissingError(subject, store.folder);
  }
  return readManifest(bytes);
}
