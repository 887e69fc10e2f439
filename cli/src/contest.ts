import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeParquet } from "@ballast/data";
import {
  CONTEST_COLUMNS,
  type ContestReport,
  loadHours,
  openKept,
  openResumedLedger,
  openScoreLedger,
  parseBasket,
  requireBars,
  runContest,
  showBasket,
  toContestColumns,
  toContestHeadline,
  toContestPage,
  toContestReport,
  toMainnet,
  toRollup,
  toVolatility,
} from "@ballast/training";
import { checkWritable, writeWhole } from "./folders.ts";
import { interruptible } from "./interrupt.ts";
import type { Terminal } from "./terminal.ts";

export interface ContestCommandOptions {
  readonly bars: string;
  readonly basket: string;
  readonly gas?: string;
  readonly nav: number;
  readonly venue: "mainnet" | "rollup";
  readonly shapes: number;
  readonly folds: number;
  readonly resamples: number;
  readonly seed: number;
  readonly threads: number;
  readonly out: string;
  readonly ledger: string;
  readonly json?: boolean;
}

/** Starts of each run, and earlier price paths that settings are also tuned on. */
const STARTS = 4;
const EARLIER = 6;

/**
 * Errors: BadBasketError, WeightsNotOneError, NotInBarsError, NoBaseFeesError, BadBaseFeesError, NotHourlyError,
 * TooShortError, LedgerCorruptError, StoppedError, FolderError, and those of reading bars.
 */
export async function runContestCommand(options: ContestCommandOptions, terminal: Terminal): Promise<void> {
  const { bars, gas, nav, shapes, folds, resamples, seed, threads, out } = options;
  const basket = parseBasket(options.basket);
  checkWritable(out, "--out");
  const place = (name: string) => join(out, name);
  terminal.step(`Reading the bars of ${bars}.`);
  // Gas is paid in ether, whether the basket holds it or not.
  const wanted = new Set([...Object.keys(basket).filter((asset) => asset !== "USD"), "ETH"]);
  const hours = await loadHours(bars, gas, [...wanted], 0);
  requireBars(basket, hours);
  const say = (line: string) => terminal.say(line);
  const venue = options.venue === "mainnet" ? toMainnet(hours, say) : toRollup(hours);
  const ground = { hours, venue, basket, nav, volatility: toVolatility(hours, basket) };
  const plan = { shapes, folds, starts: STARTS, earlier: EARLIER };
  mkdirSync(out, { recursive: true });
  const kept = openKept(place("tuned"), ground, plan);
  const ledger = openResumedLedger(openScoreLedger(options.ledger), place("scoring.json"), kept);
  terminal.step(
    `Tuning every family by the same budget, ${threads === 1 ? "on one thread" : `on ${threads} threads`}.`,
  );
  const times: number[] = [];
  const scores = await interruptible("what was tuned is kept, and the same command goes on", (signal) =>
    terminal.track("tuning", (onProgress) =>
      runContest(ground, plan, {
        ...{ data: `${hours.hash} ${venue.name} ${showBasket(basket)}`, ledger, resamples, seed },
        ...{ threads, kept, onProgress, signal },
        onScored: (_, count) => times.push(count),
      }),
    ),
  );
  terminal.step(`Comparing the scored windows, ${resamples} times resampled.`);
  const report = toContestReport(ground, plan, scores, { resamples, seed, times });
  writeWhole(place("contest.html"), toContestPage(report));
  await writeParquet(place("contest.parquet"), toContestColumns(report));
  writeWhole(place("contest.json"), `${JSON.stringify(report, null, 2)}\n`);
  ledger.finish();
  const lines = [toContestHeadline(report), "", ...toTable(report), "", ...toWindows(report)];
  if (options.json) {
    for (const line of lines) terminal.say(line);
    terminal.result(JSON.stringify(report));
  } else terminal.result(lines.join("\n"));
  terminal.say(`Report: ${place("contest.html")}; the figures: ${place("contest.json")} and .parquet`);
}

/** Families down, ratios across with their 95 % intervals. */
export function toTable({ families }: ContestReport): string[] {
  const table = [
    ["family", ...CONTEST_COLUMNS.map(([heading]) => heading)],
    ...families.map((family) => [
      family.name,
      ...CONTEST_COLUMNS.map(([, of]) => {
        const figure = of(family);
        if (figure === null) return "–";
        const [estimate, low, high] = [figure.estimate, figure.low, figure.high].map((x) => x.toFixed(3));
        return `${estimate} (${low} to ${high})`;
      }),
    ]),
  ];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}

const toWindows = ({ folds }: ContestReport): string[] =>
  folds.map(({ scored, timesScored }) => {
    const [from, to] = [scored.from, scored.to].map((time) => time.slice(0, 16));
    return `scored ${from} to ${to}, by now ${timesScored === 1 ? "once" : `${timesScored} times`}`;
  });
