import { DAY_MS } from "@ballast/data";
import type { BacktestRecord } from "../replay/record.ts";
import { barOf, COST_KINDS } from "../replay/steps.ts";
import { legend } from "./backtestPlots.ts";
import { minute, type ShownTrade, toShownTrades, toTradeList } from "./backtestTrades.ts";
import { decimate, escapeHtml, timeChart, toTicks } from "./chart.ts";

/** A policy that is drawn over time, in its colour. */
export interface Drawn {
  readonly record: BacktestRecord;
  readonly tone: string;
}

interface Shown extends Drawn {
  readonly trades: readonly ShownTrade[];
}

type Period = readonly [from: number, to: number];
interface TimedValue {
  readonly at: number;
  readonly value: number;
}

/** Columns of a series over time; charts in two columns are hardly wider in pixels. */
const COLUMNS = 500;
/** Marks on all charts of weights together, so that the page stays small. */
const MOST_MARKS = 3000;
const MOST_TRADES = 300;
/** A longer period gets a close-up of so many days. */
const LONG_DAYS = 45;
const CLOSE_DAYS = 28;

/** Weights inside their bands with the trades on them, the whole period and a close-up, and lists of the trades. */
export function toWeightSection(drawn: readonly Drawn[]): string {
  const { assets, market } = drawn[0]!.record;
  const whole: Period = [market.from, market.to];
  const isLong = market.to - market.from > LONG_DAYS * DAY_MS;
  const near = isLong ? busiest(drawn) : whole;
  const most = Math.max(
    20,
    Math.min(MOST_TRADES, Math.floor(MOST_MARKS / (2 * assets.length * drawn.length))),
  );
  const shown = drawn.map(
    ({ record, tone }, k): Shown => ({ record, tone, trades: toShownTrades(record, `t${k}`, most, near) }),
  );
  const chart = (index: number, period: Period, some: readonly Shown[], id: string) =>
    toWeightChart(shown, some, index, period, id);
  const together = assets.map((_, i) => chart(i, near, shown, `near-${i}`)).join("\n");
  // Over a long time one line hides the other, and marks hide both: side by side, with the late trades alone.
  const apart = assets
    .flatMap((_, i) =>
      shown.map((one, k) =>
        chart(
          i,
          whole,
          [{ ...one, trades: one.trades.filter(({ shape }) => shape === "after") }],
          `far-${i}-${k}`,
        ),
      ),
    )
    .join("\n");
  const shapes = (["ahead", "after"] as const).map(
    (shape) =>
      `<li><svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><use href="#${shape}"/></svg>traded ${shape === "ahead" ? "with every weight inside its band" : "with a weight outside its band"}</li>`,
  );
  return `<section><h2>Weights inside their bands</h2>
<p class="muted">The shaded strip is the band, the dashed line the target. Point at a mark, or step through with the arrow keys, to read why a trade was made and what it cost.</p>
<ul class="legend">${legend(drawn.map(({ record, tone }) => [record.name, tone]))}${shapes.join("")}</ul>
${isLong ? `<h3>Close-up: the ${CLOSE_DAYS} days in which most was traded</h3>` : ""}
<div class="charts">${together}</div>
${isLong ? `<h3>The whole period, with the trades made outside the band</h3><div class="charts">${apart}</div>` : ""}
${shown.map(({ record, trades }) => toTradeList(record, trades)).join("\n")}</section>`;
}

/** The stretch in which the policies sold most together. */
function busiest(drawn: readonly Drawn[]): Period {
  const { from, to } = drawn[0]!.record.market;
  const trades = drawn.flatMap(({ record }) => record.trades).sort((a, b) => a.executedAt - b.executedAt);
  const length = CLOSE_DAYS * DAY_MS;
  let [best, most, sum, last] = [from, 0, 0, 0];
  for (const [first, trade] of trades.entries()) {
    for (; last < trades.length && trades[last]!.executedAt <= trade.executedAt + length; last++)
      sum += trades[last]!.soldDollars;
    if (sum > most) [best, most] = [trade.executedAt, sum];
    sum -= trades[first]!.soldDollars;
  }
  const start = Math.max(from, Math.min(best - DAY_MS, to - length));
  return [start, start + length];
}

