import {
  type BreachRequest,
  type Forecast,
  weightBreachProbabilities,
  weightBreachTimes,
  weightDistributions,
} from "@ballast/model";
import type { Watch } from "./types.ts";

/** Where one weight goes if nobody trades. */
export interface HoldingOutlook {
  readonly asset: string;
  /** Now, 0..1, as are target and band. */
  readonly weight: number;
  readonly target: number;
  readonly band: number;
  /** One per horizon of the forecast. */
  readonly horizons: readonly {
    readonly hours: number;
    /** Of the weight at the horizon, 0..1. */
    readonly mean: number;
    readonly deviation: number;
    readonly levels: readonly number[];
    /** At `levels`. */
    readonly quantiles: readonly number[];
    /** Calibrated probability that the weight is seen outside its band by then, 0..1. */
    readonly breachProbability: number;
    /** Expected hours inside until it leaves or the horizon ends, calibrated, 0..hours. */
    readonly hoursInside: number;
    /** Expected hours until it leaves, however long, at the horizon's variance per hour; Infinity where it need not. */
    readonly hoursToBreach: number;
  }[];
}

/** The question that model's functions of first passage answer. */
export const toBreachRequest = (
  { holdings, monitorHours }: Watch,
  weights: readonly number[],
  forecast: Forecast,
  horizonHours: number,
): BreachRequest => ({
  assetsOfHoldings: holdings.map(({ asset }) => asset),
  weights,
  targets: holdings.map(({ target }) => target),
  bands: holdings.map(({ band }) => band),
  forecast,
  horizonHours,
  monitorHours,
});

/**
 * Distribution of each weight, probability of leaving the band and expected time to it, at each horizon of the
 * forecast, from what a decision knew: in the order of the holdings. Throws UnknownAssetError where the forecast
 * lacks a holding.
 * @param weights 0..1, in the order of the holdings
 */
export function outlookOf(watch: Watch, weights: readonly number[], forecast: Forecast): HoldingOutlook[] {
  const { horizonsHours } = forecast;
  const assetsOfHoldings = watch.holdings.map(({ asset }) => asset);
  const distributions = weightDistributions({ weights, assetsOfHoldings, forecast, horizonsHours });
  const passages = horizonsHours.map((hours) => {
    const request = toBreachRequest(watch, weights, forecast, hours);
    return { probabilities: weightBreachProbabilities(request), times: weightBreachTimes(request) };
  });
  return watch.holdings.map((holding, i) => ({
    ...holding,
    weight: weights[i]!,
    horizons: horizonsHours.map((hours, h) => {
      const { mean, deviation, levels, quantiles } = distributions[i]![h]!;
      const { expectedHours, hoursWithin } = passages[h]!.times[i]!;
      return {
        hours,
        mean,
        deviation,
        levels,
        quantiles,
        breachProbability: passages[h]!.probabilities[i]!.calibrated,
        hoursInside: hoursWithin.calibrated,
        hoursToBreach: expectedHours,
      };
    }),
  }));
}
