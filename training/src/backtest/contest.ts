import type { Family } from "./families.ts";
import { commonElasticity, type FrontierPoint, heightOf, interpolateLogs } from "./frontier.ts";
import type { Contender, Window } from "./protocol.ts";
import { type Arena, type Shape, shapeAt } from "./shapes.ts";
import type { SimBlocks, SimResult } from "./sim-result.ts";
import { simulate } from "./simulate.ts";

/** What is held equal along a frontier, and what is compared. */
export type Objective = "cost-at-tracking-error" | "outside-at-cost";
export const OBJECTIVES: readonly Objective[] = ["cost-at-tracking-error", "outside-at-cost"];

/** A shape chosen for an objective, and its widths along the frontier. */
export interface TunedFrontier {
  readonly shape: Shape;
  readonly widths: readonly number[];
}
export type Tuned = Readonly<Record<Objective, TunedFrontier>>;
/** Per objective, per point of the frontier: means over the starts, block by block. */
export type Frontiers = Readonly<Record<Objective, readonly SimBlocks[]>>;

export interface ContestOptions {
  /** The arena of a window, made of its bars alone but for what the clairvoyant is given. */
  readonly arenaOf: (window: Window) => Arena;
  /** More to tune on than the window as it came: the same gas with price paths of earlier windows. None where absent. */
  readonly earlierArenasOf?: ((window: Window) => readonly Arena[]) | undefined;
  readonly shapes: number;
  /** Widths at which each shape is tried, ascending. */
  readonly widths: readonly number[];
  /** Half-widths of plain thresholds whose tracking errors and costs are the points of the frontiers. */
  readonly anchors: readonly number[];
  readonly blockBars: number;
  /**
   * Every run is made so many times, each beginning a block later than the one before, and the results averaged: with
   * a few dozen trades in a window, when the first of them falls is luck.
   */
  readonly starts: number;
}

/** Trials of one family on one window. */
export const budgetOf = ({ shapes, widths }: ContestOptions): number => shapes * widths.length;

/**
 * A family in the protocol. On the tuning window every shape is tried at every width, and the one with the lowest
 * frontier wins (`heightOf`, at the elasticity of plain thresholds there), with the widths that hit the tracking
 * errors, or costs, that plain thresholds of the anchors' widths have. Scoring runs just these.
 */
export function toContender(family: Family, options: ContestOptions): Contender<Tuned, Frontiers> {
  return {
    name: family.name,
    tune: (window, spend) =>
      tunedOf([openTuning(window, options)(family, { from: 0, to: options.shapes }, spend)]),
    score(window, tuned) {
      const arenas = arenasOf(window, options);
      const run = ({ shape, widths }: TunedFrontier) =>
        widths.map((width) =>
          meanOfStarts(
            arenas.map((arena) => {
              const rule = family.toRule(shape, width, arena);
              const blocked = { ...arena.options, blockBars: options.blockBars };
              return simulate(arena.market, rule, arena.costs, blocked).blocks!;
            }),
          ),
        );
      return toRecord(OBJECTIVES.map((objective) => [objective, run(tuned[objective])]));
    },
  };
}

/** The best of some shapes, per objective. */
export type Share = Readonly<Record<Objective, TunedFrontier & { readonly height: number }>>;

/**
 * Tries shapes `from` … `to` − 1 of a family on a window; all of them, or a share of them whose best `tunedOf` sets beside
 * the other shares'. The window's arenas are made once.
 */
