import uPlot from "uplot";
import { h, svg } from "./dom.ts";

/** A colour of the style sheet as a canvas can use it, in the scheme that is on. */
function colour(name: string): string {
  const probe = h("span", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Name of a colour of the style sheet. */
  readonly colour: string;
  readonly width?: number;
  readonly dash?: readonly number[];
  readonly isStepped?: boolean;
  /** Drawn with its points, joined also where other lines have points that it has not. */
  readonly isJoined?: boolean;
}

export interface ChartRequest {
  /** What the chart shows, for who does not see it. */
  readonly label: string;
  readonly height: number;
  /** Ascending, ms. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** Areas between two lines, by their index: upper, lower, and a colour. */
  readonly areas?: readonly { readonly between: readonly [number, number]; readonly colour: string }[];
  /** A strip that the values should stay in, and its middle. */
  readonly strip?: { readonly low: number; readonly high: number; readonly middle: number };
  /** A moment that parts what was from what is expected, ms. */
  readonly now?: number;
  readonly marks?: readonly { readonly time: number; readonly value: number; readonly colour: string }[];
  readonly low?: number;
  readonly write: (value: number) => string;
  /** What is said below the chart of the point under the pointer; nothing is pointed at: null. */
  readonly say: (index: number | null) => string;
}

/** What the colours of a chart stand for. */
export const legend = (
  entries: readonly { readonly colour: string; readonly label: string; readonly isDashed?: boolean }[],
): HTMLElement =>
  h(
    "ul",
    { class: "legend" },
    entries.map(({ colour: name, label, isDashed }) =>
      h(
        "li",
        {},
        svg(
          "svg",
          { viewBox: "0 0 24 4", "aria-hidden": "true", class: name },
          isDashed
            ? [0, 9, 18].map((x) => svg("rect", { x, width: 6, height: 4 }))
            : svg("rect", { width: 24, height: 4, rx: 2 }),
        ),
        label,
      ),
    ),
  );

const FONT = "12px system-ui, sans-serif";

/** Lines over time, in UTC. It is drawn once it is in the page, follows its width, and ends with it. */
export function timeChart(request: ChartRequest): HTMLElement {
  const said = h("p", { class: "readout" }, request.say(null));
  const box = h("div", { class: "plot", "aria-hidden": "true" });
  let plot: uPlot | undefined;
  const observer = new ResizeObserver(() => {
    if (!box.isConnected) {
      observer.disconnect();
      plot?.destroy();
      return;
    }
    const width = Math.floor(box.clientWidth);
    if (width === 0) return;
    if (plot === undefined) plot = draw(request, box, width, said);
    else plot.setSize({ width, height: request.height });
  });
  observer.observe(box);
  return h("div", { class: "chart" }, h("p", { class: "hidden" }, request.label), box, said);
}

function draw(request: ChartRequest, box: HTMLElement, width: number, said: HTMLElement): uPlot {
  const { lines, areas = [], strip, now, marks = [], write, times, low } = request;
  const [ink, faint] = [colour("muted"), colour("line")];
  const grid = { stroke: faint, width: 1 };
  const axis = { stroke: ink, font: FONT, grid, ticks: { show: false } };
  const options: uPlot.Options = {
    width,
    height: request.height,
    legend: { show: false },
    padding: [8, 30, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
    cursor: { drag: { x: false, y: false }, points: { size: 6 }, y: false },
    scales: {
      y: {
        range: (_plot, least, most) => {
          const from = Math.min(least ?? 0, strip?.low ?? Infinity, low ?? Infinity);
          const to = Math.max(most ?? 1, strip?.high ?? -Infinity);
          const margin = (to - from || Math.abs(to) || 1) * 0.08;
          return [from === low ? from : from - margin, to + margin];
        },
      },
    },
    axes: [
      { ...axis, size: 30, space: 70, values: timeLabels },
      { ...axis, size: 58, space: 34, values: (_plot, ticks) => ticks.map(write) },
    ],
    series: [
      {},
      ...lines.map(
        (line): uPlot.Series => ({
          label: line.label,
          stroke: colour(line.colour),
          width: line.width ?? 2,
          points: { show: line.isJoined ?? false, size: 3 + (line.width ?? 2) },
          spanGaps: line.isJoined ?? false,
          ...(line.dash && { dash: [...line.dash] }),
          ...(line.isStepped && { paths: uPlot.paths.stepped!({ align: 1 }) }),
        }),
      ),
    ],
    bands: areas.map(({ between: [upper, lower], colour: name }) => ({
      series: [upper + 1, lower + 1],
      fill: colour(name),
    })),
    hooks: {
      drawClear: [(plot) => drawStrip(plot, strip, now)],
      draw: [(plot) => drawMarks(plot, marks)],
      setCursor: [
        (plot) => {
          said.textContent = request.say(plot.cursor.idx ?? null);
        },
      ],
    },
  };
  const data = [times.map((time) => time / 1_000), ...lines.map(({ values }) => [...values])];
  return new uPlot(options, data as uPlot.AlignedData, box);
}

const DAY = 86_400;
const timeLabels = (_plot: uPlot, ticks: number[]): string[] => {
  const apart = ticks.length > 1 ? ticks[1]! - ticks[0]! : 0;
  const isDaily = apart >= DAY;
  const format: Intl.DateTimeFormatOptions =
    apart >= 28 * DAY ? { month: "short", year: "numeric" } : { day: "numeric", month: "short" };
  return ticks.map((tick) => {
    const date = new Date(tick * 1_000);
    return isDaily || tick % DAY === 0
      ? date.toLocaleDateString("en-GB", { ...format, timeZone: "UTC" })
      : date.toISOString().slice(11, 16);
  });
};

function drawStrip(plot: uPlot, strip: ChartRequest["strip"], now: number | undefined): void {
  const { ctx, bbox } = plot;
  const at = (value: number) => plot.valToPos(value, "y", true);
  ctx.save();
  if (strip !== undefined) {
    ctx.fillStyle = colour("strip");
    ctx.fillRect(bbox.left, at(strip.high), bbox.width, at(strip.low) - at(strip.high));
    ctx.strokeStyle = colour("edge");
    ctx.lineWidth = devicePixelRatio;
    for (const [value, dash] of [
      [strip.high, []],
      [strip.low, []],
      [strip.middle, [5, 5]],
    ] as const) {
      ctx.setLineDash([...dash].map((length) => length * devicePixelRatio));
      ctx.beginPath();
      ctx.moveTo(bbox.left, at(value));
      ctx.lineTo(bbox.left + bbox.width, at(value));
      ctx.stroke();
    }
  }
  if (now !== undefined) {
    const x = plot.valToPos(now / 1_000, "x", true);
    ctx.setLineDash([]);
    ctx.strokeStyle = colour("muted");
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** A diamond for each trade: its shape tells it from a line's points without its colour. */
function drawMarks(plot: uPlot, marks: NonNullable<ChartRequest["marks"]>): void {
  const { ctx } = plot;
  const size = 6 * devicePixelRatio;
  ctx.save();
  for (const { time, value, colour: name } of marks) {
    const [x, y] = [plot.valToPos(time / 1_000, "x", true), plot.valToPos(value, "y", true)];
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    ctx.closePath();
    ctx.fillStyle = colour(name);
    ctx.fill();
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.strokeStyle = colour("card");
    ctx.stroke();
  }
  ctx.restore();
}

export interface Dot {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  /** Radius in units of the drawing, which is 412 wide. */
  readonly size?: number;
  readonly tone?: number;
  /** A ring, which hides nothing below it. */
  readonly isHollow?: boolean;
  readonly isNamed?: boolean;
}

/** Dots over two numbers, in SVG. `diagonal` draws where both are the same. */
export function scatter(request: {
  readonly label: string;
  readonly dots: readonly Dot[];
  readonly x: string;
  readonly y: string;
  readonly diagonal?: boolean;
  readonly range?: readonly [number, number];
  readonly write: (value: number) => string;
}): HTMLElement {
  const { dots, diagonal = false, range, write } = request;
  const extent = (values: number[]): [number, number] => {
    if (range !== undefined) return [...range];
    const [from, to] = [Math.min(...values), Math.max(...values)];
    const margin = (to - from || Math.abs(to) || 1) * 0.15;
    return [from - margin, to + margin];
  };
  const [x0, x1] = extent(dots.map(({ x }) => x));
  const [y0, y1] = extent(dots.map(({ y }) => y));
  const [left, top, width, height] = [66, 12, 318, 232];
  const toX = (x: number) => left + ((x - x0) / (x1 - x0)) * width;
  const toY = (y: number) => top + height - ((y - y0) / (y1 - y0)) * height;
  const steps = [0, 0.25, 0.5, 0.75, 1];
  return h(
    "div",
    { class: "chart" },
    svg(
      "svg",
      { viewBox: "0 0 412 296", role: "img", "aria-label": request.label, class: "scatter" },
      steps.map((step) => {
        const [x, y] = [x0 + step * (x1 - x0), y0 + step * (y1 - y0)];
        return [
          svg("line", { class: "grid", x1: left, x2: left + width, y1: toY(y), y2: toY(y) }),
          svg("text", { x: left - 6, y: toY(y) + 4, "text-anchor": "end" }, write(y)),
          svg("text", { x: toX(x), y: top + height + 18, "text-anchor": "middle" }, write(x)),
        ];
      }),
      diagonal && svg("line", { class: "diagonal", x1: toX(x0), y1: toY(y0), x2: toX(x1), y2: toY(y1) }),
      dots.map(({ x, y, label, size = 6, tone = 0, isHollow, isNamed }) => [
        svg(
          "circle",
          { cx: toX(x), cy: toY(y), r: size, class: `dot tone-${tone % 6}${isHollow ? " hollow" : ""}` },
          svg("title", {}, label),
        ),
        isNamed &&
          svg("text", { x: toX(x), y: toY(y) - size - 5, "text-anchor": "middle", class: "name" }, label),
      ]),
      svg("text", { x: left + width / 2, y: 290, "text-anchor": "middle" }, request.x),
      svg(
        "text",
        { transform: `translate(12 ${top + height / 2}) rotate(-90)`, "text-anchor": "middle" },
        request.y,
      ),
    ),
  );
}
