import { BallastError } from "@ballast/data";
import type { BacktestRecord } from "./record.ts";

/** Two records that say nothing about each other, because they differ in what must be equal. */
export class NotComparableError extends BallastError {
  readonly code = "NOT_COMPARABLE";
  readonly field: string;
  constructor(field: string, [a, b]: readonly [string, string], [own, other]: readonly [string, string]) {
    super(
      `${field} is ${own} in ${a} and ${other} in ${b}. Compare backtests of the same market, period, targets, bands and ` +
        "value at the start.",
    );
    this.field = field;
  }
}

export class RecordNamesError extends BallastError {
  readonly code = "RECORD_NAMES";
}

/** The name of the baseline: the one asked for, else the first plain threshold, else the first. Throws NotComparableError and RecordNamesError. */
export function checkComparable(records: readonly BacktestRecord[], baseline?: string): string {
  const [first, ...others] = records;
  if (first === undefined)
    throw new RecordNamesError(
      "There is no record to compare. Give one or more records of `ballast backtest`.",
    );
  const names = records.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new RecordNamesError(`Two records have the name "${twice}". Run one of them with another name.`);
  if (baseline !== undefined && !names.includes(baseline))
    throw new RecordNamesError(
      `No record has the name "${baseline}" of the baseline. Choose one of ${names.join(", ")}.`,
    );
  for (const other of others) {
    for (const [field, of] of EQUAL) {
      const [own, its] = [of(first), of(other)];
      if (own !== its) throw new NotComparableError(field, [first.name, other.name], [own, its]);
    }
    checkEqual("bars.at", first, other, ({ bars }) => bars.at);
    for (const [i, asset] of first.assets.entries())
      checkEqual(`the price of ${asset}`, first, other, ({ bars }) => bars.prices[i]!);
  }
  return baseline ?? (records.find(({ policy }) => policy.name === "threshold") ?? first).name;
}

function checkEqual(
  what: string,
  first: BacktestRecord,
  other: BacktestRecord,
  of: (record: BacktestRecord) => readonly number[],
): void {
  const [own, its] = [of(first), of(other)];
  const bar = own.findIndex((value, t) => !Object.is(value, its[t]));
  if (bar < 0) return;
  const values = [String(own[bar]), String(its[bar])] as const;
  throw new NotComparableError(`${what} at bar ${bar}`, [first.name, other.name], values);
}

const time = (at: number): string => new Date(at).toISOString();
const EQUAL: readonly (readonly [field: string, of: (record: BacktestRecord) => string])[] = [
  ["market.hash", ({ market }) => market.hash],
  ["market.from", ({ market }) => time(market.from)],
  ["market.to", ({ market }) => time(market.to)],
  ["market.barMs", ({ market }) => String(market.barMs)],
  ["assets", ({ assets }) => assets.join(", ")],
  ["targets", ({ targets }) => targets.join(", ")],
  ["bands", ({ bands }) => bands.join(", ")],
  ["nav", ({ nav }) => String(nav)],
  ["the number of bars", ({ bars }) => String(bars.at.length)],
];
