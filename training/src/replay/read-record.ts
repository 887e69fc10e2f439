import { BallastError } from "@ballast/data";
import { type TSchema, Type } from "typebox";
import { Check, Errors } from "typebox/value";
import type { BacktestRecord } from "./record.ts";
import { COST_KINDS } from "./steps.ts";

/** A file that is no record of a backtest; names the first field that is wrong, what it is and what is allowed. */
export class BadRecordError extends BallastError {
  readonly code = "BAD_RECORD";
  readonly file: string;
  /** As `bars.value[3]`; empty for the whole. */
  readonly field: string;
  constructor(file: string, field: string, problem: string) {
    super(
      `${file}: ${field === "" ? "" : `${field} `}${problem} Give a record.json of \`ballast backtest\`.`,
    );
    this.file = file;
    this.field = field;
  }
}

const number = Type.Number({ description: "a finite number" });
const positive = Type.Number({ exclusiveMinimum: 0, description: "a number above 0" });
const cost = Type.Number({ minimum: 0, description: "dollars from 0" });
/** JSON has no NaN: what is not known is null. */
const known = Type.Union([number, Type.Null()], { description: "a number, or null where it is not known" });
const time = Type.Integer({ description: "a time in ms UTC" });
const text = Type.String({ description: "a text" });
const name = Type.String({ minLength: 1, maxLength: 200, description: "a text of 1 to 200 characters" });
const list = (items: TSchema, minItems = 0) =>
  Type.Array(items, { minItems, description: `a list of ${minItems} or more` });

const RecordSchema = Type.Object({
  format: Type.Literal("ballast-backtest/1", { description: "ballast-backtest/1" }),
  name,
  policy: Type.Object({ name, parameters: Type.Record(Type.String(), Type.Unknown()), id: text }),
  market: Type.Object({ hash: text, from: time, to: time, barMs: positive }),
  assets: list(name, 2),
  targets: list(Type.Number({ minimum: 0, maximum: 1, description: "a share from 0 to 1" })),
  bands: list(Type.Number({ minimum: 0, maximum: 1, description: "a share from 0 to 1" })),
  nav: positive,
  bars: Type.Object({
    at: list(time, 2),
    value: list(positive),
    mix: list(positive),
    weights: list(list(number)),
    prices: list(list(positive)),
    gasGwei: list(known),
    breachProbability: list(known),
  }),
  trades: list(
    Type.Object({
      decidedAt: time,
      executedAt: time,
      reason: text,
      numbers: Type.Record(Type.String(), known),
      decisionHash: text,
      weightsBefore: list(number),
      weightsAfter: list(number),
      soldDollars: cost,
      costs: Type.Object(Object.fromEntries(COST_KINDS.map((kind) => [kind, cost]))),
      shortfall: number,
      gasGwei: known,
    }),
  ),
  decisionsDigest: text,
  models: list(Type.Object({ from: time, modelId: text })),
  notes: list(text),
});

/** Reads what `JSON.stringify` made of a BacktestRecord. `file` is its name in messages. Error: BadRecordError. */
export function readBacktestRecord(json: string, file: string): BacktestRecord {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new BadRecordError(file, "", `is no JSON: ${(error as Error).message}.`);
  }
  // Checking is fast and explaining slow: a record has a million numbers.
  if (!Check(RecordSchema, value)) refuse(file, value);
  const record = value as BacktestRecord;
  checkLengths(file, record);
  const toKnown = (gwei: number | null) => gwei ?? Number.NaN;
  return {
    ...record,
    bars: { ...record.bars, gasGwei: record.bars.gasGwei.map(toKnown) },
    trades: record.trades.map((trade) => ({
      ...trade,
      gasGwei: toKnown(trade.gasGwei),
      numbers: Object.fromEntries(Object.entries(trade.numbers).map(([key, n]) => [key, toKnown(n)])),
    })),
  };
}

function refuse(file: string, value: unknown): never {
  const [error] = Errors(RecordSchema, value);
  const { schemaPath = "", instancePath = "" } = error ?? {};
  if (error?.keyword === "required") {
    const [missing] = (error.params as { requiredProperties: string[] }).requiredProperties;
    throw new BadRecordError(file, toField(`${instancePath}/${missing}`), "is missing.");
  }
  // A union's parts report before the union does; its description is the one that says it all.
  const schema = at(RecordSchema, schemaPath.slice(1).replace(/\/anyOf.*$/, "")) as { description?: string };
  const found = JSON.stringify(at(value, instancePath)) ?? "nothing";
  throw new BadRecordError(
    file,
    toField(instancePath),
    `is ${found.length > 80 ? `${found.slice(0, 80)}…` : found}; allowed is ${schema?.description ?? "an object"}.`,
  );
}

function checkLengths(file: string, { assets, targets, bands, bars, trades }: BacktestRecord): void {
  const equal = (field: string, found: number, of: string, expected: number) => {
    if (found !== expected)
      throw new BadRecordError(file, field, `has ${found} entries where ${of} has ${expected}.`);
  };
  equal("targets", targets.length, "assets", assets.length);
  equal("bands", bands.length, "assets", assets.length);
  for (const key of ["value", "mix", "gasGwei", "breachProbability"] as const)
    equal(`bars.${key}`, bars[key].length, "bars.at", bars.at.length);
  for (const key of ["weights", "prices"] as const) {
    equal(`bars.${key}`, bars[key].length, "assets", assets.length);
    for (const [i, row] of bars[key].entries())
      equal(`bars.${key}[${i}]`, row.length, "bars.at", bars.at.length);
  }
  for (const [k, { weightsBefore, weightsAfter }] of trades.entries()) {
    equal(`trades[${k}].weightsBefore`, weightsBefore.length, "assets", assets.length);
    equal(`trades[${k}].weightsAfter`, weightsAfter.length, "assets", assets.length);
  }
  const late = bars.at.findIndex((time, t) => t > 0 && time <= bars.at[t - 1]!);
  if (late > 0)
    throw new BadRecordError(
      file,
      `bars.at[${late}]`,
      "is not after the time before it; allowed are ascending times.",
    );
}

/** What a JSON pointer leads to; undefined where it leads nowhere. */
const at = (value: unknown, pointer: string): unknown =>
  pointer
    .split("/")
    .filter((part) => part !== "")
    .reduce<unknown>((inside, part) => (inside as Record<string, unknown> | undefined)?.[part], value);

/** `/bars/value/3` as `bars.value[3]`. */
const toField = (pointer: string): string =>
  pointer
    .slice(1)
    .replaceAll("/", ".")
    .replace(/\.(\d+)(?=\.|$)/g, "[$1]");
