import { type Decision, type DecisionPage, readDecisions } from "../api.ts";
import { timeChart } from "../charts.ts";
import { badge, card, h, notice, type Tone } from "../dom.ts";
import { day, hourOf, moment, percent } from "../format.ts";
import type { Context, Page } from "../page.ts";
import { reasonText, STAGES } from "../words.ts";

const PAGE = 100;
const FILTERS = [
  ["all", "All"],
  ["rebalance", "Trades"],
  ["hold", "Holds"],
] as const;

export const stageBadge = ({ stage, action }: Pick<Decision, "stage" | "action">): HTMLElement => {
  const tone: Tone =
    stage === "executed"
      ? "good"
      : stage === "rejected" || stage === "abandoned"
        ? "bad"
        : action === "hold"
          ? "plain"
          : "warn";
  return badge(tone, action === "hold" ? "held" : (STAGES[stage] ?? stage));
};

export const decisions: Page<DecisionPage> = {
  title: "Decisions",
  load: ({ run, choices }) => {
    const filter = choices.get("action") ?? "all";
    return readDecisions({ run, limit: PAGE, action: filter === "all" ? undefined : filter });
  },
  view(page, context) {
    const { choices, run } = context;
    const filter = choices.get("action") ?? "all";
    const list = h("div", { class: "timeline" }, byDay(page.items));
    return [
      page.items.length > 1 && filter === "all" && chances(page.items),
      card(
        "Timeline",
        "Newest first. Each opens with what it was made from, what else could have been done, and a way to check it.",
        h(
          "div",
          { class: "segments", role: "group", "aria-label": "Which decisions" },
          FILTERS.map(([value, text]) =>
            h(
              "button",
              {
                type: "button",
                id: `filter-${value}`,
                "aria-pressed": String(filter === value),
                click: () => choices.set("action", value),
              },
              text,
            ),
          ),
        ),
        page.items.length === 0
          ? notice(
              filter === "all" ? "No decisions yet" : `No ${filter === "hold" ? "holds" : "trades"} yet`,
              run === undefined
                ? "An agent's first decision is shown here as soon as it is made."
                : `The run ${run} has made none.`,
            )
          : list,
        page.nextCursor !== null && more(page.nextCursor, list, context),
      ),
    ];
  },
};

/** Earlier decisions are added below those there are, so that nothing moves. */
function more(first: string, list: HTMLElement, { run, choices, announce }: Context): HTMLElement {
  let cursor: string | null = first;
  const filter = choices.get("action") ?? "all";
  const button = h("button", { type: "button", class: "more", id: "more" }, "Earlier decisions");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const action = filter === "all" ? undefined : filter;
      const page: DecisionPage = await readDecisions({
        run,
        limit: PAGE,
        cursor: cursor ?? undefined,
        action,
      });
      list.append(...byDay(page.items));
      cursor = page.nextCursor;
      announce(`${page.items.length} earlier decisions`);
    } catch (error) {
      announce(error instanceof Error ? error.message : String(error));
    }
    button.disabled = false;
    button.hidden = cursor === null;
  });
  return button;
}

function byDay(items: readonly Decision[]): HTMLElement[] {
  const days = Map.groupBy(items, ({ at }) => at.slice(0, 10));
  return [...days].map(([date, made]) =>
    h("div", { class: "day" }, h("h3", {}, day(date)), h("ol", {}, toRuns(made).map(holdsOrRows))),
  );
}

/** Of so many holds in a row, for one and the same reason, the reader wants to see that they are there. */
const MANY = 4;

/** Decisions in a row that did the same for the same reason. */
function toRuns(items: readonly Decision[]): Decision[][] {
  const runs: Decision[][] = [];
  for (const item of items) {
    const [last] = runs.at(-1) ?? [];
    if (last?.action === item.action && last.reason === item.reason && last.run === item.run)
      runs.at(-1)!.push(item);
    else runs.push([item]);
  }
  return runs;
}

function holdsOrRows(run: readonly Decision[]): HTMLElement[] {
  const [newest, oldest] = [run[0]!, run.at(-1)!];
  if (newest.action !== "hold" || run.length < MANY) return run.map(row);
  const highest = Math.max(...run.map(({ breachProbability }) => breachProbability ?? 0));
  return [
    h(
      "li",
      {},
      h(
        "details",
        // The oldest stays where it is while new ones come in.
        { class: "holds", id: `holds-${oldest.hash}` },
        h(
          "summary",
          { class: "row hold" },
          h("span", { class: "span" }, `${hourOf(oldest.at)} to ${hourOf(newest.at)}`),
          h(
            "span",
            { class: "what" },
            h("strong", {}, `${run.length} holds`),
            h("span", { class: "why" }, reasonText(newest.reason)),
          ),
          h(
            "span",
            { class: "chance" },
            h("span", { class: "hidden" }, "breach probability "),
            `≤ ${percent(highest)}`,
          ),
        ),
        h("ol", {}, run.map(row)),
      ),
    ),
  ];
}

const row = (decision: Decision): HTMLElement =>
  h(
    "li",
    {},
    h(
      "a",
      {
        class: `row ${decision.action}`,
        href: `#/decisions/${decision.hash}?run=${encodeURIComponent(decision.run)}`,
      },
      h("time", { datetime: decision.at }, hourOf(decision.at)),
      h(
        "span",
        { class: "what" },
        h("strong", {}, decision.action === "hold" ? "Hold" : "Rebalance"),
        h("span", { class: "why" }, reasonText(decision.reason)),
      ),
      h(
        "span",
        { class: "chance" },
        percent(decision.breachProbability),
        h("span", { class: "hidden" }, " breach probability"),
      ),
      decision.action === "rebalance" && stageBadge(decision),
    ),
  );

/** Breach probability at each decision, with a mark where something was traded. */
function chances(items: readonly Decision[]): HTMLElement {
  const past = items.toReversed();
  const times = past.map(({ at }) => Date.parse(at));
  const traded = past.filter(({ action }) => action === "rebalance");
  return card(
    "Breach probability, and when it traded",
    "Of the likeliest weight, within the policy's horizon. A diamond marks a trade.",
    timeChart({
      label: `Breach probability at ${past.length} decisions, ${traded.length} of them trades. The timeline below has each.`,
      height: 150,
      times,
      low: 0,
      lines: [
        {
          label: "breach probability",
          values: past.map(({ breachProbability }) => breachProbability),
          colour: "accent",
        },
      ],
      marks: traded.map(({ at, breachProbability, stage }) => ({
        time: Date.parse(at),
        value: breachProbability ?? 0,
        colour: stage === "rejected" ? "bad" : "trade",
      })),
      write: (value) => percent(value, 0),
      say: (i) =>
        i === null
          ? `${past.length} decisions, ${traded.length} of them trades`
          : `${moment(times[i]!)}: ${percent(past[i]?.breachProbability)}, ${past[i]?.action === "hold" ? "held" : "traded"}`,
    }),
  );
}
