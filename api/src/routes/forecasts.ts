import type { Journal } from "@ballast/agent";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import { toForecast, toPage } from "../resources.ts";
import * as schemas from "../schemas.ts";
import { toTime } from "../time.ts";

export const forecasts: FastifyPluginCallbackTypebox<{ journal: Journal }> = (app, { journal }, done) => {
  app.get(
    "/v1/forecasts",
    {
      config: { isOfJournal: true },
      schema: {
        tags: ["forecasts"],
        summary: "The latest forecast, or those of a period, newest first",
        querystring: schemas.ForecastsQuery,
        response: { 200: schemas.ForecastPage, 400: schemas.Problem },
      },
    },
    ({ query: { asset, from, to, cursor, limit } }) => {
      const isLatest = from === undefined && to === undefined && cursor === undefined;
      const page = journal.forecasts({
        from: toTime(from),
        to: toTime(to),
        cursor,
        limit: limit ?? (isLatest ? 1 : 50),
      });
      return toPage(page, (forecast) => toForecast(forecast, asset?.toUpperCase()));
    },
  );
  done();
};
