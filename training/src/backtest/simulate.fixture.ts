import { type Random, seededRandom } from "@ballast/data";
import type { ReactiveRule, SimCosts, SimOptions } from "./rule.ts";
import type { SimResult } from "./simulate.ts";

/** Closes of geometric Brownian motions without drift of the price, `sigma` per bar each, from 1; the base asset where it is 0. */
export function toBrownianCloses(sigmas: readonly number[], bars: number, seed: number): Float64Array[] {
  const random: Random = seededRandom(seed, "brownian");
  const closes = sigmas.map(() => new Float64Array(bars).fill(1));
  for (let t = 1; t < bars; t++) {
    for (const [i, sigma] of sigmas.entries()) {
      const step = sigma === 0 ? 0 : sigma * random.normal() - sigma ** 2 / 2;
      closes[i]![t] = closes[i]![t - 1]! * Math.exp(step);
    }
  }
  return closes;
}

/**
 * The simulator's independent twin: every bar the same plain steps over plain arrays of weights, nothing skipped,
 * nothing kept between bars but the weights and the value.
 */
export function simulateSlowly(
  closes: readonly ArrayLike<number>[],
  targets: readonly number[],
  rule: ReactiveRule,
  costs: SimCosts,
  options: SimOptions,
): Omit<SimResult, "blocks"> {
  const bars = closes[0]!.length;
  let weights = [...targets];
  let value = 1;
  let pending: { at: number; to: number[] } | undefined;
  const out = { trades: 0, swaps: 0, turnover: 0, fees: 0, gas: 0, impact: 0, dollars: 0 };
  let squares = 0;
  const excesses: number[] = [];
  for (let t = 1; t < bars; t++) {
    const returns = closes.map((close) => close[t]! / close[t - 1]!);
    const growth = weights.reduce((sum, w, i) => sum + w * returns[i]!, 0);
    const mix = targets.reduce((sum, w, i) => sum + w * returns[i]!, 0);
    squares += (growth - mix) ** 2;
    weights = weights.map((w, i) => (w * returns[i]!) / growth);
    value *= growth;
    const deviations = weights.map((w, i) => w - targets[i]!);
    const excess = Math.max(...deviations.map((d, i) => Math.abs(d) - options.bands[i]!));
    if (excess > 0) excesses.push(excess);
    if (options.open !== undefined && options.open[t] === 0) continue;
    const factor = rule.scale?.[t] ?? 1;
    let to: number[] | undefined;
    if (pending !== undefined) {
      if (t >= pending.at) {
        to = pending.to;
        pending = undefined;
      }
    } else if (
      t % (rule.every ?? 1) === 0 &&
      deviations.some((d, i) => Math.abs(d) > rule.triggers[i]! * factor)
    ) {
      const keep = rule.keep ?? 0;
      const clipped = deviations.map((d, i) => {
        const room = keep === 0 ? 0 : keep * rule.triggers[i]! * Math.min(1, factor);
        return Math.sign(d) * Math.min(Math.abs(d), room);
      });
      const above = clipped.filter((d) => d > 0).reduce((a, b) => a + b, 0);
      const below = -clipped.filter((d) => d < 0).reduce((a, b) => a + b, 0);
      const chosen = clipped.map((d, i) => {
        const side = d > 0 ? above : below;
        return targets[i]! + (d === 0 ? 0 : (d * Math.min(above, below)) / side);
      });
      if ((options.latency ?? 0) === 0) to = chosen;
      else pending = { at: t + options.latency!, to: chosen };
    }
    if (to === undefined) continue;
    const traded = weights.map((w, i) => Math.abs(w - to[i]!));
    const legs = traded.map((x, i) => ({ x, i })).filter(({ x, i }) => i !== costs.base && x > 1e-9);
    const fees = legs.reduce((sum, { x, i }) => sum + x * costs.feeRates[i]!, 0);
    const dollars = value * costs.nav;
    const impact = legs.reduce(
      (sum, { x, i }) =>
        sum +
        (x * x * dollars) / (costs.depths?.[i] ?? Infinity) +
        ((costs.rootImpacts?.[i] ?? 0) * (x * dollars) ** 1.5) / dollars,
      0,
    );
    const gasUnits = (costs.gasPerTrade ?? 0) + legs.length * (costs.gasPerSwap ?? 0);
    const gas = ((costs.gasDollars?.[t] ?? 0) * gasUnits) / dollars;
    out.trades++;
    out.swaps += legs.length;
    out.turnover += traded.reduce((a, b) => a + b, 0) / 2;
    out.fees += fees;
    out.gas += gas;
    out.impact += impact;
    out.dollars += (fees + gas + impact) * dollars;
    value *= 1 - fees - gas - impact;
    weights = to;
  }
  return {
    bars: bars - 1,
    ...out,
    trackingError: Math.sqrt(squares / (bars - 1)),
    outsideBars: excesses.length,
    meanExcess: excesses.length === 0 ? 0 : excesses.reduce((a, b) => a + b, 0) / excesses.length,
    worstExcess: Math.max(0, ...excesses),
    growth: value,
  };
}
