import { type Decision, read, readDecisions, readEvidence } from "../api.ts";
import { timeChart } from "../charts.ts";
import { type Child, card, facts, h, hash, notice, svg, table } from "../dom.ts";
import { duration, figure, moment, percent } from "../format.ts";
import type { Context, Page } from "../page.ts";
import { type Reliability, reliabilityOf } from "../reliability.ts";
import { inputsOf } from "../state.ts";
import { observed, recalibration } from "./reliability-plots.ts";

/** What training writes of a model; parts are absent where another program wrote it. */
interface Manifest {
  readonly modelId: string;
  readonly metrics?: unknown;
  readonly dataset: {
    readonly name?: string;
    readonly assets?: readonly string[];
    readonly from?: string;
    readonly until?: string;
    readonly root: string;
  };
  readonly calibration?: {
    readonly a: number;
    readonly b: number;
    readonly predictions: number;
    readonly frequency: number;
    readonly brierSkillRaw: number;
    readonly brierSkillCalibrated: number;
  };
  readonly breachNetwork?: { readonly id: string; readonly breach?: readonly Skill[] };
}
interface Skill {
  readonly band: number;
  readonly horizonHours: number;
  readonly frequency: number;
  readonly auc: number;
  readonly brierSkill: number;
}
interface Score {
  readonly horizonHours: number;
  readonly qlike: Readonly<Record<string, number>>;
  readonly ratioToLogHar: Readonly<Record<string, number>>;
  readonly tAgainstLogHar: number;
  readonly coverage90: number;
}

const FORECASTERS: readonly (readonly [string, string])[] = [
  ["network", "This model"],
  ["linear", "Pooled linear"],
  ["logHar", "Log-HAR"],
  ["ewma", "EWMA"],
];

const scoresOf = ({ metrics }: Manifest): readonly Score[] =>
  Array.isArray(metrics) ? (metrics as Score[]) : [];

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
      all.length > 1 && overTime(all),
      calibration(chosen, reliability, context.run),
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

const nameOf = ({ modelId, dataset }: Manifest) => `${modelId.slice(0, 10)}… ${dataset.name ?? ""}`.trim();

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

/** A bar whose full length is `most`, with a line where it is 1. */
const bar = (value: number, most: number): SVGElement =>
  svg(
    "svg",
    { viewBox: "0 0 100 12", class: "bar", "aria-hidden": "true" },
    svg("rect", {
      x: 0,
      y: 2,
      width: (100 * value) / most,
      height: 8,
      rx: 2,
      class: value < 1 ? "better" : "worse",
    }),
    svg("line", { x1: 100 / most, x2: 100 / most, y1: 0, y2: 12 }),
  );

function metrics(model: Manifest, other: Manifest | undefined): HTMLElement {
  const scores = scoresOf(model);
  const title = "Accuracy against baselines";
  if (scores.length === 0)
    return card(title, null, notice("No scores", "This model's manifest has no walk-forward metrics."));
  const rows = scores.flatMap((score) =>
    FORECASTERS.flatMap(([key, name]) => {
      const ratio = score.ratioToLogHar[key];
      return ratio === undefined ? [] : [{ score, key, name, ratio }];
    }),
  );
  const most = Math.max(1.2, ...rows.map(({ ratio }) => ratio));
  const against = (hours: number) =>
    other && scoresOf(other).find(({ horizonHours }) => horizonHours === hours);
  return card(
    title,
    "Mean QLIKE loss out of sample over that of the per-asset log-HAR, walk-forward: below 1 is better. The upright line is 1.",
    h(
      "div",
      { class: "grid-2" },
      scores.map(({ horizonHours }) =>
        h(
          "div",
          {},
          h("h3", {}, `${duration(horizonHours)} ahead`),
          table(
            `QLIKE over log-HAR's, ${duration(horizonHours)} ahead`,
            [
              { head: "Forecaster", cell: ({ name }) => name },
              { head: "Ratio", isNumber: true, cell: ({ ratio }) => ratio.toFixed(3) },
              { head: "Drawn", cell: ({ ratio }) => bar(ratio, most) },
              { head: "QLIKE", isNumber: true, cell: ({ score, key }) => figure(score.qlike[key]) },
            ],
            rows.filter(({ score }) => score.horizonHours === horizonHours),
          ),
        ),
      ),
    ),
    h("h3", {}, "How sure, and how wide"),
    table(
      "Diebold-Mariano t and coverage by horizon",
      [
        { head: "Horizon", cell: ({ horizonHours }) => duration(horizonHours) },
        {
          head: "t against log-HAR (negative is better)",
          isNumber: true,
          cell: ({ tAgainstLogHar }) => tAgainstLogHar.toFixed(2),
        },
        {
          head: "Inside 5–95 % (90 % is right)",
          isNumber: true,
          cell: ({ coverage90 }) => percent(coverage90),
        },
        ...(other
          ? [
              {
                head: `Ratio of ${other.modelId.slice(0, 8)}…`,
                isNumber: true,
                cell: ({ horizonHours }: Score) =>
                  against(horizonHours)?.ratioToLogHar.network?.toFixed(3) ?? "–",
              },
              {
                head: "Difference",
                isNumber: true,
                cell: ({ horizonHours, ratioToLogHar }: Score) => {
                  const theirs = against(horizonHours)?.ratioToLogHar.network;
                  return theirs === undefined
                    ? "–"
                    : ((ratioToLogHar.network ?? Number.NaN) - theirs).toFixed(3);
                },
              },
            ]
          : []),
      ],
      scores,
    ),
  );
}

