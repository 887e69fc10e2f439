import { BallastError, isoTime, type Market, type UnixMillis, unixMillis } from "@ballast/data";
import type { Portfolio } from "./portfolio.ts";
import type { Quote } from "./vault.ts";

export interface GasTerms {
  /** Added to the base fee, gwei from 0. */
  readonly tipGwei: number;
  /** Base fee where the market publishes no `base_fee_gwei` yet, gwei from 0. */
  readonly baseFeeGwei: number;
  /** Ether's price where the market has no bars of ETH, dollars above 0. */
  readonly etherDollars: number;
}

/** Half open, ms. */
export interface HaltedInterval {
  readonly from: number;
  readonly until: number;
}

export class BadTermsError extends BallastError {
  readonly code = "BAD_TERMS";
  readonly field: string;
  readonly value: number;
  constructor(field: string, value: number, allowed: string) {
    super(`The backtest's ${field} is ${value}; give ${allowed}.`);
    this.field = field;
    this.value = value;
  }
}

export class AssetWithoutBarsError extends BallastError {
  readonly code = "ASSET_WITHOUT_BARS";
  readonly asset: string;
  constructor(asset: string, known: readonly string[]) {
    super(
      `The portfolio holds ${asset}, of which the market has no bars; it has ${known.join(", ")}. ` +
        "Leave the asset out, or add its bars.",
    );
    this.asset = asset;
  }
}

/** Reads each bar close as a vault would, from `market.past(t)` alone. Throws BadTermsError, AssetWithoutBarsError. */
export function openQuotes(
  market: Market,
  portfolio: Portfolio,
  gas: GasTerms,
  halts: readonly HaltedInterval[],
): (t: UnixMillis) => Quote {
  const need = (isGood: boolean, field: string, value: number, allowed: string) => {
    if (!isGood) throw new BadTermsError(field, value, allowed);
  };
  need(gas.tipGwei >= 0 && Number.isFinite(gas.tipGwei), "tip", gas.tipGwei, "gwei from 0");
  need(gas.baseFeeGwei >= 0 && Number.isFinite(gas.baseFeeGwei), "base fee", gas.baseFeeGwei, "gwei from 0");
  need(
    gas.etherDollars > 0 && Number.isFinite(gas.etherDollars),
    "ether's price",
    gas.etherDollars,
    "dollars above 0",
  );
  for (const { from, until } of halts)
    need(from < until, `halt from ${from} until`, until, "a time after its begin");
  const indices = portfolio.assets.slice(1).map(({ asset }) => {
    const index = market.assets.indexOf(asset);
    if (index < 0) throw new AssetWithoutBarsError(asset, market.assets);
    return index;
  });
  const ether = market.assets.indexOf("ETH");
  const hasFees = market.exogenousNames.includes(BASE_FEE);
  return (t) => {
    const past = market.past(t);
    const closeOf = (index: number): number => past.bars(index, 1).close[0]!;
    return {
      at: t,
      prices: [1, ...indices.map(closeOf)],
      baseFeeGwei: (hasFees ? past.exogenous(BASE_FEE, 1).value[0] : undefined) ?? gas.baseFeeGwei,
      tipGwei: gas.tipGwei,
      etherDollars: ether < 0 ? gas.etherDollars : closeOf(ether),
      isHalted: halts.some(({ from, until }) => t >= from && t < until),
    };
  };
}

const BASE_FEE = "base_fee_gwei";

/** A base fee as it was published. */
export interface PublishedFee {
  readonly at: UnixMillis;
  readonly gwei: number;
}

/** Base fees block by block or every few minutes, beside the hourly series that forecasts are made from. */
const BLOCK_BASE_FEE = "block_base_fee_gwei";

/**
 * The base fees that were published from one time to another, both included: those of the series block_base_fee_gwei
 * where the market has it, else of base_fee_gwei. For who executes: a decision reads its snapshot alone. Empty where
 * the market publishes none.
 */
export function openFees(market: Market): (from: UnixMillis, to: UnixMillis) => readonly PublishedFee[] {
  const name = [BLOCK_BASE_FEE, BASE_FEE].find((known) => market.exogenousNames.includes(known));
  if (name === undefined) return () => [];
  const end = market.start + market.length * market.intervalMs;
  return (from, to) => {
    const { publishedAt, value } = market.past(unixMillis(Math.min(to, end))).exogenous(name, MOST_FEES);
    return [...publishedAt].flatMap((at, i) =>
      at >= from && at <= to ? [{ at: unixMillis(at), gwei: value[i]! }] : [],
    );
  };
}

/** Blocks of an hour. */
const MOST_FEES = 360;

/** What of the costs of gas is assumed and not recorded, for the reader of the record. */
export function gasAssumptions(market: Market, gas: GasTerms, from: UnixMillis): string[] {
  const first =
    market.exogenousNames.includes(BASE_FEE) && market.past(from).exogenous(BASE_FEE, 1).value.length > 0;
  return [
    ...(first
      ? []
      : [`no base fee was recorded by ${isoTime(from)}: ${gas.baseFeeGwei} gwei are assumed until one is`]),
    ...(market.assets.includes("ETH")
      ? []
      : [`no price of ether is recorded: ${gas.etherDollars} dollars are assumed`]),
  ];
}
