import { type Backtest, type BacktestRecord, here, type Result, readRecord } from "../backtest-api.ts";
import { scatter, timeChart } from "../charts.ts";
import { asTable, type Child, card, h, table } from "../dom.ts";
import { fileLink } from "../file-link.ts";
import { figure, moment, percent } from "../format.ts";
import { reasonText } from "../words.ts";

export type Records = Readonly<Record<string, BacktestRecord>>;
/** Points that a chart of a phone's or a desk's width can show. */
const POINTS = 1_500;

export async function readRecords({ links }: Backtest): Promise<Records> {
  const entries = Object.entries(links.records).map(
    async ([label, link]) => [label, await readRecord(link)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** What a backtest came to: cost against tracking error, every figure, and the weights with their trades. */
export function results({ id, result, links }: Backtest, records: Records): Child {
  if (!result) return null;
  return [
    card(
      "What it came to",
      result.headline,
      frontier(result),
      figures(result),
      links.report !== null && fileLink(here(links.report), `backtest-${id}.html`, "The full report", true),
      Object.entries(links.records).map(([label, link]) =>
        fileLink(here(link), `backtest-${id}-${label}.json`, `The record of ${label}`),
      ),
    ),
    ...Object.entries(records).map(([label, record]) => weights(label, record)),
  ];
}

/** Shares are read as percentages. */
function inWords({ label, unit }: Pick<Result["metrics"][number], "label" | "unit">) {
  const isShare = unit.startsWith("share");
  const shown = isShare ? unit.replace("share", "%") : unit;
  return {
    head: shown === "" ? label : `${label}, ${shown}`,
    write: (value: number) => figure(isShare ? 100 * value : value),
  };
}

function frontier({ policies, metrics }: Result): Child {
  const named = (id: string) => metrics.find((metric) => metric.id === id);
  const [error, cost] = [named("trackingError"), named("cost")];
  const dots = policies.flatMap(({ name, metrics: of }, tone) => {
    const [x, y] = [of.trackingError?.estimate, of.cost?.estimate];
    return typeof x === "number" && typeof y === "number" ? [{ x, y, label: name, tone, isNamed: true }] : [];
  });
  if (error === undefined || cost === undefined || dots.length === 0) return null;
  const [x, y] = [inWords(error), inWords(cost)];
  return h(
    "figure",
    {},
    h("figcaption", {}, "Frontier: further to the lower left is better"),
    scatter({
      label: `${cost.label} against ${error.label} of ${dots.length} policies; the table has the numbers.`,
      dots,
      x: x.head,
      y: y.head,
      write: x.write,
    }),
  );
}

const figures = ({ policies, metrics }: Result): HTMLElement =>
  table(
    "Figures of each policy, with 95 % intervals",
    [
      {
        head: "Figure",
        cell: (metric: Result["metrics"][number]) =>
          h("span", { title: metric.meaning }, inWords(metric).head),
      },
      ...policies.map(({ name, metrics: of }) => ({
        head: name,
        isNumber: true,
        cell: (metric: Result["metrics"][number]) => {
          const found = of[metric.id];
          if (!found || found.estimate === null) return "–";
          const { write } = inWords(metric);
          return found.low === null || found.high === null
            ? write(found.estimate)
            : [
                write(found.estimate),
                h("small", { class: "interval" }, ` ${write(found.low)} to ${write(found.high)}`),
              ];
        },
      })),
    ],
    metrics,
  );

function weights(label: string, { assets, targets, bands, bars, trades }: BacktestRecord): HTMLElement {
  const every = Math.max(1, Math.ceil(bars.at.length / POINTS));
  const kept = bars.at.flatMap((_, i) => (i % every === 0 || i === bars.at.length - 1 ? [i] : []));
  const times = kept.map((i) => bars.at[i]!);
  const indexAt = new Map(bars.at.map((at, i) => [at, i]));
  return card(
    `Weights under ${label}`,
    `${trades.length} trades, each a diamond.${every > 1 ? ` One bar in ${every} is drawn.` : ""}`,
    h(
      "div",
      { class: "grid-2" },
      assets.map((asset, a) => {
        const [target = 0, band = 0] = [targets[a], bands[a]];
        const own = bars.weights[a] ?? [];
        return h(
          "figure",
          { class: "weight" },
          h("figcaption", {}, h("h3", {}, asset)),
          timeChart({
            label: `Weight of ${asset} under ${label}, target ${percent(target)}, band ± ${percent(band)}, ${trades.length} trades.`,
            height: 170,
            times,
            strip: { low: target - band, high: target + band, middle: target },
            lines: [{ label: asset, values: kept.map((i) => own[i] ?? null), colour: "accent" }],
            marks: trades.flatMap(({ decidedAt }) => {
              const value = own[indexAt.get(decidedAt) ?? -1];
              return value === undefined ? [] : [{ time: decidedAt, value, colour: "trade" }];
            }),
            write: (value) => percent(value),
            say: (i) =>
              i === null
                ? `Target ${percent(target)} ± ${percent(band)}`
                : `${moment(times[i]!)}: ${percent(own[kept[i]!], 2)}`,
          }),
        );
      }),
    ),
    asTable(
      `Trades of ${label}`,
      [
        { head: "Decided", cell: ({ decidedAt }) => moment(decidedAt) },
        { head: "Why", cell: ({ reason }) => reasonText(reason) },
        { head: "Sold, dollars", isNumber: true, cell: ({ soldDollars }) => figure(soldDollars) },
      ],
      trades,
    ),
  );
}
