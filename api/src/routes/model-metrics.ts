import type { Hex, Promotion } from "@ballast/data";
import type { ModelManifest } from "@ballast/model";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import { toComparison, toReliability, toScored, toSpans } from "../model-metrics.ts";
import { NotFoundError } from "../problem.ts";
import * as schemas from "../schemas/model-metrics.ts";
import { ModelParams } from "../schemas/models.ts";
import { NoQuery, Problem } from "../schemas.ts";

/** Which model served when: `openChampions` of @ballast/data. */
export interface Promotions {
  /** Oldest first. Error: CHAMPION_HISTORY. */
  history(): Promise<readonly Promotion[]>;
  champion(): Promise<Promotion | undefined>;
}

export const modelMetrics: FastifyPluginCallbackTypebox<{
  readModels: () => Promise<ModelManifest[]>;
  promotions: Promotions | undefined;
}> = (app, { readModels, promotions }, done) => {
  const find = async (given: string) => {
    const modelId = given.toLowerCase() as Hex;
    const manifest = (await readModels()).find((candidate) => candidate.modelId === modelId);
    if (manifest === undefined) throw new NotFoundError("model", given, "/v1/models/metrics");
    return manifest;
  };

  app.get(
    "/v1/models/metrics",
    {
      schema: {
        tags: ["models"],
        summary: "Accuracy of all models against the baselines, in the order of their trainings",
        description: "Out of sample, by horizon, as each manifest has it.",
        querystring: NoQuery,
        response: { 200: schemas.ModelMetrics },
      },
    },
    async () => ({
      items: (await readModels())
        .map(toScored)
        .sort((a, b) => Date.parse(a.trainedUntil) - Date.parse(b.trainedUntil)),
    }),
  );

  app.get(
    "/v1/models/compare",
    {
      schema: {
        tags: ["models"],
        summary: "Two models side by side",
        description:
          "Losses by horizon and over time, observed breaches, and what differs in their configurations; comparable where they were trained on the same data.",
        querystring: schemas.CompareQuery,
        response: { 200: schemas.ModelComparison, 400: Problem, 404: Problem },
      },
    },
    async ({ query }) => toComparison(await find(query.a), await find(query.b)),
  );

  app.get(
    "/v1/models/promotions",
    {
      schema: {
        tags: ["models"],
        summary: "Which model served since when, and why",
        description: "The champions, oldest first; empty where nobody promotes.",
        querystring: NoQuery,
        response: { 200: schemas.Promotions },
      },
    },
    async () => {
      const history = (await promotions?.history()) ?? [];
      return {
        champion: (await promotions?.champion())?.modelId ?? null,
        items: history
          .toReversed()
          .map((item) => ({ ...item, evidence: item.evidence && { ...item.evidence } })),
      };
    },
  );

  app.get(
    "/v1/models/:modelId/over-time",
    {
      schema: {
        tags: ["models"],
        summary: "Losses of a model and of the baselines over time, out of sample",
        description:
          "Mean QLIKE over consecutive spans of the walk-forward's test blocks, each forecast by a fit that knew nothing of it. `spans` is null where the program that trained the model did not record them.",
        params: ModelParams,
        querystring: NoQuery,
        response: { 200: schemas.OverTime, 400: Problem, 404: Problem },
      },
    },
    async ({ params }) => {
      const manifest = await find(params.modelId);
      return { modelId: manifest.modelId, spans: toSpans(manifest) };
    },
  );

  app.get(
    "/v1/models/:modelId/reliability",
    {
      schema: {
        tags: ["models"],
        summary: "How often came true what a model said, out of sample",
        description:
          "Breach probabilities against observed frequencies, with their recalibration; quantiles and intervals against observed coverage.",
        params: ModelParams,
        querystring: NoQuery,
        response: { 200: schemas.Reliability, 400: Problem, 404: Problem },
      },
    },
    async ({ params }) => toReliability(await find(params.modelId)),
  );
  done();
};
