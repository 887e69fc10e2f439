import type { ContestReport, FamilyFigures, Figure } from "../contest/report.ts";
import { legend } from "./backtestPlots.ts";
import { escapeHtml } from "./chart.ts";
import { frontierPlot, type Ratio, ratioPlot } from "./contestPlots.ts";
import { MARK_SHAPES, PAGE_POLICY, PAGE_SCRIPT, PAGE_STYLE } from "./page.ts";

const COST = "cost-at-tracking-error";

/** One line that says who pays what, and whether that is more than chance. */
export function toContestHeadline({ families, best }: ContestReport): string {
  const own = families.find(({ kind }) => kind === "predictive")!.costToBest!;
  const change = `${Math.abs((own.estimate - 1) * 100).toFixed(1)} % ${own.estimate < 1 ? "less" : "more"}`;
  const isSure = own.high < 1 || own.low > 1;
  return `At equal tracking error the predictive family pays ${change} than the best reactive one in hindsight, ${best[COST]} (95 %: ${own.low.toFixed(3)} to ${own.high.toFixed(3)})${isSure ? "" : "; this may be chance"}`;
}

/** Columns of a contest's table: a heading, and the figure of a family. */
export const CONTEST_COLUMNS: readonly (readonly [heading: string, of: (family: FamilyFigures) => Figure])[] =
  [
    ["cost to threshold", ({ costToThreshold }) => costToThreshold],
    ["cost to best reactive", ({ costToBest }) => costToBest],
    ["outside to threshold", ({ outsideToThreshold }) => outsideToThreshold],
    ["outside to best reactive", ({ outsideToBest }) => outsideToBest],
    ["gap closed", ({ gapClosed }) => gapClosed],
  ];

