import { type Decision, read, readDecisions, readEvidence } from "../api.ts";
import { type Child, card, facts, h, hash, notice, table } from "../dom.ts";
import { duration, moment, percent } from "../format.ts";
import { type Manifest, nameOf } from "../manifest.ts";
import type { Context, Page } from "../page.ts";
import { type Reliability, reliabilityOf } from "../reliability.ts";
import { inputsOf } from "../state.ts";
import { metrics } from "./accuracy.ts";
import { course, trainings } from "./over-time.ts";
import { calibration } from "./reliability-plots.ts";

export interface ModelsData {
  readonly models: readonly Manifest[];
  readonly reliability: Reliability | undefined;
}

export const models: Page<ModelsData> = {
  title: "Models",
  async load({ run }) {
    const [{ items }, reliability] = await Promise.all([
      read<{ items: Manifest[] }>("v1/models"),
      run === undefined ? undefined : readReliability(run),
    ]);
    return { models: items, reliability };
  },
  view({ models: all, reliability }, context) {
    const chosen = all.find(({ modelId }) => modelId === context.choices.get("model")) ?? all[0];
    if (chosen === undefined)
      return notice("No models yet", [
        "A model is shown here once it is trained: ",
        h("code", {}, "npm run ballast -- train"),
      ]);
    const other = all.find(({ modelId }) => modelId === context.choices.get("other"));
    return [
      all.length > 1 && choice(all, chosen, other, context),
      metrics(chosen, other),
      course(chosen, other),
      all.length > 1 && trainings(all),
      calibration(chosen, other, reliability, context.run),
      breachSkill(chosen),
      manifest(chosen),
    ];
  },
};

/** The forecasts of a run against what came; the horizon is in the evidence of its decisions. */
async function readReliability(run: string): Promise<Reliability | undefined> {
  const { items } = await readDecisions({ run, limit: 500 });
  const signed = items.find(
    ({ offchainUid, decision }) => offchainUid !== null && !/^0x0+$/.test(decision.forecastHash),
  );
  if (signed === undefined) return undefined;
  const hours = inputsOf(await readEvidence(signed.offchainUid!))?.policy.horizonHours;
  return hours === undefined ? undefined : reliabilityOf(items satisfies Decision[], hours);
}

function choice(
  all: readonly Manifest[],
  chosen: Manifest,
  other: Manifest | undefined,
  { choices }: Context,
): HTMLElement {
  const select = (id: string, label: string, value: string | undefined, none: boolean) =>
    h(
      "label",
      {},
      label,
      h(
        "select",
        { id, change: (event) => choices.set(id, (event.target as HTMLSelectElement).value) },
        none && h("option", { value: "" }, "none"),
        all.map((one) => h("option", { value: one.modelId, selected: one.modelId === value }, nameOf(one))),
      ),
    );
  return h(
    "div",
    { class: "choices" },
    select("model", "Model", chosen.modelId, false),
    select("other", "Compare with", other?.modelId, true),
  );
}

function breachSkill({ breachNetwork }: Manifest): Child {
  if (!breachNetwork?.breach) return null;
  return card(
    "The network that the vault runs",
    "How well its score ranked breaches out of sample, by the half-width of the band: AUC is ½ for a coin, 1 for an oracle.",
    facts([["Network", hash(breachNetwork.id)]]),
    table(
      "Breach skill",
      [
        { head: "Band", cell: ({ band }) => `± ${percent(band)}` },
        { head: "Within", cell: ({ horizonHours }) => duration(horizonHours) },
        { head: "Breaches", isNumber: true, cell: ({ frequency }) => percent(frequency, 2) },
        {
          head: "AUC",
          isNumber: true,
          cell: ({ auc, frequency }) => (frequency === 0 ? "–" : auc.toFixed(3)),
        },
        {
          head: "Brier skill",
          isNumber: true,
          cell: ({ brierSkill, frequency }) => (frequency === 0 ? "–" : percent(brierSkill)),
        },
      ],
      breachNetwork.breach,
    ),
  );
}

function manifest(model: Manifest): HTMLElement {
  const { dataset } = model;
  return card(
    "Manifest",
    null,
    facts([
      ["Model", hash(model.modelId)],
      ["Data set", dataset.name ?? "–"],
      ["Data root", hash(dataset.root)],
      ["Assets", dataset.assets?.join(", ") ?? "–"],
      ["From", dataset.from === undefined ? "–" : moment(dataset.from)],
      ["Until", dataset.until === undefined ? "–" : moment(dataset.until)],
    ]),
    h(
      "details",
      {},
      h("summary", {}, "All of it, as training wrote it"),
      h(
        "pre",
        { tabindex: 0, role: "region", "aria-label": "The manifest as JSON" },
        JSON.stringify(model, null, 2),
      ),
    ),
  );
}
