import { join } from "node:path";
import { HOUR_MS, seededRandom, syntheticSource, toMarket, unixMillis } from "@ballast/data";
import { type PoolState, sqrtPriceOfTick, swapExactIn } from "@ballast/training";
import { describe, expect, it } from "vitest";
import { calibration, toBarRows } from "./calibration.ts";
import {
  BadPoolMinutesError,
  parsePoolMinutes,
  readPoolMinutes,
  toFlowRatios,
  toReserves,
} from "./pool-minutes.ts";

const folder = process.env.BALLAST_TEST_DATA;
if (folder === undefined)
  console.log("BALLAST_TEST_DATA is not set: a recorded pool's flows are not held against its ticks");

const start = unixMillis(Date.UTC(2022, 0, 1));

describe("calibration", () => {
  it("default: of the synthetic market, every figure finite and none negative", async () => {
    const lines: string[] = [];
    const rows = await calibration({ bars: undefined, isQuick: true, log: (line) => lines.push(line) });
    expect(rows.length).toBe(4 * 6);
    for (const { name, value, peerValue } of rows) {
      expect(value, name).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(peerValue), name).toBe(true);
    }
    expect(lines.at(-1)).toMatch(/--pool/);
  });
  it("behaviour: a hundred thousand dollars' impact follows from the volatility and the volume beside it", async () => {
    const raw = await syntheticSource({ seed: 3, hours: 900, start }).load({});
    const { market } = toMarket(raw, { now: unixMillis(start + 900 * HOUR_MS) });
    const of = (name: string) => toBarRows(market).find((row) => row.name === name)!.value;
    const participation = 0.1 / of("volume_day_musd_ETH");
    const expected = (2 / 3) * of("volatility_day_ETH") * 100 * Math.sqrt(participation);
    expect(of("impact_100k_bps_ETH")).toBeCloseTo(expected, 9);
    expect(of("delay_one_bar_bps_ETH")).toBeCloseTo((of("volatility_day_ETH") * 100) / Math.sqrt(24), 9);
  });
});

describe("pool minutes", () => {
  const HEADER = "timestamp,netAmount1,closeTick,openTick,currentLiquidity\n";
  /** A pool of constant liquidity without a fee, swapped to and fro. */
  function record(minutes: number): string {
    const random = seededRandom(2, "pool-minutes");
    const liquidity = 10n ** 18n;
    const full = 887_220;
    let tick = 202_700;
    let pool: PoolState = {
      sqrtPriceX96: sqrtPriceOfTick(tick),
      tick,
      liquidity,
      fee: 0,
      tickSpacing: 60,
      ticks: [
        { tick: -full, liquidityNet: liquidity },
        { tick: full, liquidityNet: -liquidity },
      ],
    };
    let text = HEADER;
    for (let t = 0; t < minutes; t++) {
      const isDown = random.uniform() < 0.5;
      const amount = BigInt(Math.round(random.uniform() * (isDown ? 3e11 : 1e20)));
      const swap = swapExactIn(pool, isDown, amount);
      const close = Math.floor((2 * Math.log(Number(swap.sqrtPriceX96) / 2 ** 96)) / Math.log(1.0001));
      text += `minute ${t},${isDown ? -swap.amountOut : amount},${close},${tick},${liquidity}\n`;
      pool = { ...pool, sqrtPriceX96: swap.sqrtPriceX96, tick: close };
      tick = close;
    }
    return text;
  }
  it("default: what flowed is what the ticks say, and the reserve what the liquidity does", () => {
    const minutes = parsePoolMinutes([["a.csv", record(400)]]);
    const ratios = toFlowRatios(minutes);
    expect(ratios.length).toBeGreaterThan(100);
    const median = ratios[ratios.length >> 1]!;
    expect(Math.abs(median - 1)).toBeLessThan(0.01);
    // One tick of rounding at either end of a way of ten or more.
    expect(ratios[0]!).toBeGreaterThan(0.85);
    expect(ratios.at(-1)!).toBeLessThan(1.15);
    const reserve = toReserves(parsePoolMinutes([["a.csv", `${HEADER}m,0,200000,200000,1000000000`]]));
    expect(reserve[0]).toBeCloseTo(1e9 / 1.0001 ** 1e5, 6);
  });
  it.skipIf(folder === undefined)(
    "behaviour: a recorded pool's flows are what v3's mathematics says",
    async () => {
      const ratios = toFlowRatios(await readPoolMinutes(join(folder!, "uniswap-v3-polygon-minute")));
      expect(ratios.length).toBeGreaterThan(5_000);
      expect(Math.abs(ratios[ratios.length >> 1]! - 1)).toBeLessThan(0.05);
    },
  );
  it.each([
    ["timestamp,closeTick\nx,1", /no column openTick/],
    [`${HEADER}m,1,2,3,0`, /on line 2/],
    [`${HEADER}m,1,,3,5`, /on line 2/],
    [HEADER, /hold no minute/],
  ])("error: %j", (text, message) => {
    expect(() => parsePoolMinutes([["a.csv", text]])).toThrow(BadPoolMinutesError);
    expect(() => parsePoolMinutes([["a.csv", text]])).toThrow(message);
  });
  it("error: a folder that is not there", async () => {
    await expect(readPoolMinutes("/nowhere")).rejects.toThrow(/cannot be read/);
  });
});
