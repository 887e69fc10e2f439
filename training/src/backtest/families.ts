import { type NoTradeProblem, noTradeRegion, type TriggerSurface } from "@ballast/agent";
import type { SimMarket } from "./market.ts";
import type { ReactiveRule, SimCosts, SimOptions } from "./rule.ts";
import { type SignalColumns, toScale, type VolatilityColumns } from "./signals.ts";

/** A window of a market with what was known at each of its bars, and for reference what was not. */
export interface Arena {
  readonly market: SimMarket;
  readonly costs: SimCosts;
  readonly options: SimOptions;
  readonly gas: Pick<SignalColumns, "gasRatio" | "gasFall">;
  readonly volatility: VolatilityColumns;
  /** Of the hours as they came. */
  readonly futureGas: Pick<SignalColumns, "gasRatio" | "gasFall">;
}

/** Coordinates of a shape, each in [0, 1). */
export type Shape = readonly number[];

/**
 * A family of rules: shapes, told apart by what they make of the coordinates, each at any width. A family that has
 * fewer parameters leaves coordinates alone and spends its trials on what it has.
 */
export interface Family {
  readonly name: string;
  /** `reactive` reads weights, clock and past prices; `gas` also present gas; `predictive` forecasts; `clairvoyant` the future. */
  readonly kind: "reactive" | "gas" | "predictive" | "clairvoyant";
  /** `width` is about the half-width of an asset's trigger, share of the value. */
  toRule(shape: Shape, width: number, arena: Arena): ReactiveRule;
}

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
const zeroOr = (u: number, low: number, high: number): number =>
  u < ZERO_SHARE ? 0 : low + ((high - low) * (u - ZERO_SHARE)) / (1 - ZERO_SHARE);
const ZERO_SHARE = 0.15;

const keepOf = ([u = 0]: Shape): number => zeroOr(u, 0, 0.9);

/** The same for each asset (absolute), in proportion to its target (relative), or between. */
function triggersOf([, u = 0]: Shape, width: number, { market: { targets } }: Arena): number[] {
  const power = zeroOr(u, 0, 1);
  const mean = 1 / targets.length;
  return targets.map((target) => width * (target / mean) ** power);
}

const threshold = (shape: Shape, width: number, arena: Arena): ReactiveRule => ({
  triggers: triggersOf(shape, width, arena),
  keep: keepOf(shape),
});

/** Hours between two looks that a width of a calendar stands for: a year's volatility of 60 % has moved a half so far. */
const hoursOf = (width: number): number => Math.max(1, Math.round((width / 0.0016) ** 2));

const surfaceOf = ([, , a = 0, b = 0, c = 0]: Shape): TriggerSurface => ({
  gasPower: zeroOr(a, 0, 1),
  gasFallWeight: zeroOr(b, -0.5, 1.5),
  volatilityPower: zeroOr(c, -1, 1),
});

const none = (arena: Arena): Float64Array => new Float64Array(arena.market.bars).fill(Number.NaN);

function withSurface(
  shape: Shape,
  width: number,
  arena: Arena,
  surface: TriggerSurface,
  columns: SignalColumns,
): ReactiveRule {
  return { ...threshold(shape, width, arena), scale: toScale(surface, columns) };
}

export const FAMILIES: readonly Family[] = [
  {
    name: "calendar",
    kind: "reactive",
    toRule: ([u = 0], width, { market }) => ({
      triggers: market.targets.map(() => 0),
      every: hoursOf(width * 2 ** (u - 0.5)),
    }),
  },
  { name: "threshold", kind: "reactive", toRule: threshold },
  {
    name: "calendar-threshold",
    kind: "reactive",
    toRule: (shape, width, arena) => ({
      ...threshold(shape, width, arena),
      every: LOOKS[Math.floor((shape[2] ?? 0) * LOOKS.length)]!,
    }),
  },
  {
    name: "volatility-adjusted",
    kind: "reactive",
    toRule(shape, width, arena) {
      const surface = { gasPower: 0, gasFallWeight: 0, volatilityPower: zeroOr(shape[2] ?? 0, -1, 1) };
      const columns = {
        gasRatio: none(arena),
        gasFall: none(arena),
        volatilityRatio: arena.volatility.trailing,
      };
      return withSurface(shape, width, arena, surface, columns);
    },
  },
  {
    name: "no-trade",
    kind: "reactive",
    toRule([u = 0, v = 0], width, { market, costs }) {
      // Of the window's first bar: a typical price of the whole window is not known at its beginning.
      const usual = (costs.gasDollars?.[0] ?? 0) * ((costs.gasPerTrade ?? 0) + (costs.gasPerSwap ?? 0));
      const regions = market.targets.map((weight, i) =>
        noTradeRegion({
          weight,
          proportional: Math.max(costs.feeRates[i]!, 1e-6),
          // What the family tunes: how much of the gas of a trade each asset's share of it is thought to be.
          fixed: (u * usual) / costs.nav,
          riskAversion: 2,
        } satisfies NoTradeProblem),
      );
      const mean = regions.reduce((sum, { trigger }) => sum + trigger, 0) / regions.length;
      const kept =
        regions.reduce((sum, { trigger, destination }) => sum + destination / trigger, 0) / regions.length;
      return {
        // The risk aversion nobody knows is the width: it scales all regions alike but for the mix of costs.
        triggers: regions.map(({ trigger }) => (width * trigger) / mean),
        keep: Math.min(0.95, kept * (0.5 + v)),
      };
    },
  },
  {
    name: "gas-widened",
    kind: "gas",
    toRule(shape, width, arena) {
      const surface = { ...surfaceOf(shape), gasFallWeight: 0, volatilityPower: 0 };
      const columns = { gasRatio: arena.gas.gasRatio, gasFall: none(arena), volatilityRatio: none(arena) };
      return withSurface(shape, width, arena, surface, columns);
    },
  },
  {
    name: "predictive",
    kind: "predictive",
    toRule: (shape, width, arena) =>
      withSurface(shape, width, arena, surfaceOf(shape), {
        ...arena.gas,
        volatilityRatio: arena.volatility.forecast,
      }),
  },
  {
    name: "clairvoyant",
    kind: "clairvoyant",
    toRule: (shape, width, arena) =>
      withSurface(shape, width, arena, surfaceOf(shape), {
        ...arena.futureGas,
        volatilityRatio: arena.volatility.realised,
      }),
  },
];

/** Hours between two looks of a calendar with a threshold. */
const LOOKS = [1, 2, 3, 6, 12, 24] as const;