/** Each model's ratio by the end of what it was trained on. */
function overTime(all: readonly Manifest[]): Child {
  const dated = all
    .filter((model) => model.dataset.until !== undefined && scoresOf(model).length > 0)
    .toSorted((a, b) => Date.parse(a.dataset.until!) - Date.parse(b.dataset.until!));
  if (dated.length < 2) return null;
  const hours = [
    ...new Set(dated.flatMap((model) => scoresOf(model).map(({ horizonHours }) => horizonHours))),
  ];
  const ratio = (model: Manifest, h_: number) =>
    scoresOf(model).find(({ horizonHours }) => horizonHours === h_)?.ratioToLogHar.network ?? null;
  return card(
    "Accuracy over time",
    `QLIKE over log-HAR's of each model, by the end of what it was trained on.`,
    h(
      "ul",
      { class: "legend" },
      hours.map((h_, i) =>
        h(
          "li",
          {},
          svg(
            "svg",
            { viewBox: "0 0 24 4", "aria-hidden": "true", class: `tone-${i}` },
            svg("rect", { width: 24, height: 4, rx: 2 }),
          ),
          `${duration(h_)} ahead`,
        ),
      ),
    ),
    timeChart({
      label: `${dated.length} models over time; the table above has the numbers of the chosen one.`,
      height: 180,
      times: dated.map(({ dataset }) => Date.parse(dataset.until!)),
      lines: hours.map((h_, i) => ({
        label: duration(h_),
        values: dated.map((model) => ratio(model, h_)),
        colour: `tone-${i}`,
        hasPoints: true,
      })),
      write: figure,
      say: (i) =>
        i === null
          ? `${dated.length} models`
          : `${nameOf(dated[i]!)}: ${hours.map((h_) => `${duration(h_)} ${figure(ratio(dated[i]!, h_))}`).join(", ")}`,
    }),
  );
}

function calibration(
  model: Manifest,
  reliability: Reliability | undefined,
  run: string | undefined,
): HTMLElement {
  const { calibration: known } = model;
  const bins = reliability?.bins ?? [];
  return card(
    "Reliability",
    known
      ? `Recalibrated on ${known.predictions.toLocaleString("en")} predictions out of sample, of which ${percent(known.frequency)} came true: logit(p) = ${figure(known.a)} + ${figure(known.b)}·logit(raw). Brier skill over climatology ${percent(known.brierSkillCalibrated)}, raw ${percent(known.brierSkillRaw)}.`
      : "The manifest says nothing of a calibration.",
    h(
      "div",
      { class: "grid-2" },
      known && recalibration(known),
      reliability === undefined || bins.length === 0
        ? notice(
            "No hours to judge by yet",
            "It takes a run whose decisions had forecasts, and the hours that they were about.",
          )
        : observed(reliability, run ?? ""),
    ),
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
