import { BallastError } from "@ballast/data";
import { type Static, type TSchema, Type } from "typebox";
import { Errors } from "typebox/value";
import { parseDocument } from "yaml";

export class BadConfigError extends BallastError {
  readonly code = "BAD_CONFIG";
  /** Where in the configuration, as `training.folds`; empty for the whole. */
  readonly key: string;
  constructor(source: string, key: string, problem: string) {
    super(`${source}: ${key === "" ? "" : `${key} `}${problem}`);
    this.key = key;
  }
}

export const whole = (minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, description: `a whole number from ${minimum} to ${maximum}` });
export const share = Type.Number({
  exclusiveMinimum: 0,
  exclusiveMaximum: 1,
  description: "a number between 0 and 1",
});
export const positive = Type.Number({ exclusiveMinimum: 0, description: "a number above 0" });
export const atLeastZero = Type.Number({ minimum: 0, description: "a number from 0" });
export const path = Type.String({ minLength: 1, description: "a path, relative to the working directory" });
export const time = Type.String({
  pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?Z)?$",
  description: "a time in UTC, such as 2022-01-01 or 2022-01-01T12:00Z",
});

export const closed = { additionalProperties: false } as const;

/** A source of bars: a folder, a store, or an exchange. */
export const data = Type.Object(
  {
    bars: Type.Optional(path),
    store: Type.Optional(path),
    exchange: Type.Optional(Type.String({ pattern: "^[a-z0-9]+$", description: "an exchange ccxt knows" })),
    url: Type.Optional(
      Type.String({ pattern: "^https?://", description: "the address of a mirror, as https://host" }),
    ),
    quote: Type.Optional(Type.String({ pattern: "^[A-Z0-9]+$", description: "a ticker, as USDT" })),
    interval: Type.Optional(Type.String({ pattern: "^[1-9]\\d*[mhd]$", description: "5m, 1h or the like" })),
  },
  closed,
);

/** Tickers of a market. */
export const tickers = Type.Array(
  Type.String({ pattern: "^[A-Z0-9]+$", description: "a ticker in capitals, as BTC" }),
  {
    minItems: 1,
    uniqueItems: true,
    description: "a list of different tickers, as [BTC, ETH]",
  },
);

/** Reads YAML, or JSON as a part of it. `source` is the name in messages. Error: BadConfigError. */
export function readYaml(text: string, source: string): unknown {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error)
    throw new BadConfigError(source, "", `is no YAML: ${error.message.split("\n")[0]} Correct that line.`);
  return document.toJS() ?? {};
}

/** The value as the schema's type. Error: BadConfigError, which names the first wrong key, its value and what is allowed. */
export function checkAgainst<T extends TSchema>(root: T, value: unknown, source: string): Static<T> {
  const errors = Errors(root, value);
  // An unknown key before all: what else is wrong may be but its consequence.
  const error = errors.find(({ keyword }) => keyword === "additionalProperties") ?? errors[0];
  if (error === undefined) return value as Static<T>;
  const schema = at(root, error.schemaPath.slice(1)) as Described;
  const key = toKey(error.instancePath);
  if (error.keyword === "additionalProperties") {
    const [unknown] = (error.params as { additionalProperties: string[] }).additionalProperties;
    const known = Object.keys(schema.properties ?? {});
    const nearest = closest(unknown!, known);
    throw new BadConfigError(
      source,
      key === "" ? unknown! : `${key}.${unknown}`,
      `is no key${nearest === undefined ? "." : `; did you mean ${nearest}?`} Known here: ${known.join(", ")}.`,
    );
  }
  const allowed = schema.description ?? (schema.type === "object" ? "a set of keys" : error.message);
  const found = JSON.stringify(at(value, error.instancePath)) ?? "nothing";
  throw new BadConfigError(source, key, `is ${found}; allowed is ${allowed}.`);
}

interface Described {
  readonly description?: string;
  readonly type?: string;
  readonly properties?: Record<string, unknown>;
}

const at = (root: unknown, pointer: string): unknown =>
  pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((node, step) => (node as Record<string, unknown> | undefined)?.[step], root);

/** `/training/hidden/0` as `training.hidden[0]`. */
const toKey = (pointer: string): string =>
  pointer
    .slice(1)
    .replaceAll("/", ".")
    .replace(/\.(\d+)/g, "[$1]");

/** The known key with the fewest edits, where these are at most half of the unknown one. */
function closest(unknown: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, edits: editDistance(unknown.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  return ranked[0] !== undefined && ranked[0].edits <= unknown.length / 2 ? ranked[0].name : undefined;
}

/** Levenshtein (1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substituted));
    }
    row = next;
  }
  return row[b.length]!;
}
