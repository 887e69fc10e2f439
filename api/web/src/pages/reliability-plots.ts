import { scatter } from "../charts.ts";
import { asTable, h } from "../dom.ts";
import { duration, percent } from "../format.ts";
import { MIN_COUNT, type Reliability } from "../reliability.ts";

interface Recalibration {
  readonly a: number;
  readonly b: number;
  readonly predictions: number;
}

const logit = (p: number) => Math.log(p / (1 - p));
const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** Of what was forecast before its recalibration, how much came true: Cox 1958. */
export function recalibration({ a, b, predictions }: Recalibration): HTMLElement {
  const curve = Array.from({ length: 99 }, (_, i): [number, number] => {
    const p = (i + 1) / 100;
    return [p, logistic(a + b * logit(p))];
  });
  return h(
    "figure",
    {},
    h("figcaption", {}, "In training, out of sample"),
    scatter({
      label: `Frequency to expect against raw probability: of ½, ${percent(curve[49]![1])} came true. On the dashed line no recalibration is needed.`,
      dots: [],
      curve,
      diagonal: true,
      range: [0, 1],
      x: "raw probability",
      y: "came true",
      write: (value) => percent(value, 0),
    }),
    h(
      "p",
      { class: "note" },
      `The logistic curve fitted to ${predictions.toLocaleString("en")} predictions.`,
    ),
  );
}

/** What came of a run's own probabilities. */
export function observed({ bins, count: all, hours, leftOut }: Reliability, run: string): HTMLElement {
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
