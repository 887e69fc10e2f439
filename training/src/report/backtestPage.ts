import { quantileOfSorted } from "../evaluation/sample.ts";
import type { Comparison, PolicyComparison } from "../replay/compare.ts";
import { costAt } from "../replay/regret.ts";
import { COST_KINDS } from "../replay/steps.ts";
import { windowMs } from "../replay/windows.ts";
import { challengerOf, change, toHeadline } from "./backtestHeadline.ts";
import { legend, scatterPlot, spreadPlot, type Whisker, waterfall } from "./backtestPlots.ts";
import { type Drawn, toCostOverTime, toGasSection, toWeightSection } from "./backtestSeries.ts";
import { COMPARED, showFigure, showP, toMetricSection } from "./backtestTable.ts";
import { dollars, minute } from "./backtestTrades.ts";
import { escapeHtml } from "./chart.ts";
import { MARK_SHAPES, PAGE_POLICY, PAGE_SCRIPT, PAGE_STYLE } from "./page.ts";

/** More waterfalls and lines than this would be no help. */
const MOST_DRAWN = 8;
const COST_NAMES = {
  fee: "fees",
  spread: "spread",
  impact: "impact",
  mev: "MEV allowance",
  gas: "gas",
  attestationGas: "attestation gas",
} as const;

/**
 * One self-contained page about a comparison of backtests: who paid what at which tracking error, every trade and why,
 * every metric with its interval. Pure: the same comparison gives the same bytes. Text from the records is escaped.
 */
export function toBacktestPage(comparison: Comparison): string {
  const { policies, baseline } = comparison;
  const { market, assets, targets, nav } = policies[0]!.record;
  const period = `${minute(market.from).slice(0, 10)} to ${minute(market.to).slice(0, 10)}`;
  const challenger = challengerOf(comparison);
  const toneOf = ({ name }: { readonly name: string }) =>
    challenger === undefined || name === challenger.name ? "p0" : name === baseline ? "p1" : "p2";
  const leading = ["p0", "p1"].flatMap((tone) => policies.filter((policy) => toneOf(policy) === tone));
  const draw = (some: readonly PolicyComparison[]): Drawn[] =>
    some.map(({ record }) => ({ record, tone: toneOf(record) }));
  const ranked = [...leading, ...policies.filter((policy) => toneOf(policy) === "p2")].slice(0, MOST_DRAWN);
  const basket = assets.map((asset, i) => `${Number((targets[i]! * 100).toFixed(2))} % ${asset}`).join(", ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Ballast: backtest of ${escapeHtml(
    policies
      .map(({ name }) => name)
      .join(", ")
      .slice(0, 120),
  )}, ${period}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
${MARK_SHAPES}
<header>
<p class="kicker">Ballast · backtest · ${period}</p>
<h1>${escapeHtml(toHeadline(comparison))}</h1>
<p>${escapeHtml(`${basket}; ${dollars(nav)} at the start; ${policies[0]!.record.bars.at.length.toLocaleString("en-US")} bars of ${market.barMs / 60_000} min.`)}</p>
<p class="muted">One market over one period. Intervals say how much of a difference is this period’s chance; of other markets, or of how often a policy was tuned on this one, they say nothing.</p>
</header>
<main>
${toTiles(policies, challenger, baseline)}
${toFrontierSection(comparison, toneOf)}
${toCostSection(ranked, draw(ranked), policies.length - ranked.length)}
${toWeightSection(draw(leading))}
${toGasSection(draw(leading))}
${toWindowSection(ranked, baseline, toneOf)}
${toMetricSection(comparison)}
${toProvenanceSection(comparison)}
</main>
<footer><p>All times UTC. 1 bps is 0.01 %, 1 pp one percentage point; a year has 365 days.</p></footer>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function toTiles(
  policies: readonly PolicyComparison[],
  challenger: PolicyComparison | undefined,
  baseline: string,
): string {
  const base = policies.find(({ name }) => name === baseline)!;
  const own = challenger ?? base;
  const tiles = ["cost", "trackingError", "outsideBand", "trades", "gasPaidOverDayLow", "return"].map(
    (id) => {
      const row = COMPARED.find((one) => one.id === id)!;
      const show = ({ metrics }: PolicyComparison) =>
        `${showFigure(metrics[id]!.estimate, row.shown)} ${row.shown.unit}`;
      return `<div><dt>${row.label}</dt><dd>${escapeHtml(show(own))}${challenger === undefined ? "" : `<small>${escapeHtml(`${baseline}: ${show(base)}`)}</small>`}</dd></div>`;
    },
  );
  return `<h2 class="figures">Key figures of ${escapeHtml(own.name)}</h2><dl class="tiles">
${tiles.join("\n")}
</dl>`;
}

