import { toNameHeights } from "./backtestPlots.ts";
import { escapeHtml, percent, round, toPathData, toScale } from "./chart.ts";

export interface FrontierLine {
  readonly name: string;
  readonly tone: string;
  /** Whether the name stands at the line; every point says it when pointed at. */
  readonly isNamed: boolean;
  /** Both above 0. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const WIDTH = 1000;
const HEIGHT = 380;
const ROW = 28;

interface LogAxis {
  /** 0 to 1. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** 1, 2, 5 and their tenfolds; of a short range, finer steps. */
function toLogAxis(values: readonly number[], margin: number): LogAxis {
  const [low, high] = [Math.min(...values) / margin, Math.max(...values) * margin];
  const scale = toScale(Math.log(low), Math.log(high));
  const steps = high / low > 8 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];
  const from = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - from + 1 }, (_, k) => 10 ** (from + k));
  const ticks = powers.flatMap((power) => steps.map((step) => Number((step * power).toPrecision(6))));
  return {
    at: (value) => scale(Math.log(value)),
    ticks: ticks.filter((tick) => tick >= low && tick <= high),
  };
}

/** Lines through points on two logarithmic axes; each point can be pointed at or reached by the keyboard. */
export function frontierPlot(
  id: string,
  title: string,
  labels: { readonly x: string; readonly y: string; readonly unitX: string; readonly unitY: string },
  lines: readonly FrontierLine[],
): string {
  const points = lines.flatMap((line) => line.points);
  const [across, up] = [
    toLogAxis(
      points.map(({ x }) => x),
      1.12,
    ),
    toLogAxis(
      points.map(({ y }) => y),
      1.2,
    ),
  ];
  const x = (value: number) => percent(across.at(value));
  const y = (value: number) => round((1 - up.at(value)) * HEIGHT);
  const grid = [
    ...across.ticks.map(
      (tick) =>
        `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y2="${HEIGHT}"/><text class="tick" x="${x(tick)}" y="${HEIGHT + 18}" text-anchor="middle">${tick}</text>`,
    ),
    ...up.ticks.map(
      (tick) =>
        `<line class="grid" x2="100%" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="-8" y="${y(tick) + 4}" text-anchor="end">${tick}</text>`,
    ),
  ];
  const sorted = lines.map((line) => ({ ...line, points: line.points.toSorted((a, b) => a.x - b.x) }));
  const paths = sorted.map(
    ({ tone, points }) =>
      `<path class="line ${tone}" d="${toPathData(points.map((point) => ({ x: across.at(point.x) * WIDTH, y: y(point.y) })))}"/>`,
  );
  const ends = sorted.flatMap(({ name, isNamed, points }) => (isNamed ? [{ name, ...points.at(-1)! }] : []));
  const heights = toNameHeights(ends.map((end) => ({ x: across.at(end.x), y: y(end.y) })));
  const drawn = sorted.flatMap(({ name, tone, points }) =>
    points.map(
      (point) =>
        `<g class="point ${tone}" tabindex="0" role="img" data-tip aria-label="${escapeHtml(`${name}\n${show(point.y)} ${labels.unitY} at ${show(point.x)} ${labels.unitX}`)}"><circle class="pin" cx="${x(point.x)}" cy="${y(point.y)}" r="5"/></g>`,
    ),
  );
  const names = ends.map((end, i) => {
    const isRight = across.at(end.x) > 0.5;
    return `<text class="label halo" x="${x(end.x)}" dx="${isRight ? -8 : 8}" y="${round(heights[i]!)}" text-anchor="${isRight ? "end" : "start"}" aria-hidden="true">${escapeHtml(end.name)}</text>`;
  });
  const spoken = sorted.map(
    ({ name, points }) =>
      `${name}: ${points.map((point) => `${show(point.y)} ${labels.unitY} at ${show(point.x)} ${labels.unitX}`).join(", ")}`,
  );
  return `<p class="axis-name">${escapeHtml(labels.y)}</p><div class="plot still points"><svg role="group" width="100%" height="${HEIGHT}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(spoken.join("; "))}</desc>${grid.join("")}<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="100%" height="${HEIGHT}" preserveAspectRatio="none">${paths.join("")}</svg>${drawn.join("\n")}${names.join("")}</svg></div><p class="axis-name end">${escapeHtml(labels.x)}</p>`;
}

const show = (value: number): string => String(Number(value.toPrecision(3)));

export interface Ratio {
  readonly name: string;
  readonly tone: string;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** One dot a row with its interval on a logarithmic axis, against a line at 1. All above 0. */
export function ratioPlot(id: string, title: string, rows: readonly Ratio[]): string {
  const axis = toLogAxis([1, ...rows.flatMap(({ estimate, low, high }) => [estimate, low, high])], 1.05);
  // Names take the first third and figures the last, which fits a phone.
  const x = (value: number) => percent(0.36 + 0.3 * axis.at(value));
  const height = rows.length * ROW;
  const figure = ({ estimate, low, high }: Ratio) =>
    `${estimate.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
  const body = rows.map((row, i) => {
    const y = i * ROW + ROW / 2;
    return `<g class="point ${row.tone}"><text class="label" x="34%" y="${y + 4}" text-anchor="end">${escapeHtml(row.name)}</text><line class="whisker" x1="${x(row.low)}" x2="${x(row.high)}" y1="${y}" y2="${y}"/><circle class="pin" cx="${x(row.estimate)}" cy="${y}" r="6"/><text class="tick" x="100%" y="${y + 4}" text-anchor="end">${figure(row)}</text></g>`;
  });
  const ticks = thin(axis.ticks, axis.at).map(
    (tick) =>
      `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y2="${height}"/><text class="tick" x="${x(tick)}" y="${height + 16}" text-anchor="middle">${tick}</text>`,
  );
  const spoken = rows.map((row) => `${row.name} ${figure(row)}`).join("; ");
  return `<svg role="img" class="spreads" width="100%" height="${height + 22}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(spoken)}</desc>${ticks.join("")}<line class="axis" x1="${x(1)}" x2="${x(1)}" y2="${height}"/>${body.join("")}</svg>`;
}

/** Ticks far enough apart to be read; 1 always. */
function thin(ticks: readonly number[], at: (value: number) => number): number[] {
  const kept = [1];
  for (const tick of ticks) if (kept.every((other) => Math.abs(at(other) - at(tick)) > 0.15)) kept.push(tick);
  return kept;
}
