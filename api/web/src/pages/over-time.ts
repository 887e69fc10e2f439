import { legend, timeChart } from "../charts.ts";
import { asTable, type Child, card, h, notice } from "../dom.ts";
import { date, duration, figure } from "../format.ts";
import { type Manifest, nameOf, type Score, type SpanScore, scoresOf } from "../manifest.ts";

interface Series {
  readonly label: string;
  readonly colour: string;
  /** Whose spans they are. */
  readonly of: Manifest;
  readonly forecaster: string;
  readonly width: number;
}

/** A series at one horizon; times are the middles of its spans, ms. */
interface Drawn extends Series {
  readonly byTime: ReadonlyMap<number, number | null>;
}

/** Of one model, span by span of its test blocks: its loss and the baselines' over log-HAR's. */
export function course(model: Manifest, other: Manifest | undefined): HTMLElement {
  const title = "Loss against baselines over time";
  const spans = model.outOfSample?.spans ?? [];
  if (spans.length === 0)
    return card(
      title,
      null,
      notice(
        "Not recorded",
        "The program that trained this model kept its scores over all times alone. A model that is trained now has them by date.",
      ),
    );
  const isCompared = other?.outOfSample !== undefined;
  const series: Series[] = [
    { label: "Pooled linear", colour: "tone-1", of: model, forecaster: "linear", width: 1.25 },
    { label: "EWMA", colour: "tone-2", of: model, forecaster: "ewma", width: 1.25 },
    ...(isCompared
      ? [{ label: nameOf(other), colour: "tone-4", of: other, forecaster: "network", width: 2 }]
      : []),
    { label: "This model", colour: "tone-0", of: model, forecaster: "network", width: 2.5 },
  ];
  const fits = new Set(spans.map(({ fold }) => fold)).size;
  return card(
    title,
    [
      `Mean QLIKE out of sample over that of the per-asset log-HAR in the same ${spans.length} spans of time: below 1 is better. Each span was forecast by one of ${fits} fits that knew nothing of it.`,
      other !== undefined && !isCompared && ` For ${nameOf(other)} this was not recorded.`,
    ],
    legend([
      ...series.toReversed().map(({ colour, label }) => ({ colour, label })),
      { colour: "muted", label: "Log-HAR: 1", isDashed: true },
    ]),
    h(
      "div",
      { class: "grid-2" },
      scoresOf(model).map(({ horizonHours }, i) => horizonCourse(horizonHours, i, spans, series)),
    ),
  );
}

const ratioOf = ({ qlike }: SpanScore, forecaster: string, horizon: number): number | null => {
  const ratio = qlike[forecaster]![horizon]! / qlike.logHar![horizon]!;
  return Number.isFinite(ratio) ? ratio : null;
};
const middle = ({ from, until }: SpanScore) => (Date.parse(from) + Date.parse(until)) / 2;

function horizonCourse(
  hours: number,
  horizon: number,
  spans: readonly SpanScore[],
  series: readonly Series[],
): HTMLElement {
  const drawn = series.flatMap((one): Drawn[] => {
    const index = scoresOf(one.of).findIndex(({ horizonHours }) => horizonHours === hours);
    return index === -1
      ? []
      : [
          {
            ...one,
            byTime: new Map(
              one.of.outOfSample!.spans.map((span) => [middle(span), ratioOf(span, one.forecaster, index)]),
            ),
          },
        ];
  });
  const times = [...new Set(drawn.flatMap(({ byTime }) => [...byTime.keys()]))].sort((a, b) => a - b);
  const own = spans.map((span) => ratioOf(span, "network", horizon));
  const better = own.filter((ratio) => ratio !== null && ratio < 1).length;
  const summary = `Better than log-HAR in ${better} of ${spans.length} spans`;
  return h(
    "div",
    {},
    h("h3", {}, `${duration(hours)} ahead`),
    timeChart({
      label: `Loss over log-HAR's by span, ${duration(hours)} ahead. ${summary}. The table below has the numbers.`,
      height: 190,
      times,
      lines: [
        { label: "Log-HAR", values: times.map(() => 1), colour: "muted", width: 1.5, dash: [5, 5] },
        ...drawn.map(({ label, colour, width, byTime }) => ({
          label,
          colour,
          width,
          values: times.map((time) => byTime.get(time) ?? null),
          isJoined: true,
        })),
      ],
      write: figure,
      say: (i) => {
        if (i === null) return summary;
        const said = drawn
          .toReversed()
          .flatMap(({ label, byTime }) =>
            byTime.has(times[i]!) ? [`${label} ${figure(byTime.get(times[i]!))}`] : [],
          );
        return `Around ${date(times[i]!)}: ${said.join(", ")}`;
      },
    }),
    [...new Set(drawn.map(({ of }) => of))].map((of) =>
      courseTable(
        hours,
        of,
        drawn.filter((one) => one.of === of).toReversed(),
        of.outOfSample?.spans === spans,
      ),
    ),
  );
}

