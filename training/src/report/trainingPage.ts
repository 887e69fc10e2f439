import { FORECASTERS } from "@ballast/model";
import { escapeHtml, timeChart, toTicks } from "./chart.ts";
import { toCostSection } from "./costSection.ts";
import { PAGE_STYLE } from "./page.ts";
import { rankPlot, squarePlot } from "./plots.ts";
import type { BreachScore, HorizonReport, TrainingReport } from "./training.ts";

const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const NAMES: Readonly<Record<string, string>> = {
  network: "network",
  linear: "pooled linear",
  logHar: "log-HAR",
  ewma: "EWMA",
};
const FEATURES_SHOWN = 15;

/**
 * One self-contained page about a training, without a script: scores, tests, plots and where it comes from. Pure: the
 * same report gives the same bytes. `manifestHash` is that under which the manifest is stored.
 */
export function toTrainingPage(report: TrainingReport, manifestHash: string): string {
  const { manifest } = report;
  const { name, assets, from, until } = manifest.dataset;
  const period = `${from.slice(0, 10)} to ${until.slice(0, 10)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Ballast: training on ${escapeHtml(name)}, ${period}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<p class="kicker">Ballast · training on ${escapeHtml(name)} · ${period}</p>
<h1>${escapeHtml(toHeadline(report.horizons))}</h1>
<p>${escapeHtml(assets.join(", "))}. Every figure below is out of sample: walk-forward over ${manifest.folds.length} test blocks from ${day(manifest.folds[0]?.testFrom)} to ${day(manifest.folds.at(-1)?.testUntil)}, each forecast by models fitted on what had come to its end before the block began.</p>
</header>
<main>
${toScoreSection(report.horizons)}
${toVolatilitySection(report.horizons)}
${toTimeSection(report.horizons)}
${toQuantileSection(report.horizons)}
${toBreachSection(report)}
${toCostSection(manifest.costs)}
${toImportanceSection(report)}
${toProvenanceSection(report, manifestHash)}
</main>
<footer><p>All times UTC. QLIKE is y/f − ln(y/f) − 1 of realised variance y and forecast f (Patton 2011).</p></footer>
</body>
</html>
`;
}

/** What the network did against log-HAR, horizon by horizon, in one sentence. */
export function toHeadline(horizons: readonly HorizonReport[]): string {
  const verdicts = horizons.map(({ horizonHours, scores }) => {
    const { ratioToLogHar } = scores.find(({ name }) => name === "network")!;
    const gain = Math.abs(1 - ratioToLogHar) * 100;
    if (gain < 0.05) return `${horizonHours}\u00a0h: level`;
    return `${horizonHours}\u00a0h: ${gain.toFixed(1)}\u00a0% ${ratioToLogHar < 1 ? "better" : "worse"}`;
  });
  return `The network against log-HAR of each asset, ${verdicts.join(", ")}`;
}

function toScoreSection(horizons: readonly HorizonReport[]): string {
  const tables = horizons.map(({ horizonHours, scores }) => {
    const best = Math.min(...scores.map(({ qlike }) => qlike));
    const rows = scores.map(
      (score) =>
        `<tr><th scope="row">${label(score.name)}</th><td class="figure">${score.qlike.toFixed(4)}</td><td class="figure${score.qlike === best ? " best" : ""}">${score.ratioToLogHar.toFixed(3)}</td><td class="figure">${score.dieboldMariano === null ? "–" : score.dieboldMariano.t.toFixed(2)}</td><td class="figure">${score.dieboldMariano === null ? "–" : probability(score.dieboldMariano.pValue)}</td><td class="figure">${probability(score.confidenceP)}${score.isInConfidenceSet ? " in" : " out"}</td></tr>`,
    );
    return `<div class="scroll" tabindex="0" role="region" aria-label="Scores at ${horizonHours} h"><table><caption class="hidden">Scores at ${horizonHours} h</caption><thead><tr><th scope="col">${horizonHours} h ahead</th><th scope="col" class="figure">QLIKE</th><th scope="col" class="figure">to log-HAR</th><th scope="col" class="figure">DM t</th><th scope="col" class="figure">p</th><th scope="col" class="figure">90 % set, p</th></tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div>`;
  });
  return `<section><h2>Scores and tests</h2>
<p class="muted">DM t is Diebold and Mariano's of the network against the row, on the mean loss of the assets at each time, with the correction of Harvey, Leybourne and Newbold; below 0 the network is better. The last column is Hansen, Lunde and Nason's Model Confidence Set: with 90 % confidence the best model is among those that are in.</p>
<div class="charts">${tables.join("\n")}</div></section>`;
}

