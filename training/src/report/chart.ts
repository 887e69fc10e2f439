/**
 * Charts as inline SVG text. The plot area stretches with the page: positions along x are percentages, positions
 * along y are pixels, and lines are drawn in a nested viewport 1,000 units wide whose strokes do not scale.
 */
const WIDTH = 1000;
const HOUR = 3_600_000;

/** Safe as element text and inside a quoted attribute. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Maps [low, high] to [0, 1]; everything to 0.5 where the two are equal. */
export const toScale =
  (low: number, high: number) =>
  (value: number): number =>
    high > low ? (value - low) / (high - low) : 0.5;

/**
 * Points in order of x, thinned to at most two per unit of x, its lowest and its highest in their order, so that
 * no extreme is lost; the first and the last point always stay.
 */
export function decimate(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (let from = 0, to = 0; from < points.length; from = to) {
    const column = Math.floor(points[from]!.x);
    let low = from;
    let high = from;
    for (to = from + 1; to < points.length && Math.floor(points[to]!.x) === column; to += 1) {
      if (points[to]!.y < points[low]!.y) low = to;
      if (points[to]!.y > points[high]!.y) high = to;
    }
    const indices = new Set([low, high]);
    if (from === 0) indices.add(0);
    if (to === points.length) indices.add(to - 1);
    for (const index of [...indices].sort((a, b) => a - b)) kept.push(points[index]!);
  }
  return kept;
}

/** Path data with a gap wherever a coordinate is not finite; empty where none is. */
export function toPathData(points: readonly Point[]): string {
  const segments: Point[][] = [[]];
  for (const point of points) {
    if (Number.isFinite(point.x) && Number.isFinite(point.y)) segments.at(-1)!.push(point);
    else if (segments.at(-1)!.length > 0) segments.push([]);
  }
  return segments
    .filter((segment) => segment.length > 0)
    .map((segment) => {
      const kept = segment.length === 1 ? [segment[0]!, segment[0]!] : decimate(segment);
      return `M${kept.map(({ x, y }) => `${Math.round(x * 100) / 100} ${round(y)}`).join("L")}`;
    })
    .join("");
}

export const round = (value: number): number => Math.round(value * 10) / 10 + 0;
export const percent = (share: number): string => `${Math.round(share * 1e4) / 100}%`;

/** At most `count` + 1 round values within [low, high]. */
export function toTicks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

const TIME_STEPS = [1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720, 1440, 2160, 4320, 8760].map(
  (hours) => hours * HOUR,
);

/** At most `count` + 1 round times in UTC, as `6 Mar`, `18:00` or, where a year passes, `6 Mar 22`. */
export function toTimeTicks(from: number, to: number, count: number): { at: number; label: string }[] {
  const step = TIME_STEPS.find((candidate) => (to - from) / candidate <= count) ?? (to - from) / count;
  const hasYear = to - from > 300 * 24 * HOUR;
  const ticks: { at: number; label: string }[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    const [day, time] = [new Date(at).toISOString().slice(0, 10), new Date(at).toISOString().slice(11, 16)];
    const month = new Date(at).toLocaleString("en-US", { month: "short", timeZone: "UTC" });
    const date = `${Number(day.slice(8))} ${month}${hasYear ? ` ${day.slice(2, 4)}` : ""}`;
    ticks.push({ at, label: time === "00:00" ? date : time });
  }
  return ticks;
}

/** What a mark says by its shape, besides its colour. */
export type Shape = "ahead" | "after" | "refused";

export interface TimeChart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** For those who cannot see the chart. */
  readonly description: string;
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
  /** Pixels. */
  readonly height: number;
  readonly unit: string;
  readonly digits: number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
  readonly hasTimeLabels: boolean;
  /** Shaded between two values. */
  readonly band?: readonly [number, number] | undefined;
  readonly rule?: { readonly value: number; readonly label: string } | undefined;
  readonly lines: readonly {
    readonly name: string;
    readonly tone: string;
    readonly points: readonly { readonly at: number; readonly value: number | undefined }[];
  }[];
  readonly marks: readonly {
    readonly at: number;
    readonly value: number;
    readonly shape: Shape;
    readonly tone: string;
    /** Said of it; or the id of the table row that says it. */
    readonly text?: string | undefined;
    readonly row?: string | undefined;
  }[];
  /** Where values are logarithms to base 10, as read out; ticks have labels of their own. */
  readonly isLog?: boolean | undefined;
}

