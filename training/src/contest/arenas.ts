import { toSimMarket } from "../backtest/market.ts";
import type { Window } from "../backtest/protocol.ts";
import { toRiskColumns } from "../backtest/risk-columns.ts";
import type { SimCosts } from "../backtest/rule.ts";
import type { Arena } from "../backtest/shapes.ts";
import { type VolatilityColumns, volatilitySignals } from "../backtest/signals.ts";
import { toFeeRate, VAULT_GAS } from "../backtest/true-costs.ts";
import type { Hours } from "./hours.ts";
import { VARIANCE_HOURS, type Venue } from "./venues.ts";

/** Dollars in the vault. */
export const DEFAULT_NAV = 1e6;
/** Half-width of the bands outside of which time is counted. */
const BAND = 0.015;
/** Assumed: the pool's fee, and a basis point for those who see the transaction coming. */
const FEE_RATE = toFeeRate({ fee: 0.0005, spread: 0, mev: 0.0001 });
/** Assumed virtual reserves of the pools, dollars. */
const DEPTHS: Readonly<Record<string, number>> = { BTC: 1e8, ETH: 1e8 };
const OTHER_DEPTH = 2e7;
/** Hours before a window from which covariances are known. */
const RISK_HOURS = 960;

/** Target weights by asset; USD is the base asset, whose price is 1. */
export type Basket = Readonly<Record<string, number>>;

/** What is known of the volatility of a basket's assets hour by hour, and what it came to. */
export function toVolatility(hours: Hours, basket: Basket): VolatilityColumns {
  const risky = Object.keys(basket).filter((asset) => asset !== "USD");
  return volatilitySignals(
    risky.map((asset) => hours.variance.get(asset)!),
    VARIANCE_HOURS,
  );
}

/**
 * A basket's arena of any window of hours: target weights by asset, USD being the base asset. `ago`: hours by which the
 * prices, and what is known of them, are older than the gas. `volatility` is `toVolatility` of the same hours and basket.
 */
export function toArenas(
  hours: Hours,
  venue: Venue,
  basket: Basket,
  nav: number = DEFAULT_NAV,
  volatility: VolatilityColumns = toVolatility(hours, basket),
): (window: Window, ago?: number) => Arena {
  const assets = Object.keys(basket);
  const ones = new Float64Array(hours.length).fill(1);
  return ({ from, to }, ago = 0) => {
    const cut = (column: Float64Array) => column.slice(from, to);
    const cutPrices = (column: Float64Array) => column.slice(from - ago, to - ago);
    const costs: SimCosts = {
      nav,
      base: assets.includes("USD") ? assets.indexOf("USD") : undefined,
      feeRates: assets.map((asset) => (asset === "USD" ? 0 : FEE_RATE)),
      gasDollars: cut(venue.gasDollars),
      gasPerTrade: VAULT_GAS.perTrade,
      gasPerSwap: VAULT_GAS.perSwap,
      depths: assets.map((asset) => DEPTHS[asset] ?? OTHER_DEPTH),
    };
    const targets = Object.values(basket);
    const toMarket = (begin: number) =>
      toSimMarket(
        assets.map((asset) => (hours.close.get(asset) ?? ones).slice(begin, to - ago)),
        targets,
      );
    const cutGas = (columns: Arena["gas"]) => ({
      gasRatio: cut(columns.gasRatio),
      gasFall: cut(columns.gasFall),
      usualFee: cut(columns.usualFee),
    });
    const { perBar, log: samples } = venue.gasSamples;
    return {
      market: toMarket(from - ago),
      costs,
      // A decision needs its time: everybody trades at the close after it.
      options: { bands: targets.map((target) => Math.min(BAND, target / 2)), latency: 1 },
      gas: cutGas(venue.gas),
      volatility: {
        forecast: cutPrices(volatility.forecast),
        trailing: cutPrices(volatility.trailing),
        realised: cutPrices(volatility.realised),
      },
      gasSamples: { perBar, log: samples.slice(from * perBar, to * perBar) },
      gasLevel: venue.gasLevel,
      risk: toRiskColumns(toMarket(from - ago - RISK_HOURS), RISK_HOURS, costs.base),
    };
  };
}
