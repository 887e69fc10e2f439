import { escapeHtml, toScale } from "./chart.ts";

/** Values against values, on square axes of one range with the line on which both are equal. */
export interface SquarePlot {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Places in [0, 1] along both axes. */
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
  /** Filled cells of a grid, darker where there are more. */
  readonly cells?:
    | { readonly perSide: number; readonly counts: readonly (readonly [number, number, number])[] }
    | undefined;
  readonly series: readonly {
    readonly name: string;
    readonly tone: string;
    readonly points: readonly {
      readonly x: number;
      readonly y: number;
      readonly low: number;
      readonly high: number;
      readonly text: string;
    }[];
  }[];
}

const SIDE = 320;
const LEFT = 58;
const BOTTOM = 42;

/** Positions are in units of a 402 × 374 picture that scales as a whole. */
export function squarePlot(plot: SquarePlot): string {
  const { id, ticks, cells, series } = plot;
  const x = (share: number) => round(LEFT + share * SIDE);
  const y = (share: number) => round(8 + (1 - share) * SIDE);
  const most = Math.max(1, ...(cells?.counts ?? []).map(([, , count]) => count));
  const size = cells ? SIDE / cells.perSide : 0;
  const filled = (cells?.counts ?? []).map(
    ([column, row, count]) =>
      // Square root, so that single observations are still seen beside cells of hundreds.
      `<rect class="cell" x="${x(column / cells!.perSide)}" y="${y((row + 1) / cells!.perSide)}" width="${round(size)}" height="${round(size)}" opacity="${round(0.12 + 0.88 * Math.sqrt(count / most))}"/>`,
  );
  const grid = ticks.map(
    ({ at, label }) =>
      `<line class="grid" x1="${x(at)}" x2="${x(at)}" y1="${y(0)}" y2="${y(1)}"/><line class="grid" x1="${x(0)}" x2="${x(1)}" y1="${y(at)}" y2="${y(at)}"/>` +
      `<text class="tick" x="${x(at)}" y="${y(0) + 16}" text-anchor="middle">${escapeHtml(label)}</text><text class="tick" x="${x(0) - 6}" y="${y(at) + 4}" text-anchor="end">${escapeHtml(label)}</text>`,
  );
  const drawn = series.map(({ name, tone, points }) => {
    const path = points.map((p, i) => `${i === 0 ? "M" : "L"}${x(p.x)} ${y(p.y)}`).join("");
    const marks = points.map(
      (p) =>
        `<line class="whisker" x1="${x(p.x)}" x2="${x(p.x)}" y1="${y(p.low)}" y2="${y(p.high)}"/><circle cx="${x(p.x)}" cy="${y(p.y)}" r="4.5"><title>${escapeHtml(`${name}: ${p.text}`)}</title></circle>`,
    );
    return `<g class="series ${tone}"><path class="line" d="${path}"/>${marks.join("")}</g>`;
  });
  return `<svg role="img" class="square" viewBox="0 0 ${LEFT + SIDE + 24} ${SIDE + 8 + BOTTOM + 4}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeHtml(plot.title)}</title><desc id="${id}-d">${escapeHtml(plot.description)}</desc>${grid.join("")}${filled.join("")}<line class="rule" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>${drawn.join("")}<text class="tick" x="${x(0.5)}" y="${y(0) + 36}" text-anchor="middle">${escapeHtml(plot.xLabel)}</text><text class="tick" transform="translate(12 ${y(0.5)}) rotate(-90)" text-anchor="middle">${escapeHtml(plot.yLabel)}</text></svg>`;
}

const ROW = 22;

/** Names with a bar from zero each, negative to the left, and the value as text at its end. */
export function rankPlot(
  id: string,
  title: string,
  description: string,
  rows: readonly { readonly name: string; readonly value: number; readonly label: string }[],
): string {
  const values = rows.map(({ value }) => value);
  const low = Math.min(0, ...values);
  const scale = toScale(low, Math.max(low + 1e-9, ...values));
  // Names take the first third, labels the last tenth.
  const x = (value: number) => 34 + 56 * scale(value);
  const body = rows.map(({ name, value, label }, i) => {
    const [start, end] = [Math.min(x(0), x(value)), Math.max(x(0), x(value))];
    return `<text class="label" x="32%" y="${i * ROW + 15}" text-anchor="end">${escapeHtml(name)}</text><rect class="bar" x="${round(start)}%" width="${round(end - start)}%" y="${i * ROW + 4}" height="14"/><text class="tick" x="${round(end)}%" dx="6" y="${i * ROW + 15}">${escapeHtml(label)}</text>`;
  });
  return `<svg role="img" class="ranks" width="100%" height="${rows.length * ROW + 4}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(description)}</desc>${body.join("")}<line class="axis" x1="${round(x(0))}%" x2="${round(x(0))}%" y2="${rows.length * ROW}"/></svg>`;
}

const round = (value: number): number => Math.round(value * 100) / 100;
