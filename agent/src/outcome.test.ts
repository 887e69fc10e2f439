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
          fee: 500,
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
});
