import { type BootstrapOptions, bootstrapDeviations } from "./bootstrap.ts";
import { mean, requireThat } from "./sample.ts";

export interface ConfidenceSetOptions extends BootstrapOptions {
  /** Probability of leaving the best model out, in (0, 1), e.g. 0.1. */
  readonly size: number;
  /** `max`: the largest loss against the average of the set, T_max. `range`: the largest of all pairs, T_R. */
  readonly statistic: "max" | "range";
}

export interface ModelConfidenceSet {
  /** By model: the largest size at which it still belongs to the set. */
  readonly pValues: Float64Array;
  /** Models with a p-value of at least the size, ascending. */
  readonly included: readonly number[];
  /** All models but the last to remain, in the order they leave as the size grows. */
  readonly eliminated: readonly number[];
}

/** Below this share of the mean loss a difference, or its standard deviation, is rounding. */
const ROUNDING = 1e-13;

/**
 * The models among which the best lies with probability 1 − size, given the loss of each at the same times in time
 * order (Hansen, Lunde & Nason 2011, tests constructed from t-statistics). Equivalence of the models in the set is tested by the
 * stationary bootstrap, and the worst leaves until it is not rejected. Models with equal losses are equivalent; of
 * models whose losses differ by a constant the dearer leaves. Throws as bootstrapDeviations.
 */
export function modelConfidenceSet(
  losses: readonly Float64Array[],
  options: ConfidenceSetOptions,
): ModelConfidenceSet {
  requireThat(options.size > 0 && options.size < 1, "size", options.size, "between 0 and 1");
  const models = losses.length;
  const deviations = bootstrapDeviations(losses, options);
  const means = Float64Array.from(losses, mean);
  const rounding = ROUNDING * means.reduce((sum, m) => sum + Math.abs(m) / models, 0);
  const test = options.statistic === "max" ? maxTest : rangeTest;

  let remaining = losses.map((_, model) => model);
  const pValues = new Float64Array(models).fill(1);
  const eliminated: number[] = [];
  let largest = 0;
  while (remaining.length > 1) {
    const { worst, pValue } = test(remaining, means, deviations, rounding);
    largest = Math.max(largest, pValue);
    pValues[worst] = largest;
    eliminated.push(worst);
    remaining = remaining.filter((model) => model !== worst);
  }
  const included = losses.map((_, model) => model).filter((model) => pValues[model]! >= options.size);
  return { pValues, included, eliminated };
}

type EquivalenceTest = (
  set: readonly number[],
  means: Float64Array,
  deviations: Float64Array,
  rounding: number,
) => { worst: number; pValue: number };

/** A difference in units of its deviation; 0 or infinite where it does not vary. */
function toStudentised(difference: number, deviation: number, rounding: number): number {
  if (deviation > rounding) return difference / deviation;
  return Math.abs(difference) <= rounding ? 0 : difference * Number.POSITIVE_INFINITY;
}

const maxTest: EquivalenceTest = (set, means, deviations, rounding) => {
  const models = means.length;
  const resamples = deviations.length / models;
  const overall = set.reduce((sum, model) => sum + means[model]! / set.length, 0);
  const averages = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    for (const model of set) averages[b] = averages[b]! + deviations[b * models + model]! / set.length;
  }
  const simulated = new Float64Array(resamples).fill(Number.NEGATIVE_INFINITY);
  let worst = set[0]!;
  let statistic = Number.NEGATIVE_INFINITY;
  for (const model of set) {
    let variance = 0;
    for (let b = 0; b < resamples; b++) {
      variance += (deviations[b * models + model]! - averages[b]!) ** 2 / resamples;
    }
    const deviation = Math.sqrt(variance);
    const t = toStudentised(means[model]! - overall, deviation, rounding);
    if (t > statistic) {
      statistic = t;
      worst = model;
    }
    for (let b = 0; b < resamples; b++) {
      const drawn = deviations[b * models + model]! - averages[b]!;
      simulated[b] = Math.max(simulated[b]!, deviation > rounding ? drawn / deviation : 0);
    }
  }
  return { worst, pValue: shareAtLeast(simulated, statistic) };
};

const rangeTest: EquivalenceTest = (set, means, deviations, rounding) => {
  const models = means.length;
  const resamples = deviations.length / models;
  const simulated = new Float64Array(resamples);
  let worst = set[0]!;
  let statistic = Number.NEGATIVE_INFINITY;
  for (const [index, first] of set.entries()) {
    for (const second of set.slice(index + 1)) {
      let variance = 0;
      for (let b = 0; b < resamples; b++) {
        variance += (deviations[b * models + first]! - deviations[b * models + second]!) ** 2 / resamples;
      }
      const deviation = Math.sqrt(variance);
      const t = toStudentised(means[first]! - means[second]!, deviation, rounding);
      if (Math.abs(t) > statistic) {
        statistic = Math.abs(t);
        worst = t >= 0 ? first : second;
      }
      if (deviation <= rounding) continue;
      for (let b = 0; b < resamples; b++) {
        const drawn = deviations[b * models + first]! - deviations[b * models + second]!;
        simulated[b] = Math.max(simulated[b]!, Math.abs(drawn) / deviation);
      }
    }
  }
  return { worst, pValue: shareAtLeast(simulated, statistic) };
};

const shareAtLeast = (simulated: Float64Array, statistic: number): number =>
  simulated.reduce((count, s) => count + (s >= statistic ? 1 : 0), 0) / simulated.length;
