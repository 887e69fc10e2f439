import type { CostsReport } from "@ballast/model";
import { escapeHtml } from "./chart.ts";

/** What a manifest says of fees, rates and liquidity ahead; nothing for one of a program that had no such models. */
export function toCostSection(costs: CostsReport | undefined): string {
  if (costs === undefined) return "";
  const { served, leftOut } = costs;
  const number = (value: number | null, digits: number) => (value === null ? "–" : value.toFixed(digits));
  const rows = served.flatMap(({ series, scores }) =>
    scores.map(
      (score) =>
        `<tr><th scope="row">${escapeHtml(series)}, ${score.horizonHours} h</th><td class="figure">${number(score.rSquared, 3)}</td><td class="figure">${number(score.persistenceRSquared, 3)}</td><td class="figure">${number(score.pinballRatio, 3)}</td><td class="figure">${number(score.tAgainstPersistence, 1)}</td><td class="figure">${(score.coverage90.last * 100).toFixed(1)} %</td></tr>`,
    ),
  );
  const table = `<div class="scroll" tabindex="0" role="region" aria-label="Costs ahead"><table><thead><tr><th scope="col">Series</th><th scope="col" class="figure">R²</th><th scope="col" class="figure">of persistence</th><th scope="col" class="figure">pinball ratio</th><th scope="col" class="figure">DM t</th><th scope="col" class="figure">within 90 %</th></tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div>`;
  const fits = served.map(
    ({ series, hours, scoredFrom, refits }) =>
      `${series}: ${hours} h, scored from ${scoredFrom.slice(0, 10)} with ${refits} fits`,
  );
  return `<section><h2>Costs ahead</h2>
${
  served.length === 0
    ? "<p>The data set has no series of fees, rates or liquidity that could be forecast, so the model says nothing of them.</p>"
    : `<p class="muted">The value in the last hour of each horizon, walking forward, on the scale it is forecast on (the log of a fee, the logit of a share). R² beside that of the present value taken for the forecast; the pinball loss as a ratio to persistence with quantiles of past changes, with Diebold and Mariano's t: below 1 and below 0 the model is better. ${escapeHtml(fits.join("; "))}.</p>
${table}`
}
${leftOut.map(({ series, reason }) => `<p>${escapeHtml(`${series} is left out. ${reason}`)}</p>`).join("\n")}</section>`;
}