function toVolatilitySection(horizons: readonly HorizonReport[]): string {
  const plots = horizons.map(({ horizonHours, againstRealised: { low, high, cellsPerSide, cells } }) => {
    const place = (value: number) => Math.log(value / low) / Math.log(high / low);
    const all = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
    const inside = all.filter((value) => value >= low && value <= high);
    // Over more than two decades, labels of every step would run into each other.
    const ticks = inside
      .filter((value) => inside.length <= 6 || all.indexOf(value) % 3 === 0)
      .map((value) => ({ at: place(value), label: `${Math.round(value * 100)} %` }));
    const total = cells.reduce((sum, [, , count]) => sum + count, 0);
    return `<figure><figcaption>${horizonHours} h</figcaption>${squarePlot({
      id: `volatility-${horizonHours}`,
      title: `Forecast against realised volatility, ${horizonHours} h ahead`,
      description: `${total} pairs; both axes from ${(low * 100).toFixed(0)} to ${(high * 100).toFixed(0)} % a year, in logs.`,
      xLabel: "forecast of the network, a year",
      yLabel: "realised, a year",
      ticks,
      cells: { perSide: cellsPerSide, counts: cells },
      series: [],
    })}</figure>`;
  });
  return `<section><h2>Forecast against realised</h2>
<p class="muted">Darker cells hold more pairs; on the dashed line both are equal. A forecast of the mean lies above the median of what follows, most of all at short horizons, where realised variance is noisy.</p>
<div class="charts">${plots.join("\n")}</div></section>`;
}

function toTimeSection(horizons: readonly HorizonReport[]): string {
  const names = Object.keys(horizons[0]?.overTime.qlike ?? {});
  const charts = horizons.map(({ horizonHours, overTime }) => {
    const at = overTime.at.map((time) => Date.parse(time));
    const values = Object.values(overTime.qlike).flat();
    const high = Math.max(...values);
    return `<figure><figcaption>${horizonHours} h</figcaption>${timeChart({
      id: `qlike-${horizonHours}`,
      title: `QLIKE over time, ${horizonHours} h ahead`,
      description: `Means over ${at.length} consecutive spans; the highest is ${high.toFixed(2)}.`,
      from: at[0] ?? 0,
      to: at.at(-1) ?? 0,
      low: 0,
      high,
      height: 200,
      unit: "",
      digits: 3,
      ticks: toTicks(0, high, 4).map((value) => ({ value, label: String(value) })),
      hasTimeLabels: true,
      lines: names.toReversed().map((name) => ({
        name: label(name),
        tone: tone(name),
        points: overTime.qlike[name]!.map((value, k) => ({ at: at[k]!, value })),
      })),
      marks: [],
    })}</figure>`;
  });
  return `<section><h2>QLIKE over time</h2>
${legend(names.map((name) => [label(name), tone(name)]))}
<div class="charts">${charts.join("\n")}</div></section>`;
}

