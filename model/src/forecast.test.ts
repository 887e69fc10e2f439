import { keccak, unixMillis } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Forecast, forecastBytes, forecastHash, HORIZONS_HOURS, quantise } from "./forecast.ts";
import { ForecastRangeError } from "./forecast-range.ts";

const FORECAST: Forecast = quantise({
  modelId: `0x${"ab".repeat(32)}`,
  at: unixMillis(1_665_446_400_000),
  horizonsHours: HORIZONS_HOURS,
  assets: ["BTC", "ETH"],
  variance: [
    [1e-5, 4e-5, 2e-4, 1.5e-3],
    [2e-5, 8e-5, 5e-4, 3e-3],
  ],
  correlation: [
    [1, 0.8123456],
    [0.8123456, 1],
  ],
  breachCalibration: { a: -0.4, b: 0.7 },
});

describe("quantise", () => {
  it("default: rounds to 10⁻¹² and 10⁻⁶, and never to no variance", () => {
    const q = quantise({
      ...FORECAST,
      variance: [[0, 1.2345e-12, 3.00000000000049, 2], FORECAST.variance[1]!],
    });
    expect(q.variance[0]).toEqual([1e-12, 1e-12, 3, 2]);
    expect(q.correlation[0]).toEqual([1, 0.812346]);
  });

  it("behaviour: idempotent, and within half a step", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (v, c) => {
          const raw = { ...FORECAST, variance: [[v]], correlation: [[c]], breachCalibration: { a: c, b: v } };
          const once = quantise(raw);
          expect(quantise(once)).toEqual(once);
          expect(Math.abs(once.variance[0]![0]! - v)).toBeLessThanOrEqual(1e-12 + 1e-14 * v);
          expect(Math.abs(once.correlation[0]![0]! - c)).toBeLessThanOrEqual(0.5e-6 + 1e-12);
        },
      ),
      { seed: 1 },
    );
  });

  it.each([
    ["variance[0][0]", { variance: [[Number.NaN]] }],
    ["variance[0][0]", { variance: [[-1e-9]] }],
    ["variance[0][0]", { variance: [[101]] }],
    ["correlation[0][0]", { correlation: [[1.1]] }],
    ["breachCalibration.a", { breachCalibration: { a: Number.POSITIVE_INFINITY, b: 1 } }],
  ])("error: %s out of range", (field, change) => {
    const wrong = () => quantise({ ...FORECAST, ...change });
    expect(wrong).toThrow(ForecastRangeError);
    expect(wrong).toThrow(field);
  });
});

describe("forecastBytes", () => {
  it("default: the documented layout, byte by byte", () => {
    const u64 = (n: bigint) => BigInt.asUintN(64, n).toString(16).padStart(16, "0");
    const variances = [10_000_000n, 40_000_000n, 200_000_000n, 1_500_000_000n];
    const more = [20_000_000n, 80_000_000n, 500_000_000n, 3_000_000_000n];
    const expected = [
      "ab".repeat(32),
      u64(1_665_446_400_000n),
      "0004",
      ...[1, 4, 24, 168].map((h) => h.toString(16).padStart(8, "0")),
      "0002",
      "03425443", // BTC
      "03455448", // ETH
      ...[...variances, ...more].map(u64),
      u64(812_346n),
      u64(-400_000n),
      u64(700_000n),
    ].join("");
    expect(Buffer.from(forecastBytes(FORECAST)).toString("hex")).toBe(expected);
    expect(forecastHash(FORECAST)).toBe(keccak(Buffer.from(expected, "hex")));
  });

  const QUANTILES = {
    levels: [0.05, 0.95],
    variance: [
      [
        [1e-6, 2e-5],
        [4e-6, 8e-5],
        [2e-5, 4e-4],
        [1e-4, 3e-3],
      ],
      [
        [2e-6, 4e-5],
        [8e-6, 2e-4],
        [5e-5, 9e-4],
        [3e-4, 7e-3],
      ],
    ],
  };

  it("default: quantiles follow, behind the second version's byte", () => {
    const u64 = (n: number) => BigInt(n).toString(16).padStart(16, "0");
    const scaled = QUANTILES.variance.flat(2).map((v) => Math.round(v * 1e12));
    const expected = [
      Buffer.from(forecastBytes(FORECAST)).toString("hex"),
      "02",
      "02",
      (50_000).toString(16).padStart(8, "0"),
      (950_000).toString(16).padStart(8, "0"),
      ...scaled.map(u64),
    ].join("");
    const whole = quantise({ ...FORECAST, quantiles: QUANTILES });
    expect(Buffer.from(forecastBytes(whole)).toString("hex")).toBe(expected);
    expect(quantise(whole)).toEqual(whole);
    expect("quantiles" in quantise(FORECAST)).toBe(false);
  });

  it("error: quantiles no market can mean", () => {
    const wrong = (quantiles: typeof QUANTILES) => () => quantise({ ...FORECAST, quantiles });
    expect(wrong({ ...QUANTILES, levels: [0, 0.95] })).toThrow(/quantiles.levels\[0\] is 0/);
    expect(wrong({ ...QUANTILES, variance: [[[Number.NaN]]] })).toThrow(ForecastRangeError);
  });

  it("behaviour: every field changes the hash", () => {
    const changed: Forecast[] = [
      { ...FORECAST, modelId: `0x${"ac".repeat(32)}` },
      { ...FORECAST, at: unixMillis(1_665_446_400_001) },
      { ...FORECAST, assets: ["BTC", "ETC"] },
      { ...FORECAST, horizonsHours: [1, 4, 24, 167] },
      { ...FORECAST, variance: [FORECAST.variance[1]!, FORECAST.variance[0]!] },
      {
        ...FORECAST,
        correlation: [
          [1, 0],
          [0, 1],
        ],
      },
      { ...FORECAST, quantiles: QUANTILES },
      { ...FORECAST, quantiles: { ...QUANTILES, levels: [0.05, 0.9] } },
      { ...FORECAST, quantiles: { ...QUANTILES, variance: [...QUANTILES.variance].reverse() } },
      { ...FORECAST, breachCalibration: { a: 0.4, b: 0.7 } },
      { ...FORECAST, breachCalibration: { a: -0.4, b: 0.700001 } },
    ];
    const hashes = new Set([FORECAST, ...changed].map(forecastHash));
    expect(hashes.size).toBe(changed.length + 1);
  });
});
