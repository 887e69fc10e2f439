import { keccak, unixMillis } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CostsAhead, costsBytes, quantiseCosts, type SeriesAhead } from "./costs-ahead.ts";
import { type Forecast, forecastBytes, forecastHash, HORIZONS_HOURS, quantise } from "./forecast.ts";
import { ForecastRangeError } from "./forecast-range.ts";

const one = (mean: number, ...quantiles: number[]) => ({ mean, quantiles });
const FEE: SeriesAhead = {
  name: "base_fee_gwei",
  now: 23.456789,
  horizonsHours: [1, 24],
  last: [one(20.1, 18, 22), one(21, 12, 40)],
  mean: [one(20.1, 18, 22), one(20.5, 15, 30)],
  lowest: [one(20.1, 18, 22), one(12.345678, 8, 15)],
};
const COSTS: CostsAhead = { levels: [0.05, 0.95], series: [FEE] };

const FORECAST: Forecast = quantise({
  modelId: `0x${"ab".repeat(32)}`,
  at: unixMillis(1_665_446_400_000),
  horizonsHours: HORIZONS_HOURS,
  assets: ["BTC"],
  variance: [[1e-5, 4e-5, 2e-4, 1.5e-3]],
  correlation: [[1]],
  breachCalibration: { a: -0.4, b: 0.7 },
});

/** Reads the layout back, field by field as its comment draws it. */
function readCosts(bytes: Uint8Array): { version: number; costs: CostsAhead } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (size: number) => {
    at += size;
    return at - size;
  };
  const repeat = <T>(count: number, read: () => T) => Array.from({ length: count }, read);
  const u8 = () => view.getUint8(take(1));
  const u32 = () => view.getUint32(take(4));
  const f64 = () => view.getFloat64(take(8));
  const version = u8();
  const levels = repeat(u8(), () => u32() / 1e6);
  const series = repeat(view.getUint16(take(2)), (): SeriesAhead => {
    const size = u8();
    const start = take(size);
    const name = new TextDecoder().decode(bytes.subarray(start, start + size));
    const now = f64();
    const horizonsHours = repeat(view.getUint16(take(2)), u32);
    const [last, mean, lowest] = repeat(3, () =>
      repeat(horizonsHours.length, () => ({ mean: f64(), quantiles: repeat(levels.length, f64) })),
    );
    return { name, now, horizonsHours, last: last!, mean: mean!, lowest: lowest! };
  });
  expect(at).toBe(bytes.length);
  return { version, costs: { levels, series } };
}

describe("quantiseCosts", () => {
  it("default: six significant digits, whatever the unit", () => {
    const [fee] = quantiseCosts(COSTS).series;
    expect(fee!.now).toBe(23.4568);
    expect(fee!.lowest[1]!.mean).toBe(12.3457);
    const liquidity = quantiseCosts({ ...COSTS, series: [{ ...FEE, now: 1.234567891e24 }] }).series[0]!;
    expect(liquidity.now).toBe(1.23457e24);
    expect(Object.is(quantiseCosts({ ...COSTS, series: [{ ...FEE, now: -0 }] }).series[0]!.now, 0)).toBe(
      true,
    );
  });

  it("behaviour: idempotent, keeps order, and is within half of the sixth digit", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e30, max: 1e30, noNaN: true }),
        fc.double({ min: -1e30, max: 1e30, noNaN: true }),
        (a, b) => {
          const [low, high] = a < b ? [a, b] : [b, a];
          const once = quantiseCosts({ ...COSTS, series: [{ ...FEE, last: [one(low, low, high)] }] });
          expect(quantiseCosts(once)).toEqual(once);
          const [{ mean, quantiles }] = once.series[0]!.last as [
            CostsAhead["series"][number]["last"][number],
          ];
          expect(quantiles[0]).toBeLessThanOrEqual(quantiles[1]!);
          expect(Math.abs(mean - low)).toBeLessThanOrEqual(0.51e-5 * Math.abs(low));
        },
      ),
      { seed: 3 },
    );
  });

  it.each([
    ["costs.levels[0]", { ...COSTS, levels: [0, 0.5] }],
    ["costs.base_fee_gwei.now", { ...COSTS, series: [{ ...FEE, now: Number.NaN }] }],
    [
      "costs.base_fee_gwei.mean[0].quantiles[1]",
      { ...COSTS, series: [{ ...FEE, mean: [one(1, 1, Number.POSITIVE_INFINITY)] }] },
    ],
  ])("error: %s is named", (field, costs) => {
    expect(() => quantiseCosts(costs)).toThrow(ForecastRangeError);
    expect(() => quantiseCosts(costs)).toThrow(field);
  });
});

describe("costs in a forecast's canonical bytes", () => {
  const withCosts = quantise({ ...FORECAST, costs: COSTS });

  it("default: appended to what was there, and read back whole", () => {
    const before = forecastBytes(FORECAST);
    const bytes = forecastBytes(withCosts);
    expect(Buffer.compare(bytes.subarray(0, before.length), before)).toBe(0);
    const { version, costs } = readCosts(bytes.subarray(before.length));
    expect(version).toBe(3);
    expect(costs).toEqual(withCosts.costs);
    expect(Buffer.compare(costsBytes(withCosts.costs!), bytes.subarray(before.length))).toBe(0);
  });

  it("behaviour: every number of them is bound by the hash; a forecast without them keeps its own", () => {
    expect(forecastHash(FORECAST)).toBe(keccak(forecastBytes(FORECAST)));
    const hashes = new Set([forecastHash(FORECAST), forecastHash(withCosts)]);
    const changes: Partial<SeriesAhead>[] = [
      { name: "base_fee_gwej" },
      { now: 23.4569 },
      { horizonsHours: [1, 23] },
      { last: [FEE.last[0]!, one(21, 12, 40.001)] },
      { mean: [FEE.mean[0]!, one(20.5001, 15, 30)] },
      { lowest: [one(20.1, 18.0001, 22), FEE.lowest[1]!] },
    ];
    for (const change of changes)
      hashes.add(
        forecastHash(quantise({ ...FORECAST, costs: { ...COSTS, series: [{ ...FEE, ...change }] } })),
      );
    expect(hashes.size).toBe(2 + changes.length);
  });
});
