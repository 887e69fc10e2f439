import { wad } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stateWith, toWad } from "../test/fixture.ts";
import { outcomeRecorder } from "./outcome.ts";
import type { Decided, VaultState } from "./types.ts";

const priced = (state: VaultState, prices: readonly number[]): VaultState => ({
  ...state,
  holdings: state.holdings.map((holding, index) => ({ ...holding, price: toWad(prices[index]!) })),
});

describe("outcomeRecorder", () => {
  it("default: a vault that sits on its targets while prices stand still costs and tracks nothing", () => {
    const recorder = outcomeRecorder(1);
    const state = stateWith({ USDC: 1 / 3, BTC: 1 / 3, ETH: 1 / 3 });
    for (let hour = 0; hour < 5; hour++) {
      recorder.observe(state);
      recorder.decided();
    }
    expect(recorder.outcome()).toMatchObject({
      decisions: 5,
      holds: 5,
      executed: 0,
      hoursOutsideBand: 0,
      trackingError: 0,
      costBps: { fees: 0, impact: 0, gas: 0, total: 0 },
    });
  });

  it("behaviour: counts the hours outside the band and how far outside", () => {
    const recorder = outcomeRecorder(1);
    recorder.observe(stateWith({ USDC: 0.3, BTC: 0.37, ETH: 0.33 })); // USDC 3.33 points off, 1.33 beyond
    recorder.observe(stateWith({ USDC: 1 / 3, BTC: 1 / 3, ETH: 1 / 3 }));
    const { hoursOutsideBand, meanExcessPp } = recorder.outcome();
    expect(hoursOutsideBand).toBe(1);
    // BTC is furthest: 37 % − 33.3 % − 2 points.
    expect(meanExcessPp).toBeCloseTo(100 * (0.37 - 1 / 3 - 0.02), 5);
  });

  it("behaviour: tracking error is the spread of hourly returns against the constant mix, by hand", () => {
    const recorder = outcomeRecorder(1);
    const state = stateWith({ USDC: 0.5, BTC: 0.5 }, { target: { USDC: 0.4, BTC: 0.6 } });
    // BTC +10 %, then back: vault (half BTC) 0.05 and −0.047619; mix (60 % BTC) 0.06 and −0.0545454.
    recorder.observe(state);
    recorder.observe(priced(state, [1, 44_000]));
    recorder.observe(priced(state, [1, 40_000]));
    const differences = [0.05 - 0.06, -50_000 / 1_050_000 - 0.6 * (40 / 44 - 1)];
    const mean = (differences[0]! + differences[1]!) / 2;
    const sd = Math.sqrt((differences[0]! - mean) ** 2 + (differences[1]! - mean) ** 2);
    expect(recorder.outcome().trackingError).toBeCloseTo(sd * Math.sqrt(8760), 6);
  });

  it("behaviour: splits what a trade cost into fee, impact and gas", () => {
    const recorder = outcomeRecorder(1);
    const state = stateWith({ USDC: 0.3, BTC: 0.7 });
    recorder.observe(state);
    const decided = {
      isBreached: true,
      trades: [
        {
          tokenIn: state.holdings[1]!.token,
          tokenOut: state.holdings[0]!.token,
          amountIn: 500_000_000n,
          minAmountOut: 1n,
        },
      ],
    } as unknown as Decided;
    recorder.decided();
    // 5 BTC are worth 200,000; the pool delivered 199,800: 200 less, of which 0.05 % or 100 is the fee.
    recorder.executed(
      state,
      decided,
      {
        txHash: "0x",
        blockNumber: 1,
        minedAt: 1_620_000_012n,
        navBefore: wad(10n ** 24n),
        navAfter: wad(10n ** 24n - 10n ** 20n),
        gasUsed: 300_000n,
        gasPrice: 20n * 10n ** 9n,
        amountsOut: [199_800_000_000n],
      },
      400_000n,
    );
    const { costBps, executedAfter, turnover } = recorder.outcome();
    expect(executedAfter).toBe(1);
    expect(turnover).toBeCloseTo(0.2, 9);
    expect(costBps.fees).toBeCloseTo(1, 9);
    expect(costBps.impact).toBeCloseTo(1, 9);
    // 400,000 gas × 20 gwei = 0.008 ether = 20 in the base asset, of a million: 0.2 bps.
    expect(costBps.gas).toBeCloseTo(0.2, 9);
  });

  it("behaviour: over random runs it agrees with plain loops over the definitions", () => {
    const hour = fc.record({
      prices: fc.tuple(fc.integer({ min: 20_000, max: 60_000 }), fc.integer({ min: 1_000, max: 4_000 })),
      weights: fc.tuple(fc.integer({ min: 20, max: 45 }), fc.integer({ min: 20, max: 45 })),
    });
    const runs = fc.record({
      hours: fc.array(hour, { minLength: 3, maxLength: 40 }),
      interval: fc.constantFrom(1, 4),
    });
    fc.assert(
      fc.property(runs, ({ hours, interval }) => {
        const recorder = outcomeRecorder(interval);
        const navs: number[] = [];
        const beyond: number[] = [];
        const differences: number[] = [];
        const target = [0.4, 0.35, 0.25];
        for (const [h, { prices, weights }] of hours.entries()) {
          const shares = [1 - (weights[0] + weights[1]) / 100, weights[0] / 100, weights[1] / 100];
          const state = priced(
            stateWith(
              { USDC: shares[0]!, BTC: shares[1]!, ETH: shares[2]! },
              { target: { BTC: target[1]!, ETH: target[2]! }, band: 0.05 },
            ),
            [1, ...prices],
          );
          recorder.observe(state);
          const values = state.holdings.map(
            ({ balance, decimals }, i) => (Number(balance) / 10 ** decimals) * [1, ...prices][i]!,
          );
          navs.push(values[0]! + values[1]! + values[2]!);
          let worst = 0;
          for (let i = 0; i < 3; i++)
            worst = Math.max(worst, Math.abs(values[i]! / navs[h]! - target[i]!) - 0.05);
          if (worst > 0) beyond.push(worst);
          if (h === 0) continue;
          let mix = 0;
          for (let i = 1; i < 3; i++) mix += target[i]! * (prices[i - 1]! / hours[h - 1]!.prices[i - 1]! - 1);
          differences.push(navs[h]! / navs[h - 1]! - 1 - mix);
        }
        let mean = 0;
        for (const difference of differences) mean += difference / differences.length;
        let squares = 0;
        for (const difference of differences) squares += (difference - mean) ** 2;
        const perYear = (365 * 24) / interval;
        const outcome = recorder.outcome();
        expect(outcome.trackingError).toBeCloseTo(
          Math.sqrt((squares / (differences.length - 1)) * perYear),
          6,
        );
        expect(outcome.hoursOutsideBand).toBe(beyond.length * interval);
        let excess = 0;
        for (const value of beyond) excess += (100 * value) / beyond.length;
        expect(outcome.meanExcessPp).toBeCloseTo(excess, 6);
        expect(outcome.returnPct).toBeCloseTo(100 * (navs.at(-1)! / navs[0]! - 1), 6);
      }),
      { seed: 11, numRuns: 100 },
    );
  });
});