/** One asset's weight under `some` of the policies, on a scale that is the same for all of them. */
function toWeightChart(
  all: readonly Shown[],
  some: readonly Shown[],
  index: number,
  [from, to]: Period,
  id: string,
): string {
  const { assets, targets, bands } = all[0]!.record;
  const [asset, target, band] = [assets[index]!, targets[index]!, bands[index]!];
  const edges = [Math.max(0, target - band) * 100, Math.min(1, target + band) * 100] as const;
  const toPoints = ({ bars }: BacktestRecord) =>
    thin(
      bars.at.map((at, t) => ({ at, value: bars.weights[index]![t]! * 100 })),
      [from, to],
    );
  const values = [...edges, ...all.flatMap(({ record }) => toPoints(record).map(({ value }) => value))];
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max(0.1, (highest - lowest) * 0.08);
  const label = (value: number) => `${Number(value.toFixed(2))} %`;
  const marks = some.flatMap(({ tone, trades }) =>
    trades
      .filter(
        ({ executedAt, weightsBefore, weightsAfter }) =>
          executedAt >= from &&
          executedAt <= to &&
          Math.abs(weightsBefore[index]! - weightsAfter[index]!) > 5e-5,
      )
      .map(({ executedAt, weightsBefore, shape, row }) => ({
        at: executedAt,
        value: weightsBefore[index]! * 100,
        shape,
        tone,
        row,
      })),
  );
  const isWideBand = (edges[1] - edges[0]) / (highest - lowest + 2 * margin) > 0.25;
  const chart = timeChart({
    id,
    title: `Weight of ${asset} over time, ${some.map(({ record }) => record.name).join(" and ")}`,
    description: `Target ${label(target * 100)}, band ${label(edges[0])} to ${label(edges[1])}; all weights lay between ${label(lowest)} and ${label(highest)}.`,
    from,
    to,
    low: Math.max(0, lowest - margin),
    high: highest + margin,
    height: 190,
    unit: "%",
    digits: 2,
    ticks: (isWideBand ? [edges[0], target * 100, edges[1]] : toTicks(lowest, highest, 4)).map((value) => ({
      value,
      label: label(value),
    })),
    hasTimeLabels: true,
    band: edges,
    rule: { value: target * 100, label: "" },
    lines: some.map(({ record, tone }) => ({ name: record.name, tone, points: toPoints(record) })).reverse(),
    marks,
  });
  const whose = some.length < all.length ? `${some[0]!.record.name}, ` : "";
  return `<figure><figcaption>${escapeHtml(asset)} <span class="muted">${escapeHtml(whose)}target ${label(target * 100)} ± ${Number((band * 100).toFixed(2))} pp</span></figcaption>${chart}</figure>`;
}

/** What was paid so far, of every policy. */
export function toCostOverTime(drawn: readonly Drawn[]): string {
  const { market, nav } = drawn[0]!.record;
  const lines = drawn.map(({ record, tone }) => {
    let sum = 0;
    const points: TimedValue[] = [{ at: market.from, value: 0 }];
    for (const { executedAt, costs } of record.trades) {
      points.push({ at: executedAt, value: (sum / nav) * 1e4 });
      sum += COST_KINDS.reduce((total, kind) => total + costs[kind], 0);
      points.push({ at: executedAt, value: (sum / nav) * 1e4 });
    }
    points.push({ at: market.to, value: (sum / nav) * 1e4 });
    return { name: record.name, tone, points: thin(points, [market.from, market.to]) };
  });
  const ends = lines.map(({ name, points }) => `${name} ${points.at(-1)!.value.toFixed(1)} bps`);
  const high = Math.max(1e-6, ...lines.map(({ points }) => points.at(-1)!.value)) * 1.05;
  return timeChart({
    id: "paid",
    title: "Costs so far",
    description: `In basis points of the value at the start; at the end ${ends.join(", ")}.`,
    from: market.from,
    to: market.to,
    low: 0,
    high,
    height: 220,
    unit: "bps",
    digits: 2,
    ticks: toTicks(0, high, 4).map((value) => ({ value, label: String(value) })),
    hasTimeLabels: true,
    lines: lines.toReversed(),
    marks: [],
  });
}

