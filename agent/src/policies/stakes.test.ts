import { toWadNearest } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stateWith } from "../../test/fixture.ts";
import { gasOverLowestAhead } from "./gas.ts";
import { DUE, forecastOf } from "./policies.fixture.ts";
import { stakesOf } from "./stakes.ts";

const target = { USDC: 0.4, BTC: 0.4, ETH: 0.2 };
const state = stateWith({ USDC: 0.37, BTC: 0.43, ETH: 0.2 }, { target });
const targets = state.holdings.map(({ targetWeight }) => targetWeight);

describe("stakesOf", () => {
  it("default: fees and gas of acting, by hand", () => {
    const stakes = stakesOf({ state, forecast: undefined }, targets);
    // 3 points of BTC at 5 bp; one swap, 245,840 gas at 20 gwei, ether at 2,500 of a million.
    expect(stakes.actingFeesBps).toBeCloseTo(0.03 * 5, 9);
    expect(stakes.actingGasBps).toBeCloseTo(((245_840 * 20e-9 * 2_500) / 1e6) * 1e4, 9);
    expect(Object.keys(stakes)).toEqual(["actingFeesBps", "actingGasBps"]);
  });
  it("default: what waiting costs, by hand", () => {
    const stakes = stakesOf({ state, forecast: forecastOf(DUE, 0.01) }, targets);
    // Only BTC and the base asset, which does not move, are off: 3 points at 1 % an hour over 24 hours.
    expect(stakes.waitingTrackingErrorBps24h).toBeCloseTo(0.03 * 0.01 * Math.sqrt(24) * 1e4, 4);
    expect(stakes.actingTrackingErrorBps24h).toBeCloseTo(0, 9);
    // The lowest hour of the next 24 costs half.
    expect(stakes.waitingGasBps).toBeCloseTo(stakes.actingGasBps! / 2, 12);
  });
  it("behaviour: to where it is already costs nothing, and an empty vault has no costs that are no numbers", () => {
    const none = stakesOf({ state, forecast: undefined }, [0.37, 0.43, 0.2].map(toWadNearest));
    expect([none.actingFeesBps!, none.actingGasBps!].map((x) => Math.round(x * 1e6))).toEqual([0, 0]);
    const empty = stateWith({ USDC: 0, BTC: 0, ETH: 0 }, { target });
    for (const value of Object.values(stakesOf({ state: empty, forecast: forecastOf(DUE) }, targets)))
      expect(Number.isFinite(value)).toBe(true);
  });
  it("behaviour: the tracking error is that of two independent sources, mixed by hand", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -0.2, max: 0.2, noNaN: true }),
        fc.double({ min: -0.2, max: 0.2, noNaN: true }),
        fc.double({ min: -0.95, max: 0.95, noNaN: true }),
        fc.double({ min: 0.001, max: 0.03, noNaN: true }),
        (btc, eth, correlation, hourly) => {
          const weights = { USDC: 0.4 - btc - eth, BTC: 0.4 + btc, ETH: 0.2 + eth };
          const off = stateWith(weights, { target });
          const forecast: Forecast = {
            ...forecastOf(DUE, hourly),
            correlation: [
              [1, correlation],
              [correlation, 1],
            ],
          };
          const { waitingTrackingErrorBps24h } = stakesOf({ state: off, forecast }, targets);
          // Two independent sources: BTC is the first, ETH a mix of both.
          const first = btc + eth * correlation;
          const second = eth * Math.sqrt(1 - correlation ** 2);
          const expected = hourly * Math.sqrt(24) * Math.hypot(first, second) * 1e4;
          expect(Math.abs(waitingTrackingErrorBps24h! - expected)).toBeLessThan(0.01 + 1e-3 * expected);
        },
      ),
      { seed: 11, numRuns: 200 },
    );
  });
  it("behaviour: gas ahead is read within the hours asked for; without a fee nothing is known", () => {
    const forecast = forecastOf(DUE);
    expect(gasOverLowestAhead(forecast, 24)).toBe(2);
    expect(gasOverLowestAhead(forecast, 23)).toBeCloseTo(20 / 18, 12);
    expect(gasOverLowestAhead(forecast, 0.5)).toBeUndefined();
    expect(gasOverLowestAhead({ ...forecast, costs: undefined }, 24)).toBeUndefined();
  });
});
