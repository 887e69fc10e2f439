import { BallastError, type BarKey, type BarSeries, intervalLabel, parseInterval } from "@ballast/data";
import type { FastifyPluginCallbackTypebox } from "@fastify/type-provider-typebox";
import type { TablePage } from "../plugins/formats.ts";
import * as market from "../schemas/market.ts";
import * as schemas from "../schemas.ts";
import { type Column, type Table, toTable } from "../tables/table.ts";
import { toTime } from "../time.ts";

/** Recorded bars: what a store of @ballast/data keeps. */
export interface Bars {
  /** Each series with the opening times of its first and last bar. */
  list(): Promise<readonly (BarKey & { readonly from: number; readonly to: number })[]>;
  /**
   * The first `limit` bars with from <= time < to, ascending; undefined where there is no such series. Errors:
   * AmbiguousBarsError where several fit.
   */
  read(request: {
    readonly asset: string;
    readonly intervalMs: number;
    readonly exchange?: string | undefined;
    readonly quote?: string | undefined;
    readonly from: number | undefined;
    readonly to: number | undefined;
    readonly limit: number;
  }): Promise<BarSeries | undefined>;
}

export class BarsNotServedError extends BallastError {
  readonly code = "BARS_NOT_SERVED";
  constructor() {
    super("This service has no recorded bars. Fetch some and start it with --store and their folder.");
  }
}

export class BarsNotFoundError extends BallastError {
  readonly code = "BARS_NOT_FOUND";
  constructor(asset: string, interval: string) {
    super(`There are no bars of ${asset} at ${interval} here. /v1/assets lists those there are.`);
  }
}

export class TimeCursorError extends BallastError {
  readonly code = "TIME_CURSOR";
  constructor(cursor: string) {
    super(
      `cursor ${JSON.stringify(cursor.slice(0, 80))} is not one of this route's; leave it out to start again.`,
    );
  }
}

/** Where the next page starts: opening times name bars, so that a page does not shift when bars are added. */
const toCursor = (time: number): string => Buffer.from(`t${time}`).toString("base64url");
function readCursor(cursor: string): number {
  const [, time] = /^t(\d{1,16})$/.exec(Buffer.from(cursor, "base64url").toString("latin1")) ?? [];
  if (time === undefined) throw new TimeCursorError(cursor);
  return Number(time);
}

export function toBarTable(asset: string, { time, bars }: BarSeries, rows = time.length): Table {
  const numbers = (["open", "high", "low", "close", "volume"] as const).map(
    (name): Column => ({ name, kind: "number", values: bars[name].subarray(0, rows) }),
  );
  return {
    rows,
    columns: [
      { name: "time", kind: "time", values: time.subarray(0, rows) },
      { name: "asset", kind: "text", values: new Array<string>(rows).fill(asset) },
      ...numbers,
    ],
  };
}

export const bars: FastifyPluginCallbackTypebox<{ bars: Bars | undefined }> = (app, { bars }, done) => {
  const served = (): Bars => {
    if (bars === undefined) throw new BarsNotServedError();
    return bars;
  };

  app.get(
    "/v1/assets",
    {
      config: { table: {} },
      schema: {
        tags: ["market"],
        summary: "Assets with recorded bars",
        description: "One series an item: exchange, asset, quote and length of bar, and how far it reaches.",
        querystring: schemas.NoQuery,
        response: { 200: market.Assets, 404: schemas.Problem },
      },
    },
    async (): Promise<TablePage> => {
      const series = await served().list();
      const rows = series.map(({ intervalMs, ...key }) => ({ ...key, interval: intervalLabel(intervalMs) }));
      return { items: toTable(market.ASSET_COLUMNS, rows), nextCursor: null };
    },
  );

  app.get(
    "/v1/bars",
    {
      config: { table: {} },
      schema: {
        tags: ["market"],
        summary: "Recorded bars of an asset, oldest first",
        description: "As the exchange gave them, nothing repaired. A page holds up to 10,000 bars.",
        querystring: market.BarsQuery,
        response: { 200: market.BarPage, 400: schemas.Problem, 404: schemas.Problem },
      },
    },
    async ({ query }): Promise<TablePage> => {
      const { asset, interval = "1h", exchange, quote, from, to, cursor, limit = 1_000 } = query;
      const start = cursor === undefined ? toTime(from) : readCursor(cursor);
      const series = await served().read({
        asset,
        intervalMs: parseInterval(interval),
        exchange,
        quote,
        from: start,
        to: toTime(to),
        // One more tells whether there is a next page.
        limit: limit + 1,
      });
      if (series === undefined) throw new BarsNotFoundError(asset, interval);
      const next = series.time[limit];
      return {
        items: toBarTable(asset, series, Math.min(limit, series.time.length)),
        nextCursor: next === undefined ? null : toCursor(next),
      };
    },
  );
  done();
};
