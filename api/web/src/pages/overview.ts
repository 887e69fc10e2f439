import {
  type Decision,
  type DecisionDetail,
  type Forecast,
  type Health,
  type Outlook,
  readDecision,
  readDecisions,
  readForecasts,
  readHealth,
} from "../api.ts";
import { badge, type Child, card, h, notice, type Tone, table } from "../dom.ts";
import { duration, figure, moment, percent } from "../format.ts";
import type { Page } from "../page.ts";
import { reasonText } from "../words.ts";
import { gasCard } from "./gas.ts";
import { LIKELY, weights } from "./weights.ts";

/** Hours of weights that lead up to the forecast. */
const PAST = 72;
const POSSIBLE = 0.1;

export interface OverviewData {
  readonly health: Health;
  readonly recent: readonly Decision[];
  readonly latest: DecisionDetail | undefined;
  readonly forecasts: readonly Forecast[];
}

export const overview: Page<OverviewData> = {
  title: "Overview",
  async load({ run }) {
    const [health, { items: recent }, forecasts] = await Promise.all([
      readHealth(),
      readDecisions({ run, limit: PAST }),
      readForecasts(24),
    ]);
    const newest = recent[0];
    const latest = newest && (await readDecision(newest.hash, newest.run));
    return { health, recent, latest, forecasts };
  },
  view({ health, recent, latest, forecasts }, context) {
    if (latest === undefined)
      return notice(
        "No decisions yet",
        "As soon as an agent has made its first decision it is shown here.",
        h("p", {}, h("code", {}, "npm run demo"), " makes a whole run to look at."),
      );
    return [
      summary(latest, recent, forecasts, health),
      weights(latest, recent, context),
      latest.outlook && breaches(latest.outlook),
      gasCard(forecasts),
    ];
  },
};

const tile = (name: string, value: Child, detail: Child): HTMLElement =>
  h(
    "div",
    { class: "tile" },
    h("h3", {}, name),
    h("p", { class: "value" }, value),
    h("p", { class: "detail" }, detail),
  );

function summary(
  latest: DecisionDetail,
  recent: readonly Decision[],
  forecasts: readonly Forecast[],
  health: Health,
): HTMLElement {
  const most = highest(latest);
  const [tone, headline]: [Tone, string] = latest.isBreached
    ? ["bad", "A weight is outside its band"]
    : most !== undefined && most.probability >= LIKELY
      ? ["warn", `${most.asset} may leave its band`]
      : ["good", "Every weight is inside its band"];
  const fee = forecasts[0]?.costs?.series.find(({ series }) => series === "base_fee_gwei");
  const ahead = fee?.horizons.at(-1);
  const change = fee && ahead ? ahead.lowest.mean / fee.now - 1 : undefined;
  return h(
    "section",
    { class: "summary", "aria-labelledby": "at-a-glance" },
    h("h2", { id: "at-a-glance", class: `headline ${tone}` }, headline),
    h(
      "p",
      { class: "lead" },
      `Last decision, ${moment(latest.at)}: `,
      h("a", { href: decisionLink(latest) }, latest.action === "hold" ? "hold" : "rebalance"),
      `, because ${reasonText(latest.reason)}.`,
    ),
    h(
      "div",
      { class: "tiles" },
      tile(
        "Breach probability",
        most === undefined ? "no forecast" : percent(most.probability),
        most === undefined ? "this policy used none" : `${most.asset}, within ${duration(most.hours)}`,
      ),
      nextTile(latest, recent),
      tile(
        "Gas now",
        fee === undefined ? "not known" : [figure(fee.now), h("small", {}, " gwei")],
        ahead === undefined || change === undefined
          ? "no base fee in the market data"
          : `lowest within ${duration(ahead.hours)} expected ${percent(Math.abs(change), 0)} ${change < 0 ? "lower" : "higher"}`,
      ),
      tile(
        "Health",
        badge(health.status === "ok" ? "good" : "bad", health.status === "ok" ? "well" : "unavailable"),
        health.journal.lastForecastAt === null
          ? "no forecast in the journal"
          : `last forecast ${moment(health.journal.lastForecastAt)}`,
      ),
    ),
  );
}

const decisionLink = ({ hash, run }: Decision): string =>
  `#/decisions/${hash}?run=${encodeURIComponent(run)}`;

/** The weight likeliest to leave its band within a day. */
function highest({ outlook }: DecisionDetail) {
  const all = (outlook ?? []).flatMap(({ asset, horizons }) => {
    const day = horizons.findLast(({ hours }) => hours <= 24) ?? horizons[0];
    return day === undefined ? [] : [{ asset, probability: day.breachProbability, hours: day.hours }];
  });
  return all.toSorted((a, b) => b.probability - a.probability)[0];
}

function nextTile(latest: Decision, recent: readonly Decision[]): HTMLElement {
  const times = recent.map(({ at }) => Date.parse(at));
  const steps = times
    .slice(1)
    .map((time, i) => times[i]! - time)
    .toSorted((a, b) => a - b);
  const step = steps[Math.floor(steps.length / 2)];
  if (step === undefined) return tile("Next decision", "not known", "there has been but one");
  const next = Date.parse(latest.at) + step;
  const hoursLeft = (next - Date.now()) / 3.6e6;
  if (hoursLeft < -2 * (step / 3.6e6))
    return tile("Next decision", "none due", `this run ended on ${moment(latest.at)}`);
  return tile(
    "Next decision",
    moment(next),
    hoursLeft > 0 ? `in ${duration(hoursLeft)}, one every ${duration(step / 3.6e6)}` : "due now",
  );
}

function breaches(outlook: readonly Outlook[]): HTMLElement {
  const hours = outlook[0]?.horizons.map((horizon) => horizon.hours) ?? [];
  const level = (p: number) => (p >= LIKELY ? "high" : p >= POSSIBLE ? "middle" : "low");
  return card(
    "How likely each weight leaves its band",
    "Calibrated probability that the weight is seen outside its band by then, if nobody trades.",
    table(
      "Breach probability by holding and time",
      [
        { head: "Holding", cell: ({ asset }: Outlook) => asset },
        ...hours.map((h_, i) => ({
          head: duration(h_),
          isNumber: true,
          cell: ({ horizons }: Outlook) => {
            const p = horizons[i]?.breachProbability ?? 0;
            return h("span", { class: `heat ${level(p)}` }, percent(p));
          },
        })),
        {
          head: "Stays inside for",
          isNumber: true,
          cell: ({ horizons }: Outlook) => {
            const expected = horizons.at(-1)?.hoursToBreach;
            return expected === null || expected === undefined ? "without end" : duration(expected);
          },
        },
      ],
      outlook,
    ),
  );
}
