import {
  dotChart,
  escapeHtml,
  MARK_SHAPES,
  PAGE_POLICY,
  PAGE_SCRIPT,
  PAGE_STYLE,
  stackedBars,
} from "@ballast/training";
import { toComparison, toHeadline, toText } from "./comparison.ts";
import { minute, numbersText, reasonText, toForecastSection, toWeightSection } from "./reportCharts.ts";
import type { DemoRecord, ModelRecord, RunRecord, TradeRecord } from "./runData.ts";

/**
 * One self-contained page about a demo: what happened, which policy did better at what, every executed decision
 * and how to verify it. Pure: the same record gives the same bytes. Text from the record is escaped.
 */
export function toReportHtml(record: DemoRecord): string {
  const { market, runs, seed, hours, seconds } = record;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Ballast: ${escapeHtml(market.name)}, ${day(market.from)} to ${day(market.to)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
${MARK_SHAPES}
<header>
<p class="kicker">Ballast · ${escapeHtml(market.name)} · ${day(market.from)} to ${day(market.to)}</p>
<h1>${escapeHtml(toHeadline(record))}</h1>
${toLede(record)}
</header>
<main>
${toTiles(runs)}
${toComparisonSection(runs)}
${toWeightSection(record)}
${toForecastSection(runs)}
${toModelSection(record.model)}
${toDecisionSection(runs)}
${toProvenanceSection(record)}
</main>
<footer><p>Seed ${escapeHtml(String(seed))} · ${toText(hours)} hours replayed in ${toText(seconds)} s · all times UTC · 1 bps is 0.01 %, 1 pp is one percentage point.</p></footer>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function toLede({ runs }: DemoRecord): string {
  const sentences = runs.map(({ policy, outcome, attestations, verified }) => {
    const { executed, executedAhead } = outcome;
    const ahead =
      executed === 0
        ? "executed no rebalance"
        : `executed ${plural(executed, "rebalance")}, ${executedAhead === executed ? "all" : executedAhead === 0 ? "none" : toText(executedAhead)} of them ahead of a breach`;
    const rejected = outcome.rejections > 0 ? `, had ${plural(outcome.rejections, "decision")} rejected` : "";
    const checked =
      attestations === 0 ? "" : `; ${toText(verified)} of ${plural(attestations, "attestation")} verified`;
    return `${policy} ${ahead}${rejected}${checked}.`;
  });
  return `<p>${escapeHtml(sentences.map((text) => text.charAt(0).toUpperCase() + text.slice(1)).join(" "))}</p>
<p class="muted">One run on one market describes what happened here; it proves nothing about other markets.</p>`;
}

function toTiles(runs: readonly RunRecord[]): string {
  const [run, other] = runs;
  if (run === undefined) return "";
  const tile = (label: string, of: (run: RunRecord) => string, note = "") =>
    `<div><dt>${label}</dt><dd>${escapeHtml(of(run))}${note && `<small>${escapeHtml(note)}</small>`}${other ? `<small>${escapeHtml(`${other.policy}: ${of(other)}`)}</small>` : ""}</dd></div>`;
  const { costBps } = run.outcome;
  return `<h2 class="figures">Key figures of ${escapeHtml(run.policy)}</h2><dl class="tiles">
${tile("Decisions", ({ outcome }) => toText(outcome.decisions))}
${tile("Executed ahead / after a breach", ({ outcome }) => `${toText(outcome.executedAhead)} / ${toText(outcome.executedAfter)}`)}
${tile("Hours outside the band", ({ outcome }) => `${toText(outcome.hoursOutsideBand, Number.isInteger(outcome.hoursOutsideBand) ? 0 : 1)} h`)}
${tile("Cost", ({ outcome }) => `${toText(outcome.costBps.total, 2)} bps`, `fees ${toText(costBps.fees, 2)} · impact ${toText(costBps.impact, 2)} · gas ${toText(costBps.gas, 2)}`)}
${tile("Tracking error, a year", ({ outcome }) => `${toText(outcome.trackingError * 100, 2)} %`)}
${tile("Attestations verified", ({ attestations, verified }) => `${toText(verified)} of ${toText(attestations)}`)}
</dl>`;
}

function toComparisonSection(runs: readonly RunRecord[]): string {
  if (runs.length === 0) return "";
  const rows = toComparison(runs).map(
    ({ label, meaning, values, isBest }) =>
      `<tr><th scope="row">${label}<small>${meaning}</small></th>${values
        .map((value, index) =>
          isBest[index]
            ? `<td class="figure best">${escapeHtml(value)}<span class="hidden"> (better)</span></td>`
            : `<td class="figure">${escapeHtml(value)}</td>`,
        )
        .join("")}</tr>`,
  );
  const bars = runs.map(({ policy, outcome: { costBps } }) => ({
    name: policy,
    parts: (["fees", "impact", "gas"] as const).map((name) => ({ name, tone: name, value: costBps[name] })),
  }));
  const spoken = runs.map(
    ({ policy, outcome: { costBps } }) =>
      `${policy}: fees ${toText(costBps.fees, 2)}, impact ${toText(costBps.impact, 2)}, gas ${toText(costBps.gas, 2)} bps.`,
  );
  return `<section><h2>${runs.length > 1 ? "Side by side" : "The figures"}</h2>
<p class="muted">${runs.length > 1 ? "The better figure of a row is ticked; where both are equal as shown, or neither way is good, none is." : ""}</p>
<table><caption class="hidden">Figures of each policy</caption><thead><tr><th scope="col">Measure</th>${runs.map(({ policy }) => `<th scope="col" class="figure">${escapeHtml(policy)}</th>`).join("")}</tr></thead><tbody>
${rows.join("\n")}
</tbody></table></section>
<section><h2>What it cost</h2>
<ul class="legend">${["fees", "impact", "gas"].map((name) => `<li><svg class="${name}" width="14" height="14" aria-hidden="true"><rect width="14" height="14" fill="currentColor"/></svg>${name}</li>`).join("")}</ul>
<figure>${stackedBars("cost", "Cost by policy", spoken.join(" "), "bps", bars)}</figure>
<p class="muted">${escapeHtml(spoken.join(" "))}</p></section>`;
}

function toModelSection(model: ModelRecord): string {
  const rows = Object.entries(model.qlikeVsLogHar)
    .map(([horizon, value]) => ({ hours: Number(horizon), name: `${horizon} h`, value }))
    .sort((a, b) => a.hours - b.hours);
  const spoken = rows.map(({ name, value }) => `${name}: ${toText(value, 3)}`).join("; ");
  return `<section><h2>The model</h2><div class="pair"><div>
<dl class="facts"><dt>Model</dt><dd><code>${escapeHtml(model.modelId)}</code></dd>
<dt>Trained on</dt><dd>${escapeHtml(model.backend)}</dd>
<dt>Period</dt><dd>${time(model.trainedFrom)} to ${time(model.trainedUntil)}</dd>
<dt>Brier skill</dt><dd>${
    Number.isFinite(model.brierSkill)
      ? `${model.brierSkill! > 0 ? "+" : ""}${toText(model.brierSkill, 3)}<small>Of the calibrated breach probability; above 0 is better than always naming the usual frequency.</small>`
      : "not scored"
  }</dd></dl></div>
<figure><figcaption>Volatility forecast error against log-HAR</figcaption>
${rows.length > 0 ? dotChart("qlike", "QLIKE as a ratio to log-HAR, by horizon", spoken, { value: 1, label: "1.0 = log-HAR" }, rows) : "<p>No horizon was scored.</p>"}
<small>Walk-forward QLIKE as a ratio to log-HAR fitted per asset; left of the line is better.</small></figure></div></section>`;
}

function toDecisionSection(runs: readonly RunRecord[]): string {
  const parts = runs.map(({ policy, trades, outcome }) => {
    const executed = trades.filter(({ rejection }) => rejection === undefined);
    const refused = trades.filter(({ rejection }) => rejection !== undefined);
    const unexplained = outcome.rejections - refused.length;
    return `<h3>${escapeHtml(policy)}</h3>
${
  refused.length === 0
    ? ""
    : `<details open><summary>${plural(refused.length, "rejection")}</summary><div class="scroll" tabindex="0" role="region" aria-label="Rejections of ${escapeHtml(policy)}">${toTradeTable(refused)}</div></details>`
}${unexplained > 0 ? `<p class="warn">${plural(unexplained, "rejection")} without a record that explains it.</p>` : ""}
${
  executed.length === 0
    ? "<p>No decision was executed.</p>"
    : `<details><summary>${plural(executed.length, "executed decision")}</summary><div class="scroll" tabindex="0" role="region" aria-label="Executed decisions of ${escapeHtml(policy)}">${toTradeTable(executed)}</div></details>`
}`;
  });
  return `<section><h2>Decisions that reached the vault</h2>${parts.join("\n")}</section>`;
}

function toTradeTable(trades: readonly TradeRecord[]): string {
  const evidence = (label: string, value: string | undefined) =>
    `<div>${label} ${value === undefined ? "none on record" : `<code title="${escapeHtml(value)}">${escapeHtml(value)}</code>`}</div>`;
  const rows = trades.map(
    (trade) =>
      `<tr><td>${time(trade.at)}</td><td>${
        trade.rejection === undefined
          ? ""
          : `<strong class="warn">${escapeHtml(trade.rejection)}</strong><br>`
      }${escapeHtml(reasonText(trade))}<small>${escapeHtml(numbersText(trade))}</small></td><td>${trade.trades.map(escapeHtml).join("<br>")}</td><td>${evidence("Decision", trade.decisionHash)}${evidence("Attestation", trade.uid)}${evidence("Transaction", trade.txHash)}<div>Gas ${toText(trade.gasUsed)}</div></td></tr>`,
  );
  return `<table class="list"><thead><tr><th scope="col">Time, UTC</th><th scope="col">Why</th><th scope="col">Trades</th><th scope="col">Evidence</th></tr></thead><tbody>
${rows.join("\n")}
</tbody></table>`;
}

function toProvenanceSection({ market, vault, runs }: DemoRecord): string {
  const uid = runs.flatMap(({ trades }) => trades).find((trade) => trade.uid !== undefined)?.uid ?? "<uid>";
  return `<section><h2>Where it comes from, and how to check it</h2>
<dl class="facts"><dt>Market</dt><dd>${escapeHtml(market.name)} (${escapeHtml(market.assets.join(", "))})</dd>
<dt>Data hash</dt><dd><code>${escapeHtml(market.hash)}</code></dd>
<dt>Vault</dt><dd><code>${escapeHtml(vault.address)}</code> on chain ${escapeHtml(String(vault.chainId))}, ${toText(vault.navStart)} at the start</dd>
<dt>EAS</dt><dd><code>${escapeHtml(vault.eas)}</code></dd></dl>
<h3>About the data</h3>
${market.notes.length === 0 ? "<p>No flaw was found.</p>" : `<ul>${market.notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul>`}
<h3>Verify a decision yourself</h3>
<p>This reads the attestation, hashes the decision again and says which checks passed:</p>
<pre><code>ballast verify ${escapeHtml(uid)}</code></pre>
</section>`;
}

const plural = (count: number, noun: string): string => `${toText(count)} ${noun}${count === 1 ? "" : "s"}`;
const day = (at: number): string => minute(at).slice(0, 10);
const time = (at: number): string =>
  Number.isFinite(at) ? `<time datetime="${new Date(at).toISOString()}">${minute(at)}</time>` : "–";
