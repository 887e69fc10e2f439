import type { Hex } from "@ballast/data";
import { readModel } from "@ballast/model";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import { type Artefacts, manifestReader } from "../manifests.ts";
import { NotFoundError } from "../problem.ts";
import { toModel } from "../resources.ts";
import * as schemas from "../schemas/models.ts";
import { NoQuery, Problem } from "../schemas.ts";

export const models: FastifyPluginCallbackTypebox<{ artefacts: Artefacts }> = (app, { artefacts }, done) => {
  const readManifests = manifestReader(artefacts);

  app.get(
    "/v1/models",
    {
      schema: {
        tags: ["models"],
        summary: "Manifests of all trained models",
        description:
          "Data root, configuration, seed, backend, versions and walk-forward metrics, as training wrote them.",
        querystring: NoQuery,
        response: { 200: schemas.Models },
      },
    },
    async () => ({ items: await readManifests() }),
  );

  app.get(
    "/v1/models/:modelId",
    {
      schema: {
        tags: ["models"],
        summary: "A model's manifest and the shape of its network",
        description: "The shape is null where the store has the manifest alone.",
        params: schemas.ModelParams,
        querystring: NoQuery,
        response: { 200: schemas.Model, 400: Problem, 404: Problem },
      },
    },
    async ({ params }) => {
      const modelId = params.modelId.toLowerCase() as Hex;
      const manifest = (await readManifests()).find((candidate) => candidate.modelId === modelId);
      if (manifest === undefined) throw new NotFoundError("model", params.modelId, "/v1/models");
      const isKept = (await artefacts.list()).includes(modelId);
      return toModel(manifest, isKept ? await artefacts.get(modelId) : undefined);
    },
  );

  app.get(
    "/v1/networks/:networkId",
    {
      schema: {
        tags: ["models"],
        summary: "The integer network that a vault runs, to be run again",
        description: "Its canonical bytes, by the `modelId` of a decision: what the dashboard runs again.",
        params: schemas.NetworkParams,
        querystring: NoQuery,
        response: { 200: schemas.Network, 400: Problem, 404: Problem },
      },
    },
    async ({ params }, reply) => {
      const networkId = params.networkId.toLowerCase() as Hex;
      const kept = await artefacts.list();
      for (const { modelId, breachNetwork } of await readManifests()) {
        const named = (breachNetwork as { readonly id?: unknown } | undefined)?.id;
        if (named !== networkId || !kept.includes(modelId)) continue;
        const bytes = readModel(await artefacts.get(modelId)).breachNetwork;
        if (bytes === undefined) continue;
        // Named by its hash, so that it never changes; whoever runs it again checks the hash.
        reply.header("cache-control", "public, max-age=31536000, immutable");
        return { networkId, modelId, bytes };
      }
      throw new NotFoundError("network", params.networkId, "/v1/models");
    },
  );
  done();
};
