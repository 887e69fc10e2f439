import type { ContestOptions } from "../backtest/contest.ts";
import { type Fold, toExpandingFolds, type Window } from "../backtest/protocol.ts";
import type { Arena } from "../backtest/shapes.ts";
import type { VolatilityColumns } from "../backtest/signals.ts";
import { type Basket, toArenas } from "./arenas.ts";
import type { Hours } from "./hours.ts";
import { TooShortError, VARIANCE_HOURS, type Venue } from "./venues.ts";

/** How much is tried and how it is scored. */
export interface ContestPlan {
  readonly shapes: number;
  /** Runs of each setting, a day later each. */
  readonly starts: number;
  /** Earlier price paths that settings are also tuned on, beside the same gas, where gas is recorded. */
  readonly earlier: number;
  readonly folds: number;
}

/** One basket at one venue. Columns may be shared between threads. */
export interface Ground {
  readonly hours: Hours;
  readonly venue: Venue;
  readonly basket: Basket;
  readonly nav: number;
  readonly volatility: VolatilityColumns;
}

const WIDTHS = [0.003, 0.005, 0.008, 0.013, 0.02];
const ANCHORS = [0.005, 0.007, 0.01, 0.013, 0.017];
const DAY = 24;
const WEEK = 168;

/** The second half of the venue's window in parts, each tuned on all that comes before it. Throws TooShortError. */
export function foldsOf({ venue: { window } }: Ground, { folds, starts }: ContestPlan): Fold[] {
  const half = Math.floor((window.to - window.from) / 2);
  // The last of the starts needs a day that it can be scored on.
  const [hours, needed] = [Math.floor(half / folds), (starts + 1) * DAY];
  if (hours < needed) throw new TooShortError(`each of ${folds} scored windows`, hours, needed);
  return toExpandingFolds(window.from, window.to, half, folds);
}

export function toContestOptions(
  { hours, venue, basket, nav, volatility }: Ground,
  plan: ContestPlan,
): ContestOptions {
  const arenaOf = toArenas(hours, venue, basket, nav, volatility);
  const earlierArenasOf = ({ from, to }: Window): Arena[] => {
    const step = WEEK * Math.ceil((to - from) / WEEK);
    const agos = Array.from(
      { length: venue.name === "mainnet" ? plan.earlier : 0 },
      (_, i) => (i + 1) * step,
    );
    return agos.filter((ago) => from - ago >= VARIANCE_HOURS).map((ago) => arenaOf({ from, to }, ago));
  };
  return {
    arenaOf,
    earlierArenasOf,
    shapes: plan.shapes,
    widths: WIDTHS,
    anchors: ANCHORS,
    blockBars: DAY,
    starts: plan.starts,
  };
}
