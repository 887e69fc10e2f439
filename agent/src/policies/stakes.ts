import { fromWad, type Wad } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import type { PolicyInput, Reasons, VaultState } from "../types.ts";
import { navOf, weightsOf } from "../weights.ts";
import { gasOverLowestAhead, nearestHorizon, REBALANCE_GAS } from "./gas.ts";

/** Hours over which waiting is priced: a day, where fees and volatility have their daily wave. */
const WAIT_HOURS = 24;

/** A weight that changes by less is not traded for. */
const DUST = 1e-9;

/**
 * What hangs on a choice, whether it is made or not: the cost of acting now, and of waiting. All in basis points of the
 * vault's value.
 *
 * - `actingFeesBps`, `actingGasBps`: pool fees and gas of trading to `toWeights` now, before what the pools' impact adds.
 * - `waitingGasBps`: the same gas at the lowest base fee that is expected within a day.
 * - `waitingTrackingErrorBps24h`: standard deviation, over a day, of the difference to a vault on its targets if nothing
 *   is traded, √(d′Σd) with d the weights' distances from target; `actingTrackingErrorBps24h` the same at `toWeights`.
 *
 * What needs a forecast is left out without one.
 */
export function stakesOf(
  { state, forecast }: Pick<PolicyInput, "state" | "forecast">,
  toWeights: readonly Wad[],
): Reasons {
  const now = weightsOf(state).map(fromWad);
  const then = toWeights.map(fromWad);
  const nav = fromWad(navOf(state));
  const moved = state.holdings.map((_, i) => (i === 0 ? 0 : Math.abs(then[i]! - now[i]!)));
  const swaps = moved.filter((share) => share > DUST).length;
  const fees = state.holdings.reduce((sum, { poolFee }, i) => sum + (moved[i]! * poolFee) / 1e6, 0);
  const units = swaps === 0 ? 0 : REBALANCE_GAS.fixed + swaps * REBALANCE_GAS.perSwap;
  const gas = nav > 0 ? ((units * Number(state.gasPrice)) / 1e18) * (fromWad(state.etherPrice) / nav) : 0;
  const dearer = (forecast && gasOverLowestAhead(forecast, WAIT_HOURS)) || undefined;
  const errors = forecast && trackingErrors(state, forecast, [now, then]);
  return {
    actingFeesBps: fees * 1e4,
    actingGasBps: gas * 1e4,
    ...(dearer !== undefined && { waitingGasBps: (gas / dearer) * 1e4 }),
    ...(errors && {
      waitingTrackingErrorBps24h: errors[0]! * 1e4,
      actingTrackingErrorBps24h: errors[1]! * 1e4,
    }),
  };
}

/** Variance per hour of a holding's log price at the forecast's horizon nearest to `hours`; 0 for the base asset. */
export function hourlyVariance(forecast: Forecast, asset: string, hours: number): number {
  const i = forecast.assets.indexOf(asset);
  const h = nearestHorizon(forecast.horizonsHours, hours);
  return i < 0 ? 0 : forecast.variance[i]![h]! / forecast.horizonsHours[h]!;
}

/** Standard deviation over `hours` of Σ shares·log return; shares in the order of the holdings. */
export function deviationAhead(
  { holdings }: VaultState,
  forecast: Forecast,
  shares: readonly number[],
  hours: number,
): number {
  const index = holdings.map(({ asset }) => forecast.assets.indexOf(asset));
  const scaled = holdings.map(
    ({ asset }, i) => shares[i]! * Math.sqrt(hours * hourlyVariance(forecast, asset, hours)),
  );
  let variance = 0;
  for (const [i, a] of index.entries())
    for (const [j, b] of index.entries())
      if (a >= 0 && b >= 0) variance += scaled[i]! * scaled[j]! * forecast.correlation[a]![b]!;
  return Math.sqrt(Math.max(0, variance));
}

const trackingErrors = (state: VaultState, forecast: Forecast, at: readonly (readonly number[])[]) =>
  at.map((weights) => {
    const distances = weights.map((weight, i) => weight - fromWad(state.holdings[i]!.targetWeight));
    return deviationAhead(state, forecast, distances, WAIT_HOURS);
  });
