import type { Journal } from "@ballast/agent";
import type { Hex, Snapshot } from "@ballast/data";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import type { TablePage } from "../plugins/formats.ts";
import { NotFoundError } from "../problem.ts";
import * as market from "../schemas/market.ts";
import * as schemas from "../schemas.ts";
import { type Column, type Table, toTable } from "../tables/table.ts";
import { toTime } from "../time.ts";
import { toBarTable } from "./bars.ts";

/** Snapshots that were kept for whoever verifies a decision, by root. */
export interface Snapshots {
  /** Errors: MalformedSnapshotError. */
  get(root: Hex): Promise<Snapshot | undefined>;
}

/** All assets' bars one below the other. */
function toSnapshotTable({ at, intervalMs, assets, bars }: Snapshot): Table {
  const length = bars[0]?.open.length ?? 0;
  const time = Float64Array.from({ length }, (_, i) => at - (length - i) * intervalMs);
  const tables = assets.map((asset, i) => toBarTable(asset, { time, bars: bars[i]! }));
  const columns = (tables[0]?.columns ?? []).map(({ name, kind }, c) => {
    const values = tables.flatMap((table) =>
      Array.from<number | string | boolean | null>(table.columns[c]!.values),
    );
    const isText = kind === "text";
    return { name, kind, values: isText ? values : Float64Array.from(values as number[]) } as Column;
  });
  return { rows: length * assets.length, columns };
}

export const snapshots: FastifyPluginCallbackTypebox<{
  journal: Journal;
  snapshots: Snapshots | undefined;
}> = (app, { journal, snapshots }, done) => {
  app.get(
    "/v1/snapshots",
    {
      config: { table: {}, isOfJournal: true },
      schema: {
        tags: ["market"],
        summary: "Roots and times of the market data that decisions read, newest first",
        description: "One item a decision: decisions of several runs on the same data share its root.",
        querystring: market.SnapshotsQuery,
        response: { 200: market.SnapshotPage, 400: schemas.Problem },
      },
    },
    ({ query: { from, to, limit = 50, ...filters } }): TablePage => {
      const { items, nextCursor } = journal.list({ ...filters, from: toTime(from), to: toTime(to), limit });
      const rows = items.map(({ decision, at, run, hash }) => ({
        root: decision.inputRoot,
        at,
        run,
        decision: hash,
      }));
      return { items: toTable(market.SNAPSHOT_COLUMNS, rows), nextCursor: nextCursor ?? null };
    },
  );

  app.get(
    "/v1/snapshots/:root",
    {
      config: { table: {} },
      schema: {
        tags: ["market"],
        summary: "The bars of one snapshot, asset by asset",
        description: "Kept for executed rebalances. What has this root never changes.",
        params: market.SnapshotParams,
        querystring: schemas.NoQuery,
        response: { 200: market.BarPage, 400: schemas.Problem, 404: schemas.Problem },
      },
    },
    async ({ params }, reply): Promise<TablePage> => {
      const snapshot = await snapshots?.get(params.root.toLowerCase() as Hex);
      if (snapshot === undefined) throw new NotFoundError("snapshot", params.root, "/v1/snapshots");
      reply.header("cache-control", "public, max-age=31536000, immutable");
      return { items: toSnapshotTable(snapshot), nextCursor: null };
    },
  );
  done();
};