function toFrontierSection(
  { policies, baseline, elasticity, poolLoss }: Comparison,
  toneOf: (policy: PolicyComparison) => string,
): string {
  const scaled = ({ estimate, low, high }: PolicyComparison["metrics"][string], scale: number): Whisker => ({
    estimate: estimate! * scale,
    low: low === null ? null : low * scale,
    high: high === null ? null : high * scale,
  });
  const base = policies.find(({ name }) => name === baseline)!;
  const place = {
    trackingError: base.metrics.trackingError!.estimate! * 100,
    cost: base.metrics.cost!.estimate! * 1e4,
  };
  const plot = scatterPlot({
    id: "frontier",
    title: "Cost against tracking error",
    description: policies
      .map(
        ({ name, metrics }) =>
          `${name}: ${(metrics.cost!.estimate! * 1e4).toFixed(1)} bps at ${(metrics.trackingError!.estimate! * 100).toFixed(3)} %`,
      )
      .join("; "),
    xLabel: "tracking error, % a year →",
    yLabel: "↑ cost, bps a year",
    points: policies.map((policy) => {
      const { name, metrics, costRatio } = policy;
      const regret = `regret ${showFigure(metrics.regret!.estimate, { scale: 1e4, digits: 2, unit: "" })} bps a year`;
      const ratio =
        costRatio === undefined
          ? ""
          : `\n${change(costRatio.estimate!)} than ${baseline} at equal tracking error, p ${showP(costRatio.p)}`;
      return {
        name,
        tone: toneOf(policy),
        x: scaled(metrics.trackingError!, 100),
        y: scaled(metrics.cost!, 1e4),
        text: `${(metrics.cost!.estimate! * 1e4).toFixed(2)} bps a year at ${(metrics.trackingError!.estimate! * 100).toFixed(3)} % a year\n${regret}${ratio}`,
      };
    }),
    ...(place.trackingError > 0 && place.cost > 0
      ? { curve: (x: number) => costAt(place, x, elasticity) }
      : {}),
  });
  const pool = showFigure(poolLoss.estimate, { scale: 1e4, digits: 1, unit: "" });
  const range =
    poolLoss.low === null
      ? ""
      : ` (${(poolLoss.low * 1e4).toFixed(1)} to ${(poolLoss.high! * 1e4).toFixed(1)})`;
  return `<section><h2>Cost against tracking error</h2>
<p class="muted">Down and to the left is better. The dashed line is what ${escapeHtml(baseline)} would cost at other tracking errors: a policy below it is cheaper at equal tracking error. Its law is cost · tracking error<sup>${elasticity.toFixed(2)}</sup>, where proportional costs alone have the power 1 and gas alone 2. Bars are 95 % intervals.</p>
<figure>${plot}</figure>
<p class="muted">A yardstick: a constant-product pool of the same assets in equal parts loses ${pool} bps a year${range} to arbitrageurs before its fees (loss versus rebalancing; of two assets σ²/8).</p></section>`;
}

function toCostSection(
  policies: readonly PolicyComparison[],
  drawn: readonly Drawn[],
  leftOut: number,
): string {
  const most = Math.max(...policies.map(({ metrics }) => metrics.cost!.estimate!)) * 1e4;
  const kinds = COST_KINDS.filter((kind) => policies.some((policy) => policy.dollars[kind]! > 0));
  const falls = policies.map(({ name, metrics, dollars: paid }, k) => {
    const label = (kind: string) =>
      `${((metrics[kind === "cost" ? "cost" : `cost.${kind}`]!.estimate ?? 0) * 1e4).toFixed(2)}`;
    const steps = kinds.map((kind) => ({
      name: COST_NAMES[kind],
      tone: kind.toLowerCase().endsWith("gas") ? "gas" : kind === "impact" ? "impact" : "fees",
      value: metrics[`cost.${kind}`]!.estimate! * 1e4,
      label: label(kind),
    }));
    const total = { value: metrics.cost!.estimate! * 1e4, label: label("cost") };
    return `<figure><figcaption>${escapeHtml(name)} <span class="muted">${escapeHtml(dollars(paid.cost!))} in all</span></figcaption>${waterfall(`fall-${k}`, `Costs of ${name}, bps a year`, steps, total, most)}</figure>`;
  });
  return `<section><h2>What it cost</h2>
<p class="muted">Basis points of the average value a year, kind by kind, on one scale.${leftOut > 0 ? ` Here and in what is drawn below, ${leftOut} policies are left out; the frontier and the table have all.` : ""}</p>
<div class="charts">${falls.join("\n")}</div>
<h3>Paid so far, bps of the value at the start</h3>
<ul class="legend">${legend([...drawn.filter(({ tone }) => tone !== "p2").map(({ record, tone }) => [record.name, tone] as const), ...(drawn.some(({ tone }) => tone === "p2") ? [["the others", "p2"] as const] : [])])}</ul>
<figure>${toCostOverTime(drawn)}</figure></section>`;
}