/** The base fee's mean and lowest of each day, and what the trades paid. Nothing where no base fee is known. */
export function toGasSection(drawn: readonly Drawn[]): string {
  const { bars, market } = drawn[0]!.record;
  const days = Map.groupBy(
    bars.at.map((at, t) => ({ at, gwei: bars.gasGwei[t]! })).filter(({ gwei }) => gwei > 0),
    ({ at }) => Math.floor(at / DAY_MS),
  );
  if (days.size === 0) return "";
  // A day cut off by the period's ends has no lowest hour to compare with.
  const fullest = Math.max(...[...days.values()].map(({ length }) => length));
  const daily = [...days]
    .filter(([, hours]) => hours.length > fullest / 2)
    .map(([day, hours]) => {
      const gwei = hours.map((hour) => hour.gwei);
      return {
        at: Math.min(market.to, Math.max(market.from, (day + 0.5) * DAY_MS)),
        low: Math.min(...gwei),
        mean: gwei.reduce((sum, x) => sum + x, 0) / gwei.length,
      };
    });
  const paid = drawn.map(({ record, tone }) => ({
    name: record.name,
    tone,
    trades: toShownTrades(record, "", MOST_TRADES, [0, 0])
      .map(({ executedAt }) => ({ executedAt, gwei: bars.gasGwei[barOf(bars.at, executedAt)]! }))
      .filter(({ gwei }) => gwei > 0),
  }));
  const values = [
    ...daily.flatMap(({ low, mean }) => [low, mean]),
    ...paid.flatMap(({ trades }) => trades.map(({ gwei }) => gwei)),
  ].map(Math.log10);
  const [low, high] = [Math.min(...values) - 0.04, Math.max(...values) + 0.04];
  const ticks = Array.from({ length: 30 }, (_, k) => [1, 2, 5][k % 3]! * 10 ** (Math.floor(k / 3) - 4));
  const line = (name: string, tone: string, of: (day: (typeof daily)[number]) => number) => ({
    name,
    tone,
    points: thin(
      daily.map((day) => ({ at: day.at, value: Math.log10(of(day)) })),
      [market.from, market.to],
    ),
  });
  const chart = timeChart({
    id: "gas",
    title: "Base fee over time, and what trades paid",
    description: `${daily.length} days, from ${(10 ** low).toFixed(1)} to ${(10 ** high).toFixed(1)} gwei.`,
    from: market.from,
    to: market.to,
    low,
    high,
    height: 240,
    unit: "gwei",
    digits: 1,
    ticks: ticks
      .filter((tick) => Math.log10(tick) >= low && Math.log10(tick) <= high)
      .map((tick) => ({ value: Math.log10(tick), label: String(Number(tick.toPrecision(1))) })),
    hasTimeLabels: true,
    lines: [
      line("mean of the day", "p2", ({ mean }) => mean),
      line("lowest of the day", "p5", (day) => day.low),
    ],
    marks: paid.flatMap(({ name, tone, trades }) =>
      trades.map(({ executedAt, gwei }) => ({
        at: executedAt,
        value: Math.log10(gwei),
        shape: "ahead" as const,
        tone,
        text: `${name} traded at ${gwei.toFixed(1)} gwei\n${minute(executedAt)} UTC`,
      })),
    ),
    isLog: true,
  });
  return `<section><h2>Gas paid against gas available</h2>
<p class="muted">Base fee in gwei on a logarithmic scale: the mean and the lowest hour of each day, and a dot for each trade at the base fee of its bar.</p>
<ul class="legend">${legend([["mean of the day", "p2"], ["lowest hour of the day", "p5"], ...drawn.map(({ record, tone }) => [`${record.name} paid`, tone] as const)])}</ul>
<figure>${chart}</figure></section>`;
}

/** The values of a period, thinned to the lowest and highest of each of COLUMNS columns. */
function thin(points: readonly TimedValue[], [from, to]: Period): TimedValue[] {
  const across = COLUMNS / Math.max(1, to - from);
  return decimate(
    points
      .filter(({ at }) => at >= from && at <= to)
      .map(({ at, value }) => ({ x: (at - from) * across, y: value })),
  ).map(({ x, y }) => ({ at: from + x / across, value: y }));
}