/** Values over time. The page's script finds what it reads out in the data attributes, paths and marks. */
export function timeChart(chart: TimeChart): string {
  const { id, from, to, low, high, height } = chart;
  const across = toScale(from, to);
  const up = toScale(low, high);
  const y = (value: number) => round((1 - up(value)) * height);
  const timeTicks = toTimeTicks(from, to, 5).map(({ at, label }) => ({ x: percent(across(at)), at, label }));
  const band = chart.band && [Math.min(chart.band[1], high), Math.max(chart.band[0], low)].map(y);
  const lines = chart.lines.map(({ name, tone, points }) => {
    const d = toPathData(
      points.map(({ at, value }) => ({
        x: across(at) * WIDTH,
        y: value === undefined ? Number.NaN : (1 - up(value)) * height,
      })),
    );
    return d && `<path class="line ${tone}" data-name="${escapeHtml(name)}" d="${d}"/>`;
  });
  const marks = chart.marks
    .filter(({ at, value }) => Number.isFinite(across(at)) && Number.isFinite(value))
    .map(
      ({ at, value, shape, tone, text, row }) =>
        `<use class="mark ${tone}" href="#${shape}" x="${percent(across(at))}" y="${y(value)}"${row === undefined ? "" : ` data-row="${row}"`}>${text === undefined ? "" : `<title>${escapeHtml(text)}</title>`}</use>`,
    );
  return `<div class="plot${chart.hasTimeLabels ? "" : " tight"}" tabindex="0" data-from="${from}" data-to="${to}" data-low="${low}" data-high="${high}" data-digits="${chart.digits}" data-unit="${escapeHtml(chart.unit)}"${chart.isLog ? ' data-scale="log"' : ""}>
<svg role="img" width="100%" height="${height}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeHtml(chart.title)}</title><desc id="${id}-d">${escapeHtml(chart.description)}</desc>
${band ? `<rect class="band" width="100%" y="${band[0]}" height="${round(Math.max(0, band[1]! - band[0]!))}"/>` : ""}
${timeTicks.map(({ x }) => `<line class="grid" x1="${x}" x2="${x}" y2="${height}"/>`).join("")}
${chart.ticks.map(({ value, label }) => `<line class="grid" x2="100%" y1="${y(value)}" y2="${y(value)}"/><text class="tick" x="-8" y="${y(value) + 4}" text-anchor="end">${escapeHtml(label)}</text>`).join("")}
<svg viewBox="0 0 ${WIDTH} ${height}" width="100%" height="${height}" preserveAspectRatio="none">${lines.join("")}</svg>
${chart.rule ? `<line class="rule" x2="100%" y1="${y(chart.rule.value)}" y2="${y(chart.rule.value)}"/>${chart.rule.label && `<text class="tick halo" x="100%" dx="-4" y="${y(chart.rule.value) - 5}" text-anchor="end">${escapeHtml(chart.rule.label)}</text>`}` : ""}
${marks.join("\n")}
${chart.hasTimeLabels ? timeTicks.map(({ x, label }) => `<text class="tick" x="${x}" y="${height + 18}" text-anchor="middle">${label}</text>`).join("") : ""}
</svg></div>`;
}

export interface Bar {
  readonly name: string;
  /** Negative parts are drawn to the left of zero. */
  readonly parts: readonly { readonly name: string; readonly tone: string; readonly value: number }[];
}

/** Horizontal stacked bars on one common scale from zero. */
export function stackedBars(
  id: string,
  title: string,
  description: string,
  unit: string,
  bars: readonly Bar[],
): string {
  const sums = bars.map(({ parts }) => {
    const values = parts.map(({ value }) => value).filter(Number.isFinite);
    const add = (some: readonly number[]) => some.reduce((sum, value) => sum + value, 0);
    return {
      below: add(values.filter((value) => value < 0)),
      above: add(values.filter((value) => value > 0)),
    };
  });
  const low = Math.min(0, ...sums.map(({ below }) => below));
  const high = Math.max(low + 1e-9, ...sums.map(({ above }) => above));
  const scale = toScale(low, high);
  const row = 56;
  const body = bars.map(({ name, parts }, index) => {
    let below = 0;
    let above = 0;
    const rects = parts
      .filter(({ value }) => Number.isFinite(value) && value !== 0)
      .map(({ name: partName, tone, value }) => {
        const start = value > 0 ? above : below + value;
        if (value > 0) above += value;
        else below += value;
        const size = scale(start + Math.abs(value)) - scale(start);
        return `<rect class="part ${tone}" x="${percent(scale(start))}" y="${index * row + 20}" width="${percent(size)}" height="22"><title>${escapeHtml(`${name}: ${partName} ${value.toFixed(2)} ${unit}`)}</title></rect>`;
      });
    const total = (above + below).toFixed(2);
    return `<text class="label" y="${index * row + 13}">${escapeHtml(name)}</text><text class="label" x="100%" y="${index * row + 13}" text-anchor="end">${total} ${escapeHtml(unit)}</text>${rects.join("")}`;
  });
  const height = Math.max(1, bars.length * row);
  const zero =
    low < 0 ? `<line class="axis" x1="${percent(scale(0))}" x2="${percent(scale(0))}" y2="${height}"/>` : "";
  return `<svg role="img" class="bars" width="100%" height="${height}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(description)}</desc>${body.join("")}${zero}</svg>`;
}

/** One dot a row against a vertical reference line; rows without a finite value are left out. */
export function dotChart(
  id: string,
  title: string,
  description: string,
  reference: { readonly value: number; readonly label: string },
  rows: readonly { readonly name: string; readonly value: number }[],
): string {
  const drawn = rows.filter(({ value }) => Number.isFinite(value));
  const values = [reference.value, ...drawn.map(({ value }) => value)];
  const reach = Math.max(0.05, ...values.map((value) => Math.abs(value - reference.value))) * 1.7;
  const scale = toScale(reference.value - reach, reference.value + reach);
  const row = 30;
  const height = drawn.length * row + 8;
  const at = percent(scale(reference.value));
  const body = drawn.map(({ name, value }, index) => {
    const y = index * row + 20;
    const x = percent(scale(value));
    const isBetter = value < reference.value;
    return `<line class="grid" x2="100%" y1="${y}" y2="${y}"/><text class="tick" x="-8" y="${y + 4}" text-anchor="end">${escapeHtml(name)}</text><line class="stem" x1="${at}" x2="${x}" y1="${y}" y2="${y}"/><circle class="dot" cx="${x}" cy="${y}" r="6"/><text class="label halo" x="${x}" dx="${isBetter ? -11 : 11}" y="${y + 4}" text-anchor="${isBetter ? "end" : "start"}">${value.toFixed(3)}</text>`;
  });
  return `<div class="plot still"><svg role="img" width="100%" height="${height}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(description)}</desc>${body.join("")}<line class="axis" x1="${at}" x2="${at}" y2="${height}"/><text class="tick" x="${at}" y="${height + 16}" text-anchor="middle">${escapeHtml(reference.label)}</text></svg></div>`;
}