function toQuantileSection(horizons: readonly HorizonReport[]): string {
  const tones = horizons.map(({ horizonHours }, h) => [`${horizonHours} h`, `p${h}`] as const);
  const plot = squarePlot({
    id: "quantiles",
    title: "Quantile coverage",
    description: horizons
      .map(
        ({ horizonHours, quantiles }) => `${horizonHours} h: ${asPercent(quantiles.intervalCoverage)} inside`,
      )
      .join("; "),
    xLabel: "quantile said",
    yLabel: "share of outcomes at or below it",
    ticks: [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, label: `${at * 100} %` })),
    series: horizons.map(({ quantiles: { levels, observed } }, h) => ({
      name: tones[h]![0],
      tone: tones[h]![1],
      points: levels.map((level, k) => ({
        x: level,
        y: observed[k]!,
        low: observed[k]!,
        high: observed[k]!,
        text: `${asPercent(observed[k]!)} lay at or below the quantile ${asPercent(level)}`,
      })),
    })),
  });
  const assets = horizons[0]?.quantiles.assets ?? [];
  const rows = assets.map(
    ({ asset }, i) =>
      `<tr><th scope="row">${escapeHtml(asset)}</th>${horizons
        .map(({ quantiles }) => quantiles.assets[i]!)
        .map(
          ({ coverage, kupiecP, christoffersenP }) =>
            `<td class="figure">${asPercent(coverage)}<small>${probability(kupiecP)} · ${probability(christoffersenP)}</small></td>`,
        )
        .join("")}</tr>`,
  );
  const all = `<tr><th scope="row">all</th>${horizons.map(({ quantiles }) => `<td class="figure">${asPercent(quantiles.intervalCoverage)}</td>`).join("")}</tr>`;
  return `<section><h2>Quantiles and intervals</h2>
<p class="muted">How often realised variance lay at or below the quantiles that the network named, and inside the interval said to hold ${asPercent(horizons[0]?.quantiles.intervalLevel ?? 0)}. Below each coverage, p of Kupiec's test of its frequency and of Christoffersen's of frequency and independence, on windows that do not overlap.</p>
${legend(tones)}
<div class="pair"><figure>${plot}</figure><div class="scroll" tabindex="0" role="region" aria-label="Coverage by asset"><table><thead><tr><th scope="col">Inside</th>${horizons.map(({ horizonHours }) => `<th scope="col" class="figure">${horizonHours} h</th>`).join("")}</tr></thead><tbody>${all}${rows.join("")}</tbody></table></div></div></section>`;
}

const asPercent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function toBreachSection({ breach }: TrainingReport): string {
  const scored = [
    { name: "raw", tone: "p1", score: breach.raw },
    { name: "recalibrated", tone: "p0", score: breach.recalibrated },
  ];
  const row = (name: string, score: BreachScore) =>
    `<tr><th scope="row">${name}</th><td class="figure">${score.brierSkill.toFixed(3)}</td><td class="figure">${score.areaUnderCurve.toFixed(3)}</td><td class="figure">${score.calibrationError.toFixed(4)}</td></tr>`;
  const highest = Math.max(
    0.01,
    ...scored.flatMap(({ score }) =>
      score.reliability.flatMap(({ meanForecast, frequencyHigh }) => [meanForecast, frequencyHigh]),
    ),
  );
  const plot = squarePlot({
    id: "reliability",
    title: "Reliability of the breach probability",
    description: scored
      .map(({ name, score }) => `${name}: calibration error ${score.calibrationError.toFixed(4)}`)
      .join("; "),
    xLabel: "probability said",
    yLabel: "share that came true",
    ticks: toTicks(0, highest * 100, 5).map((value) => ({ at: value / 100 / highest, label: `${value} %` })),
    series: scored.map(({ name, tone, score }) => ({
      name,
      tone,
      points: score.reliability.map((bin) => ({
        x: bin.meanForecast / highest,
        y: bin.frequency / highest,
        low: bin.frequencyLow / highest,
        high: bin.frequencyHigh / highest,
        text: `said ${(bin.meanForecast * 100).toFixed(1)} %, came true ${(bin.frequency * 100).toFixed(1)} % of ${bin.count}`,
      })),
    })),
  });
  return `<section><h2>Probability that a weight leaves its band</h2>
<p class="muted">Within 24 hours, ${breach.predictions} predictions of the last test block, of which ${(breach.frequency * 100).toFixed(1)} % came true; recalibrated with what was known where it began. Bars are 95 % intervals of independent outcomes (Wilson 1927); neighbouring outcomes are not independent, so the true ones are wider.</p>
${legend(scored.map(({ name, tone }) => [name, tone]))}
<div class="pair"><figure>${plot}</figure><div><table><thead><tr><th scope="col">Probability</th><th scope="col" class="figure">Brier skill</th><th scope="col" class="figure">AUC</th><th scope="col" class="figure">calibration error</th></tr></thead><tbody>${scored.map(({ name, score }) => row(name, score)).join("")}${breach.bands.map((band) => row(`recalibrated, ±${Number((band.width * 100).toPrecision(3))} pp`, band)).join("")}</tbody></table></div></div></section>`;
}

