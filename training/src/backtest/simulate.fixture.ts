import { selectTrades } from "@ballast/agent";
import { type Random, seededRandom } from "@ballast/data";
import type { ReactiveRule, SimCosts, SimOptions } from "./rule.ts";
import type { SimResult } from "./sim-result.ts";

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

/** Marks in the plan of a rule that selects assets. */
const TARGET = 1;
const TAKER = 2;

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
  let standing: { cap: number; to: number[] } | undefined;
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
    const asked = standing;
    standing = undefined;
    if (options.open !== undefined && options.open[t] === 0) continue;
    const factor = rule.scale?.[t] ?? 1;
    let to: number[] | undefined;
    let paid: number | undefined;
    const { order, risk } = rule;
    const width = Math.max(...rule.triggers) * factor;
    let multiple = Math.max(...deviations.map((d, i) => Math.abs(d) / (rule.triggers[i]! * factor)));
    let block: { readonly sigma: number[]; readonly scale: number } | undefined;
    if (risk !== undefined) {
      const at = Math.floor(t / risk.columns.barsPerBlock);
      const n = deviations.length;
      const sigma = [...risk.columns.covariance.slice(at * n * n, (at + 1) * n * n)];
      block = { sigma, scale: risk.columns.scale[at]! };
      const q = sigma.reduce((sum, c, k) => sum + c * deviations[Math.floor(k / n)]! * deviations[k % n]!, 0);
      multiple = Math.sqrt(Math.max(0, q) / block.scale) / width;
    }
    const isBeyond =
      risk === undefined ? deviations.some((d, i) => Math.abs(d) > rule.triggers[i]! * factor) : multiple > 1;
    if (asked !== undefined && order !== undefined) {
      const own = [...order.samples.slice(t * order.samplesPerBar, (t + 1) * order.samplesPerBar)];
      const met = own.find((sample) => sample <= asked.cap);
      if (met !== undefined) {
        paid = Math.exp(met);
        to = asked.to;
      }
    }
    if (to !== undefined) {
      // The order was met: nothing is decided at this bar.
    } else if (pending !== undefined) {
      if (t >= pending.at) {
        to = pending.to;
        pending = undefined;
      }
    } else if (t % (rule.every ?? 1) === 0 && (order === undefined ? isBeyond : multiple > 0)) {
      const keep = rule.keep ?? 0;
      const clipped = deviations.map((d, i) => {
        const room = keep === 0 ? 0 : keep * rule.triggers[i]! * Math.min(1, factor);
        return Math.sign(d) * Math.min(Math.abs(d), room);
      });
      const above = clipped.filter((d) => d > 0).reduce((a, b) => a + b, 0);
      const below = -clipped.filter((d) => d < 0).reduce((a, b) => a + b, 0);
      let chosen = clipped.map((d, i) => {
        const side = d > 0 ? above : below;
        return targets[i]! + (d === 0 ? 0 : (d * Math.min(above, below)) / side);
      });
      if (risk?.selects && block !== undefined) {
        const gas = (order === undefined ? costs.gasDollars![t]! : Math.exp(order.usual[t]!)) / costs.nav;
        const rest = new Float64Array(targets.length);
        const prices = {
          base: costs.base,
          perTrade: gas * costs.gasPerTrade!,
          perSwap: gas * costs.gasPerSwap!,
          feeRates: costs.feeRates,
        };
        selectTrades(deviations, block.sigma, width ** 2 * block.scale, prices, rest);
        chosen = targets.map((_, i) =>
          rest[i] === 0 ? TARGET : rest[i] === deviations[i] ? Number.NaN : TAKER,
        );
        const stays = chosen.findLastIndex(Number.isNaN);
        if (costs.base === undefined && !chosen.includes(TAKER) && stays >= 0) chosen[stays] = TAKER;
      }
      if (order !== undefined) {
        standing = { cap: order.usual[t]! + order.power * Math.log(multiple), to: chosen };
      } else if ((options.latency ?? 0) === 0) to = chosen;
      else pending = { at: t + options.latency!, to: chosen };
    }
    if (to === undefined) continue;
    if (risk?.selects) {
      const plan = to;
      const known = weights.map((w, i) =>
        i === costs.base || plan[i] === TAKER ? undefined : plan[i] === TARGET ? targets[i]! : w,
      );
      const others = known.reduce<number>((sum, w) => sum + (w ?? 0), 0);
      to = known.map((w) => w ?? 1 - others);
    }
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
    const gas = ((paid ?? costs.gasDollars?.[t] ?? 0) * gasUnits) / dollars;
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