function toWindowSection(
  policies: readonly PolicyComparison[],
  baseline: string,
  toneOf: (policy: PolicyComparison) => string,
): string {
  const base = policies.find(({ name }) => name === baseline)!;
  const count = base.windows.length;
  if (count < 2) return "";
  const noun = windowMs(base.record) > 86_400_000 ? "week" : "day";
  const rows = (of: (window: PolicyComparison["windows"][number]) => number, digits: number, verb: string) =>
    policies.map((policy) => {
      const values = Float64Array.from(policy.windows, of).sort();
      const won = policy.windows.filter((window, w) => of(window) < of(base.windows[w]!)).length;
      const worst = `worst ${values.at(-1)!.toFixed(digits)}`;
      return {
        name: policy.name,
        tone: toneOf(policy),
        values,
        note: policy === base ? worst : `${verb} in ${won} of ${count} · ${worst}`,
      };
    });
  const costs = rows(({ cost }) => cost * 1e4, 2, "cheaper");
  const errors = rows(({ trackingError }) => trackingError * 100, 3, "closer");
  return `<section><h2>From ${noun} to ${noun}</h2>
<p class="muted">Over ${count} ${noun}s in a row: the box holds the middle half of them, the line nine in ten, the stroke is the median. “Cheaper” and “closer” count the ${noun}s in which a policy cost less or tracked closer than ${escapeHtml(baseline)}.</p>
<div class="charts"><figure><figcaption>Cost, bps of value in the ${noun}</figcaption>${spreadPlot("window-cost", `Cost by ${noun}`, "bps", costs, quantileOfSorted)}</figure>
<figure><figcaption>Tracking error in the ${noun}, % a year</figcaption>${spreadPlot("window-error", `Tracking error by ${noun}`, "%", errors, quantileOfSorted)}</figure></div></section>`;
}

function toProvenanceSection({ policies, bootstrap, baseline, elasticity }: Comparison): string {
  const { market } = policies[0]!.record;
  const fact = (name: string, value: string) => `<dt>${escapeHtml(name)}</dt><dd>${value}</dd>`;
  const code = (text: string) => `<code>${escapeHtml(text)}</code>`;
  const each = policies.map(({ name, record }) => {
    const { policy, decisionsDigest, models, notes } = record;
    const walked = models.map(({ from, modelId }) => `from ${minute(from)} ${code(modelId)}`).join("<br>");
    return `<h3>${escapeHtml(name)}</h3><dl class="facts">${fact("Policy", `${escapeHtml(policy.name)} ${code(JSON.stringify(policy.parameters))}`)}${fact("Policy id", code(policy.id))}${fact("Decisions", code(decisionsDigest))}${models.length === 0 ? "" : fact("Who forecast", walked)}</dl>${notes.length === 0 ? "" : `<ul>${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul>`}`;
  });
  return `<section><h2>Where it comes from, and how it was computed</h2>
<dl class="facts">${fact("Market", code(market.hash))}
${fact("Period", `${minute(market.from)} to ${minute(market.to)}`)}
${fact("Baseline", escapeHtml(baseline))}
${fact("Intervals", `${bootstrap.level * 100} %, percentiles of ${bootstrap.resamples.toLocaleString("en-US")} stationary block bootstrap resamples (Politis and Romano 1994), blocks of ${bootstrap.meanBlockHours.toFixed(0)} h in the mean, seed ${bootstrap.seed}`)}
${fact("p values", "two-sided, of resamples centred on the difference; all policies are resampled at the same times, so that what the market did to all of them cancels. Those of single rows are not corrected for their number; the headline is, by Holm’s method")}
${fact("Equal tracking error", `cost · (tracking error / another’s)<sup>${elasticity.toFixed(2)}</sup>; no further apart than twofold`)}</dl>
${each.join("\n")}</section>`;
}
