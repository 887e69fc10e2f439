import type { Comparison, PolicyComparison } from "../replay/compare.ts";
import { holm } from "../replay/inference.ts";

/** Below this adjusted p a difference is called one. */
const SIGNIFICANT = 0.05;

/** The policy that is set against the baseline: the cheapest at equal tracking error, else the cheapest; undefined of one record. */
export function challengerOf({ baseline, policies }: Comparison): PolicyComparison | undefined {
  const others = policies.filter(({ name }) => name !== baseline);
  const translated = others.filter(({ costRatio }) => costRatio !== undefined);
  const key = ({ costRatio, metrics }: PolicyComparison) =>
    costRatio?.estimate ?? metrics.cost!.estimate ?? Infinity;
  return (translated.length > 0 ? translated : others).toSorted((a, b) => key(a) - key(b))[0];
}

/**
 * What can truthfully be said in one sentence: a policy beat the baseline only where its cost at equal tracking error is
 * lower beyond chance, by Holm's correction for as many policies as were compared and by its own interval.
 */
export function toHeadline(comparison: Comparison): string {
  const { baseline, policies } = comparison;
  const challenger = challengerOf(comparison);
  if (challenger === undefined) {
    const { metrics } = policies[0]!;
    return `${baseline} cost ${fixed(metrics.cost!.estimate! * 1e4, 1)} bps a year at a tracking error of ${fixed(metrics.trackingError!.estimate! * 100, 2)} % a year`;
  }
  const compared = policies.filter(({ costRatio }) => costRatio !== undefined);
  const ratio = challenger.costRatio;
  if (ratio === undefined)
    return `No policy tracks closely enough to how ${baseline} does for their costs to be set against each other`;
  const adjusted = holm(compared.map(({ costRatio }) => costRatio!.p ?? 1));
  const p = adjusted[compared.indexOf(challenger)]!;
  const range =
    ratio.low === null ? "no interval" : `95 % interval ${change(ratio.low)} to ${change(ratio.high!)}`;
  if (ratio.estimate! < 1 && p < SIGNIFICANT && ratio.high !== null && ratio.high < 1)
    return `At equal tracking error ${challenger.name} cost ${change(ratio.estimate!)} than ${baseline} (${range})`;
  const nearest =
    compared.length === 1 ? challenger.name : `the cheapest of ${compared.length}, ${challenger.name},`;
  const verdict = ratio.estimate! < 1 ? `Nothing beat ${baseline} beyond chance` : `Nothing beat ${baseline}`;
  return `${verdict}: at equal tracking error ${nearest} cost ${change(ratio.estimate!)} (${range})`;
}

/** 0.88 as `12.0 % less`. */
export function change(ratio: number): string {
  const points = Math.abs(ratio - 1) * 100;
  if (points < 0.05) return "the same";
  return `${fixed(points, 1)} % ${ratio < 1 ? "less" : "more"}`;
}

const fixed = (value: number, digits: number): string => value.toFixed(digits);
