import { selectTrades, toDestination, trackingVariance } from "@ballast/agent";
import type { SimMarket } from "./market.ts";
import { BadRuleError, checkRun, type ReactiveRule, type SimCosts, type SimOptions } from "./rule.ts";
import { type Attention, scanFour, scanMany, type Walk } from "./scan.ts";
import { RuinedError, type SimBlocks, type SimResult, TradeExceedsPoolError } from "./sim-result.ts";

/** Less than this share of the value is rounding, no swap. */
export const DUST = 1e-9;

/** What a rule that selects has decided of an asset. */
const STAYS = 0;
const TO_TARGET = 1;
const TAKES_REST = 2;

/**
 * Runs a rule through a market. At each bar's close: the portfolio's growth is compared with the constant mix's, its
 * weights with their bands, then the rule looks and trades at once, or `latency` bars later to the weights it
 * chose, at the prices of then. Nothing later than a bar is read at it. Throws as `checkRun` does,
 * TradeExceedsPoolError and RuinedError.
 */
export function simulate(
  market: SimMarket,
  rule: ReactiveRule,
  costs: SimCosts,
  options: SimOptions,
): SimResult {
  checkRun(market, rule, costs, options);
  const { assets, bars, stride, price } = market;
  const { scale } = rule;
  const every = rule.every ?? 1;
  const keep = rule.keep ?? 0;
  const latency = options.latency ?? 0;
  const targets = toColumns(market.targets, stride, 0);
  const triggers = toColumns(rule.triggers, stride, 1);
  const bands = toColumns(options.bands, stride, 1);
  const walk: Walk = { units: new Float64Array(stride), targets, value: 1, squares: 0 };
  for (let i = 0; i < assets; i++) walk.units[i] = targets[i]! / price[i]!;
  const scan = stride === 4 ? scanFour : scanMany;
  // A scan stops where the rule might trade or a band is left, whichever is narrower.
  const watching: Attention =
    scale === undefined
      ? { widths: triggers.map((x, i) => Math.min(x, bands[i]!)), scale: undefined, cap: 1 }
      : { widths: triggers, scale, cap: Math.min(...rule.triggers.map((x, i) => bands[i]! / x)) };
  const reporting: Attention = { widths: bands, scale: undefined, cap: 1 };
  const stopping: Attention = { widths: new Float64Array(stride).fill(-1), scale: undefined, cap: 1 };
  // Triggers of 0 trade at every look, and looks that are not at every bar are no business of the scan's.
  const { risk, order } = rule;
  const isTimed =
    every > 1 || risk !== undefined || order !== undefined || rule.triggers.some((x) => x === 0);
  // An order may be met at any bar.
  const step = order === undefined ? every : 1;
  const isWatched = order !== undefined && risk === undefined;
  const width = Math.max(...rule.triggers);
  const weights = new Float64Array(assets);
  /** The weights that a decision was made from, and with a risk their deviations. */
  const known = new Float64Array(assets);
  const widths = new Float64Array(assets);
  const destination = new Float64Array(assets);
  const deviations = new Float64Array(assets);
  const left = new Float64Array(assets);
  /** Of a rule that selects, what was decided of each asset. */
  const roles = new Uint8Array(assets);
  /** ln of the cap of the order that stands; absent where none does. */
  let cap: number | undefined;
  let placedAt = 0;
  let placedFactor = 1;
  const tally = {
    trades: 0,
    swaps: 0,
    turnover: 0,
    fees: 0,
    gas: 0,
    impact: 0,
    dollars: 0,
    outsideBars: 0,
    excess: 0,
    worst: 0,
  };
  let executesAt = -1;

  /** Everything that happens at a bar besides its growth. */
  function attend(t: number): void {
    const value = walk.value;
    const factor = scale === undefined ? 1 : scale[t]!;
    let excess = 0;
    let isTriggered = false;
    /** How many triggers wide the deviation is. */
    let multiple = 0;
    for (let i = 0; i < assets; i++) {
      const held = walk.units[i]! * price[t * stride + i]!;
      const deviation = Math.abs(held - targets[i]! * value);
      if (deviation > bands[i]! * value) excess = Math.max(excess, deviation / value - bands[i]!);
      if (deviation > triggers[i]! * (value * factor)) isTriggered = true;
      if (isWatched) multiple = Math.max(multiple, deviation / (triggers[i]! * (value * factor)));
      weights[i] = held / value;
    }
    if (excess > 0) {
      tally.outsideBars++;
      tally.excess += excess;
      tally.worst = Math.max(tally.worst, excess);
    }
    const standing = cap;
    cap = undefined;
    if (options.open?.[t] === 0) return;
    if (standing !== undefined) {
      const paid = fillAt(t, standing);
      if (paid !== undefined) {
        // What was decided when the order was placed is worked out now: most orders are never met.
        choose(placedAt, placedFactor);
        execute(t, paid);
        return;
      }
    }
    if (risk !== undefined) {
      for (let i = 0; i < assets; i++) deviations[i] = weights[i]! - targets[i]!;
      const block = Math.floor(t / risk.columns.barsPerBlock);
      const q = trackingVariance(deviations, covarianceOf(block));
      multiple = Math.sqrt(Math.max(0, q) / risk.columns.scale[block]!) / (width * factor);
      isTriggered = multiple > 1;
    }
    if (order !== undefined) {
      if (t % every !== 0 || multiple === 0) return;
      cap = order.usual[t]! + order.power * Math.log(multiple);
      placedAt = t;
      placedFactor = factor;
      known.set(weights);
    } else if (executesAt >= 0) {
      if (t >= executesAt) {
        executesAt = -1;
        execute(t);
      }
    } else if (isTriggered && t % every === 0) {
      known.set(weights);
      choose(t, factor);
      if (latency === 0) execute(t);
      else executesAt = t + latency;
    }
  }

  /** The first price of gas at or below the cap in the course of bar t, dollars a unit; undefined where there is none. */
  function fillAt(t: number, standing: number): number | undefined {
    const { samples, samplesPerBar } = order!;
    for (let k = t * samplesPerBar; k < (t + 1) * samplesPerBar; k++) {
      if (samples[k]! <= standing) return Math.exp(samples[k]!);
    }
    return undefined;
  }

  const covarianceOf = (block: number) =>
    risk!.columns.covariance.subarray(block * assets * assets, (block + 1) * assets * assets);

  /** Sets the destination. */
  function choose(t: number, factor: number): void {
    if (risk?.selects) {
      const block = Math.floor(t / risk.columns.barsPerBlock);
      const gas =
        (order === undefined ? (costs.gasDollars?.[t] ?? 0) : Math.exp(order.usual[t]!)) / costs.nav;
      const limit = (width * factor) ** 2 * risk.columns.scale[block]!;
      const prices = {
        base: costs.base,
        perTrade: gas * (costs.gasPerTrade ?? 0),
        perSwap: gas * (costs.gasPerSwap ?? 0),
        feeRates: costs.feeRates,
      };
      selectTrades(deviations, covarianceOf(block), limit, prices, left);
      for (let i = 0; i < assets; i++) {
        roles[i] = left[i] === 0 ? TO_TARGET : left[i] === deviations[i] ? STAYS : TAKES_REST;
      }
      const stays = roles.lastIndexOf(STAYS);
      if (costs.base !== undefined) roles[costs.base] = TAKES_REST;
      // Where the chosen balance each other nobody had to, but their prices move on.
      else if (stays >= 0 && !roles.includes(TAKES_REST)) roles[stays] = TAKES_REST;
      return;
    }
    for (let i = 0; i < assets; i++) widths[i] = triggers[i]! * Math.min(1, factor);
    if (keep === 0) for (let i = 0; i < assets; i++) destination[i] = targets[i]!;
    else toDestination(known, market.targets, widths, keep, destination);
  }

  function execute(t: number, paid?: number): void {
    const value = walk.value;
    let volume = 0;
    let fees = 0;
    let impact = 0;
    let swaps = 0;
    if (risk?.selects) {
      // Prices have moved since the decision: what was not chosen stays as it is, whatever it weighs by now.
      let rest = 1;
      for (let i = 0; i < assets; i++) {
        if (roles[i] === TAKES_REST) continue;
        const isKept = roles[i] === STAYS;
        destination[i] = isKept ? (walk.units[i]! * price[t * stride + i]!) / value : targets[i]!;
        rest -= destination[i]!;
      }
      for (let i = 0; i < assets; i++) if (roles[i] === TAKES_REST) destination[i] = rest;
    }
    for (let i = 0; i < assets; i++) {
      const traded = Math.abs(destination[i]! * value - walk.units[i]! * price[t * stride + i]!);
      volume += traded;
      if (i === costs.base || traded <= DUST * value) continue;
      swaps++;
      fees += costs.feeRates[i]! * traded;
      const depth = costs.depths?.[i] ?? Number.POSITIVE_INFINITY;
      const dollars = traded * costs.nav;
      if (dollars > depth) throw new TradeExceedsPoolError(`bar ${t}`, dollars, depth);
      impact += (traded * dollars) / depth;
      if (costs.rootImpacts !== undefined) impact += traded * costs.rootImpacts[i]! * Math.sqrt(dollars);
    }
    const units = (costs.gasPerTrade ?? 0) + swaps * (costs.gasPerSwap ?? 0);
    const gasDollars = paid ?? costs.gasDollars?.[t] ?? 0;
    // Looked at where it is paid: a pass over the whole series would cost as much as the run.
    if (!(gasDollars >= 0 && gasDollars < Number.POSITIVE_INFINITY))
      throw new BadRuleError("gasDollars", gasDollars, "dollars from 0 at every bar");
    const gas = (gasDollars * units) / costs.nav;
    const left = value - (fees + impact + gas);
    if (!(left > 0)) throw new RuinedError(t);
    tally.trades++;
    tally.swaps += swaps;
    tally.turnover += volume / 2 / value;
    tally.fees += fees / value;
    tally.impact += impact / value;
    tally.gas += gas / value;
    tally.dollars += (fees + impact + gas) * costs.nav;
    for (let i = 0; i < assets; i++) walk.units[i] = (destination[i]! * left) / price[t * stride + i]!;
    walk.value = left;
  }

  const blockBars = options.blockBars ?? bars;
  const blocks = newBlocks(Math.ceil((bars - 1) / blockBars));
  let blockEnd = Math.min(1 + blockBars, bars);
  for (let t = 1, block = 0; t < bars; ) {
    const isPending = executesAt >= 0;
    const due = isPending ? Math.max(t, executesAt) : isTimed ? step * Math.ceil(t / step) : bars;
    if (t === due) {
      scan(market, walk, stopping, t, t + 1);
      attend(t++);
    } else {
      const to = Math.min(due, blockEnd);
      t = scan(market, walk, isPending || isTimed ? reporting : watching, t, to);
      if (t < to) attend(t++);
    }
    if (t === blockEnd) {
      blocks.cost[block] = tally.fees + tally.gas + tally.impact;
      blocks.gas[block] = tally.gas;
      blocks.squares[block] = walk.squares;
      blocks.outsideBars[block++] = tally.outsideBars;
      blockEnd = Math.min(blockEnd + blockBars, bars);
    }
  }
  const { excess, worst, ...sums } = tally;
  return {
    bars: bars - 1,
    ...sums,
    trackingError: Math.sqrt(walk.squares / (bars - 1)),
    meanExcess: tally.outsideBars === 0 ? 0 : excess / tally.outsideBars,
    worstExcess: worst,
    growth: walk.value,
    ...(options.blockBars === undefined ? {} : { blocks: toDifferences(blocks) }),
  };
}

const toColumns = (values: readonly number[], stride: number, rest: number): Float64Array =>
  Float64Array.from({ length: stride }, (_, i) => values[i] ?? rest);

const newBlocks = (count: number): SimBlocks => ({
  cost: new Float64Array(count),
  gas: new Float64Array(count),
  squares: new Float64Array(count),
  outsideBars: new Float64Array(count),
});

const toDifferences = ({ cost, gas, squares, outsideBars }: SimBlocks): SimBlocks => {
  const differences = (sums: Float64Array) => sums.map((sum, i) => sum - (sums[i - 1] ?? 0));
  return {
    cost: differences(cost),
    gas: differences(gas),
    squares: differences(squares),
    outsideBars: differences(outsideBars),
  };
};
