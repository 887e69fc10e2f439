import { OfflineError, ProblemError, type Run, readRuns } from "./api.ts";
import { h, notice, svg } from "./dom.ts";
import { hourOf } from "./format.ts";
import { apiKey, setApiKey } from "./key.ts";
import { type LiveState, watch } from "./live.ts";
import type { Context, Page } from "./page.ts";
import { overview } from "./pages/overview.ts";
import { themeSwitch } from "./theme.ts";

/** The first view comes at once; the others when somebody wants them. */
const PAGES: Readonly<Record<string, () => Promise<Page<unknown>>>> = {
  "": async () => overview as Page<unknown>,
  decisions: async () =>
    (isOne()
      ? (await import("./pages/decision.ts")).decision
      : (await import("./pages/decisions.ts")).decisions) as Page<unknown>,
  models: async () => (await import("./pages/models.ts")).models as Page<unknown>,
  backtests: async () => (await import("./pages/backtests.ts")).backtests as Page<unknown>,
};
const TABS = [
  ["", "Overview"],
  ["decisions", "Decisions"],
  ["models", "Models"],
  ["backtests", "Backtests"],
] as const;
const STATES: Readonly<Record<LiveState, string>> = {
  connecting: "connecting",
  live: "live",
  polling: "every 10 s",
  offline: "offline",
};

const address = () => {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [name = "", ...rest] = path.split("/");
  return { name, rest: rest.join("/"), query: new URLSearchParams(query) };
};
const isOne = () => address().rest !== "";

const heading = h("h1", { tabindex: -1 });
const body = h("div", { class: "page" });
const banner = h("div", { class: "banner", role: "status" });
const announcer = h("div", { class: "hidden", "aria-live": "polite" });
const live = h("span", { class: "live connecting" }, STATES.connecting);
const runChoice = h("select", { id: "run", change: () => choose("run", runChoice.value) });
const links = TABS.map(([name, text]) => h("a", { href: `#/${name}` }, text));

let runs: readonly Run[] = [];
const choices = new Map<string, string>();
/** What is on the page now: the address and the data it was made from. */
let shown = { place: "", data: "", at: 0 };
let turn = 0;
let later: number | undefined;
/** ms after which the page that is shown wants to be read again, where it does. */
let repeats: number | undefined;
const LEAST_REPEAT_MS = 250;

const announce = (text: string): void => {
  announcer.textContent = "";
  window.setTimeout(() => (announcer.textContent = text), 50);
};

function choose(name: string, value: string): void {
  choices.set(name, value);
  void show(true);
}

const contextNow = (): Context => ({
  run: choices.get("run") ?? runs[0]?.run,
  runs,
  rest: address().rest,
  query: address().query,
  choices: { get: (name) => choices.get(name), set: choose },
  again(ms) {
    repeats = Math.max(ms, LEAST_REPEAT_MS);
    showIn(ms);
  },
  announce,
});

function showIn(ms: number): void {
  window.clearTimeout(later);
  later = window.setTimeout(() => void show(false), ms);
}

/** Reads what the address asks for and shows it, if it is anything new. */
async function show(isForced: boolean): Promise<void> {
  const mine = ++turn;
  const { name } = address();
  const place = location.hash;
  const isArrival = place !== shown.place;
  const open = PAGES[name];
  if (isArrival) {
    window.clearTimeout(later);
    repeats = undefined;
    arrive(name);
  }
  try {
    if (open === undefined) throw new Error(`There is no page ${name}.`);
    const page = await open();
    if (mine !== turn) return;
    heading.textContent = page.title;
    document.title = `${page.title} · Ballast`;
    runs = await readRuns();
    const context = contextNow();
    const data = await page.load(context);
    if (mine !== turn) return;
    online();
    const text = JSON.stringify([data, context.run]);
    if (!isForced && !isArrival && text === shown.data) {
      // Nothing new yet is no reason to stop asking.
      if (repeats !== undefined) showIn(repeats);
      return;
    }
    const wasThere = shown.data !== "" && !isArrival;
    repeats = undefined;
    render(() => page.view(data, context));
    shown = { place, data: text, at: Date.now() };
    if (wasThere && !isForced) announce(`${page.title} updated`);
  } catch (error) {
    if (mine !== turn) return;
    fail(error, isArrival);
    if (repeats !== undefined) showIn(repeats);
  }
}

