import { card, h, notice, svg, table } from "../dom.ts";
import { duration, figure, percent } from "../format.ts";
import { type Manifest, type Score, scoresOf } from "../manifest.ts";

const FORECASTERS: readonly (readonly [string, string])[] = [
  ["network", "This model"],
  ["linear", "Pooled linear"],
  ["logHar", "Log-HAR"],
  ["ewma", "EWMA"],
];

/** A bar whose full length is `most`, with a line where it is 1. */
const bar = (value: number, most: number): SVGElement =>
  svg(
    "svg",
    { viewBox: "0 0 100 12", class: "bar", "aria-hidden": "true" },
    svg("rect", {
      x: 0,
      y: 2,
      width: (100 * value) / most,
      height: 8,
      rx: 2,
      class: value < 1 ? "better" : "worse",
    }),
    svg("line", { x1: 100 / most, x2: 100 / most, y1: 0, y2: 12 }),
  );

export function metrics(model: Manifest, other: Manifest | undefined): HTMLElement {
  const scores = scoresOf(model);
  const title = "Accuracy against baselines";
  if (scores.length === 0)
    return card(title, null, notice("No scores", "This model's manifest has no walk-forward metrics."));
  const rows = scores.flatMap((score) =>
    FORECASTERS.flatMap(([key, name]) => {
      const ratio = score.ratioToLogHar[key];
      return ratio === undefined ? [] : [{ score, key, name, ratio }];
    }),
  );
  const most = Math.max(1.2, ...rows.map(({ ratio }) => ratio));
  const against = (hours: number) =>
    other && scoresOf(other).find(({ horizonHours }) => horizonHours === hours);
  return card(
    title,
    "Mean QLIKE loss out of sample over that of the per-asset log-HAR, walk-forward: below 1 is better. The upright line is 1.",
    h(
      "div",
      { class: "grid-2" },
      scores.map(({ horizonHours }) =>
        h(
          "div",
          {},
          h("h3", {}, `${duration(horizonHours)} ahead`),
          table(
            `QLIKE over log-HAR's, ${duration(horizonHours)} ahead`,
            [
              { head: "Forecaster", cell: ({ name }) => name },
              { head: "Ratio", isNumber: true, cell: ({ ratio }) => ratio.toFixed(3) },
              { head: "Drawn", cell: ({ ratio }) => bar(ratio, most) },
              { head: "QLIKE", isNumber: true, cell: ({ score, key }) => figure(score.qlike[key]) },
            ],
            rows.filter(({ score }) => score.horizonHours === horizonHours),
          ),
        ),
      ),
    ),
    h("h3", {}, "How sure, and how wide"),
    table(
      "Diebold-Mariano t and coverage by horizon",
      [
        { head: "Horizon", cell: ({ horizonHours }) => duration(horizonHours) },
        {
          head: "t against log-HAR (negative is better)",
          isNumber: true,
          cell: ({ tAgainstLogHar }) => tAgainstLogHar.toFixed(2),
        },
        {
          head: "Inside 5–95 % (90 % is right)",
          isNumber: true,
          cell: ({ coverage90 }) => percent(coverage90),
        },
        ...(other
          ? [
              {
                head: `Ratio of ${other.modelId.slice(0, 8)}…`,
                isNumber: true,
                cell: ({ horizonHours }: Score) =>
                  against(horizonHours)?.ratioToLogHar.network?.toFixed(3) ?? "–",
              },
              {
                head: "Difference",
                isNumber: true,
                cell: ({ horizonHours, ratioToLogHar }: Score) => {
                  const theirs = against(horizonHours)?.ratioToLogHar.network;
                  return theirs === undefined
                    ? "–"
                    : ((ratioToLogHar.network ?? Number.NaN) - theirs).toFixed(3);
                },
              },
            ]
          : []),
      ],
      scores,
    ),
  );
}
