import { BallastError } from "@ballast/data";
import type { SimMarket } from "./market.ts";
import type { RiskColumns } from "./risk-columns.ts";

/**
 * A rule that reacts to the weights alone. The constant mix: triggers 0, every bar. Calendar: triggers 0, every so
 * many bars. Threshold: triggers above 0, watched at every bar; with the calendar: at every so many. Buy and hold:
 * triggers Infinity. `scale` makes the triggers breathe with anything known in advance of the run: present gas, a
 * volatility, a forecast of either.
 */
export interface ReactiveRule {
  /** Half-width of each asset's trigger, share of the value, from 0. A weight exactly on it is inside. */
  readonly triggers: readonly number[];
  /** Factor of the triggers at each bar, above 0; made of what was known when that bar closed. */
  readonly scale?: Float64Array | undefined;
  /** Looks at the weights every so many bars, whole, from 1. Default 1. */
  readonly every?: number | undefined;
  /** Where a trade ends, as a share of the triggers (scaled, where that makes them narrower): 0..1. Default 0. */
  readonly keep?: number | undefined;
  /**
   * Measures the deviations together, by their tracking variance, in place of each by its trigger: the widest trigger is
   * then the width of `trackingScale`.
   */
  readonly risk?:
    | {
        readonly columns: RiskColumns;
        /** Trades only the assets that are worth their swap (`selectTrades`); `keep` is then not used. */
        readonly selects: boolean;
      }
    | undefined;
  /** Pays no more for gas than the deviation is worth, and waits meanwhile; without it a rule pays what gas costs. */
  readonly order?: FeeOrder | undefined;
}

/**
 * A standing order with a cap on the price of gas, which the chain itself enforces (maxFeePerGas, EIP-1559): placed at a
 * bar's close, executed at the next one's prices if gas came down to the cap in between, else placed anew. The cap is
 * usual · (deviation / trigger)^power; a power of Infinity would be the plain trigger.
 */
export interface FeeOrder {
  /** [bar][sample]: ln of the dollars per unit of gas in the course of the bar, in order; NaN where there was none. */
  readonly samples: Float64Array;
  readonly samplesPerBar: number;
  /** [bar]: ln of the dollars per unit of gas that are expected, known when the bar closed. */
  readonly usual: Float64Array;
  /** Above 0. */
  readonly power: number;
}

/** What trading costs. All of it is paid out of the portfolio, each holding in proportion. */
export interface SimCosts {
  /** Dollars at the start. */
  readonly nav: number;
  /** Index of the base asset, whose trades are the other side of all others and cost nothing; none where absent. */
  readonly base?: number | undefined;
  /** Per asset, share of what is traded: pool fee, half spread, allowance for MEV. From 0. */
  readonly feeRates: readonly number[];
  /** Dollars per unit of gas at each bar. No gas where absent. */
  readonly gasDollars?: Float64Array | undefined;
  /** Gas of a rebalance with no swap in it, its attestation included, and of each swap. */
  readonly gasPerTrade?: number | undefined;
  readonly gasPerSwap?: number | undefined;
  /**
   * Per asset, dollars: a trade of x moves the price against itself by x²/depth dollars in all. A pool of full range
   * has the depth of its reserve in the base asset. Infinite where absent.
   */
  readonly depths?: readonly number[] | undefined;
  /** Per asset, the factor c by which a trade of x dollars costs c·x^1.5 on top: `toRootImpact`. None where absent. */
  readonly rootImpacts?: readonly number[] | undefined;
}

export interface SimOptions {
  /** Half-widths of the bands that are watched and reported on, shares of the value; below the target of each. */
  readonly bands: readonly number[];
  /** Bars between a decision and its execution at that bar's prices. Default 0: at the close that decided. */
  readonly latency?: number | undefined;
  /** 0 where the market is halted: nothing is decided or executed at that bar. */
  readonly open?: Uint8Array | undefined;
  /** Sums of every so many bars apart, for the bootstrap. */
  readonly blockBars?: number | undefined;
}

export class BadRuleError extends BallastError {
  readonly code = "BAD_RULE";
  readonly parameter: string;
  readonly value: number;
  constructor(parameter: string, value: number, range: string) {
    super(`The backtest's ${parameter} is ${value}; give ${range}.`);
    this.parameter = parameter;
    this.value = value;
  }
}

export class BandOverlapsZeroError extends BallastError {
  readonly code = "BAND_OVERLAPS_ZERO";
  readonly asset: number;
  readonly band: number;
  readonly target: number;
  constructor(asset: number, band: number, target: number) {
    super(
      `The band of asset number ${asset}, ±${band} around ${target}, reaches zero. Give a half-width above 0 and below the target.`,
    );
    this.asset = asset;
    this.band = band;
    this.target = target;
  }
}

