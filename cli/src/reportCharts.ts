import { escapeHtml, type Shape, timeChart, toTicks } from "@ballast/training";
import { toText } from "./comparison.ts";
import type { DemoRecord, RunRecord, TradeRecord } from "./runData.ts";

const REASON_TEXT: Readonly<Record<string, string>> = {
  breach: "a weight had left its band",
  "breach-forecast": "a weight would probably have left its band",
  "trigger-crossed": "a weight was beyond the policy's own trigger",
  "calendar-due": "the policy's hour had come",
  "no-trade-edge": "a weight had left its no-trade region",
  "floor-near": "the cushion above the floor had shrunk",
  "cushion-grown": "the cushion above the floor had grown",
};
const SHAPE_TEXT: Readonly<Record<Shape, string>> = {
  ahead: "executed ahead of a breach",
  after: "executed after a breach",
  refused: "refused by the vault",
};

function toLegend(runs: readonly RunRecord[]): string {
  const marks = (["ahead", "after", "refused"] as const).map(
    (shape) =>
      `<li><svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><use href="#${shape}"/></svg>${SHAPE_TEXT[shape]}</li>`,
  );
  return `<ul class="legend">${runs.map(({ policy }, index) => `<li><svg class="${tone(index)}" width="22" height="4" aria-hidden="true"><rect width="22" height="4" rx="2" fill="currentColor"/></svg>${escapeHtml(policy)}</li>`).join("")}${marks.join("")}</ul>`;
}

export function toWeightSection({ holdings, runs }: DemoRecord): string {
  const [from, to] = periodOf(runs);
  if (!(from <= to)) return "";
  const charts = holdings.map(({ asset, target, band }, index) => {
    const edges = [Math.max(0, target - band) * 100, Math.min(1, target + band) * 100] as const;
    const values = runs
      .flatMap(({ hours }) => hours.map(({ weights }) => (weights[index] ?? Number.NaN) * 100))
      .filter(Number.isFinite);
    const [lowest, highest] = extent([...edges, ...values]);
    const margin = Math.max(0.1, (highest - lowest) * 0.08);
    const digits = band < 0.01 ? 2 : 1;
    const label = (value: number) =>
      `${toText(value, Number.isInteger(Math.round(value * 1e6) / 1e6) ? 0 : digits)} %`;
    const span = highest - lowest + 2 * margin;
    const chart = {
      id: `weight-${index}`,
      title: `Weight of ${asset} over time`,
      description: `Target ${label(target * 100)}, band ${label(edges[0])} to ${label(edges[1])}; between ${toText(lowest, digits)} and ${toText(highest, digits)} % lay all weights and the band.`,
      from,
      to,
      low: Math.max(0, lowest - margin),
      high: highest + margin,
      height: 190,
      unit: "%",
      digits: 2,
      // Where the band is a sliver of the chart, labels on its edges would lie on top of each other.
      ticks: ((edges[1] - edges[0]) / span > 0.25
        ? [edges[0], target * 100, edges[1]]
        : toTicks(lowest, highest, 4)
      ).map((value) => ({ value, label: label(value) })),
      hasTimeLabels: true,
      band: edges,
      rule: { value: target * 100, label: "" },
      lines: [...runs.entries()].reverse().map(([r, { policy, hours }]) => ({
        name: policy,
        tone: tone(r),
        points: hours.map(({ at, weights }) => ({ at, value: toFinite(weights[index]) * 100 })),
      })),
      marks: runs.flatMap((run, r) => {
        const weightAt = new Map(run.hours.map(({ at, weights }) => [at, toFinite(weights[index]) * 100]));
        return run.trades
          .filter(
            ({ trades }) => trades.length === 0 || trades.some((text) => text.split(/\s+/).includes(asset)),
          )
          .map((trade) => toMark(run.policy, trade, r, weightAt.get(trade.at), `${asset} at`));
      }),
    };
    return `<figure><figcaption>${escapeHtml(asset)} <span class="muted">target ${label(target * 100)} ± ${toText(band * 100, digits)} pp</span></figcaption>${timeChart(chart)}</figure>`;
  });
  return `<section><h2>Weights inside their bands</h2>
<p class="muted">The shaded strip is the band, the dashed line the target. A trade is marked on the holdings it names.</p>
${toLegend(runs)}<div class="charts">${charts.join("\n")}</div></section>`;
}

