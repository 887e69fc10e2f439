import { BallastError } from "@ballast/data";
import { type Static, type TSchema, Type } from "typebox";
import { Errors } from "typebox/value";
import { parseDocument, stringify } from "yaml";
import { DEFAULT_TRAIN_CONFIG, type TrainConfig } from "./train.ts";

export class BadConfigError extends BallastError {
  readonly code = "BAD_CONFIG";
  /** Where in the configuration, as `training.folds`; empty for the whole. */
  readonly key: string;
  constructor(source: string, key: string, problem: string) {
    super(`${source}: ${key === "" ? "" : `${key} `}${problem}`);
    this.key = key;
  }
}

const whole = (minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, description: `a whole number from ${minimum} to ${maximum}` });
const share = Type.Number({
  exclusiveMinimum: 0,
  exclusiveMaximum: 1,
  description: "a number between 0 and 1",
});
const positive = Type.Number({ exclusiveMinimum: 0, description: "a number above 0" });
const atLeastZero = Type.Number({ minimum: 0, description: "a number from 0" });
const path = Type.String({ minLength: 1, description: "a path, relative to the working directory" });
const time = Type.String({
  pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?Z)?$",
  description: "a time in UTC, such as 2022-01-01 or 2022-01-01T12:00Z",
});

/** One schema for every number of TrainConfig: a new one does not compile until it has its own. */
const TRAINING = {
  seed: whole(1, 2 ** 31 - 1),
  maxRows: whole(500, 10_000_000),
  hidden: Type.Array(whole(1, 1024), { minItems: 1, maxItems: 8, description: "1 to 8 widths, as [24, 16]" }),
  members: whole(1, 64),
  batchRows: whole(1, 65_536),
  learningRate: positive,
  weightDecay: atLeastZero,
  maxEpochs: whole(1, 1000),
  patience: whole(1, 1000),
  validationShare: share,
  ridge: positive,
  correlationHalfLifeHours: positive,
  folds: whole(1, 100),
  testShare: share,
  calibrationTimes: whole(10, 100_000),
} satisfies Record<keyof TrainConfig, TSchema>;

const closed = { additionalProperties: false } as const;

/** What a training file may hold. The static type is derived from it, never written beside it. */
const TrainingFileSchema = Type.Object(
  {
    data: Type.Optional(
      Type.Object(
        {
          bars: Type.Optional(path),
          store: Type.Optional(path),
          exchange: Type.Optional(
            Type.String({ pattern: "^[a-z0-9]+$", description: "an exchange ccxt knows" }),
          ),
          url: Type.Optional(
            Type.String({ pattern: "^https?://", description: "the address of a mirror, as https://host" }),
          ),
          quote: Type.Optional(Type.String({ pattern: "^[A-Z0-9]+$", description: "a ticker, as USDT" })),
          interval: Type.Optional(
            Type.String({ pattern: "^[1-9]\\d*[mhd]$", description: "5m, 1h or the like" }),
          ),
        },
        closed,
      ),
    ),
    assets: Type.Optional(
      Type.Array(Type.String({ pattern: "^[A-Z0-9]+$", description: "a ticker in capitals, as BTC" }), {
        minItems: 1,
        uniqueItems: true,
        description: "a list of different tickers, as [BTC, ETH]",
      }),
    ),
    from: Type.Optional(time),
    until: Type.Optional(time),
    backend: Type.Optional(
      Type.Enum(["tfjs-node", "wasm", "cpu"], { description: "tfjs-node, wasm or cpu" }),
    ),
    training: Type.Optional(Type.Partial(Type.Object(TRAINING), closed)),
    artefacts: Type.Optional(path),
    reports: Type.Optional(path),
  },
  closed,
);

export type TrainingFile = Static<typeof TrainingFileSchema>;

/** A file with every default filled in. `data` names its one source; `exchange` is fetched into `store` first. */
export interface TrainingPlan extends Omit<TrainingFile, "training" | "backend"> {
  readonly data: NonNullable<TrainingFile["data"]>;
  readonly backend?: "tfjs-node" | "wasm" | "cpu" | undefined;
  readonly training: TrainConfig;
  readonly artefacts: string;
  readonly reports: string;
}

/** Reads YAML, or JSON as a part of it. `source` is the name in messages. Error: BadConfigError. */
export function readTrainingFile(text: string, source: string): TrainingFile {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error)
    throw new BadConfigError(source, "", `is no YAML: ${error.message.split("\n")[0]} Correct that line.`);
  return checkTrainingFile(document.toJS() ?? {}, source);
}

/** The value as a TrainingFile. Error: BadConfigError, which names the first wrong key, its value and what is allowed. */
export function checkTrainingFile(value: unknown, source: string): TrainingFile {
  const errors = Errors(TrainingFileSchema, value);
  // An unknown key before all: what else is wrong may be but its consequence.
  const error = errors.find(({ keyword }) => keyword === "additionalProperties") ?? errors[0];
  if (error === undefined) return value as TrainingFile;
  const schema = at(TrainingFileSchema, error.schemaPath.slice(1)) as Described;
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

/** Later files win, key by key; `data` is taken whole, as one source replaces another. Error: BadConfigError. */
export function toTrainingPlan(...files: readonly TrainingFile[]): TrainingPlan {
  const merged = Object.assign({}, ...files) as TrainingFile;
  const training = Object.assign(
    {},
    DEFAULT_TRAIN_CONFIG,
    ...files.map((file) => file.training),
  ) as TrainConfig;
  const data = merged.data ?? { store: DEFAULT_STORE };
  const { bars, store, exchange } = data;
  if (bars !== undefined && (store !== undefined || exchange !== undefined))
    throw new BadConfigError("data", "", "has bars beside store or exchange; keep one of them.");
  if (exchange !== undefined && (merged.assets === undefined || merged.from === undefined))
    throw new BadConfigError("data", "exchange", "needs assets and from; say what to fetch, and since when.");
  const artefacts = merged.artefacts ?? ".ballast/artefacts";
  return {
    ...merged,
    data: bars === undefined ? { store: DEFAULT_STORE, ...data } : data,
    training,
    artefacts,
    reports: merged.reports ?? `${artefacts}/reports`,
  };
}

const DEFAULT_STORE = ".ballast/market";

/** As YAML that `readTrainingFile` reads back. */
export const formatTrainingPlan = (plan: TrainingPlan): string =>
  stringify(plan, { flowCollectionPadding: false, collectionStyle: "any" });

/** `training.folds=6` as a file of that one key; the value is YAML. Error: BadConfigError. */
export function readSetting(setting: string): TrainingFile {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(setting) ?? [];
  if (key === undefined) throw new BadConfigError("--set", setting, "has no =; write training.folds=6.");
  const document = parseDocument(value!);
  if (document.errors.length > 0) throw new BadConfigError("--set", key, `is no YAML: ${value}.`);
  const nested = key.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), document.toJS());
  return checkTrainingFile(nested, "--set");
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
