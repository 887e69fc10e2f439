import type { DemoRecord, RunRecord } from "./runData.ts";

/** `1,234.50`; `–` for what is not a finite number. Rounds to `digits` and never shows a negative zero. */
export function toText(value: number | undefined, digits = 0): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  return toRounded(value, digits).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

interface Measure {
  readonly label: string;
  /** What the figure means and which way is good, in a few words. */
  readonly meaning: string;
  readonly digits: number;
  readonly unit?: string;
  readonly better?: "lower" | "higher";
  /** What is compared, and shown unless there is a `text`. */
  readonly of: (run: RunRecord) => number;
  readonly text?: (run: RunRecord) => string;
}

/** Hours may be fractions where bars are shorter than an hour. */
const hoursText = (hours: number): string => toText(hours, Number.isInteger(hours) ? 0 : 1);
const share = (part: number, whole: number): number => (whole > 0 ? part / whole : Number.NaN);

const outside: Measure = {
  label: "Hours outside the band",
  meaning: "Time in which some weight was out of bounds; fewer is better.",
  digits: 1,
  better: "lower",
  of: ({ outcome }) => outcome.hoursOutsideBand,
  text: ({ outcome }) => `${hoursText(outcome.hoursOutsideBand)} h`,
};
const cost: Measure = {
  label: "Cost, total",
  meaning:
    "Fees, impact and gas over the whole run, in hundredths of a percent of the vault; less is better.",
  digits: 2,
  unit: "bps",
  better: "lower",
  of: ({ outcome }) => outcome.costBps.total,
};
const tracking: Measure = {
  label: "Tracking error, a year",
  meaning: "How much returns strayed from the frictionless target mix; less is better.",
  digits: 2,
  unit: "%",
  better: "lower",
  of: ({ outcome }) => outcome.trackingError * 100,
};
const part = (label: string, meaning: string, of: Measure["of"]): Measure => ({
  label,
  meaning: `${meaning}; less is better.`,
  digits: 2,
  unit: "bps",
  better: "lower",
  of,
});

const MEASURES: readonly Measure[] = [
  {
    label: "Decisions",
    meaning: "One an hour, most of them to hold.",
    digits: 0,
    of: ({ outcome }) => outcome.decisions,
  },
  {
    label: "Decisions to hold",
    meaning: "No trade needed, or none worth its cost.",
    digits: 0,
    of: ({ outcome }) => outcome.holds,
  },
  {
    label: "Rebalances executed",
    meaning: "Neither few nor many is good in itself.",
    digits: 0,
    of: ({ outcome }) => outcome.executed,
  },
  {
    label: "Ahead of / after a breach",
    meaning: "Executed while every weight was in its band, or too late; a larger share ahead is better.",
    digits: 4,
    better: "higher",
    of: ({ outcome }) => share(outcome.executedAhead, outcome.executed),
    text: ({ outcome }) => `${toText(outcome.executedAhead)} / ${toText(outcome.executedAfter)}`,
  },
  outside,
  {
    label: "Mean distance beyond the band",
    meaning: "How far out, in those hours; less is better.",
    digits: 2,
    unit: "pp",
    better: "lower",
    of: ({ outcome }) => outcome.meanExcessPp,
  },
  tracking,
  cost,
  part("Fees", "Paid to the pools' liquidity providers", ({ outcome }) => outcome.costBps.fees),
  part("Impact", "Lost because the trades moved the price", ({ outcome }) => outcome.costBps.impact),
  part("Gas", "Paid for transactions, attestations included", ({ outcome }) => outcome.costBps.gas),
  {
    label: "Turnover",
    meaning: "Value sold over the vault's value; less is better.",
    digits: 1,
    unit: "%",
    better: "lower",
    of: ({ outcome }) => outcome.turnover * 100,
  },
  {
    label: "Return",
    meaning: "Mostly the market's doing, so not scored.",
    digits: 2,
    unit: "%",
    of: ({ outcome }) => outcome.returnPct,
  },
  {
    label: "Rejections",
    meaning: "Decisions the vault refused, each explained below; fewer is better.",
    digits: 0,
    better: "lower",
    of: ({ outcome }) => outcome.rejections,
  },
  {
    label: "Attestations verified",
    meaning: "Read back and checked afterwards; all of them should be.",
    digits: 4,
    better: "higher",
    of: ({ verified, attestations }) => share(verified, attestations),
    text: ({ verified, attestations }) => `${toText(verified)} of ${toText(attestations)}`,
  },
];