export function toForecastSection(runs: readonly RunRecord[]): string {
  const [from, to] = periodOf(runs);
  if (!(from <= to)) return "";
  const seen = runs.findIndex(({ hours }) =>
    hours.some(({ breachProbability }) => Number.isFinite(breachProbability)),
  );
  const run = runs[seen];
  const gas = runs[0]!.hours.map(({ at, baseFeeGwei }) => ({ at, value: toFinite(baseFeeGwei) }));
  const [, dearest] = extent([0, ...gas.map(({ value }) => value).filter(Number.isFinite)]);
  const time = { from, to, marks: [], digits: 1 };
  const gasChart = timeChart({
    ...time,
    id: "gas",
    title: "Base fee over time",
    description: `In gwei; the highest was ${toText(dearest, 1)}.`,
    low: 0,
    high: dearest > 0 ? dearest * 1.05 : 1,
    height: 110,
    unit: "gwei",
    ticks: toTicks(0, dearest > 0 ? dearest : 1, 3).map((value) => ({ value, label: String(value) })),
    hasTimeLabels: true,
    lines: [{ name: "base fee", tone: "p2", points: gas }],
  });
  const breach = run && toBreachChart(run, seen, from, to);
  return `<section><h2>When a breach was likely, and what gas cost</h2>
<p class="muted">${
    run
      ? escapeHtml(
          `Calibrated probability that some weight leaves its band within ${run.trigger ? `${toText(run.trigger.horizonHours)} h` : "the policy's horizon"}, as ${run.policy} saw it${run.trigger ? "; from the dashed line up it acts, unless it has a reason to hold" : ""}.`,
        )
      : "No run had a forecast, so there is no breach probability to show."
  }</p>
${breach ? `<figure><figcaption>Breach probability</figcaption>${breach}</figure>` : ""}
<figure><figcaption>Base fee, gwei</figcaption>${gasChart}</figure></section>`;
}

function toBreachChart(run: RunRecord, index: number, from: number, to: number): string {
  const points = run.hours.map(({ at, breachProbability }) => ({
    at,
    value: toFinite(breachProbability) * 100,
  }));
  const valueAt = new Map(points.map(({ at, value }) => [at, value]));
  const [, highest] = extent([0, ...points.map(({ value }) => value).filter(Number.isFinite)]);
  const { trigger } = run;
  return timeChart({
    id: "breach",
    title: "Breach probability over time",
    description: `Of ${run.policy}; the highest was ${toText(highest, 1)} %${trigger ? `, the trigger is ${toText(trigger.probability * 100)} %` : ""}.`,
    from,
    to,
    low: 0,
    high: 100,
    height: 190,
    unit: "%",
    digits: 1,
    ticks: [0, 25, 50, 75, 100].map((value) => ({ value, label: `${value} %` })),
    hasTimeLabels: false,
    rule: trigger && {
      value: trigger.probability * 100,
      label: `acts at ${toText(trigger.probability * 100)} %`,
    },
    lines: [{ name: run.policy, tone: tone(index), points }],
    marks: run.trades.map((trade) =>
      toMark(run.policy, trade, index, valueAt.get(trade.at), "breach probability"),
    ),
  });
}

function toMark(policy: string, trade: TradeRecord, index: number, value: number | undefined, what: string) {
  const shape: Shape = trade.rejection !== undefined ? "refused" : trade.wasOutsideBand ? "after" : "ahead";
  const text = [
    `${minute(trade.at)} UTC: ${policy}, ${SHAPE_TEXT[shape]}`,
    `${what} ${toText(value, 2)} %; ${reasonText(trade)}`,
    ...trade.trades,
    numbersText(trade),
    trade.rejection ?? "",
  ];
  return {
    at: trade.at,
    value: toFinite(value),
    shape,
    tone: tone(index),
    text: text.filter(Boolean).join("\n"),
  };
}

export const reasonText = ({ reason }: TradeRecord): string =>
  Object.hasOwn(REASON_TEXT, reason) ? `${reason}: ${REASON_TEXT[reason]}` : reason;

/** `{ gasOverMedian: 0.934 }` as `gas over median 0.93`. */
export const numbersText = ({ numbers }: TradeRecord): string =>
  Object.entries(numbers)
    .map(
      ([name, value]) =>
        `${name.replace(/(?<=[a-z])(?=[A-Z\d])/g, " ").toLowerCase()} ${toText(value, Number.isInteger(value) ? 0 : Math.abs(value) < 0.1 ? 4 : 2)}`,
    )
    .join(" · ");

const tone = (index: number): string => `p${Math.min(index, 2)}`;
const toFinite = (value: number | undefined | null): number => value ?? Number.NaN;
const extent = (values: readonly number[]): [number, number] =>
  values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
const periodOf = (runs: readonly RunRecord[]): [number, number] =>
  extent(runs.flatMap(({ hours }) => hours.map(({ at }) => at)));
export const minute = (at: number): string =>
  Number.isFinite(at) ? new Date(at).toISOString().slice(0, 16).replace("T", " ") : "–";
