import { Type } from "typebox";

/**
 * What the schemas of the resources in `schemas/` have in common. They are the one definition of what comes in and goes
 * out: they validate, serialise, type the handlers and are printed as the OpenAPI document. Integers wider than 53 bits
 * are strings of decimal digits, times ISO 8601 in UTC, hashes lower-case hexadecimal.
 */

/** A string that is one of `values`, with their union as its type. */
export const oneOf = <const T extends readonly string[]>(values: T, description?: string) =>
  Type.Unsafe<T[number]>({
    type: "string",
    enum: [...values],
    ...(description !== undefined && { description }),
  });

export const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

export const hex = (bytes: number, description: string) =>
  Type.String({ pattern: `^0x[0-9a-f]{${2 * bytes}}$`, description });

export const hash = (description: string) => hex(32, description);

export const time = (description: string) => Type.String({ format: "date-time", description });

export const digits = (description: string) => Type.String({ pattern: "^[0-9]+$", description });

export const anyCase = (description: string) =>
  Type.String({ pattern: "^0x[0-9a-fA-F]{64}$", description, examples: [`0x${"5a".repeat(32)}`] });

/** The format that `isPointInTime` checks. */
export const POINT_IN_TIME = "point-in-time";

export const pointInTime = (description: string) =>
  Type.Optional(
    Type.String({
      format: POINT_IN_TIME,
      maxLength: 40,
      examples: ["2022-10-11T00:00:00Z"],
      description: `${description}: Unix milliseconds or ISO 8601 with a zone, e.g. 2022-10-11T00:00:00Z; a date alone is its midnight in UTC`,
    }),
  );

export const Paging = {
  from: pointInTime("Earliest bar close, inclusive"),
  to: pointInTime("Latest bar close, exclusive"),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "nextCursor of the page before",
      examples: ["MTY2MDA0MjgwMDAwMC4xMg"],
    }),
  ),
};

export const limit = (fallback: string, maximum = 500) =>
  Type.Optional(
    Type.Integer({ minimum: 1, maximum, description: `Items a page; default: ${fallback}`, examples: [100] }),
  );

export const RunName = Type.String({
  minLength: 1,
  maxLength: 100,
  description: "Name of a run",
  examples: ["predictive"],
});

export const Ticker = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 40,
    description: "Ticker; leaves out the other assets",
    examples: ["BTC"],
  }),
);

export const Horizon = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 10_000,
    description: "Horizon in hours; leaves out the other horizons",
    examples: [24],
  }),
);

export const NoQuery = Type.Object({}, { additionalProperties: false });

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: "Stable, upper-case: for programs" }),
    requestId: Type.String(),
  },
  { description: "Problem details, RFC 9457" },
);

export const levels = Type.Array(Type.Number(), {
  description: "Levels of the quantiles, ascending, in (0, 1)",
});

export const quantiles = (of: string) =>
  Type.Array(Type.Number(), { description: `${of}, at the levels, ascending` });

export const page = <T extends Parameters<typeof Type.Array>[0]>(item: T) =>
  Type.Object({
    items: Type.Array(item, { description: "Newest first" }),
    nextCursor: nullable(Type.String({ description: "Null on the last page" })),
  });