function toImportanceSection({ importance }: TrainingReport): string {
  const shown = importance.slice(0, FEATURES_SHOWN).map(({ feature, mean }) => ({
    name: feature,
    value: mean * 100,
    label: `${(mean * 100).toFixed(2)} %`,
  }));
  return `<section><h2>What the network looks at</h2>
<p class="muted">How much QLIKE grows in the last test block, mean over the horizons, when one feature is shuffled over time: the ${shown.length} that matter most of ${importance.length}. Features that say nearly the same stand in for each other, and each counts for little.</p>
<figure>${rankPlot("importance", "Permutation importance", shown.map(({ name, label }) => `${name} ${label}`).join(", "), shown)}</figure></section>`;
}

function toProvenanceSection({ manifest }: TrainingReport, manifestHash: string): string {
  const { dataset, backend, versions, configuration, folds } = manifest;
  const fact = (name: string, value: string) => `<dt>${name}</dt><dd>${value}</dd>`;
  const code = (text: string) => `<code>${escapeHtml(text)}</code>`;
  const foldRows = folds.map(
    (fold) =>
      `<tr><td>${day(fold.trainUntil)}</td><td>${day(fold.testFrom)}</td><td>${day(fold.testUntil)}</td><td class="figure">${fold.epochs.join(", ")}</td><td class="figure">${fold.belief.join(", ")}</td></tr>`,
  );
  return `<section><h2>Where it comes from, and how to check it</h2>
<dl class="facts">
${fact("Model", code(manifest.modelId))}
${fact("Manifest", code(manifestHash))}
${fact("Data root", code(dataset.root))}
${fact("Forecast times", `${dataset.times}, every ${dataset.strideHours} h, from bars of ${dataset.intervalMs / 60_000} min`)}
${fact("Backend", `${escapeHtml(`${backend.name} ${backend.version}`)}, ${backend.reproducible ? "reproducible to the bit" : "not reproducible"}`)}
${fact(
  "Versions",
  escapeHtml(
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
  ),
)}
${fact("Configuration", code(JSON.stringify(configuration)))}
</dl>
<h3>Folds</h3>
<div class="scroll" tabindex="0" role="region" aria-label="Folds"><table><thead><tr><th scope="col">Fitted until</th><th scope="col">Tested from</th><th scope="col">until</th><th scope="col" class="figure">epochs</th><th scope="col" class="figure">belief by horizon</th></tr></thead><tbody>${foldRows.join("")}</tbody></table></div>
<h3>Train it again and compare</h3>
<pre><code>ballast train --check ${escapeHtml(manifestHash)} --bars &lt;the same bars&gt;</code></pre></section>`;
}

const label = (name: string): string => escapeHtml(NAMES[name] ?? name);
const tone = (name: string): string =>
  `p${Math.max(0, (FORECASTERS as readonly string[]).indexOf(name)) % 6}`;
const probability = (p: number): string => (p < 0.001 ? "&lt; 0.001" : p.toFixed(3));
const day = (time: string | undefined): string => escapeHtml(time?.slice(0, 10) ?? "–");
const legend = (entries: readonly (readonly [name: string, tone: string])[]): string =>
  `<ul class="legend">${entries.map(([name, tone]) => `<li><svg class="${tone}" width="22" height="4" aria-hidden="true"><rect width="22" height="4" rx="2" fill="currentColor"/></svg>${name}</li>`).join("")}</ul>`;
