import { canonicalJson, type Hex } from "@ballast/data";
import type { ModelManifest } from "@ballast/model";
import { readTrainingFile } from "./config.ts";
import type { TrainConfig, TrainedModel } from "./train.ts";

/** One part of a training, said and found. */
export interface CheckedPart {
  readonly part: "data root" | "configuration" | "backend" | "versions" | "costs ahead" | "weights";
  readonly isSame: boolean;
  /** What is the same, or what differs. */
  readonly detail: string;
}

/**
 * The configuration a manifest was trained with. Throws BadConfigError where this program has other keys: then it
 * cannot do again what was done.
 */
export function toTrainConfig(manifest: ModelManifest): TrainConfig {
  const source = `manifest of ${manifest.modelId}`;
  const { training } = readTrainingFile(canonicalJson({ training: manifest.configuration }), source);
  return training as TrainConfig;
}

/** Compares the data set with the one the manifest names, before any work. */
export const checkRoot = (manifest: ModelManifest, root: Hex): CheckedPart => ({
  part: "data root",
  isSame: manifest.dataset.root === root,
  detail: manifest.dataset.root === root ? root : `${manifest.dataset.root} became ${root}`,
});

/**
 * Compares a training with its repetition, part by part; `weights` is the verdict, the others tell where a difference
 * comes from. Versions may differ and the weights still be the same.
 * @param stored Bytes of the first training's model, where they are at hand.
 */
export function checkTraining(
  manifest: ModelManifest,
  again: TrainedModel,
  stored: Uint8Array | undefined,
): CheckedPart[] {
  const differing = (said: Readonly<Record<string, unknown>>, found: Readonly<Record<string, unknown>>) =>
    [...new Set([...Object.keys(said), ...Object.keys(found)])]
      .filter((key) => canonicalJson(said[key] ?? null) !== canonicalJson(found[key] ?? null))
      .map((key) => `${key} ${JSON.stringify(said[key])} became ${JSON.stringify(found[key])}`)
      .join(", ");
  const compared = (part: CheckedPart["part"], differences: string, same: string): CheckedPart => ({
    part,
    isSame: differences === "",
    detail: differences || same,
  });
  const { configuration, backend, versions } = again.manifest;
  const isSame = manifest.modelId === again.modelId;
  const backendOf = ({ name, version }: ModelManifest["backend"]) => ({ name, version });
  return [
    checkRoot(manifest, again.manifest.dataset.root),
    compared("configuration", differing(manifest.configuration, configuration), "all keys"),
    compared(
      "backend",
      differing(backendOf(manifest.backend), backendOf(backend)),
      `${backend.name} ${backend.version}${backend.reproducible ? "" : ", which is not reproducible"}`,
    ),
    compared("versions", differing(manifest.versions, versions), Object.values(versions).join(", ")),
    compared("costs ahead", toCostDifferences(manifest, again.manifest), toSeries(again.manifest)),
    {
      part: "weights",
      isSame,
      detail: isSame
        ? manifest.modelId
        : `${manifest.modelId} became ${again.modelId}${toFields(stored, again)}`,
    },
  ];
}

const toSeries = ({ costs }: ModelManifest): string =>
  costs?.served.map(({ series }) => series).join(", ") || "no series";

/** Names the series whose fit or scores differ. The fitted models themselves are part of the weights. */
function toCostDifferences(said: ModelManifest, found: ModelManifest): string {
  const bySeries = ({ costs }: ModelManifest) =>
    new Map([...(costs?.served ?? []), ...(costs?.leftOut ?? [])].map((entry) => [entry.series, entry]));
  const [before, after] = [bySeries(said), bySeries(found)];
  const differing = [...new Set([...before.keys(), ...after.keys()])].filter(
    (series) => canonicalJson(before.get(series) ?? null) !== canonicalJson(after.get(series) ?? null),
  );
  return differing.length === 0 ? "" : `${differing.join(", ")} differ`;
}

/** Names the fields of the artefact that differ. */
function toFields(stored: Uint8Array | undefined, again: TrainedModel): string {
  if (stored === undefined) return "";
  const [before, after] = [plain(stored), plain(again.bytes)];
  const fields = Object.keys(after).filter(
    (key) => canonicalJson(before[key] ?? null) !== canonicalJson(after[key]),
  );
  return `: ${fields.join(", ")} differ`;
}

const plain = (bytes: Uint8Array): Record<string, unknown> => JSON.parse(Buffer.from(bytes).toString("utf8"));
