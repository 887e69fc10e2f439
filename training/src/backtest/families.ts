import { type NoTradeProblem, noTradeRegion, type TriggerSurface } from "@ballast/agent";
import { clairvoyant } from "./clairvoyant-rule.ts";
import type { ReactiveRule } from "./rule.ts";
import { type Arena, PLAIN_SHARE, type Shape, threshold, zeroOr } from "./shapes.ts";
import { type GasColumns, toScale } from "./signals.ts";

/**
 * A family of rules: shapes, told apart by what they make of the coordinates, each at any width. A family that has
 * fewer parameters leaves coordinates alone and spends its trials on what it has.
 */
export interface Family {
  readonly name: string;
  /** `reactive` reads weights, clock and past prices; `gas` also gas until now; `predictive` forecasts; `part` is the predictive one with a part left out; `clairvoyant` the future. */
  readonly kind: "reactive" | "gas" | "predictive" | "part" | "clairvoyant";
  /** `width` is about the half-width of an asset's trigger, share of the value. */
  toRule(shape: Shape, width: number, arena: Arena): ReactiveRule;
}

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
  columns: Parameters<typeof toScale>[1],
): ReactiveRule {
  return { ...threshold(shape, width, arena), scale: toScale(surface, columns) };
}

/** What the predictive rule may use. */
interface Means {
  /** Caps what it pays for gas and waits. */
  readonly waits: boolean;
  /** Measures deviations together and trades only what is worth its swap. */
  readonly selects: boolean;
  readonly gas: GasColumns;
}

/**
 * The rule that counts what waiting costs: the deviation's tracking variance against what a rebalance costs at the price
 * of gas that is expected, an order capped at what the deviation is worth, and only the assets that are worth
 * their swap. Its coordinates contain the plain threshold: no order, no selection, every power 0.
 */
function predictive(shape: Shape, width: number, arena: Arena, { waits, selects, gas }: Means): ReactiveRule {
  const [u = 0, v = 0, a = 0, b = 0] = shape;
  const isSelecting = selects && u >= PLAIN_SHARE;
  const plain = threshold([selects ? u / PLAIN_SHARE : u, v], width, arena);
  const triggers = isSelecting ? arena.market.targets.map(() => width) : plain.triggers;
  // Around what the theory of the fixed cost asks for: a cap that goes as the deviation, and a width that goes as the
  // power 1/4 to 1/2 of the level of gas. Wider ranges fit the tuning window's luck.
  const response = zeroOr(a, 0.8, 1.2);
  const levelPower = zeroOr(b, 0.3, 0.5);
  const scale = gas.usualFee.map((fee) =>
    Number.isNaN(fee) ? 1 : toFactor(levelPower * (fee - arena.gasLevel)),
  );
  const isKnown = !Number.isNaN(gas.usualFee[0]!);
  const { log: samples, perBar: samplesPerBar } = arena.gasSamples;
  return {
    triggers,
    keep: isSelecting ? 0 : (plain.keep ?? 0),
    scale,
    ...(isSelecting ? { risk: { columns: arena.risk, selects: true } } : {}),
    ...(waits && response > 0 && isKnown
      ? { order: { samples, samplesPerBar, usual: gas.usualFee, power: 1 / response } }
      : {}),
  };
}

/** ln of the mean price of gas of the last DAY_BARS, or of those there are; NaN where no fee is known. */
function dayFee({ gas, costs }: Arena): Float64Array {
  const present = costs.gasDollars!;
  return gas.usualFee.map((fee, t) => {
    if (Number.isNaN(fee)) return Number.NaN;
    const day = present.subarray(Math.max(0, t + 1 - DAY_BARS), t + 1);
    return Math.log(day.reduce((sum, x) => sum + x, 0) / day.length);
  });
}
const DAY_BARS = 24;

/** What a power says far outside of where it was fitted is not followed. */
const LOG_LIMIT = Math.log(4);
const toFactor = (log: number): number => Math.exp(Math.max(-LOG_LIMIT, Math.min(LOG_LIMIT, log)));

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
      const rule = withSurface(shape, width, arena, surface, columns);
      // Beside its week, the present price may count against what gas used to cost.
      const levelPower = zeroOr(shape[3] ?? 0, 0, 0.6);
      const present = arena.costs.gasDollars!;
      const scale = rule.scale!.map((factor, t) =>
        Number.isNaN(arena.gas.gasRatio[t]!)
          ? factor
          : factor * toFactor(levelPower * (Math.log(present[t]!) - arena.gasLevel)),
      );
      return { ...rule, scale };
    },
  },
  {
    // All of the predictive rule but its forecast: what came of the order and the selection is no merit of foresight.
    name: "gas-capped",
    kind: "gas",
    toRule: (shape, width, arena) =>
      predictive(shape, width, arena, {
        waits: true,
        selects: true,
        gas: { ...arena.gas, usualFee: dayFee(arena) },
      }),
  },
  {
    name: "trigger-surface",
    kind: "part",
    toRule: (shape, width, arena) =>
      withSurface(shape, width, arena, surfaceOf(shape), {
        ...arena.gas,
        volatilityRatio: arena.volatility.forecast,
      }),
  },
  {
    name: "only-waits",
    kind: "part",
    toRule: (shape, width, arena) =>
      predictive(shape, width, arena, { waits: true, selects: false, gas: arena.gas }),
  },
  {
    name: "only-selects",
    kind: "part",
    toRule: (shape, width, arena) =>
      predictive(shape, width, arena, { waits: false, selects: true, gas: arena.gas }),
  },
  {
    name: "predictive",
    kind: "predictive",
    toRule: (shape, width, arena) =>
      predictive(shape, width, arena, { waits: true, selects: true, gas: arena.gas }),
  },
  { name: "clairvoyant", kind: "clairvoyant", toRule: clairvoyant },
];

/** Hours between two looks of a calendar with a threshold. */
const LOOKS = [1, 2, 3, 6, 12, 24] as const;
