import { hasRoute } from "../api.ts";
import {
  type Backtest,
  cancel,
  type DataSet,
  isUnavailable,
  readBacktest,
  readBacktests,
  readDataSets,
} from "../backtest-api.ts";
import { badge, type Child, card, facts, h, notice, type Tone, table } from "../dom.ts";
import { moment, percent } from "../format.ts";
import type { Context, Page } from "../page.ts";
import { form } from "./backtest-form.ts";
import { type Records, readRecords, results } from "./backtest-result.ts";

const POLL_MS = 1_000;

export type BacktestsData =
  | { readonly kind: "unavailable" }
  | { readonly kind: "list"; readonly items: readonly Backtest[]; readonly dataSets: readonly DataSet[] }
  | { readonly kind: "one"; readonly job: Backtest; readonly records: Records };

export const backtests: Page<BacktestsData> = {
  title: "Backtests",
  async load({ rest }) {
    if (!(await hasRoute("/v1/backtests"))) return { kind: "unavailable" };
    try {
      if (rest !== "") {
        const job = await readBacktest(rest);
        return { kind: "one", job, records: await readRecords(job) };
      }
      const [items, dataSets] = await Promise.all([readBacktests(), readDataSets()]);
      return { kind: "list", items, dataSets };
    } catch (error) {
      if (isUnavailable(error)) return { kind: "unavailable" };
      throw error;
    }
  },
  view(data, context) {
    if (data.kind === "unavailable")
      return notice(
        "Backtests are not available on this server",
        "It serves what an agent has recorded, and runs nothing itself. On your own machine:",
        h("p", {}, h("code", {}, "npm run ballast -- backtest --help")),
      );
    if (data.kind === "list") {
      if (data.items.some(isUnderWay)) context.again(POLL_MS);
      return [form(data.dataSets, context), list(data.items)];
    }
    if (isUnderWay(data.job)) context.again(POLL_MS);
    return [
      h("p", { class: "back" }, h("a", { href: "#/backtests" }, "← All backtests")),
      progress(data.job, context),
      results(data.job, data.records),
    ];
  },
};

const isUnderWay = ({ state }: Backtest) => state === "queued" || state === "running";
const TONES: Readonly<Record<Backtest["state"], Tone>> = {
  queued: "plain",
  running: "warn",
  done: "good",
  failed: "bad",
  cancelled: "plain",
};

function list(items: readonly Backtest[]): HTMLElement {
  return card(
    "Backtests on this server",
    null,
    items.length === 0
      ? notice("None yet", "The first one is shown here as soon as it is started.")
      : table(
          "Backtests",
          [
            {
              head: "Started",
              cell: ({ id, submittedAt }) => h("a", { href: `#/backtests/${id}` }, moment(submittedAt)),
            },
            { head: "State", cell: ({ state }) => badge(TONES[state], state) },
            {
              head: "Progress",
              isNumber: true,
              cell: ({ progress: p }) => percent(p.total === 0 ? 0 : p.done / p.total, 0),
            },
            { head: "Policies", cell: ({ request }) => policiesOf(request) },
          ],
          items,
        ),
  );
}

const policiesOf = (request: unknown): string => {
  const { policies = [] } = (request ?? {}) as {
    readonly policies?: readonly { readonly label?: string; readonly name: string }[];
  };
  return policies.map(({ label, name }) => label ?? name).join(", ") || "threshold";
};

function progress(job: Backtest, context: Context): Child {
  const { state, progress: p, error } = job;
  const stop = h("button", { type: "button", id: "cancel" }, "Cancel");
  stop.addEventListener("click", async () => {
    stop.disabled = true;
    await cancel(job.id).then(
      () => context.again(0),
      (reason: Error) => context.announce(reason.message),
    );
  });
  return card(
    "Backtest",
    null,
    facts([
      ["State", badge(TONES[state], state)],
      ["Started", moment(job.submittedAt)],
      ["Policies", policiesOf(job.request)],
    ]),
    isUnderWay(job) && [
      h(
        "label",
        { class: "progress" },
        `${p.step}: ${p.done.toLocaleString("en")} of ${p.total.toLocaleString("en")} bars`,
        h("progress", { max: Math.max(1, p.total), value: p.done }),
      ),
      stop,
    ],
    error && notice(`It failed: ${error.code}`, error.detail),
  );
}