/** One self-contained page about a contest. Pure: the same report gives the same bytes. */
export function toContestPage(report: ContestReport): string {
  const { families, best, folds, basket, nav, venue, plan, bootstrap, market } = report;
  const toneOf = ({ name, kind }: FamilyFigures) =>
    kind === "predictive" ? "p0" : name === best[COST] ? "p1" : "p2";
  const day = (time: string) => time.slice(0, 10);
  const hour = (time: string) => time.slice(0, 16).replace("T", " ");
  const period = `${day(folds[0]!.scored.from)} to ${day(folds.at(-1)!.scored.to)}`;
  const mix = Object.entries(basket)
    .map(([asset, share]) => `${Number((share * 100).toFixed(2))} % ${asset}`)
    .join(", ");
  const ratios = (of: (family: FamilyFigures) => Figure): Ratio[] =>
    families.flatMap((family) => {
      const figure = of(family);
      return figure === null ? [] : [{ name: family.name, tone: toneOf(family), ...figure }];
    });
  const frontier = frontierPlot(
    "frontier",
    "Cost against tracking error",
    { x: "tracking error, % a year →", y: "↑ cost, bps a year", unitX: "%", unitY: "bps" },
    // The two that matter most are drawn last, over the others.
    families
      .toSorted((a, b) => toneOf(b).localeCompare(toneOf(a)))
      .map((family) => ({
        name: family.name,
        tone: toneOf(family),
        isNamed: toneOf(family) !== "p2" || family.kind === "clairvoyant",
        points: family.frontier
          .filter(({ trackingError, cost }) => trackingError > 0 && cost > 0)
          .map(({ trackingError, cost }) => ({ x: trackingError * 100, y: cost * 1e4 })),
      })),
  );
  const cell = (figure: Figure) =>
    figure === null
      ? '<td class="figure">–</td>'
      : `<td class="figure">${figure.estimate.toFixed(3)}<small>${figure.low.toFixed(3)} to ${figure.high.toFixed(3)}</small></td>`;
  const rows = families.map(
    (family) =>
      `<tr><th scope="row">${escapeHtml(family.name)}<small>${family.kind}</small></th>${CONTEST_COLUMNS.map(([, of]) => cell(of(family))).join("")}</tr>`,
  );
  const windows = folds.map(
    ({ tuned, scored, timesScored }) =>
      `<tr><th scope="row">${hour(scored.from)} to ${hour(scored.to)}</th><td>${hour(tuned.from)} to ${hour(tuned.to)}</td><td class="figure">${timesScored}</td></tr>`,
  );
  const fact = (name: string, value: string) => `<dt>${name}</dt><dd>${value}</dd>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Ballast: contest of policies, ${period}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
${MARK_SHAPES}
<header>
<p class="kicker">Ballast · contest of policies · ${venue} · ${period}</p>
<h1>${escapeHtml(toContestHeadline(report))}</h1>
<p>${escapeHtml(`${mix}; $${nav.toLocaleString("en-US")}; ${plan.trialsPerFamilyAndFold} trials for each family on each tuning window.`)}</p>
</header>
<main>
<section><h2>Cost against tracking error</h2>
<p class="muted">On windows that nothing was tuned on; each family’s setting was chosen on what came before. Down and to the left is better; both axes are logarithmic. Each point says whose it is.</p>
<ul class="legend">${legend([
    ["predictive", "p0"],
    [`best reactive in hindsight, ${best[COST]}`, "p1"],
    ["the others", "p2"],
  ])}</ul>
<figure>${frontier}</figure></section>
<section><h2>Who pays how much</h2>
<p class="muted">Ratios below 1 are better; lines are 95 % intervals. The clairvoyant knows what gas and volatility will be: nobody can follow it.</p>
<div class="charts"><figure><figcaption>Cost at equal tracking error, over the plain threshold’s</figcaption>${ratioPlot(
    "to-threshold",
    "Cost over the threshold’s",
    ratios(({ costToThreshold }) => costToThreshold),
  )}</figure>
<figure><figcaption>Cost at equal tracking error, over that of ${escapeHtml(best[COST])}</figcaption>${ratioPlot(
    "to-best",
    "Cost over the best reactive family’s",
    ratios(({ costToBest }) => costToBest),
  )}</figure>
<figure><figcaption>Hours outside the bands at equal cost, over the plain threshold’s</figcaption>${ratioPlot(
    "outside",
    "Time outside over the threshold’s",
    ratios(({ outsideToThreshold }) => outsideToThreshold),
  )}</figure></div></section>
<section><h2>Every family</h2>
<p class="muted">The best reactive family for time outside the bands is ${escapeHtml(best["outside-at-cost"])}. Gap closed: share of the way from ${escapeHtml(best[COST])} to the clairvoyant in cost.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Families"><table class="metrics"><caption class="hidden">Figures by family</caption><thead><tr><th scope="col">Family</th>${CONTEST_COLUMNS.map(([heading]) => `<th scope="col" class="figure">${heading}</th>`).join("")}</tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div></section>
<section><h2>How often each window has been scored</h2>
<p class="muted">In all runs on this market, venue and basket. A window that was looked at many times is no longer out of sample for those who looked.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Windows"><table><caption class="hidden">Windows</caption><thead><tr><th scope="col">Scored</th><th scope="col">Tuned on</th><th scope="col" class="figure">Times scored</th></tr></thead><tbody>
${windows.join("\n")}
</tbody></table></div></section>
<section><h2>How it was computed</h2>
<dl class="facts">${fact("Market", `<code>${escapeHtml(market)}</code>`)}
${fact("Tuning", `${plan.shapes} shapes of a Halton sequence, each at the same widths; ${plan.starts} starts a day apart, their results averaged; ${plan.earlier} earlier price paths beside the same gas on mainnet`)}
${fact("Intervals", `95 %, stationary block bootstrap (Politis and Romano 1994) of days, blocks of ${bootstrap.meanBlockDays} days in the mean, ${bootstrap.resamples.toLocaleString("en-US")} resamples, seed ${bootstrap.seed}; families are resampled at the same times`)}</dl></section>
</main>
<footer><p>All times UTC. 1 bps is 0.01 %; a year has 365 days.</p></footer>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}
