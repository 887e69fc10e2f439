import { escapeHtml, percent, round, toPathData, toScale, toTicks } from "./chart.ts";

/** A figure with its interval; null where there is none. */
export interface Whisker {
  readonly estimate: number;
  readonly low: number | null;
  readonly high: number | null;
}

export interface ScatterPlot {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly points: readonly {
    readonly name: string;
    readonly tone: string;
    readonly x: Whisker;
    readonly y: Whisker;
    readonly text: string;
  }[];
  /** Drawn dashed from left to right: y for an x. */
  readonly curve?: ((x: number) => number) | undefined;
}

const HEIGHT = 360;
const WIDTH = 1000;
/** Values over a wider range than this are drawn on a logarithmic scale. */
const WIDE = 8;
/** More names than this would lie on each other; the other points say theirs when pointed at. */
const MOST_NAMES = 14;

interface Axis {
  /** 0 to 1. */
  readonly at: (value: number) => number;
  /** Inverse of `at`. */
  readonly from: (share: number) => number;
  readonly ticks: readonly number[];
}

function toAxis(whiskers: readonly Whisker[]): Axis {
  const values = whiskers.flatMap(({ estimate, low, high }) => [estimate, low ?? estimate, high ?? estimate]);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (least > 0 && most > WIDE * least) {
    const [low, high] = [Math.log(least / 1.2), Math.log(most * 1.2)];
    const scale = toScale(low, high);
    const ticks = Array.from({ length: 40 }, (_, k) => [1, 2, 5][k % 3]! * 10 ** (Math.floor(k / 3) - 7));
    return {
      at: (value) => scale(Math.log(value)),
      from: (share) => Math.exp(low + share * (high - low)),
      ticks: ticks.filter((tick) => Math.log(tick) >= low && Math.log(tick) <= high),
    };
  }
  const [low, high] = [Math.min(0, least), Math.max(most, 1e-12) * 1.12];
  const ticks = toTicks(low, high, 5);
  return { at: toScale(low, high), from: (share) => low + share * (high - low), ticks };
}

/** Named points with intervals both ways, each to be pointed at or reached by the keyboard. */
export function scatterPlot(plot: ScatterPlot): string {
  const { id, points, curve } = plot;
  const [across, up] = [toAxis(points.map(({ x }) => x)), toAxis(points.map(({ y }) => y))];
  const x = (value: number) => percent(across.at(value));
  const y = (value: number) => round((1 - up.at(value)) * HEIGHT);
  const text = (value: number) => String(Number(value.toPrecision(6)));
  const grid = [
    ...across.ticks.map(
      (tick) =>
        `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y2="${HEIGHT}"/><text class="tick" x="${x(tick)}" y="${HEIGHT + 18}" text-anchor="middle">${text(tick)}</text>`,
    ),
    ...up.ticks.map(
      (tick) =>
        `<line class="grid" x2="100%" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="-8" y="${y(tick) + 4}" text-anchor="end">${text(tick)}</text>`,
    ),
  ];
  const samples = Array.from({ length: 101 }, (_, k) => {
    const value = curve?.(across.from(k / 100)) ?? Number.NaN;
    const height = (1 - up.at(value)) * HEIGHT;
    return { x: (k / 100) * WIDTH, y: height >= 0 && height <= HEIGHT ? height : Number.NaN };
  });
  const dashed =
    curve === undefined
      ? ""
      : `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="100%" height="${HEIGHT}" preserveAspectRatio="none"><path class="line curve" d="${toPathData(samples)}"/></svg>`;
  const names = toNameHeights(
    points.map((point) => ({ x: across.at(point.x.estimate), y: y(point.y.estimate) })),
  );
  const drawn = points.map((point, k) => {
    const [px, py] = [x(point.x.estimate), y(point.y.estimate)];
    const isLeft = across.at(point.x.estimate) > 0.48;
    const whiskers = [
      point.x.low !== null && point.x.high !== null
        ? `<line class="whisker" x1="${x(point.x.low)}" x2="${x(point.x.high)}" y1="${py}" y2="${py}"/>`
        : "",
      point.y.low !== null && point.y.high !== null
        ? `<line class="whisker" x1="${px}" x2="${px}" y1="${y(point.y.low)}" y2="${y(point.y.high)}"/>`
        : "",
    ];
    const name =
      points.length > MOST_NAMES && point.tone === "p2"
        ? ""
        : `<text class="label halo" x="${px}" dx="${isLeft ? -11 : 11}" y="${round(names[k]!)}" text-anchor="${isLeft ? "end" : "start"}" aria-hidden="true">${escapeHtml(shorten(point.name))}</text>`;
    return `<g class="point ${point.tone}" tabindex="0" role="img" data-tip aria-label="${escapeHtml(`${point.name}\n${point.text}`)}">${whiskers.join("")}<circle class="pin" cx="${px}" cy="${py}" r="6.5"/>${name}</g>`;
  });
  return `<p class="axis-name">${escapeHtml(plot.yLabel)}</p><div class="plot still points"><svg role="group" width="100%" height="${HEIGHT}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeHtml(plot.title)}</title><desc id="${id}-d">${escapeHtml(plot.description)}</desc>${grid.join("")}${dashed}${drawn.join("\n")}</svg></div><p class="axis-name end">${escapeHtml(plot.xLabel)}</p>`;
}

