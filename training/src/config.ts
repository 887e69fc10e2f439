import { type Static, type TSchema, Type } from "typebox";
import { parseDocument, stringify } from "yaml";
import {
  atLeastZero,
  BadConfigError,
  checkAgainst,
  closed,
  data,
  path,
  positive,
  readYaml,
  share,
  tickers,
  time,
  whole,
} from "./schema.ts";
import { DEFAULT_TRAIN_CONFIG, type TrainConfig } from "./train.ts";

/** One schema for every number of TrainConfig: a new one does not compile until it has its own. */
export const TRAINING = {
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

/** What a training file may hold. The static type is derived from it, never written beside it. */
const TrainingFileSchema = Type.Object(
  {
    data: Type.Optional(data),
    assets: Type.Optional(tickers),
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
export const readTrainingFile = (text: string, source: string): TrainingFile =>
  checkTrainingFile(readYaml(text, source), source);

/** The value as a TrainingFile. Error: BadConfigError. */
export const checkTrainingFile = (value: unknown, source: string): TrainingFile =>
  checkAgainst(TrainingFileSchema, value, source);

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