export function openTuning(
  window: Window,
  options: ContestOptions,
): (family: Family, shapes: Window, spend: () => void) => Share {
  const arenas = [...arenasOf(window, options), ...(options.earlierArenasOf?.(window) ?? [])];
  const anchored = options.anchors.map((width) =>
    measure(arenas, ({ market }) => ({ triggers: market.targets.map(() => width) })),
  );
  return (family, { from, to }, spend) => {
    const goals = OBJECTIVES.map((objective) => ({
      objective,
      levels: anchored.map((trial) => xOf(objective, trial)),
      elasticity: commonElasticity([toPoints(objective, anchored)], ...ELASTICITIES[objective]),
      best: { height: Number.POSITIVE_INFINITY, shape: [] as Shape, widths: [] as number[] },
    }));
    for (let s = from; s < to; s++) {
      const shape = shapeAt(s);
      const trials = options.widths.map((width) => {
        spend();
        return measure(arenas, (arena) => family.toRule(shape, width, arena));
      });
      for (const goal of goals) {
        const height = heightOf(toPoints(goal.objective, trials), goal.elasticity);
        if (height >= goal.best.height) continue;
        const reached = trials.map((trial, i) => ({
          x: xOf(goal.objective, trial),
          y: options.widths[i]!,
        }));
        const [narrowest, widest] = [options.widths[0]!, options.widths.at(-1)!];
        const widths = interpolateLogs(reached, goal.levels).map((w) =>
          Math.max(narrowest / 2, Math.min(widest * 2, w)),
        );
        goal.best = { height, shape, widths };
      }
    }
    return toRecord(goals.map(({ objective, best }) => [objective, best]));
  };
}

/** The lowest of the shares, which are in the order of their shapes: of equals the first, as if all had been one share. */
export const tunedOf = (shares: readonly Share[]): Tuned =>
  toRecord(
    OBJECTIVES.map((objective) => {
      const { shape, widths } = shares
        .map((share) => share[objective])
        .reduce((a, b) => (b.height >= a.height ? a : b));
      return [objective, { shape, widths }];
    }),
  );

const arenasOf = ({ from, to }: Window, { arenaOf, starts, blockBars }: ContestOptions): Arena[] =>
  Array.from({ length: starts }, (_, i) => arenaOf({ from: from + i * blockBars, to }));

const toRecord = <T>(entries: readonly (readonly [Objective, T])[]): Record<Objective, T> =>
  Object.fromEntries(entries) as Record<Objective, T>;

/** Between which the elasticity of a frontier is looked for. */
export const ELASTICITIES: Readonly<Record<Objective, readonly [number, number]>> = {
  "cost-at-tracking-error": [1, 2],
  "outside-at-cost": [0.5, 6],
};

interface Measured {
  readonly trackingError: number;
  readonly cost: number;
  readonly outside: number;
}

/** A run that never traded has no logarithm of its cost; this is a millionth of a basis point a bar. */
const LEAST = 1e-10;

function measure(
  arenas: readonly Arena[],
  toRule: (arena: Arena) => Parameters<typeof simulate>[1],
): Measured {
  const runs = arenas.map((arena) => simulate(arena.market, toRule(arena), arena.costs, arena.options));
  const meanOf = (of: (run: SimResult) => number) =>
    runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  return {
    trackingError: Math.max(LEAST, Math.sqrt(meanOf(({ trackingError }) => trackingError ** 2))),
    cost: Math.max(
      LEAST,
      meanOf(({ fees, gas, impact, bars }) => (fees + gas + impact) / bars),
    ),
    outside: meanOf(({ outsideBars, bars }) => outsideBars / bars),
  };
}

const xOf = (objective: Objective, { trackingError, cost }: Measured): number =>
  objective === "cost-at-tracking-error" ? trackingError : cost;
const toPoints = (objective: Objective, trials: readonly Measured[]): FrontierPoint[] =>
  trials.map((trial) => ({
    x: xOf(objective, trial),
    y: objective === "cost-at-tracking-error" ? trial.cost : trial.outside,
  }));

/** Run i lacks the first i blocks; each block is the mean of the runs that have it. */
function meanOfStarts(runs: readonly SimBlocks[]): SimBlocks {
  const mean = (name: keyof SimBlocks) => {
    const length = runs[0]![name].length;
    return Float64Array.from({ length }, (_, block) => {
      const having = runs.slice(0, block + 1).filter((run, i) => block - i < run[name].length);
      return having.reduce((sum, run, i) => sum + run[name][block - i]!, 0) / having.length;
    });
  };
  return { cost: mean("cost"), gas: mean("gas"), squares: mean("squares"), outsideBars: mean("outsideBars") };
}
