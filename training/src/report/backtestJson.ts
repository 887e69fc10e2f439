import type { ParquetColumn } from "@ballast/data";
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
export function toComparisonColumns({ baseline, policies }: Comparison): ParquetColumn[] {
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
  const text = (name: string, of: (row: (typeof rows)[number]) => string): ParquetColumn => ({
    name,
    kind: "text",
    values: rows.map(of),
  });
  const number = (
    name: string,
    of: (row: (typeof rows)[number]) => number | null | undefined,
  ): ParquetColumn => ({
    name,
    kind: "number",
    values: rows.map((row) => of(row) ?? null),
  });
  return [
    text("policy", ({ name }) => name),
    text("metric", ({ metric }) => metric),
    text("unit", ({ unit }) => unit),
    number("estimate", ({ own }) => own?.estimate),
    number("low", ({ own }) => own?.low),
    number("high", ({ own }) => own?.high),
    text("baseline", () => baseline),
    number("difference", ({ paired }) => paired?.estimate),
    number("differenceLow", ({ paired }) => paired?.low),
    number("differenceHigh", ({ paired }) => paired?.high),
    number("p", ({ paired }) => paired?.p),
  ];
}

const NOTHING = { estimate: null, low: null, high: null } as const;
