import type { Comparison } from "../replay/compare.ts";
import { COST_KINDS } from "../replay/steps.ts";
import { toHeadline } from "./backtestHeadline.ts";
import { COMPARED } from "./backtestTable.ts";

/** A comparison for machines: all of its figures in the units that `metrics` states, without the records' bars. */
export function toComparisonJson(comparison: Comparison) {
  const { baseline, policies, elasticity, poolLoss, bootstrap } = comparison;
  const { market, assets, targets, bands, nav } = policies[0]!.record;
  return {
    format: "ballast-comparison/1",
    headline: toHeadline(comparison),
    market,
    assets,
    targets,
    bands,
    nav,
    baseline,
    bootstrap,
    elasticity,
    poolLoss,
    metrics: COMPARED.map(({ id, label, unit, better, meaning }) => ({ id, label, unit, better, meaning })),
    policies: policies.map(({ name, record, dollars, metrics, versus, costRatio, windows }) => ({
      name,
      policy: record.policy,
      decisionsDigest: record.decisionsDigest,
      models: record.models,
      notes: record.notes,
      trades: record.trades.length,
      dollars,
      metrics,
      versus: versus ?? null,
      costRatio: costRatio ?? null,
      windows,
    })),
  } as const;
}

/** The name under which the ratio to the baseline's cost at equal tracking error stands among the rows of metrics. */
const RATIO = "costRatio";

/** One row a policy and metric, dollars among them; null where there is none. */
export function toComparisonColumns({ baseline, policies }: Comparison) {
  const rows = policies.flatMap(({ name, metrics, versus, costRatio, dollars }) => [
    ...COMPARED.map(({ id, unit }) => ({ name, metric: id, unit, own: metrics[id], paired: versus?.[id] })),
    ...(costRatio === undefined
      ? []
      : [{ name, metric: RATIO, unit: "ratio", own: costRatio, paired: { ...NOTHING, p: costRatio.p } }]),
    ...["cost", ...COST_KINDS, "shortfall", "sold"].map((kind) => ({
      name,
      metric: `dollars.${kind}`,
      unit: "dollars",
      own: { ...NOTHING, estimate: dollars[kind]! },
      paired: undefined,
    })),
  ]);
  return {
    policy: rows.map(({ name }) => name),
    metric: rows.map(({ metric }) => metric),
    unit: rows.map(({ unit }) => unit),
    estimate: rows.map(({ own }) => own?.estimate ?? null),
    low: rows.map(({ own }) => own?.low ?? null),
    high: rows.map(({ own }) => own?.high ?? null),
    baseline: rows.map(() => baseline),
    difference: rows.map(({ paired }) => paired?.estimate ?? null),
    difference_low: rows.map(({ paired }) => paired?.low ?? null),
    difference_high: rows.map(({ paired }) => paired?.high ?? null),
    p: rows.map(({ paired }) => paired?.p ?? null),
  };
}

const NOTHING = { estimate: null, low: null, high: null } as const;