export interface ComparisonRow {
  readonly label: string;
  readonly meaning: string;
  /** With unit, in the order of the runs. */
  readonly values: readonly string[];
  /** Whether that run's figure is the best; none is where all are equal as shown, or the row is no contest. */
  readonly isBest: readonly boolean[];
}

/** The runs side by side. Figures are compared as rounded for display, so that no mark contradicts what is shown. */
export function toComparison(runs: readonly RunRecord[]): ComparisonRow[] {
  return MEASURES.map((measure) => ({
    label: measure.label,
    meaning: measure.meaning,
    values: runs.map((run) => valueText(measure, run)),
    isBest: bestOf(measure, runs),
  }));
}

const toRounded = (value: number, digits: number): number => Number(value.toFixed(digits)) + 0;

function valueText({ of, text, digits, unit }: Measure, run: RunRecord): string {
  return text?.(run) ?? toText(of(run), digits) + (unit === undefined ? "" : ` ${unit}`);
}

function bestOf({ of, digits, better }: Measure, runs: readonly RunRecord[]): boolean[] {
  const values = runs.map((run) => toRounded(of(run), digits));
  if (better === undefined || !values.every(Number.isFinite)) return values.map(() => false);
  const best = better === "lower" ? Math.min(...values) : Math.max(...values);
  return values.map((value) => value === best && values.some((other) => other !== best));
}

const HEADLINE = [
  { measure: outside, wins: "spent fewer hours outside the band", equal: "spent", of: "outside the band" },
  { measure: cost, wins: "cost less", equal: "cost", of: "" },
  {
    measure: tracking,
    wins: "tracked the target more closely",
    equal: "had a yearly tracking error of",
    of: "",
  },
] as const;

/**
 * What happened, in one sentence, computed from hours outside the band, cost and tracking error of the first two
 * runs. The policy that did better on more of the three is named first.
 */
export function toHeadline({ runs, hours }: Pick<DemoRecord, "runs" | "hours">): string {
  const [first, second] = runs;
  const over = `Over ${toText(hours)} ${hours === 1 ? "hour" : "hours"}`;
  if (first === undefined) return "No run is on record.";
  const plain = (run: RunRecord) =>
    toList(HEADLINE.map(({ measure, equal, of }) => `${equal} ${valueText(measure, run)} ${of}`.trimEnd()));
  if (second === undefined) return `${over} ${first.policy} ${plain(first)}.`;

  const pair = [first, second] as const;
  const isIdle = pair.every(({ outcome }) => outcome.executed === 0);
  const lead = `${over}${isIdle ? " neither policy traded:" : ""}`;
  const scored = HEADLINE.filter(({ measure }) => pair.every((run) => Number.isFinite(measure.of(run)))).map(
    (item) => ({ ...item, best: bestOf(item.measure, pair).indexOf(true) }),
  );
  const wins = pair.map((_, index) => scored.filter(({ best }) => best === index));
  const equals = scored.filter(({ best }) => best === -1);
  const ahead = wins[1]!.length > wins[0]!.length ? 1 : 0;
  const behind = 1 - ahead;
  if (wins[ahead]!.length === 0) {
    return `${lead} ${first.policy} and ${second.policy} came to the same: each ${plain(first)}.`;
  }
  const clauses = (index: number) =>
    toList(
      wins[index]!.map(({ wins: text, measure }) => {
        const values = [pair[index]!, pair[1 - index]!].map((run) => valueText(measure, run));
        return `${text} (${values.join(" against ")})`;
      }),
    );
  const tail = toList(
    equals.map(({ measure, equal, of }) => `${equal} ${valueText(measure, first)} ${of}`.trimEnd()),
  );
  const tie = equals.length === 0 ? "" : `; both ${tail}`;
  const winner = pair[ahead]!.policy;
  if (wins[behind]!.length > 0) {
    return `${lead} ${winner} ${clauses(ahead)}, but ${pair[behind]!.policy} ${clauses(behind)}${tie}.`;
  }
  return `${lead} ${winner} did better${equals.length === 0 ? " on all three counts" : ""}: it ${clauses(ahead)}${tie}.`;
}

/** `a`, `a and b`, `a, b and c`. */
const toList = (items: readonly string[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
