import { BallastError } from "@ballast/data";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { toArrow } from "../tables/arrow.ts";
import { toCsv } from "../tables/csv.ts";
import { toJsonPage } from "../tables/json.ts";
import { toParquet } from "../tables/parquet.ts";
import type { Table } from "../tables/table.ts";
import { describeRoute, type PageDescription } from "./description.ts";
import { FORMATS, type Format, MEDIA_TYPE } from "./media-types.ts";

/** What a table route's handler returns. */
export interface TablePage {
  readonly items: Table;
  readonly nextCursor: string | null;
}

/** A route that says so in its config also answers in the other formats, a row a line, and selects by `fields`. */
export interface TableRoute {
  /** From the items of the answer; absent where the handler returns a TablePage. */
  toTable?(items: readonly object[]): Table;
}

declare module "fastify" {
  interface FastifyContextConfig {
    table?: TableRoute;
  }
  interface FastifyRequest {
    format: Format;
  }
}

export class NotAcceptableError extends BallastError {
  readonly code = "NOT_ACCEPTABLE";
  constructor(accept: string) {
    super(
      `Nothing here is ${accept.slice(0, 80)}. Accept one of ${Object.values(MEDIA_TYPE).join(", ")}, or say ?format=${FORMATS.join("|")}.`,
    );
  }
}

export class UnknownFieldError extends BallastError {
  readonly code = "UNKNOWN_FIELD";
  constructor(field: string, known: readonly string[]) {
    super(`fields: there is no ${field.slice(0, 80) || "empty name"} here. There are ${known.join(", ")}.`);
  }
}

/** The format that an Accept header prefers. Errors: NotAcceptableError. RFC 9110 §12.5.1. */
export function negotiate(accept: string | undefined): Format {
  if (accept === undefined || accept.trim() === "") return "json";
  const ranges = accept.split(",").map((part) => {
    const [range = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    const weight = q === undefined ? 1 : Number(q.slice(2));
    return { range, weight: Number.isFinite(weight) ? weight : 0 };
  });
  /** That of the most specific range that covers the format. */
  const weightOf = (format: Format): number => {
    const type = MEDIA_TYPE[format];
    for (const range of [type, `${type.split("/", 1)[0]}/*`, "*/*"]) {
      const found = ranges.find((candidate) => candidate.range === range);
      if (found !== undefined) return found.weight;
    }
    return 0;
  };
  // Of equals the first: JSON, where anything will do.
  const best = FORMATS.reduce((one, other) => (weightOf(other) > weightOf(one) ? other : one));
  if (weightOf(best) <= 0) throw new NotAcceptableError(accept);
  return best;
}

/** Makes the table routes that are registered later answer in all formats. */
export function addFormats(app: FastifyInstance): void {
  app.decorateRequest("format", "json");
  app.addHook("onRoute", describeRoute);
  app.addHook("preHandler", async (request) => {
    if (request.routeOptions.config.table === undefined) return;
    const { format } = request.query as { format?: Format };
    request.format = format ?? negotiate(request.headers.accept);
  });
  app.addHook("preSerialization", async (request, reply, payload) => {
    const { table: route } = request.routeOptions.config;
    if (route === undefined || reply.statusCode !== 200) return payload;
    const { items, nextCursor } = payload as { items: Table | readonly object[]; nextCursor?: string | null };
    const { format } = request;
    const varied = reply.getHeader("vary");
    reply.header("vary", varied === undefined ? "accept" : `${varied}, accept`);
    if (nextCursor) reply.header("link", `<${nextUrl(request, nextCursor)}>; rel="next"`);
    const fields = (request.query as { fields?: string }).fields?.split(",");
    if (format === "json" && isRows(items)) {
      if (fields === undefined) return payload;
      checkFields(fields, propertiesOf(request));
      reply.serializer(JSON.stringify);
      return { ...(payload as object), items: items.map((item) => pick(item, fields)) };
    }
    const table = select(isRows(items) ? route.toTable!(items) : items, fields);
    reply.serializer((bytes: Buffer) => bytes as unknown as string);
    if (format === "json") {
      reply.type("application/json; charset=utf-8");
      return toJsonPage(table, nextCursor ?? null);
    }
    const name = request.routeOptions.url?.split("/")[2];
    reply.header("content-disposition", `attachment; filename="${name}.${format}"`);
    reply.type(format === "csv" ? "text/csv; charset=utf-8; header=present" : MEDIA_TYPE[format]);
    return format === "csv" ? toCsv(table) : format === "arrow" ? toArrow(table) : toParquet(table);
  });
}

const isRows = (items: Table | readonly object[]): items is readonly object[] => Array.isArray(items);

function nextUrl({ url }: FastifyRequest, cursor: string): string {
  const [path, query] = url.split("?", 2);
  const parameters = new URLSearchParams(query);
  parameters.set("cursor", cursor);
  return `${path}?${parameters}`;
}

function checkFields(fields: readonly string[], known: readonly string[]): void {
  for (const field of fields) if (!known.includes(field)) throw new UnknownFieldError(field, known);
}

function select(table: Table, fields: readonly string[] | undefined): Table {
  if (fields === undefined) return table;
  checkFields(
    fields,
    table.columns.map(({ name }) => name),
  );
  const columns = [...new Set(fields)].map((field) => table.columns.find(({ name }) => name === field)!);
  return { ...table, columns };
}

const pick = (item: object, fields: readonly string[]): object =>
  Object.fromEntries(fields.map((field) => [field, (item as Record<string, unknown>)[field]]));

const propertiesOf = (request: FastifyRequest): string[] => {
  const { 200: page } = request.routeOptions.schema!.response as { 200: PageDescription };
  return Object.keys(page.content[MEDIA_TYPE.json].schema.properties.items.items.properties);
};