/** Height of each point's name: above the point, else below, else as far up as it takes not to cover another's. */
export function toNameHeights(points: readonly { readonly x: number; readonly y: number }[]): number[] {
  const heights = new Map<number, number>();
  const order = points.map((_, i) => i).sort((a, b) => points[a]!.y - points[b]!.y);
  for (const i of order) {
    const { x, y } = points[i]!;
    const isFree = (height: number) =>
      [...heights].every(
        ([j, other]) => Math.abs(points[j]!.x - x) > 0.3 || Math.abs(other - height) >= LINE,
      );
    let height = [y - 7, y + 18].find(isFree) ?? y - 7;
    while (!isFree(height)) height -= LINE;
    heights.set(i, height);
  }
  return points.map((_, i) => heights.get(i)!);
}

/** So that a name fits beside its point on a phone; the whole is said when pointed at. */
const shorten = (name: string): string => (name.length > 20 ? `${name.slice(0, 19)}…` : name);

/** Pixels from one name to the next below. */
const LINE = 16;
const ROW = 26;

export interface Step {
  readonly name: string;
  readonly tone: string;
  readonly value: number;
  readonly label: string;
}

/** Parts from 0, each beginning where the one above ends, and their sum; `most` is the end of the scale. */
export function waterfall(
  id: string,
  title: string,
  steps: readonly Step[],
  total: { readonly value: number; readonly label: string },
  most: number,
): string {
  const scale = toScale(0, Math.max(most, 1e-12));
  // Names take the first third, labels the last sixth.
  const x = (value: number) => 0.36 + 0.46 * scale(value);
  let start = 0;
  const rows = [...steps, { name: "in all", tone: "sum", ...total }].map((step, i) => {
    const isSum = i === steps.length;
    const from = isSum ? 0 : start;
    if (!isSum) start += step.value;
    const end = from + step.value;
    const y = i * ROW;
    const join =
      i === 0
        ? ""
        : `<line class="join" x1="${percent(x(isSum ? end : from))}" x2="${percent(x(isSum ? end : from))}" y1="${y - 5}" y2="${y + 4}"/>`;
    return `${join}<text class="${isSum ? "label" : "label light"}" x="34%" y="${y + 16}" text-anchor="end">${escapeHtml(step.name)}</text><rect class="step ${step.tone}" x="${percent(x(from))}" width="${percent(x(end) - x(from))}" y="${y + 4}" height="17"/><text class="tick" x="${percent(x(end))}" dx="6" y="${y + 16}">${escapeHtml(step.label)}</text>`;
  });
  const height = rows.length * ROW;
  const spoken = [...steps.map(({ name, label }) => `${name} ${label}`), `in all ${total.label}`].join(", ");
  return `<svg role="img" class="falls" width="100%" height="${height}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(spoken)}</desc>${rows.join("")}<line class="axis" x1="${percent(x(0))}" x2="${percent(x(0))}" y2="${height}"/></svg>`;
}

export interface Spread {
  readonly name: string;
  readonly tone: string;
  /** Ascending, at least one. */
  readonly values: Float64Array;
  readonly note: string;
}

/** One row a name: from the 5 % to the 95 % quantile as a line, the middle half as a box, the median in it. */
export function spreadPlot(
  id: string,
  title: string,
  unit: string,
  rows: readonly Spread[],
  quantile: (sorted: Float64Array, p: number) => number,
): string {
  const figures = rows.map(({ values }) => [0.05, 0.25, 0.5, 0.75, 0.95].map((p) => quantile(values, p)));
  const most = Math.max(1e-12, ...figures.map((five) => five[4]!)) * 1.04;
  const scale = toScale(0, most);
  const x = (value: number) => percent(scale(value));
  const row = 48;
  const body = rows.map(({ name, tone, note }, i) => {
    const [low, lower, median, upper, high] = figures[i]! as [number, number, number, number, number];
    const y = i * row + 31;
    const spoken = `${name}: median ${text(median)} ${unit}, half of them from ${text(lower)} to ${text(upper)}, nine in ten from ${text(low)} to ${text(high)}; ${note}`;
    return `<g class="${tone}" role="img" aria-label="${escapeHtml(spoken)}"><title>${escapeHtml(spoken)}</title><text class="label" y="${y - 15}">${escapeHtml(shorten(name))}</text><text class="tick" x="100%" y="${y - 15}" text-anchor="end">${escapeHtml(note)}</text><line class="reach" x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}"/><rect class="half" x="${x(lower)}" width="${percent(scale(upper) - scale(lower))}" y="${y - 7}" height="14" rx="3"/><line class="median" x1="${x(median)}" x2="${x(median)}" y1="${y - 9}" y2="${y + 9}"/></g>`;
  });
  const height = rows.length * row;
  const ticks = toTicks(0, most, 4).map(
    (tick) =>
      `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y2="${height}"/><text class="tick" x="${x(tick)}" y="${height + 16}" text-anchor="${tick === 0 ? "start" : "middle"}">${text(tick)}</text>`,
  );
  return `<svg role="group" class="spreads" width="100%" height="${height + 22}" aria-labelledby="${id}-t"><title id="${id}-t">${escapeHtml(title)}</title>${ticks.join("")}${body.join("")}</svg>`;
}

const text = (value: number): string => String(Number(value.toPrecision(3)));

/** Names with the colour of each. */
export const legend = (entries: readonly (readonly [name: string, tone: string])[]): string =>
  entries
    .map(
      ([name, tone]) =>
        `<li><svg class="${tone}" width="22" height="4" aria-hidden="true"><rect width="22" height="4" rx="2" fill="currentColor"/></svg>${escapeHtml(name)}</li>`,
    )
    .join("");
