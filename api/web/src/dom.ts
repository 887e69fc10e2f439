export type Child = Node | string | number | false | null | undefined | readonly Child[];
type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>;

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (typeof child === "object" && !(child instanceof Node)) append(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

/** An element; a function among the attributes listens to the event of that name. Text is never read as markup. */
export const h = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] => fill(document.createElement(tag), attributes, children);

export const svg = (tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => Child;
  /** Right-aligned, in figures of one width. */
  readonly isNumber?: boolean;
}

/** A table in a box that scrolls sideways where it is too wide, by keyboard too. The first column heads its row. */
export function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): HTMLElement {
  const align = ({ isNumber }: Column<T>) => (isNumber ? "number" : undefined);
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": `Table: ${caption}` },
    h(
      "table",
      {},
      h("caption", { class: "hidden" }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map((c) => h("th", { scope: "col", class: align(c) }, c.head)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            columns.map((column, i) =>
              i === 0
                ? h("th", { scope: "row" }, column.cell(row))
                : h("td", { class: align(column) }, column.cell(row)),
            ),
          ),
        ),
      ),
    ),
  );
}

/** A chart's own numbers, for whoever does not see it or wants them exactly. */
export const asTable = <T>(
  caption: string,
  columns: readonly Column<T>[],
  rows: readonly T[],
  summary = "As a table",
): HTMLElement =>
  h("details", { class: "as-table" }, h("summary", {}, summary), table(caption, columns, rows));

/** A titled part of a page. */
export function card(title: string, note: Child, ...children: Child[]): HTMLElement {
  const id = `part-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  return h(
    "section",
    { class: "card", "aria-labelledby": id },
    h("h2", { id }, title),
    note !== null && h("p", { class: "note" }, note),
    ...children,
  );
}

export type Tone = "good" | "warn" | "bad" | "plain";
const MARK: Readonly<Record<Tone, string>> = { good: "✓", warn: "!", bad: "✕", plain: "·" };

/** A word with a mark and a colour; the word says it all. */
export const badge = (tone: Tone, text: string): HTMLElement =>
  h(
    "span",
    { class: `badge ${tone}` },
    h("span", { class: "mark", "aria-hidden": "true" }, MARK[tone]),
    text,
  );

/** What there is instead of data: nothing yet, or why not. */
export const notice = (title: string, detail: Child, ...actions: Child[]): HTMLElement =>
  h("div", { class: "notice" }, h("p", { class: "notice-title" }, title), h("p", {}, detail), ...actions);

export const facts = (pairs: readonly (readonly [string, Child])[]): HTMLElement =>
  h(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );

/** Long hexadecimal: its ends, and all of it for a copy or a screen reader's second look. */
export const hash = (value: string): HTMLElement =>
  h(
    "code",
    { title: value, class: "hash" },
    value.length > 22 ? `${value.slice(0, 10)}…${value.slice(-8)}` : value,
  );
