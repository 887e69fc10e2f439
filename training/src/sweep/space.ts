import { seededRandom } from "@ballast/data";
import { parse } from "yaml";
import { checkTrainingFile } from "../config.ts";
import { BadConfigError } from "../schema.ts";
import type { TrainConfig } from "../train.ts";

/** What a hyper-parameter may be: one of a list, or in a range whose ends belong to it. */
export type Range =
  | { readonly choices: readonly unknown[] }
  | { readonly uniform: readonly [number, number] }
  /** Uniform in the logarithm. */
  | { readonly log: readonly [number, number] }
  | { readonly whole: readonly [number, number] };

/** By the names of TrainConfig. */
export type SearchSpace = Readonly<Record<string, Range>>;

export const DEFAULT_SPACE: SearchSpace = {
  learningRate: { log: [5e-4, 1e-2] },
  hidden: { choices: [[16], [32], [16, 8], [24, 12], [32, 16], [48, 24]] },
  members: { whole: [1, 5] },
  weightDecay: { log: [1e-4, 3e-2] },
  ridge: { log: [0.1, 10] },
  batchRows: { choices: [512, 1024, 2048] },
};

/** Keys a trial's loss says nothing of, or that the sweep itself sets. */
const NOT_SEARCHED: Partial<Record<keyof TrainConfig, string>> = {
  seed: "the seed is not a choice; the better of two seeds is luck",
  maxRows: "trials share one data set",
  maxEpochs: "epochs are the budget that the sweep hands out",
  folds: "test folds are outside the sweep",
  testShare: "test folds are outside the sweep",
  calibrationTimes: "the validation loss does not depend on it",
  correlationHalfLifeHours: "the validation loss does not depend on it",
};

const KINDS = ["choices", "uniform", "log", "whole"];

/**
 * Reads a space from YAML: `learningRate: { log: [0.001, 0.01] }`, `hidden: { choices: [[16], [24, 16]] }`.
 * `source` is the name in messages. Throws BadConfigError with the key, its value and what is allowed.
 */
export function readSpace(text: string, source: string): SearchSpace {
  let space: unknown;
  try {
    space = parse(text);
  } catch (error) {
    const [line] = (error as Error).message.split("\n");
    throw new BadConfigError(source, "", `is no YAML: ${line} Correct that line.`);
  }
  if (typeof space !== "object" || space === null || Array.isArray(space) || Object.keys(space).length === 0)
    throw new BadConfigError(source, "", "has no keys; write learningRate: { log: [0.001, 0.01] }.");
  for (const [key, range] of Object.entries(space)) checkRange(key, range, source);
  return space as SearchSpace;
}

function checkRange(key: string, range: unknown, source: string): void {
  const reason = NOT_SEARCHED[key as keyof TrainConfig];
  if (reason !== undefined) throw new BadConfigError(source, key, `cannot be searched: ${reason}.`);
  const [kind, ...more] = typeof range === "object" && range !== null ? Object.keys(range) : [];
  const values: unknown = (range as Record<string, unknown> | null)?.[kind ?? ""];
  const said = `is ${JSON.stringify(range)}; allowed is one of ${KINDS.join(", ")} with a list`;
  if (!KINDS.includes(kind ?? "") || more.length > 0 || !Array.isArray(values) || values.length === 0)
    throw new BadConfigError(source, key, `${said}.`);
  if (kind !== "choices") {
    const [low, high] = values as number[];
    const isRange = values.length === 2 && values.every((x) => Number.isFinite(x)) && low! < high!;
    if (!isRange) throw new BadConfigError(source, key, `${said} of a lower and a higher number.`);
    if (kind === "log" && !(low! > 0)) throw new BadConfigError(source, key, `${said} above 0.`);
    if (kind === "whole" && !values.every(Number.isInteger))
      throw new BadConfigError(source, key, `${said} of whole numbers.`);
  }
  // All choices, the ends of a range and a number in between are values of the key like any other.
  for (const value of [...values, valueAt(range as Range, 0.37)])
    checkTrainingFile({ training: { [key]: value } }, source);
}

/**
 * The `index`-th configuration of a space; number 0 is `base` itself, so that a sweep never ends below it by its
 * own measure. The others follow Halton's (1960) sequence, one prime a key in alphabetical order, each shifted by
 * a number of its own drawn from the seed (Cranley & Patterson 1976): more trials leave the earlier ones as they
 * were. Numbers are rounded to four digits.
 */
export function configAt(space: SearchSpace, base: TrainConfig, index: number, seed: number): TrainConfig {
  if (index === 0) return base;
  const chosen = Object.keys(space)
    .sort()
    .map((key, dimension) => {
      const shift = seededRandom(seed, `sweep ${key}`).uniform();
      return [key, valueAt(space[key]!, (radicalInverse(index, primeAt(dimension)) + shift) % 1)];
    });
  return { ...base, ...Object.fromEntries(chosen) };
}

/** The value of a range at a share 0 <= u < 1 of it. */
function valueAt(range: Range, u: number): unknown {
  if ("choices" in range) return range.choices[Math.floor(u * range.choices.length)];
  if ("whole" in range) {
    const [low, high] = range.whole;
    return low + Math.floor(u * (high - low + 1));
  }
  const [low, high] = "log" in range ? range.log : range.uniform;
  const exact = "log" in range ? low * (high / low) ** u : low + u * (high - low);
  return Math.min(high, Math.max(low, Number(exact.toPrecision(4))));
}

/** The digits of `index` in a base, mirrored at the point: 6 = 110 in base 2 gives 0.011 = 3/8. */
export function radicalInverse(index: number, base: number): number {
  let inverse = 0;
  for (let rest = index, weight = 1 / base; rest > 0; rest = Math.floor(rest / base), weight /= base)
    inverse += (rest % base) * weight;
  return inverse;
}

function primeAt(position: number): number {
  const primes: number[] = [];
  for (let n = 2; primes.length <= position; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
  return primes[position]!;
}