/** At a new address: what was there goes, and the reader stands at its beginning. */
function arrive(name: string): void {
  for (const [i, [tab]] of TABS.entries()) {
    if (tab === name) links[i]!.setAttribute("aria-current", "page");
    else links[i]!.removeAttribute("aria-current");
  }
  body.setAttribute("aria-busy", "true");
  body.replaceChildren(
    h("div", { class: "skeleton", role: "status" }, h("span", { class: "hidden" }, "Loading")),
  );
  shown = { place: location.hash, data: "", at: 0 };
  if (document.activeElement !== document.body) {
    heading.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}

function render(view: () => ReturnType<Page<unknown>["view"]>): void {
  const focused = document.activeElement?.id;
  const named = () =>
    [...body.querySelectorAll("details")].map((one, i) => [one.id || String(i), one] as const);
  const opened = new Set(named().flatMap(([name, { open }]) => (open ? [name] : [])));
  body.replaceChildren(h("div", {}, view()));
  body.removeAttribute("aria-busy");
  for (const [name, details] of named()) details.open = opened.has(name);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  showRuns();
}

function showRuns(): void {
  const current = contextNow().run;
  runChoice.parentElement!.hidden = runs.length < 2;
  runChoice.replaceChildren(
    ...runs.map(({ run }) => h("option", { value: run, selected: run === current }, run)),
  );
}

function online(): void {
  banner.textContent = "";
  banner.hidden = true;
}

function fail(error: unknown, isArrival: boolean): void {
  const text = error instanceof Error ? error.message : String(error);
  body.removeAttribute("aria-busy");
  // What was read before is better than nothing, where it says how old it is.
  if (error instanceof OfflineError && !isArrival && shown.data !== "") {
    banner.hidden = false;
    banner.textContent = `Offline: this is what was read at ${hourOf(new Date(shown.at).toISOString())} UTC. Trying again.`;
    return;
  }
  shown = { place: location.hash, data: "", at: 0 };
  if (error instanceof ProblemError && (error.status === 401 || error.status === 403)) {
    // While the reader writes, nothing may take the field away.
    if (document.getElementById("key") === null) body.replaceChildren(askForKey(text));
    return;
  }
  body.replaceChildren(
    notice(
      error instanceof OfflineError ? "The service does not answer" : "This could not be shown",
      text,
      h("button", { type: "button", id: "retry", click: () => void show(true) }, "Try again"),
    ),
  );
}

document.body.append(
  h("a", { class: "skip", href: "#main", click: skip }, "Skip to the content"),
  h(
    "header",
    {},
    h(
      "div",
      { class: "bar-top" },
      h("a", { class: "brand", href: "#/" }, logo(), "Ballast"),
      h("nav", { "aria-label": "Pages" }, links),
      h(
        "div",
        { class: "tools" },
        h("label", { class: "run", hidden: true }, h("span", { class: "hidden" }, "Run"), runChoice),
        live,
        themeSwitch(() => void show(true)),
      ),
    ),
  ),
  h("main", { id: "main" }, banner, heading, body),
  h(
    "footer",
    {},
    h(
      "p",
      {},
      "Every decision can be checked by anyone. ",
      h("a", { href: "docs" }, "API reference"),
      " · ",
      h("a", { href: "v1" }, "Routes"),
    ),
  ),
  announcer,
);
banner.hidden = true;

function askForKey(why: string): HTMLElement {
  const input = h("input", { id: "key", type: "password", autocomplete: "off", value: apiKey() });
  const use = (event: Event) => {
    event.preventDefault();
    setApiKey(input.value);
    body.replaceChildren();
    void show(true);
  };
  return notice(
    "This service wants an API key",
    why,
    h(
      "form",
      { class: "choices", submit: use },
      h("label", {}, "API key", input),
      h("div", {}, h("button", { type: "submit", class: "primary", id: "use-key" }, "Use it")),
    ),
  );
}

/** Not by the address, which names the page. */
function skip(event: Event): void {
  event.preventDefault();
  heading.focus();
}

function logo(): SVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 32 32", width: 28, height: 28, "aria-hidden": "true", class: "logo" },
    svg("path", { d: "M6 13h20M9 13l-3 7a4 4 0 0 0 6 0zM23 13l-3 7a4 4 0 0 0 6 0zM16 8v16M11 25h10" }),
  );
}

window.addEventListener("hashchange", () => void show(false));
window.addEventListener("offline", () => void show(false));
await show(false);
void watch(
  () => void show(false),
  (state) => {
    live.className = `live ${state === "live" ? "streaming" : state}`;
    live.textContent = STATES[state];
  },
);
