import { trackingDiffusion } from "@ballast/agent";
import { clairvoyantTriggers } from "./clairvoyant.ts";
import type { ReactiveRule } from "./rule.ts";
import { type Arena, PLAIN_SHARE, type Shape, threshold } from "./shapes.ts";

/**
 * The reference nobody can beat but by luck: it knows what gas and volatility will be, waits for the cheapest moment of each
 * bar, and trades when dynamic programming says so. Of prices it knows no more than the others.
 */
export function clairvoyant([u = 0, v = 0]: Shape, width: number, arena: Arena): ReactiveRule {
  const { market, costs, risk } = arena;
  const { triggers, cheapest } = foresee(width, arena);
  return {
    ...(u < PLAIN_SHARE
      ? threshold([u / PLAIN_SHARE, v], width, arena)
      : { triggers: market.targets.map(() => width), risk: { columns: risk, selects: true } }),
    scale: triggers,
    ...(costs.gasDollars === undefined
      ? {}
      : { order: { samples: cheapest, samplesPerBar: 1, usual: shifted(cheapest), power: AT_ANY_PRICE } }),
  };
}

/** A deviation beyond its trigger is worth any price of gas, one inside it none. */
const AT_ANY_PRICE = 1e4;

const shifted = (column: Float64Array): Float64Array =>
  column.map((_, t) => column[Math.min(t + 1, column.length - 1)]!);

interface Foreseen {
  /** [bar]: in widths. */
  readonly triggers: Float64Array;
  /** [bar]: ln of the least that a unit of gas cost in the course of each, dollars. */
  readonly cheapest: Float64Array;
}
const FORESEEN = new WeakMap<Arena, Map<number, Foreseen>>();

function foresee(width: number, arena: Arena): Foreseen {
  const known = FORESEEN.get(arena) ?? new Map<number, Foreseen>();
  FORESEEN.set(arena, known);
  const found = known.get(width);
  if (found !== undefined) return found;
  const { market, costs, gasSamples, volatility, risk } = arena;
  const { bars, assets, targets } = market;
  const cheapest = Float64Array.from({ length: bars }, (_, t) => {
    const own = gasSamples.log.subarray(t * gasSamples.perBar, (t + 1) * gasSamples.perBar);
    const least = own.reduce((a, b) => (b < a ? b : a), Number.POSITIVE_INFINITY);
    return Number.isFinite(least) ? least : Math.log(costs.gasDollars![t]!);
  });
  const swaps = assets - (costs.base === undefined ? 0 : 1);
  const units = (costs.gasPerTrade ?? 0) + swaps * (costs.gasPerSwap ?? 0);
  const fee = Math.max(...costs.feeRates) * width * (costs.base === undefined ? 2 : 1);
  const ahead = shifted(cheapest);
  const { dimension, speed } = trackingDiffusion(risk.covariance.subarray(0, assets * assets), targets);
  const triggers = clairvoyantTriggers(
    {
      cost: ahead.map((x) => (Math.exp(x) * units) / costs.nav + fee),
      variance: volatility.realised.map((x) => x ** 2),
    },
    { dimension, widthInDeviations: width * Math.sqrt(risk.scale[0]! / speed) },
  );
  const result = { triggers, cheapest };
  known.set(width, result);
  return result;
}
