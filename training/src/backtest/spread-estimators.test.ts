import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { OutOfRangeError, TooFewObservationsError } from "../evaluation/sample.ts";
import { abdiRanaldoSpread, corwinSchultzSpread, type RangeBars } from "./spread-estimators.ts";
import { trailingLiquidity } from "./trailing-liquidity.ts";

/** Trades at bid or ask, by coin, about a Brownian middle: `sigma` a bar, so many trades in each. */
function toBars(spread: number, sigma: number, bars: number, seed: number, trades = 390): RangeBars {
  const random = seededRandom(seed, "bid-ask");
  const columns = {
    high: new Float64Array(bars),
    low: new Float64Array(bars),
    close: new Float64Array(bars),
  };
  let middle = 0;
  for (let t = 0; t < bars; t++) {
    let [high, low, close] = [-Infinity, Infinity, 0];
    for (let i = 0; i < trades; i++) {
      middle += (sigma / Math.sqrt(trades)) * random.normal();
      close = middle + (random.uniform() < 0.5 ? -spread / 2 : spread / 2);
      high = Math.max(high, close);
      low = Math.min(low, close);
    }
    columns.high[t] = Math.exp(high);
    columns.low[t] = Math.exp(low);
    columns.close[t] = Math.exp(close);
  }
  return columns;
}

describe("abdiRanaldoSpread", () => {
  it("default: two bars and a half by hand", () => {
    const e = Math.exp;
    const bars = {
      high: Float64Array.of(e(0.02), e(0.03), e(0.01)),
      low: Float64Array.of(e(-0.02), e(-0.01), e(-0.01)),
      close: Float64Array.of(e(0.02), e(0.015), e(0)),
    };
    // η: 0, 0.01, 0. (0.02 − 0)(0.02 − 0.01) = 0.0002 and (0.015 − 0.01)(0.015 − 0) = 0.000075, mean × 4 = 0.00055.
    expect(abdiRanaldoSpread(bars).spread).toBeCloseTo(Math.sqrt(0.00055), 12);
  });
  it.each([
    [0.005, 0.01],
    [0.01, 0.03],
    [0.03, 0.03],
  ])("behaviour: finds a spread of %f at a volatility of %f a bar", (spread, sigma) => {
    const bars = toBars(spread, sigma, 4000, 1);
    const { spread: found, least, most } = abdiRanaldoSpread(bars);
    // Trades seen one by one leave the range a little too narrow; that and the sample are within a tenth here.
    expect(Math.abs(found / spread - 1)).toBeLessThan(0.1);
    expect(most).toBeGreaterThan(found);
    expect(least).toBeLessThan(found);
  });
  it("behaviour: its interval covers the true spread about as often as it says", () => {
    let covered = 0;
    const RUNS = 200;
    for (let seed = 0; seed < RUNS; seed++) {
      const { least, most } = abdiRanaldoSpread(toBars(0.01, 0.02, 300, seed, 60));
      if (least <= 0.01 && most >= 0.01) covered++;
    }
    // 95 %; below 177 of 200 has a probability under 0.001.
    expect(covered).toBeGreaterThanOrEqual(177);
  });
  it("behaviour: a spread far below the range is not found, and the interval says how large it may be", () => {
    const { spread, most } = abdiRanaldoSpread(toBars(1e-5, 0.01, 2000, 3));
    expect(spread).toBeLessThan(0.002);
    expect(most).toBeGreaterThan(1e-4);
  });
});

describe("corwinSchultzSpread", () => {
  it("default: one pair by hand", () => {
    // Both bars run from 1 to e^0.1: β = 0.02, γ = 0.01; α = (0.2 − √0.02)/0.171573 − √(0.01/0.171573) = 0.1.
    const high = Float64Array.of(Math.exp(0.1), Math.exp(0.1));
    const low = Float64Array.of(1, 1);
    expect(corwinSchultzSpread({ high, low, close: low })).toBeCloseTo(2 * Math.tanh(0.05), 12);
  });
  it.each([
    [0.03, 0.03],
    [0.05, 0.03],
  ])("behaviour: finds a spread of %f at a volatility of %f a bar", (spread, sigma) => {
    expect(Math.abs(corwinSchultzSpread(toBars(spread, sigma, 4000, 2)) / spread - 1)).toBeLessThan(0.15);
  });
  it("behaviour: is biased upwards where the spread is small", () => {
    expect(corwinSchultzSpread(toBars(1e-5, 0.01, 2000, 3))).toBeGreaterThan(1e-3);
  });
  it("error: too few bars, and bars that cannot be", () => {
    const one = Float64Array.of(1);
    expect(() => corwinSchultzSpread({ high: one, low: one, close: one })).toThrow(TooFewObservationsError);
    const three = Float64Array.of(1, 1, 1);
    expect(() => abdiRanaldoSpread({ high: three, low: three, close: Float64Array.of(1, 2, 1) })).toThrow(
      OutOfRangeError,
    );
  });
});

describe("trailingLiquidity", () => {
  const HOUR = 3_600_000;
  const bars = toBars(0.02, 0.02, 400, 5, 60);
  const volume = Float64Array.from({ length: 400 }, (_, t) => 10 + (t % 7));
  const all = { ...bars, volume, firstClose: HOUR, barMs: HOUR };
  it("default: what the plain estimates of the same bars give", () => {
    const at = trailingLiquidity(all, 100, 0);
    // Bars 0 … 249 have closed by 250 h and a half.
    const cut = (column: Float64Array) => column.slice(150, 250);
    const { spread, volatility, volume: traded } = at(250.5 * HOUR);
    const window = { high: cut(bars.high), low: cut(bars.low), close: cut(bars.close) };
    expect(spread).toBeCloseTo(abdiRanaldoSpread(window).spread, 12);
    let [squares, money] = [0, 0];
    for (let t = 150; t < 250; t++) {
      squares += Math.log(bars.close[t]! / bars.close[t - 1]!) ** 2;
      money += bars.close[t]! * volume[t]!;
    }
    expect(volatility).toBeCloseTo(Math.sqrt((squares / 100) * 24), 12);
    expect(traded).toBeCloseTo((money / 100) * 24, 8);
    expect(trailingLiquidity(all, 100, 0.5)(250 * HOUR).spread).toBe(0.5);
  });
  it("behaviour: what has not closed changes nothing", () => {
    const changed = (column: Float64Array) => column.map((x, t) => (t >= 250 ? x * 3 : x));
    const future = { ...all, high: changed(bars.high), close: changed(bars.close), volume: changed(volume) };
    for (const at of [250 * HOUR, 251 * HOUR - 1])
      expect(trailingLiquidity(future, 100, 0)(at)).toEqual(trailingLiquidity(all, 100, 0)(at));
    expect(trailingLiquidity(future, 100, 0)(251 * HOUR)).not.toEqual(
      trailingLiquidity(all, 100, 0)(251 * HOUR),
    );
  });
  it("error: before the window is full, and where nothing is traded", () => {
    expect(() => trailingLiquidity(all, 100, 0)(100 * HOUR)).toThrow(/closed bars is 100/);
    expect(() => trailingLiquidity({ ...all, volume: volume.map(() => 0) }, 100, 0)(200 * HOUR)).toThrow(
      /trailing volume is 0/,
    );
    expect(() => trailingLiquidity(all, 1, 0)).toThrow(OutOfRangeError);
  });
});
