import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { OutOfRangeError } from "../evaluation/sample.ts";
import { delayedThresholdCost, delayShortfall } from "./latency.ts";
import { toSimMarket } from "./market.ts";
import { toBrownianCloses } from "./simulate.fixture.ts";
import { simulate } from "./simulate.ts";

describe("delayShortfall", () => {
  it("default: by hand", () => {
    const trade = { dollars: 1e5, volatility: 0.006, bars: 4, drift: 0.0001 };
    expect(delayShortfall(trade).expected).toBeCloseTo(40, 9);
    expect(delayShortfall(trade).deviation).toBeCloseTo(1200, 9);
    expect(delayShortfall({ ...trade, bars: 0 })).toEqual({ expected: 0, deviation: 0 });
  });
  it.each([0, 0.0004])(
    "behaviour: mean and deviation of bought prices, with a drift of %f a bar",
    (drift) => {
      const random = seededRandom(6, "delay");
      const trade = { dollars: 1000, volatility: 0.006, bars: 6, drift };
      const PATHS = 100_000;
      let [sum, squares] = [0, 0];
      for (let i = 0; i < PATHS; i++) {
        let price = 1;
        for (let bar = 0; bar < trade.bars; bar++)
          price *= Math.exp(drift + trade.volatility * random.normal() - trade.volatility ** 2 / 2);
        const shortfall = trade.dollars * (price - 1);
        sum += shortfall;
        squares += shortfall ** 2;
      }
      const { expected, deviation } = delayShortfall(trade);
      const found = sum / PATHS;
      expect(Math.abs(found - expected)).toBeLessThan((4 * deviation) / Math.sqrt(PATHS));
      expect(Math.abs(Math.sqrt(squares / PATHS - found ** 2) / deviation - 1)).toBeLessThan(0.01);
    },
  );
});

describe("delayedThresholdCost", () => {
  const SIGMA = 0.002;
  const WEIGHT = 0.5;
  const STEP = WEIGHT * (1 - WEIGHT) * SIGMA;
  const TRIGGER = 20 * STEP;
  const market = toSimMarket(toBrownianCloses([0, SIGMA], 4_000_000, 9), [1 - WEIGHT, WEIGHT]);
  const run = (latency: number) =>
    simulate(
      market,
      { triggers: [TRIGGER, TRIGGER] },
      { nav: 1, base: 0, feeRates: [0, 0] },
      { bands: [0.4, 0.4], latency },
    );
  /** With the barrier where closes see it. */
  const theory = (bars: number) =>
    delayedThresholdCost({ weight: WEIGHT, volatility: SIGMA, halfWidth: TRIGGER + 0.5826 * STEP, bars });

  it.each([0, 25, 100, 400])(
    "behaviour: tracking variance and turnover of the simulator with a delay of %i bars",
    (bars) => {
      const result = run(bars);
      const { trackingVariance, turnover } = theory(bars);
      // From 5,000 to 10,000 cycles, each of which varies by about its mean: a standard error of up to 1.4 %.
      expect(Math.abs(result.trackingError ** 2 / trackingVariance - 1)).toBeLessThan(0.04);
      expect(Math.abs(result.turnover / result.bars / turnover - 1)).toBeLessThan(0.04);
    },
  );
  it("behaviour: what a delay adds, in the simulator and by theory", () => {
    const added = run(100).trackingError ** 2 - run(0).trackingError ** 2;
    expect(Math.abs(added / theory(100).addedVariance - 1)).toBeLessThan(0.08);
  });
  it("default: none without delay, and to first order 5/6 of the passage's share", () => {
    expect(theory(0).addedVariance).toBe(0);
    // L bars at h² in a cycle of h²/s² whose mean was h²/6: σ²·L·s²·5/6.
    const { addedVariance } = theory(1);
    expect(addedVariance / ((SIGMA ** 2 * STEP ** 2 * 5) / 6)).toBeCloseTo(1, 2);
  });
  it("error: no rule, and a delay into the past", () => {
    const rule = { weight: 0.5, volatility: 0.01, halfWidth: 0.02, bars: 1 };
    expect(() => delayedThresholdCost({ ...rule, weight: 1 })).toThrow(OutOfRangeError);
    expect(() => delayedThresholdCost({ ...rule, halfWidth: 0 })).toThrow(/half-width is 0/);
    expect(() => delayedThresholdCost({ ...rule, bars: -1 })).toThrow(/delay is -1/);
    expect(() => delayShortfall({ dollars: 1, volatility: 0.1, bars: 1, drift: NaN })).toThrow(/drift/);
  });
});
