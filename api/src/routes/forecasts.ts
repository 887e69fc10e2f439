import type { Journal } from "@ballast/agent";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import { toForecastTable } from "../journal-tables.ts";
import { toForecast, toPage } from "../resources.ts";
import * as schemas from "../schemas/forecasts.ts";
import { Problem } from "../schemas.ts";
import { toTime } from "../time.ts";

export const forecasts: FastifyPluginCallbackTypebox<{ journal: Journal }> = (app, { journal }, done) => {
  app.get(
    "/v1/forecasts",
    {
      config: { table: { toTable: toForecastTable }, isOfJournal: true },
      schema: {
        tags: ["forecasts"],
        summary: "The latest forecast, or those of a period, newest first",
        description:
          "Realised variance expected by asset and horizon, and costs ahead; a table has a row an asset and horizon.",
        querystring: schemas.ForecastsQuery,
        response: { 200: schemas.ForecastPage, 400: Problem },
      },
    },
    ({ query: { asset, hours, from, to, cursor, limit } }) => {
      const isLatest = from === undefined && to === undefined && cursor === undefined;
      const page = journal.forecasts({
        from: toTime(from),
        to: toTime(to),
        cursor,
        limit: limit ?? (isLatest ? 1 : 50),
      });
      return toPage(page, (forecast) => toForecast(forecast, asset?.toUpperCase(), hours));
    },
  );
  done();
};
