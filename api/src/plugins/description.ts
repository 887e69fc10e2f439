import type { RouteOptions } from "fastify";
import { Problem } from "../schemas.ts";
import { FORMATS, type Format, MEDIA_TYPE } from "./media-types.ts";

/** What a table route's schema says of its answer, once `describeRoute` has seen it. */
export interface PageDescription {
  readonly content: Readonly<
    Record<
      typeof MEDIA_TYPE.json,
      {
        readonly schema: {
          readonly properties: { readonly items: { readonly items: { properties: object } } };
        };
      }
    >
  >;
}

const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: Problem } },
});
const REFUSED = "A parameter that is not understood";
const PARAMETERS = {
  format: {
    type: "string",
    enum: FORMATS,
    description: "Goes before the Accept header; default: json",
    examples: ["csv"],
  },
  fields: {
    type: "string",
    minLength: 1,
    maxLength: 1_000,
    description:
      "Names separated by commas; the others are left out: properties of an item in JSON, columns otherwise",
    examples: ["at,hash"],
  },
};

/** Completes what a route says of itself for validation and for OpenAPI: media types, and what all tables have. */
export function describeRoute(route: RouteOptions): void {
  const { schema } = route;
  if (schema?.response === undefined) return;
  const responses = Object.entries(schema.response as Record<string, object>).map(([status, response]) => [
    status,
    response === Problem ? problem(status === "400" ? REFUSED : "As its code says") : response,
  ]);
  // Whatever has a query refuses parameters that it does not know.
  const refusal = schema.querystring === undefined ? {} : { 400: problem(REFUSED) };
  route.schema = { ...schema, response: { ...refusal, ...Object.fromEntries(responses) } };
  if (route.config?.table !== undefined) describeTable(route);
}

function describeTable(route: RouteOptions): void {
  const query = route.schema!.querystring as { properties: Record<string, object> };
  const response = route.schema!.response as Record<number, object>;
  // The HEAD route that Fastify derives has the schema of its GET.
  if ("format" in query.properties) return;
  const binary = (format: Format) => ({
    [MEDIA_TYPE[format]]: { schema: { type: "string", contentMediaType: MEDIA_TYPE[format] } },
  });
  route.schema = {
    ...route.schema,
    querystring: { ...query, properties: { ...query.properties, ...PARAMETERS } },
    response: {
      ...response,
      200: {
        description:
          "JSON has items and the cursor of the next page; CSV, Arrow and Parquet have a row a line, and the next page in the Link header",
        content: {
          [MEDIA_TYPE.json]: { schema: response[200] },
          [MEDIA_TYPE.csv]: { schema: { type: "string" } },
          ...binary("arrow"),
          ...binary("parquet"),
        },
      },
      406: problem("None of the accepted media types can be made"),
    },
  };
}
