import { POLICIES } from "@ballast/agent";
import { type DataSet, submit } from "../backtest-api.ts";
import { card, h, notice } from "../dom.ts";
import { apiKey, setApiKey } from "../key.ts";
import type { Context } from "../page.ts";

const field = (label: string, control: HTMLElement, hint?: string) =>
  h("label", {}, label, control, hint !== undefined && h("small", {}, hint));

/** Starts a backtest: policies side by side over one market. */
export function form(dataSets: readonly DataSet[], { announce }: Context): HTMLElement {
  const title = "Start one";
  const first = dataSets[0];
  if (first === undefined)
    return card(title, null, notice("No data sets", "This server was given no bars to run on."));
  const input = (name: string, attributes: Parameters<typeof h>[1] = {}) =>
    h("input", { name, id: `field-${name}`, ...attributes });
  const share = (set: DataSet) =>
    set.assets
      .slice(0, 3)
      .map((asset) => `${asset} 0.25`)
      .join(", ");
  const targets = input("targets", { value: share(first), required: true, spellcheck: "false" });
  const data = h(
    "select",
    {
      name: "data",
      id: "field-data",
      change: () => {
        targets.value = share(dataSets.find(({ name }) => name === data.value) ?? first);
      },
    },
    dataSets.map(({ name, assets, from, until }) =>
      h(
        "option",
        { value: name },
        `${name}: ${assets.join(", ")}, ${from.slice(0, 10)} to ${until.slice(0, 10)}`,
      ),
    ),
  );
  const said = h("p", { class: "form-error", role: "alert" });
  const start = h("button", { type: "submit", class: "primary", id: "start" }, "Start");
  const send = async (event: Event) => {
    event.preventDefault();
    const values = new FormData(event.target as HTMLFormElement);
    setApiKey(String(values.get("key")));
    start.disabled = true;
    said.textContent = "";
    try {
      const job = await submit(toRequest(values));
      announce("The backtest was started.");
      location.hash = `#/backtests/${job.id}`;
    } catch (error) {
      said.textContent = error instanceof Error ? error.message : String(error);
    }
    start.disabled = false;
  };
  return card(
    title,
    "Policies run side by side over one market, by the same decisions as a live agent's.",
    h(
      "form",
      { class: "form", submit: (event) => void send(event) },
      field("Data set", data),
      field(
        "From",
        input("from", { type: "date", min: first.from.slice(0, 10), max: first.until.slice(0, 10) }),
        "the earliest possible where empty",
      ),
      field(
        "Until",
        input("until", { type: "date", min: first.from.slice(0, 10), max: first.until.slice(0, 10) }),
        "the data's end where empty",
      ),
      field("Target weights", targets, "the base asset takes the rest"),
      field(
        "Band",
        input("band", { type: "number", min: 0.001, max: 0.5, step: 0.001, value: 0.02, required: true }),
        "half-width around each target",
      ),
      field("Value, dollars", input("nav", { type: "number", min: 1, value: 1_000_000, required: true })),
      h(
        "fieldset",
        {},
        h("legend", {}, "Policies"),
        [...POLICIES.values()].map(({ name, summary }) =>
          h(
            "label",
            { class: "check" },
            h("input", {
              type: "checkbox",
              name: "policy",
              value: name,
              checked: name === "threshold" || name === "predictive",
            }),
            h("span", {}, h("strong", {}, name), ` ${summary}`),
          ),
        ),
      ),
      field(
        "Model",
        h(
          "select",
          { name: "model", id: "field-model" },
          ["linear", "champion", "none"].map((value) => h("option", { value }, value)),
        ),
        "linear is fitted on the way",
      ),
      field(
        "API key",
        input("key", { type: "password", autocomplete: "off", value: apiKey() }),
        "where this server wants one",
      ),
      h("div", {}, start),
      said,
    ),
  );
}

const text = (values: FormData, name: string): string => String(values.get(name) ?? "").trim();

/** What the service takes for the base asset. */
const BASE = "USDC";

/** As `POST /v1/backtests` wants it, the base asset's share included. What does not fit is the service's to refuse, in its own words. */
export function toRequest(values: FormData): unknown {
  const [from, until] = [text(values, "from"), text(values, "until")];
  const targets = text(values, "targets")
    .split(",")
    .map((part) => part.trim().split(/[\s:=]+/))
    .map(([asset = "", weight]) => [asset.toUpperCase(), Number(weight)] as const);
  const rest = 1 - targets.reduce((sum, [, weight]) => sum + weight, 0);
  const isWhole = targets.some(([asset]) => asset === BASE) || !(rest > 0);
  // Shares as people write them: the rest is no longer than they are.
  if (!isWhole) targets.push([BASE, Number(rest.toFixed(9))]);
  const policies = values.getAll("policy").map((name) => ({ name: String(name) }));
  return {
    data: text(values, "data"),
    ...(from !== "" && { from }),
    ...(until !== "" && { until }),
    portfolio: {
      nav: Number(text(values, "nav")),
      targets: Object.fromEntries(targets),
      bands: Number(text(values, "band")),
    },
    model: text(values, "model"),
    ...(policies.length > 0 && { policies }),
  };
}
