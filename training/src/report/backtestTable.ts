import type { Comparison, PolicyComparison } from "../replay/compare.ts";
import type { Difference, Estimate } from "../replay/inference.ts";
import { EXTREMES, METRICS, type Metric } from "../replay/metrics.ts";
import { escapeHtml } from "./chart.ts";

export type Row = Omit<Metric, "of">;

const REGRET: Row = {
  id: "regret",
  label: "Regret against the best in hindsight",
  unit: "share of average value a year",
  shown: { scale: 1e4, digits: 2, unit: "bps a year" },
  better: "less",
  meaning:
    "cost less what the cheapest of these policies would have cost at the same tracking error, by the law of costs that stands with the frontier",
};

/** Every metric of a comparison in the order in which it is shown. */
export const COMPARED: readonly Row[] = [
  ...METRICS.slice(0, 2),
  REGRET,
  ...METRICS.slice(2).flatMap((metric): Row[] =>
    metric.id === "meanExcess"
      ? [metric, EXTREMES[0]]
      : metric.id === "volatility"
        ? [metric, EXTREMES[1]]
        : [metric],
  ),
];

export const showFigure = (value: number | null, { scale, digits }: Row["shown"]): string =>
  value === null ? "–" : withoutMinusZero((value * scale).toFixed(digits));

const withoutMinusZero = (text: string): string =>
  (/^-[0.]+$/.test(text) ? text.slice(1) : text).replace("-", "−");

export const showP = (p: number | null): string => (p === null ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3));

/** Metrics down, policies across: value, interval, and the paired difference from the baseline with its p. */
export function toMetricSection(comparison: Comparison): string {
  const { policies, baseline, bootstrap } = comparison;
  const head = policies.map(
    ({ name }) =>
      `<th scope="col" class="figure">${escapeHtml(name)}${name === baseline ? "<small>baseline</small>" : ""}</th>`,
  );
  const ratios = `<tr><th scope="row">Cost over the baseline’s at equal tracking error<small>ratio; – where tracking errors are more than twofold apart</small></th>${policies
    .map(({ costRatio }) =>
      costRatio === undefined
        ? '<td class="figure">–</td>'
        : `<td class="figure${verdict(costRatio, "less", 1)}">${showFigure(costRatio.estimate, RATIO)}${spoken(verdict(costRatio, "less", 1))}<small>${showRange(costRatio, RATIO)}</small><small>p ${escapeHtml(showP(costRatio.p))}</small></td>`,
    )
    .join("")}</tr>`;
  const rows = COMPARED.map(
    (row) =>
      `<tr><th scope="row">${escapeHtml(row.label)}<small>${escapeHtml(row.shown.unit)}</small></th>${policies.map((policy) => toCell(row, policy)).join("")}</tr>`,
  );
  const definitions = COMPARED.map(
    ({ label, meaning }) => `<dt>${escapeHtml(label)}</dt><dd>${escapeHtml(meaning)}</dd>`,
  );
  return `<section><h2>Every metric, with its interval</h2>
<p class="muted">Below each figure its ${bootstrap.level * 100} % interval, and below that the difference from ${escapeHtml(baseline)} with the two-sided p of the hypothesis that there is none. ✓ is better than the baseline and ✗ worse with p below 0.05 in that row alone: of twenty rows without any difference, one would show one.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Metrics"><table class="metrics"><caption class="hidden">Metrics by policy</caption><thead><tr><th scope="col">Metric</th>${head.join("")}</tr></thead><tbody>
${policies.length > 1 ? ratios : ""}
${rows.join("\n")}
</tbody></table></div>
<details><summary>How each is defined</summary><dl class="facts">${definitions.join("\n")}</dl></details></section>`;
}

const RATIO: Row["shown"] = { scale: 1, digits: 3, unit: "" };

function toCell({ id, shown, better }: Row, { metrics, versus }: PolicyComparison): string {
  const own = metrics[id]!;
  const paired = versus?.[id];
  const range = showRange(own, shown);
  const judged = paired === undefined ? "" : verdict(paired, better, 0);
  return `<td class="figure${judged}">${showFigure(own.estimate, shown)}${spoken(judged)}${range && `<small>${range}</small>`}${paired === undefined || paired.estimate === null ? "" : `<small>${paired.estimate > 0 ? "+" : ""}${showFigure(paired.estimate, shown)}, p ${escapeHtml(showP(paired.p))}</small>`}</td>`;
}

const showRange = ({ low, high }: Estimate, shown: Row["shown"]): string =>
  low === null || high === null ? "" : `${showFigure(low, shown)} to ${showFigure(high, shown)}`;

/** The tick and the cross are style alone. */
const spoken = (judged: Verdict): string =>
  judged === "" ? "" : `<span class="hidden"> (${judged === " best" ? "better" : "worse"})</span>`;

type Verdict = "" | " best" | " worse";

function verdict({ estimate, p }: Difference, better: Row["better"], level: number): Verdict {
  if (estimate === null || p === null || p >= 0.05 || better === "neither" || estimate === level) return "";
  return estimate < level === (better === "less") ? " best" : " worse";
}
