import type { Hex } from "@ballast/data";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import type { Static } from "typebox";
import { type Artefacts, manifestReader } from "../manifests.ts";
import type { Manifest } from "../resources.ts";
import * as datasetSchemas from "../schemas/datasets.ts";
import * as schemas from "../schemas.ts";
import { toTable } from "../tables/table.ts";

type Dataset = Static<typeof datasetSchemas.Dataset>;

const COLUMNS = [
  { name: "root", kind: "text" },
  { name: "name", kind: "text" },
  { name: "asset", kind: "text" },
  { name: "intervalMs", kind: "number" },
  { name: "from", kind: "time" },
  { name: "until", kind: "time" },
  { name: "models", kind: "number" },
] as const;

/** A row an asset, with the number of models. */
const toDatasetTable = (items: readonly Dataset[]) =>
  toTable(
    COLUMNS,
    items.flatMap(({ assets, from, until, models, ...dataset }) =>
      assets.map((asset) => ({
        ...dataset,
        asset,
        from: from === null ? null : Date.parse(from),
        until: until === null ? null : Date.parse(until),
        models: models.length,
      })),
    ),
  );

const isRoot = (value: unknown): value is Hex => typeof value === "string" && /^0x[0-9a-f]{64}$/.test(value);
const textOr = (value: unknown): string | null => (typeof value === "string" ? value : null);
const timeOr = (value: unknown): string | null =>
  typeof value === "string" && Number.isFinite(Date.parse(value)) ? value : null;

/** Artefacts are not ours to trust: of a manifest's dataset that which is sound. */
function toDatasets(manifests: readonly Manifest[]): Dataset[] {
  const byRoot = new Map<Hex, Dataset>();
  for (const { modelId, dataset } of manifests) {
    const { root, name, assets, intervalMs, from, until } = (dataset ?? {}) as Record<string, unknown>;
    if (!isRoot(root)) continue;
    const known = byRoot.get(root);
    if (known !== undefined) {
      known.models.push(modelId);
      continue;
    }
    byRoot.set(root, {
      root,
      name: textOr(name),
      assets: Array.isArray(assets) ? assets.filter((asset) => typeof asset === "string").sort() : [],
      intervalMs: typeof intervalMs === "number" ? intervalMs : null,
      from: timeOr(from),
      until: timeOr(until),
      models: [modelId],
    });
  }
  return [...byRoot.values()].sort((x, y) => (x.root < y.root ? -1 : 1));
}

export const datasets: FastifyPluginCallbackTypebox<{ artefacts: Artefacts }> = (
  app,
  { artefacts },
  done,
) => {
  const readManifests = manifestReader(artefacts);
  app.get(
    "/v1/datasets",
    {
      config: { table: { toTable: toDatasetTable } },
      schema: {
        tags: ["models"],
        summary: "Data sets that models were trained on",
        description: "By the manifests of the models; a table has a row an asset.",
        querystring: schemas.NoQuery,
        response: { 200: datasetSchemas.Datasets },
      },
    },
    async () => ({ items: toDatasets(await readManifests()) }),
  );
  done();
};
