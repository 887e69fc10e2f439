import { HOUR_MS, type ParquetColumn } from "@ballast/data";
import type { Objective } from "../backtest/contest.ts";
import { FAMILIES, type Family } from "../backtest/families.ts";
import type { Window } from "../backtest/protocol.ts";
import type { BootstrapInterval } from "../evaluation/bootstrap.ts";
import type { Basket } from "./arenas.ts";
import { type ContestPlan, foldsOf, type Ground, toContestOptions } from "./plan.ts";
import { MEAN_BLOCK, type Scores } from "./scores.ts";

/** A figure with its 95 % interval; null where a family would be set against itself. */
export type Figure = Pick<BootstrapInterval, "estimate" | "low" | "high"> | null;

export interface FamilyFigures {
  readonly name: string;
  readonly kind: Family["kind"];
  /** Cost at equal tracking error over the plain threshold's, ratio. */
  readonly costToThreshold: Figure;
  /** The same over that of the best reactive family in hindsight. */
  readonly costToBest: Figure;
  /** Hours outside the bands at equal cost over the plain threshold's, ratio. */
  readonly outsideToThreshold: Figure;
  readonly outsideToBest: Figure;
  /** Share of the way from the best reactive family's cost to the clairvoyant's. */
  readonly gapClosed: Figure;
  /** As scored, tuned for cost: tracking error and cost, shares a year. */
  readonly frontier: readonly { readonly trackingError: number; readonly cost: number }[];
}

/** ISO 8601, UTC: when the first hour begins and the last one ends. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

export interface ContestReport {
  readonly format: "ballast-contest/1";
  readonly market: string;
  readonly venue: "mainnet" | "rollup";
  readonly basket: Basket;
  readonly nav: number;
  readonly plan: ContestPlan & { readonly trialsPerFamilyAndFold: number };
  readonly bootstrap: {
    readonly level: 0.95;
    readonly resamples: number;
    readonly seed: number;
    readonly meanBlockDays: number;
  };
  readonly folds: readonly {
    readonly tuned: Period;
    readonly scored: Period;
    /** In all runs, this one included. */
    readonly timesScored: number;
  }[];
  readonly best: Readonly<Record<Objective, string>>;
  readonly families: readonly FamilyFigures[];
}

const YEAR_HOURS = 8_760;

/** `times`: how often each fold's scored window has been scored by now. */
export function toContestReport(
  ground: Ground,
  plan: ContestPlan,
  scores: Scores,
  run: { readonly resamples: number; readonly seed: number; readonly times: readonly number[] },
): ContestReport {
  const { hours, venue, basket, nav } = ground;
  const folds = foldsOf(ground, plan);
  const { shapes, widths } = toContestOptions(ground, plan);
  const timeOf = (hour: number) => new Date(hours.firstEnd + (hour - 1) * HOUR_MS).toISOString();
  const periodOf = ({ from, to }: Window): Period => ({ from: timeOf(from), to: timeOf(to) });
  const perYear = YEAR_HOURS / folds.reduce((sum, { score }) => sum + score.to - score.from - 1, 0);
  const sumOf = (column: Float64Array) => column.reduce((a, b) => a + b, 0);
  const [cost, outside] = ["cost-at-tracking-error", "outside-at-cost"] as const;
  const { best } = scores;
  const against = (objective: Objective, own: string, other: string): Figure =>
    own === other ? null : bare(scores.ratio(objective, own, other));
  return {
    format: "ballast-contest/1",
    market: hours.hash,
    venue: venue.name,
    basket,
    nav,
    plan: { ...plan, trialsPerFamilyAndFold: shapes * widths.length },
    bootstrap: { level: 0.95, resamples: run.resamples, seed: run.seed, meanBlockDays: MEAN_BLOCK },
    folds: folds.map(({ tune, score }, i) => ({
      tuned: periodOf(tune),
      scored: periodOf(score),
      timesScored: run.times[i]!,
    })),
    best,
    families: FAMILIES.map(({ name, kind }) => ({
      name,
      kind,
      costToThreshold: against(cost, name, "threshold"),
      costToBest: against(cost, name, best[cost]),
      outsideToThreshold: against(outside, name, "threshold"),
      outsideToBest: against(outside, name, best[outside]),
      gapClosed: name === best[cost] || kind === "clairvoyant" ? null : bare(scores.gapClosed(name)),
      frontier: scores.pooled(cost, name).map((blocks) => ({
        trackingError: Math.sqrt(sumOf(blocks.squares) * perYear),
        cost: sumOf(blocks.cost) * perYear,
      })),
    })),
  };
}

const bare = ({ estimate, low, high }: BootstrapInterval): Figure => ({ estimate, low, high });

const METRICS = [
  "costToThreshold",
  "costToBest",
  "outsideToThreshold",
  "outsideToBest",
  "gapClosed",
] as const;

/** One row a family and metric, the points of the frontiers among them. */
export function toContestColumns({ families }: ContestReport): ParquetColumn[] {
  const rows = families.flatMap(({ name, kind, frontier, ...figures }) => [
    ...METRICS.map((metric) => ({ name, kind, metric, point: null, own: figures[metric] })),
    ...frontier.flatMap((at, point) =>
      (["trackingError", "cost"] as const).map((metric) => ({
        ...{ name, kind, metric, point },
        own: { estimate: at[metric], low: null, high: null },
      })),
    ),
  ]);
  type RowOf = (typeof rows)[number];
  const text = (name: string, of: (row: RowOf) => string): ParquetColumn => ({
    ...{ name, kind: "text", values: rows.map(of) },
  });
  const number = (name: string, of: (row: RowOf) => number | null | undefined): ParquetColumn => ({
    ...{ name, kind: "number", values: rows.map((row) => of(row) ?? null) },
  });
  return [
    text("family", ({ name }) => name),
    text("kind", ({ kind }) => kind),
    text("metric", ({ metric }) => metric),
    number("point", ({ point }) => point),
    number("estimate", ({ own }) => own?.estimate),
    number("low", ({ own }) => own?.low),
    number("high", ({ own }) => own?.high),
  ];
}
