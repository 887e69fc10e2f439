import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { BallastError } from "@ballast/data";

/** Bars from … to − 1. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Tuned on one window, scored on another that begins when the first has ended. */
export interface Fold {
  readonly tune: Window;
  readonly score: Window;
}

/** A kind of policy in the comparison. It sees nothing but the window it is handed. */
export interface Contender<Setting, Score> {
  readonly name: string;
  /** Chooses a setting on the window; calls `spend` before each trial. */
  tune(window: Window, spend: () => void): Setting;
  score(window: Window, setting: Setting): Score;
}

export interface Protocol {
  readonly folds: readonly Fold[];
  /** Trials of every contender in every fold: no more, no fewer. */
  readonly budget: number;
  /** What the bars are, for the ledger: a hash or a name that changes with them. */
  readonly data: string;
  readonly ledger: ScoreLedger;
}

export interface Scored<Setting, Score> {
  readonly setting: Setting;
  readonly score: Score;
}

/** Remembers how often each window was scored, across runs. */
export interface ScoreLedger {
  /** Counts one more scoring and returns how many there have been, this one included. */
  count(data: string, window: Window): number;
}

export class TunedOnScoredError extends BallastError {
  readonly code = "TUNED_ON_SCORED";
  readonly fold: Fold;
  constructor(fold: Fold) {
    const { tune, score } = fold;
    super(
      `Bars ${tune.from} to ${tune.to} are to be tuned on and bars ${score.from} to ${score.to} scored. ` +
        "Let the tuning end before the scoring begins, and give both some bars.",
    );
    this.fold = fold;
  }
}

export class RepeatedWindowError extends BallastError {
  readonly code = "REPEATED_WINDOW";
  readonly window: Window;
  constructor(window: Window) {
    super(
      `Bars ${window.from} to ${window.to} would be scored twice in one run. Give windows that do not overlap.`,
    );
    this.window = window;
  }
}

export class UnequalBudgetError extends BallastError {
  readonly code = "UNEQUAL_BUDGET";
  readonly contender: string;
  readonly spent: number;
  constructor(contender: string, spent: number, budget: number) {
    super(`${contender} spent ${spent} trials where everybody has ${budget}. Give each exactly as many.`);
    this.contender = contender;
    this.spent = spent;
  }
}

export class LedgerCorruptError extends BallastError {
  readonly code = "LEDGER_CORRUPT";
  constructor(file: string, line: number) {
    super(
      `Line ${line} of ${file} is no record of a scored window. Mend it, or move the file away to begin anew.`,
    );
  }
}

/**
 * Tunes every contender on each fold's first window and scores it once on the second. Folds are checked before
 * anything runs: none is tuned on bars it scores or on later ones, and no bar is scored twice.
 * `report` is told how often each window has been scored by now, in all runs. Returns [fold][contender]. Throws
 * TunedOnScoredError, RepeatedWindowError and UnequalBudgetError.
 */
export function runProtocol<Setting, Score>(
  { folds, budget, data, ledger }: Protocol,
  contenders: readonly Contender<Setting, Score>[],
  report: (window: Window, times: number) => void = () => {},
): Scored<Setting, Score>[][] {
  for (const [i, fold] of folds.entries()) {
    const { tune, score } = fold;
    const isOrdered = 0 <= tune.from && tune.from < tune.to && tune.to <= score.from && score.from < score.to;
    if (!isOrdered) throw new TunedOnScoredError(fold);
    const isScoredBefore = folds.slice(0, i).some(({ score: s }) => score.from < s.to && s.from < score.to);
    if (isScoredBefore) throw new RepeatedWindowError(score);
  }
  return folds.map(({ tune, score }) => {
    const settings = contenders.map((contender) => {
      let spent = 0;
      const setting = contender.tune(tune, () => {
        spent++;
        if (spent > budget) throw new UnequalBudgetError(contender.name, spent, budget);
      });
      if (spent !== budget) throw new UnequalBudgetError(contender.name, spent, budget);
      return setting;
    });
    report(score, ledger.count(data, score));
    return contenders.map((contender, i) => ({
      setting: settings[i]!,
      score: contender.score(score, settings[i]!),
    }));
  });
}

/** Folds that grow: `count` score windows of equal length up to `to`, each tuned on all bars from `from` until it. */
export function toExpandingFolds(from: number, to: number, firstTuneBars: number, count: number): Fold[] {
  const size = Math.floor((to - from - firstTuneBars) / count);
  return Array.from({ length: count }, (_, i) => {
    const start = from + firstTuneBars + i * size;
    return { tune: { from, to: start }, score: { from: start, to: i === count - 1 ? to : start + size } };
  });
}

/** A ledger in a file of JSON lines, made with its folder where it is missing. Throws LedgerCorruptError. */
export function openScoreLedger(file: string): ScoreLedger {
  mkdirSync(dirname(file), { recursive: true });
  const keyOf = (data: string, { from, to }: Window) => JSON.stringify([data, from, to]);
  const counts = new Map<string, number>();
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  for (const [i, line] of lines.entries()) {
    if (line === "") continue;
    const record = parse(line);
    if (record === undefined) throw new LedgerCorruptError(file, i + 1);
    counts.set(record, (counts.get(record) ?? 0) + 1);
  }
  return {
    count(data, window) {
      const key = keyOf(data, window);
      appendFileSync(file, `${key}\n`);
      const times = (counts.get(key) ?? 0) + 1;
      counts.set(key, times);
      return times;
    },
  };
}

function parse(line: string): string | undefined {
  try {
    const [data, from, to, ...rest] = JSON.parse(line);
    const isRecord =
      typeof data === "string" && Number.isInteger(from) && Number.isInteger(to) && rest.length === 0;
    return isRecord ? JSON.stringify([data, from, to]) : undefined;
  } catch {
    return undefined;
  }
}
