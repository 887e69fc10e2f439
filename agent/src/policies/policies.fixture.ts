import { HOUR_MS, keccak, type Snapshot, unixMillis } from "@ballast/data";
import { type Forecast, HORIZONS_HOURS } from "@ballast/model";
import { stateWith, toWad } from "../../test/fixture.ts";
import type { Foresight } from "../types.ts";

/** A whole number of weeks since 1970, at which every calendar by default is due. */
export const DUE = unixMillis(2_700 * 168 * HOUR_MS);
const HOURS = 200;
export function snapshotAt(at: number, gas?: number): Snapshot {
  const publishedAt = Float64Array.from({ length: HOURS }, (_, i) => at - (HOURS - 1 - i) * HOUR_MS);
  const value = publishedAt.map((_, i) => (i === HOURS - 1 ? (gas ?? 20) : 20));
  const close = Float64Array.from({ length: HOURS }, (_, i) => 100 * (i % 2 === 0 ? 1 : 1.01));
  const exogenous = gas === undefined ? [] : [{ name: "base_fee_gwei", unit: "gwei", publishedAt, value }];
  return {
    at: unixMillis(at),
    intervalMs: HOUR_MS,
    assets: ["BTC", "ETH"],
    bars: [{ close }, { close }],
    exogenous,
    root: keccak(new Uint8Array([1])),
  } as unknown as Snapshot;
}
export const forecastOf = (at: number, hourly = 0.01): Forecast => ({
  modelId: keccak(new Uint8Array([2])),
  at: unixMillis(at),
  horizonsHours: HORIZONS_HOURS,
  assets: ["BTC", "ETH"],
  variance: [0, 1].map(() => HORIZONS_HOURS.map((hours) => Math.round(hours * hourly ** 2 * 1e12) / 1e12)),
  correlation: [
    [1, 0.6],
    [0.6, 1],
  ],
  breachCalibration: { a: 0, b: 1 },
  costs: {
    levels: [0.5],
    series: [
      {
        name: "base_fee_gwei",
        now: 20,
        horizonsHours: [1, 4, 24],
        last: [20, 20, 20].map((mean) => ({ mean, quantiles: [mean] })),
        mean: [20, 20, 20].map((mean) => ({ mean, quantiles: [mean] })),
        lowest: [19, 18, 10].map((mean) => ({ mean, quantiles: [mean] })),
      },
    ],
  },
});

export const model = {
  id: keccak(new Uint8Array([3])),
  attestationUid: keccak(new Uint8Array([4])),
  isActive: true,
  maxTurnover: toWad(0.5),
};
export const foresight: Foresight = {
  scorer: { modelId: model.id, scores: () => [undefined, 900, 100] },
  isNotarised: true,
};
export const cooled = { model, lastRebalanceAt: unixMillis(0) };
export const still = stateWith({ USDC: 0.3333, BTC: 0.3334, ETH: 0.3333 }, cooled);
/** Off by up to 1.9 points of a band of 2. */
export const near = stateWith({ USDC: 0.3153, BTC: 0.3523, ETH: 0.3324 }, cooled);
export const outside = stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 }, cooled);
