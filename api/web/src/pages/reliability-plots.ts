import { legend, scatter } from "../charts.ts";
import { asTable, card, h, notice, table } from "../dom.ts";
import { date, duration, figure, percent } from "../format.ts";
import { type Manifest, nameOf, type ObservedBin, type QuantileCoverage } from "../manifest.ts";
import { MIN_COUNT, type Reliability } from "../reliability.ts";

/** What was said against what came: in training, of a run, and by quantile. */
export function calibration(
  model: Manifest,
  other: Manifest | undefined,
  reliability: Reliability | undefined,
  run: string | undefined,
): HTMLElement {
  const { calibration: known, outOfSample } = model;
  return card(
    "Reliability",
    known
      ? `Recalibrated on ${known.predictions.toLocaleString("en")} predictions out of sample, of which ${percent(known.frequency)} came true: logit(p) = ${figure(known.a)} + ${figure(known.b)}·logit(raw). Brier skill over climatology ${percent(known.brierSkillCalibrated)}, raw ${percent(known.brierSkillRaw)}.`
      : "The manifest says nothing of a calibration.",
    h(
      "div",
      { class: "grid-2" },
      outOfSample
        ? inTraining(outOfSample.breach, other)
        : notice(
            "Observed frequencies were not recorded",
            "The program that trained this model kept the fit of its recalibration alone. A model that is trained now has them.",
          ),
      reliability === undefined || reliability.bins.length === 0
        ? notice(
            "No hours to judge by yet",
            "It takes a run whose decisions had forecasts, and the hours that they were about.",
          )
        : inRun(reliability, run ?? ""),
      outOfSample && quantiles(outOfSample.quantiles),
    ),
  );
}

const countOf = (bins: readonly ObservedBin[]) => bins.reduce((sum, { count }) => sum + count, 0);

/** Breaches of the walk-forward's generic vaults, in tenths of the probability. */
function inTraining(
  { horizonHours, from, until, raw, recalibrated }: NonNullable<Manifest["outOfSample"]>["breach"],
  other: Manifest | undefined,
): HTMLElement {
  const compared = other?.outOfSample?.breach;
  const series = [
    { name: "Recalibrated, as it was said", tone: 0, bins: recalibrated },
    ...(compared ? [{ name: nameOf(other!), tone: 4, isHollow: true, bins: compared.recalibrated }] : []),
    { name: "Raw", tone: 1, isHollow: true, bins: raw },
  ];
  const rows = series.flatMap(({ name, bins }) => bins.map((bin) => ({ ...bin, name })));
  return h(
    "figure",
    {},
    h("figcaption", {}, "In training, out of sample"),
    legend(series.map(({ name, tone }) => ({ label: name, colour: `tone-${tone}` }))),
    scatter({
      label: `Observed frequency of a breach against forecast probability in tenths; on the dashed line both are the same. The table below has the numbers.`,
      dots: series.flatMap(({ name, tone, isHollow, bins }) =>
        bins.map(({ forecast, observed, count }) => ({
          x: forecast,
          y: observed,
          tone,
          ...(isHollow && { isHollow }),
          size: 3 + 8 * Math.sqrt(count / countOf(bins)),
          label: `${name}: forecast ${percent(forecast)}, came true ${percent(observed)}, ${count.toLocaleString("en")} predictions`,
        })),
      ),
      diagonal: true,
      range: [0, 1],
      x: "forecast probability",
      y: "came true",
      write: (value) => percent(value, 0),
    }),
    h(
      "p",
      { class: "note" },
      `Each weight of generic vaults outside its band within ${duration(horizonHours)}: ${countOf(raw).toLocaleString("en")} predictions from ${date(from)} until ${date(until)}; the larger a dot, the more of them. Those of one time share its market: far fewer are independent.`,
      other !== undefined && compared === undefined && ` For ${nameOf(other)} this was not recorded.`,
    ),
    asTable(
      "Observed breaches by forecast probability",
      [
        { head: "Probability", cell: ({ name }) => name },
        { head: "Forecast", isNumber: true, cell: ({ forecast }) => percent(forecast) },
        { head: "Came true", isNumber: true, cell: ({ observed }) => percent(observed) },
        { head: "Predictions", isNumber: true, cell: ({ count }) => count.toLocaleString("en") },
      ],
      rows,
    ),
  );
}

/** How often realised variance lay at or below each of its quantiles. */
function quantiles(all: readonly QuantileCoverage[]): readonly HTMLElement[] {
  const levels = all[0]?.levels ?? [];
  return [
    h(
      "figure",
      {},
      h("figcaption", {}, "Quantiles of realised variance, out of sample"),
      legend(all.map(({ horizonHours }, i) => ({ label: duration(horizonHours), colour: `tone-${i}` }))),
      scatter({
        label:
          "Share of outcomes at or below each quantile against its level; on the dashed line both are the same. The table beside it has the numbers.",
        dots: all.flatMap(({ horizonHours, observed }, i) =>
          observed.map((share, q) => ({
            x: levels[q]!,
            y: share,
            tone: i,
            size: 4,
            label: `${duration(horizonHours)} ahead: level ${percent(levels[q], 0)}, came to ${percent(share)}`,
          })),
        ),
        diagonal: true,
        range: [0, 1],
        x: "level of the quantile",
        y: "at or below it",
        write: (value) => percent(value, 0),
      }),
    ),
    h(
      "div",
      {},
      h("h3", {}, "Share at or below each quantile"),
      table(
        "Share of outcomes at or below each quantile, by horizon",
        [
          { head: "Horizon", cell: ({ horizonHours }) => duration(horizonHours) },
          ...levels.map((level, q) => ({
            head: percent(level, 0),
            isNumber: true,
            cell: ({ observed }: QuantileCoverage) => percent(observed[q]),
          })),
          { head: "Forecasts", isNumber: true, cell: ({ rows }) => rows.toLocaleString("en") },
        ],
        all,
      ),
    ),
  ];
}

/** What came of a run's own probabilities. */
function inRun({ bins, count: all, hours, leftOut }: Reliability, run: string): HTMLElement {
  return h(
    "figure",
    {},
    h("figcaption", {}, `In the run ${run}`),
    scatter({
      label: `Observed share against forecast probability in ${bins.length} bins; on the dashed line both are the same.`,
      dots: bins.map(({ forecast, observed: share, count }) => ({
        x: forecast,
        y: share,
        size: 4 + 6 * Math.sqrt(count / all),
        label: `forecast ${percent(forecast)}, came true ${percent(share)}, ${count} hours`,
      })),
      diagonal: true,
      range: [0, 1],
      x: "forecast probability",
      y: "came true",
      write: (value) => percent(value, 0),
    }),
    h(
      "p",
      { class: "note" },
      `Any weight outside its band within ${duration(hours)}. Hours before a trade are left out (${leftOut}), for a trade prevents what was forecast; so the high probabilities are thin. The windows overlap: ${all} hours are far fewer independent ones.`,
      all < MIN_COUNT && " That is too few to judge a model by.",
    ),
    asTable(
      "Reliability",
      [
        { head: "Forecast", cell: ({ forecast }) => percent(forecast) },
        { head: "Came true", isNumber: true, cell: ({ observed: share }) => percent(share) },
        { head: "Hours", isNumber: true, cell: ({ count }) => count },
      ],
      bins,
    ),
  );
}