const courseTable = (hours: number, of: Manifest, drawn: readonly Drawn[], isChosen: boolean): HTMLElement =>
  asTable(
    `Loss over log-HAR's by span${isChosen ? "" : ` of ${nameOf(of)}`}, ${duration(hours)} ahead`,
    [
      { head: "From", cell: ({ from }) => date(from) },
      { head: "Until", cell: ({ until }) => date(until) },
      { head: "Fit", isNumber: true, cell: ({ fold }) => fold + 1 },
      { head: "Forecasts", isNumber: true, cell: ({ rows }) => rows.toLocaleString("en") },
      ...drawn.map(({ label, byTime }) => ({
        head: label,
        isNumber: true,
        cell: (span: SpanScore) => byTime.get(middle(span))?.toFixed(3) ?? "–",
      })),
    ],
    of.outOfSample?.spans ?? [],
    isChosen ? undefined : `${nameOf(of)} as a table`,
  );

/** Each model's ratio by the end of what it was trained on. */
export function trainings(all: readonly Manifest[]): Child {
  const dated = all
    .filter((model) => model.dataset.until !== undefined && scoresOf(model).length > 0)
    .toSorted((a, b) => Date.parse(a.dataset.until!) - Date.parse(b.dataset.until!));
  if (dated.length < 2) return null;
  const hours = [
    ...new Set(dated.flatMap((model) => scoresOf(model).map(({ horizonHours }) => horizonHours))),
  ];
  const ratio = (model: Manifest, h_: number) =>
    scoresOf(model).find(({ horizonHours }: Score) => horizonHours === h_)?.ratioToLogHar.network ?? null;
  return card(
    "From training to training",
    `QLIKE over log-HAR's of each model in all its spans, by the end of what it was trained on.`,
    legend(hours.map((h_, i) => ({ colour: `tone-${i}`, label: `${duration(h_)} ahead` }))),
    timeChart({
      label: `${dated.length} models by the end of their training; the table below has the numbers.`,
      height: 180,
      times: dated.map(({ dataset }) => Date.parse(dataset.until!)),
      lines: hours.map((h_, i) => ({
        label: duration(h_),
        values: dated.map((model) => ratio(model, h_)),
        colour: `tone-${i}`,
        isJoined: true,
      })),
      write: figure,
      say: (i) =>
        i === null
          ? `${dated.length} models`
          : `${nameOf(dated[i]!)}: ${hours.map((h_) => `${duration(h_)} ${figure(ratio(dated[i]!, h_))}`).join(", ")}`,
    }),
    asTable(
      "Loss over log-HAR's by model",
      [
        { head: "Model", cell: nameOf },
        { head: "Trained until", cell: ({ dataset }) => date(dataset.until!) },
        ...hours.map((h_) => ({
          head: `${duration(h_)} ahead`,
          isNumber: true,
          cell: (model: Manifest) => ratio(model, h_)?.toFixed(3) ?? "–",
        })),
      ],
      dated,
    ),
  );
}
