import type { Journal, JournalEntry } from "@ballast/agent";
import { isoTime } from "@ballast/data";
import { type Forecast, forecastHash } from "@ballast/model";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import { toOutlook } from "../resources.ts";
import * as outlook from "../schemas/outlooks.ts";
import { type QuantileRow, toQuantileTable } from "../schemas/tables.ts";
import * as schemas from "../schemas.ts";
import { toTime } from "../time.ts";

const TARGETS = ["last", "mean", "lowest"] as const;

const toBreachRows = (entry: JournalEntry): QuantileRow[] =>
  (toOutlook(entry) ?? []).flatMap(({ horizons, ...holding }) =>
    horizons.map((horizon) => ({
      at: isoTime(entry.at),
      run: entry.run,
      decision: entry.hash,
      forecast: entry.decision.forecastHash,
      ...holding,
      ...horizon,
    })),
  );

const toCostRows = (forecast: Forecast): QuantileRow[] => {
  const { costs, modelId } = forecast;
  if (costs === undefined) return [];
  const common = { at: isoTime(forecast.at), forecast: forecastHash(forecast), modelId };
  return costs.series.flatMap(({ name, now, horizonsHours, ...targets }) =>
    horizonsHours.flatMap((hours, h) =>
      TARGETS.map((target) => ({
        ...common,
        series: name,
        now,
        hours,
        target,
        levels: costs.levels,
        ...targets[target][h]!,
      })),
    ),
  );
};

interface Period {
  readonly from?: string;
  readonly to?: string;
  readonly cursor?: string;
  readonly limit?: number;
}
/** The latest alone, unless a period or a cursor is given. */
const toPageQuery = ({ from, to, cursor, limit }: Period) => ({
  from: toTime(from),
  to: toTime(to),
  cursor,
  limit: limit ?? (from === undefined && to === undefined && cursor === undefined ? 1 : 50),
});

export const outlooks: FastifyPluginCallbackTypebox<{ journal: Journal }> = (app, { journal }, done) => {
  app.get(
    "/v1/breaches",
    {
      config: {
        table: { toTable: (items) => toQuantileTable(outlook.BREACH_COLUMNS, items as QuantileRow[]) },
        isOfJournal: true,
      },
      schema: {
        tags: ["forecasts"],
        summary: "Probability that each weight leaves its band, newest decision first",
        description:
          "From what each decision knew, if nobody trades: one item a holding and horizon. Decisions without a forecast have none.",
        querystring: outlook.BreachesQuery,
        response: { 200: outlook.Breaches, 400: schemas.Problem },
      },
    },
    ({ query }) => {
      const { items, nextCursor } = journal.list({ run: query.run, ...toPageQuery(query) });
      const asset = query.asset?.toUpperCase();
      const rows = items
        .flatMap(toBreachRows)
        .filter((row) => asset === undefined || row.asset === asset)
        .filter((row) => query.hours === undefined || row.hours === query.hours);
      return { items: rows, nextCursor: nextCursor ?? null };
    },
  );

  app.get(
    "/v1/costs",
    {
      config: {
        table: { toTable: (items) => toQuantileTable(outlook.COST_COLUMNS, items as QuantileRow[]) },
        isOfJournal: true,
      },
      schema: {
        tags: ["forecasts"],
        summary: "Price of gas and other costs ahead, newest forecast first",
        description:
          "One item a series, horizon and target. A series that was not known throughout the week before is left out.",
        querystring: outlook.CostsQuery,
        response: { 200: outlook.Costs, 400: schemas.Problem },
      },
    },
    ({ query }) => {
      const { items, nextCursor } = journal.forecasts(toPageQuery(query));
      const rows = items
        .flatMap(toCostRows)
        .filter((row) => query.series === undefined || row.series === query.series)
        .filter((row) => query.hours === undefined || row.hours === query.hours);
      return { items: rows, nextCursor: nextCursor ?? null };
    },
  );
  done();
};
