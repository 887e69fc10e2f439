import { keccak } from "@ballast/data";
import {
  type Forecast,
  HORIZONS_HOURS,
  QUANTILE_LEVELS,
  UnknownAssetError,
  weightBreachProbabilities,
  weightBreachTimes,
  weightDistributions,
} from "@ballast/model";
import { describe, expect, it } from "vitest";
import { T0 } from "../test/fixture.ts";
import { outlookOf } from "./outlook.ts";
import type { Watch } from "./types.ts";

const FORECAST: Forecast = {
  modelId: keccak(new Uint8Array([2])),
  at: T0,
  horizonsHours: HORIZONS_HOURS,
  assets: ["BTC", "ETH"],
  variance: [0.6, 0.8].map((vol) => HORIZONS_HOURS.map((hours) => (vol ** 2 * hours) / 8760)),
  correlation: [
    [1, 0.6],
    [0.6, 1],
  ],
  breachCalibration: { a: -0.1, b: 0.9 },
};
const WATCH: Watch = {
  monitorHours: 1,
  holdings: [
    { asset: "USDC", target: 0.4, band: 0.5 },
    { asset: "BTC", target: 0.3, band: 0.02 },
    { asset: "ETH", target: 0.3, band: 0.02 },
  ],
};
const WEIGHTS = [0.4, 0.31, 0.29];

describe("outlookOf", () => {
  const outlook = outlookOf(WATCH, WEIGHTS, FORECAST);

  it("default: for each holding and horizon, what the model says of that weight and band", () => {
    expect(outlook.map(({ asset, weight }) => [asset, weight])).toEqual([
      ["USDC", 0.4],
      ["BTC", 0.31],
      ["ETH", 0.29],
    ]);
    const request = {
      weights: WEIGHTS,
      targets: [0.4, 0.3, 0.3],
      bands: [0.5, 0.02, 0.02],
      assetsOfHoldings: ["USDC", "BTC", "ETH"],
      forecast: FORECAST,
      monitorHours: 1,
    };
    const distributions = weightDistributions(request);
    for (const [i, { horizons }] of outlook.entries()) {
      for (const [h, horizon] of horizons.entries()) {
        const at = { ...request, horizonHours: horizon.hours };
        const { mean, deviation, quantiles } = distributions[i]![h]!;
        expect(horizon).toEqual({
          hours: HORIZONS_HOURS[h],
          mean,
          deviation,
          levels: [...QUANTILE_LEVELS],
          quantiles,
          breachProbability: weightBreachProbabilities(at)[i]!.calibrated,
          hoursInside: weightBreachTimes(at)[i]!.hoursWithin.calibrated,
          hoursToBreach: weightBreachTimes(at)[i]!.expectedHours,
        });
      }
    }
  });

  it("behaviour: a longer look ahead breaches no less likely, and a band of all weights never", () => {
    for (const { horizons } of outlook.slice(1)) {
      const chances = horizons.map(({ breachProbability }) => breachProbability);
      expect(chances).toEqual([...chances].sort((a, b) => a - b));
      expect(chances.at(-1)).toBeGreaterThan(chances[0]!);
    }
    const [free] = outlookOf(
      { ...WATCH, holdings: WATCH.holdings.map((holding) => ({ ...holding, band: 1 })) },
      WEIGHTS,
      FORECAST,
    );
    expect(free!.horizons.map(({ breachProbability }) => breachProbability)).toEqual([0, 0, 0, 0]);
    expect(free!.horizons.map(({ hoursToBreach }) => hoursToBreach)).toEqual(new Array(4).fill(Infinity));
    expect(free!.horizons.map(({ hoursInside }) => hoursInside)).toEqual([...HORIZONS_HOURS]);
  });

  it("error: a holding that the forecast does not cover", () => {
    const holdings = WATCH.holdings.map((holding, i) => (i === 2 ? { ...holding, asset: "DOGE" } : holding));
    expect(() => outlookOf({ ...WATCH, holdings }, WEIGHTS, FORECAST)).toThrow(UnknownAssetError);
  });
});
