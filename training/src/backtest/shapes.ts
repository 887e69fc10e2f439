import type { SimMarket } from "./market.ts";
import type { RiskColumns } from "./risk-columns.ts";
import type { ReactiveRule, SimCosts, SimOptions } from "./rule.ts";
import type { GasColumns, VolatilityColumns } from "./signals.ts";

/** A window of a market with what was known at each of its bars, and for reference what was not. */
export interface Arena {
  readonly market: SimMarket;
  readonly costs: SimCosts;
  readonly options: SimOptions;
  /** `usualFee` in dollars per unit of gas. */
  readonly gas: GasColumns;
  readonly volatility: VolatilityColumns;
  /** [bar][sample]: ln of the dollars per unit of gas in the course of each bar. */
  readonly gasSamples: { readonly log: Float64Array; readonly perBar: number };
  /** ln of the dollars per unit of gas before anything was tuned: what the level of gas is measured by. */
  readonly gasLevel: number;
  readonly risk: RiskColumns;
}

/** Coordinates of a shape, each in [0, 1). */
export type Shape = readonly number[];

/** Coordinates that a shape has. */
export const SHAPE_DIMENSIONS = 5;
const PRIMES = [2, 3, 5, 7, 11] as const;

/** Shape number `index` of the Halton sequence (Halton 1960): every family meets the same points. */
export const shapeAt = (index: number): Shape =>
  PRIMES.map((base) => {
    let [result, fraction, rest] = [0, 1, index + 1];
    while (rest > 0) {
      fraction /= base;
      result += fraction * (rest % base);
      rest = Math.floor(rest / base);
    }
    return result;
  });

/** A share of the coordinate's range is exactly zero, so that the simpler rule is one of the family. */
export const zeroOr = (u: number, low: number, high: number): number =>
  u < ZERO_SHARE ? 0 : low + ((high - low) * (u - ZERO_SHARE)) / (1 - ZERO_SHARE);
const ZERO_SHARE = 0.15;

const keepOf = ([u = 0]: Shape): number => zeroOr(u, 0, 0.9);

/** The same for each asset (absolute), in proportion to its target (relative), or between. */
function triggersOf([, u = 0]: Shape, width: number, { market: { targets } }: Arena): number[] {
  const power = zeroOr(u, 0, 1);
  const mean = 1 / targets.length;
  return targets.map((target) => width * (target / mean) ** power);
}

/** The plain threshold, which every other family of triggers is one of. */
export const threshold = (shape: Shape, width: number, arena: Arena): ReactiveRule => ({
  triggers: triggersOf(shape, width, arena),
  keep: keepOf(shape),
});

/** Share of the shapes of a selecting family that are plain thresholds. */
export const PLAIN_SHARE = 0.3;
