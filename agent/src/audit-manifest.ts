import { type DatasetRecord, type ModelRecord, toRecords } from "@ballast/attest";
import { BallastError, keccak } from "@ballast/data";
import { type ModelManifest, readManifest } from "@ballast/model";
import { type AuditMaterial, attempt, fail, type Link, open, pass } from "./audit-links.ts";

/**
 * What the attestations say of model and data set, against the manifest whose hash they have, and the data set's root
 * against one's own bars.
 */
export function auditManifest(
  model: ModelRecord,
  dataset: DatasetRecord | undefined,
  { manifests, training }: AuditMaterial,
): Link[] {
  const bytes = manifests?.find((candidate) => keccak(candidate) === model.manifestHash);
  if (bytes === undefined) {
    const other = manifests?.find((candidate) => networkOf(candidate) === model.modelId);
    const links = [
      other === undefined
        ? open("manifest", `give --artefacts with the manifest ${model.manifestHash}`)
        : fail(
            "manifest",
            `the manifest of that network hashes to ${keccak(other)}, and ${model.manifestHash} is attested`,
          ),
    ];
    if (dataset !== undefined) links.push(...auditRoot(dataset, training, "the manifest's assets and span"));
    return links;
  }
  return attempt("manifest", () => {
    const manifest = readManifest(bytes);
    const records = toRecords(manifest);
    const links = [
      compare("manifest", records.model, model, `${bytes.length} bytes hash to ${model.manifestHash}`),
    ];
    if (dataset === undefined) return links;
    const { assets, from, until } = manifest.dataset;
    return [
      ...links,
      compare(
        "dataset-manifest",
        records.dataset,
        dataset,
        `the manifest has the same root, ${dataset.root}`,
      ),
      ...auditRoot(dataset, training, `${assets.join(", ")} from ${from} until ${until}`),
    ];
  });
}

/** The first field that an attestation has otherwise than the manifest. */
function compare<T extends object>(name: string, ofManifest: T, attested: T, same: string): Link {
  const field = (Object.keys(ofManifest) as (keyof T & string)[]).find(
    (key) => String(ofManifest[key]) !== String(attested[key]),
  );
  return field === undefined
    ? pass(name, same)
    : fail(name, `the manifest's ${field} is ${ofManifest[field]}, and ${attested[field]} is attested`);
}

function auditRoot({ root }: DatasetRecord, training: AuditMaterial["training"], span: string): Link[] {
  const name = "dataset-root";
  const give = `give --artefacts, and --bars with the bars it was trained on: ${span}`;
  if (training === undefined) return [open(name, give)];
  if ("problem" in training) return [open(name, `${give}; ${training.problem}`)];
  if (training.root === root) return [pass(name, `the bars it was trained on have root ${root}`)];
  const detail = `these bars have root ${training.root}, and ${root} is attested`;
  return [training.isOther ? open(name, `${detail}; ${give}`) : fail(name, detail)];
}

/** The breach network that a manifest names; undefined for what is no manifest. */
function networkOf(bytes: Uint8Array): NonNullable<ModelManifest["breachNetwork"]>["id"] | undefined {
  try {
    return readManifest(bytes).breachNetwork?.id;
  } catch (error) {
    if (error instanceof BallastError) return undefined;
    throw error;
  }
}
