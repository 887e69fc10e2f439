import type { Decision, DecisionDetail, Outlook } from "../api.ts";
import { timeChart } from "../charts.ts";
import { asTable, badge, card, h, type Tone, table } from "../dom.ts";
import { duration, moment, percent } from "../format.ts";
import type { Context } from "../page.ts";

/** A breach that is at least this likely is warned of. */
export const LIKELY = 0.3;

/** Each weight until now inside its band, and where the forecast expects it if nobody trades. */
export function weights(
  latest: DecisionDetail,
  recent: readonly Decision[],
  { choices }: Context,
): HTMLElement {
  const { outlook } = latest;
  if (outlook === null) {
    return card(
      "Weights inside their bands",
      "This run used no forecast, so only the weights themselves are known.",
      table(
        "Weights at the last decision",
        [
          {
            head: "Holding",
            cell: ([i]: [number, number | null]) => (i === 0 ? "base asset" : `asset ${i}`),
          },
          { head: "Weight", isNumber: true, cell: ([, weight]) => percent(weight, 2) },
        ],
        latest.weights.map((weight, i): [number, number | null] => [i, weight]),
      ),
    );
  }
  const past = recent.toReversed();
  const longest = outlook[0]?.horizons.at(-1)?.hours ?? 24;
  const ahead = choices.get("ahead") === "week" ? longest : Math.min(24, longest);
  const option = (value: string, text: string, isOn: boolean) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(isOn),
        id: `ahead-${value}`,
        click: () => choices.set("ahead", value),
      },
      text,
    );
  return card(
    "Weights inside their bands",
    "The green strip is the band, the dashed line the target. To the right of the upright line is what the forecast expects if nobody trades: the middle, and where the weight lies in 5 and in 9 of 10 cases.",
    h(
      "div",
      { class: "segments", role: "group", "aria-label": "How far ahead" },
      option("day", "24 h ahead", ahead <= 24),
      option("week", `${duration(longest)} ahead`, ahead > 24),
    ),
    h(
      "div",
      { class: "grid-2" },
      outlook.map((holding, i) => weightChart(holding, i, past, latest, ahead)),
    ),
  );
}

function weightChart(
  { asset, weight, target, band, horizons }: Outlook,
  index: number,
  past: readonly Decision[],
  latest: Decision,
  ahead: number,
): HTMLElement {
  const now = Date.parse(latest.at);
  const future = horizons.filter(({ hours }) => hours <= ahead);
  const times = [...past.map(({ at }) => Date.parse(at)), ...future.map(({ hours }) => now + hours * 3.6e6)];
  const known = past.map(({ weights }) => weights[index] ?? null);
  const blank = past.map((_, i) => (i === past.length - 1 ? weight : null));
  const at = (level: number) => [
    ...blank,
    ...future.map(
      ({ levels, quantiles }) => quantiles[levels.findIndex((l) => Math.abs(l - level) < 1e-6)] ?? null,
    ),
  ];
  const [low, high] = [target - band, target + band];
  const outside = weight < low || weight > high;
  const last = future.at(-1);
  const chance = last?.breachProbability ?? 0;
  const tone: Tone = outside || chance >= LIKELY ? (outside ? "bad" : "warn") : "good";
  const range = (i: number) => {
    const { quantiles = [], mean = Number.NaN } = future[i] ?? {};
    return `${percent(mean, 2)} expected, 9 of 10 cases ${percent(quantiles[0], 2)} to ${percent(quantiles.at(-1), 2)}`;
  };
  return h(
    "figure",
    { class: "weight" },
    h(
      "figcaption",
      {},
      h("h3", {}, asset),
      badge(
        tone,
        outside ? "outside its band" : `${percent(chance)} leaves within ${duration(last?.hours ?? 0)}`,
      ),
    ),
    timeChart({
      label: `${asset}: ${percent(weight, 2)}, target ${percent(target)}, band ${percent(low)} to ${percent(high)}; ${percent(chance)} likely to leave it within ${duration(last?.hours ?? 0)}.`,
      height: 190,
      times,
      strip: { low, high, middle: target },
      now,
      lines: [
        { label: "weight", values: [...known, ...future.map(() => null)], colour: "accent" },
        { label: "95 %", values: at(0.95), colour: "fan-edge", width: 1 },
        { label: "75 %", values: at(0.75), colour: "fan-edge", width: 0 },
        { label: "middle", values: at(0.5), colour: "accent", dash: [4, 4] },
        { label: "25 %", values: at(0.25), colour: "fan-edge", width: 0 },
        { label: "5 %", values: at(0.05), colour: "fan-edge", width: 1 },
      ],
      areas: [
        { between: [1, 5], colour: "fan" },
        { between: [2, 4], colour: "fan" },
      ],
      write: (value) => percent(value),
      say: (i) =>
        i === null
          ? `Now ${percent(weight, 2)}; target ${percent(target)}, band ${percent(low)} to ${percent(high)}`
          : i < past.length
            ? `${moment(times[i]!)}: ${percent(known[i], 2)}`
            : `${moment(times[i]!)}: ${range(i - past.length)}`,
    }),
    asTable(
      `${asset} ahead`,
      [
        { head: "Within", cell: ({ hours }) => duration(hours) },
        { head: "Expected", isNumber: true, cell: ({ mean }) => percent(mean, 2) },
        { head: "5 %", isNumber: true, cell: ({ quantiles }) => percent(quantiles[0], 2) },
        { head: "95 %", isNumber: true, cell: ({ quantiles }) => percent(quantiles.at(-1), 2) },
        {
          head: "Leaves its band",
          isNumber: true,
          cell: ({ breachProbability }) => percent(breachProbability),
        },
      ],
      horizons,
    ),
  );
}