/** Throws BadRuleError and BandOverlapsZeroError for what no run could mean anything with. */
export function checkRun(market: SimMarket, rule: ReactiveRule, costs: SimCosts, options: SimOptions): void {
  const { assets, bars, targets } = market;
  const need = (isGood: boolean, parameter: string, value: number, range: string) => {
    if (!isGood) throw new BadRuleError(parameter, value, range);
  };
  const each = (name: string, list: readonly number[], isGood: (x: number) => boolean, range: string) => {
    need(list.length === assets, `number of ${name}`, list.length, `one for each of the ${assets} assets`);
    for (const value of list) need(isGood(value), name, value, range);
  };
  const isCount = (x: number, least: number) => Number.isInteger(x) && x >= least;
  each("triggers", rule.triggers, (x) => x >= 0, "half-widths from 0");
  if (rule.scale !== undefined) {
    need(
      rule.scale.length === bars,
      "number of scale",
      rule.scale.length,
      `one for each of the ${bars} bars`,
    );
    for (const x of rule.scale)
      need(x > 0 && x < Number.POSITIVE_INFINITY, "scale", x, "finite factors above 0");
  }
  if (rule.scale !== undefined)
    each(
      "triggers",
      rule.triggers,
      (x) => x > 0 && Number.isFinite(x),
      "finite half-widths above 0 to scale",
    );
  need(isCount(rule.every ?? 1, 1), "every", rule.every ?? 1, "a whole number of bars from 1");
  const keep = rule.keep ?? 0;
  need(keep >= 0 && keep <= 1, "keep", keep, "a share from 0 to 1");
  need(keep === 0 || rule.triggers.every(Number.isFinite), "keep", keep, "0 where a trigger is infinite");
  const { order, risk } = rule;
  if (order !== undefined) {
    need(order.power > 0 && Number.isFinite(order.power), "order power", order.power, "a number above 0");
    need(
      order.usual.length === bars,
      "number of usual",
      order.usual.length,
      `one for each of the ${bars} bars`,
    );
    need(isCount(order.samplesPerBar, 1), "samplesPerBar", order.samplesPerBar, "a whole number from 1");
    const wanted = bars * order.samplesPerBar;
    need(order.samples.length === wanted, "number of samples", order.samples.length, `${wanted}`);
  }
  if (order !== undefined || risk !== undefined)
    each("triggers", rule.triggers, (x) => x > 0 && Number.isFinite(x), "finite half-widths above 0");
  if (risk !== undefined) {
    const { scale, covariance, barsPerBlock } = risk.columns;
    const blocks = Math.ceil(bars / barsPerBlock);
    need(scale.length >= blocks, "number of blocks", scale.length, `at least ${blocks}`);
    need(
      covariance.length === scale.length * assets ** 2,
      "number of covariances",
      covariance.length,
      `${scale.length * assets ** 2}`,
    );
  }
  need(costs.nav > 0 && Number.isFinite(costs.nav), "nav", costs.nav, "dollars above 0");
  each("feeRates", costs.feeRates, (x) => x >= 0 && x < 1, "shares from 0 to below 1");
  if (costs.gasDollars !== undefined) {
    const { length } = costs.gasDollars;
    need(length === bars, "number of gasDollars", length, `one for each of the ${bars} bars`);
  }
  for (const name of ["gasPerTrade", "gasPerSwap"] as const)
    need((costs[name] ?? 0) >= 0 && Number.isFinite(costs[name] ?? 0), name, costs[name] ?? 0, "gas from 0");
  if (costs.depths !== undefined) each("depths", costs.depths, (x) => x > 0, "dollars above 0");
  if (costs.rootImpacts !== undefined)
    each("rootImpacts", costs.rootImpacts, (x) => x >= 0 && Number.isFinite(x), "factors from 0");
  each("bands", options.bands, (x) => x > 0, "half-widths above 0");
  for (const [i, band] of options.bands.entries())
    if (!(band < targets[i]!)) throw new BandOverlapsZeroError(i, band, targets[i]!);
  need(isCount(options.latency ?? 0, 0), "latency", options.latency ?? 0, "a whole number of bars from 0");
  if (options.open !== undefined)
    need(
      options.open.length === bars,
      "number of open",
      options.open.length,
      `one for each of the ${bars} bars`,
    );
  need(isCount(options.blockBars ?? 1, 1), "blockBars", options.blockBars ?? 1, "a whole number from 1");
}
