import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  measureInterleaved,
  quantile,
  type Row,
  toJson,
  toMicroseconds,
  toTable,
  toTimedRow,
} from "./measure.ts";

const ROW: Row = {
  name: "forecast_latency_us",
  value: 250,
  unit: "µs",
  better: "less",
  peer: "the same elsewhere",
  peerValue: 1000,
  quartiles: [200, 300],
};

describe("quantile", () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2.5],
    // R: quantile(c(1, 2, 4, 8), 0.25, type = 7) is 1 + 0.75 × (2 − 1).
    [[8, 4, 2, 1], 0.25, 1.75],
    [[5], 0.9, 5],
    [[1, 9], 1, 9],
  ])("default: of %j at %f", (sample, share, expected) => {
    expect(quantile(Float64Array.from(sample), share)).toBeCloseTo(expected, 12);
  });

  it("behaviour: between the extremes, rising with the share, whatever the order", () => {
    const numbers = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(numbers, fc.double({ min: 0, max: 0.5, noNaN: true }), (sample, share) => {
        const [low, high] = [share, share + 0.5].map((at) => quantile(Float64Array.from(sample), at));
        expect(low).toBeGreaterThanOrEqual(Math.min(...sample));
        expect(high).toBeGreaterThanOrEqual(low!);
        expect(high).toBeLessThanOrEqual(Math.max(...sample));
        expect(quantile(Float64Array.from(sample.toReversed()), share)).toBe(low);
      }),
      { seed: 1 },
    );
  });

  it("behaviour: an empty sample has none", () => expect(quantile(new Float64Array(0), 0.5)).toBeNaN());
});

describe("measureInterleaved", () => {
  it("default: subjects take turns, in alternating order, and the warm-up does not count", async () => {
    const seen: string[] = [];
    const times = await measureInterleaved(
      {
        a: { run: (call) => seen.push(`a${call}`) },
        b: { run: async (call) => seen.push(`b${call}`), prepare: async () => void seen.push("ready") },
      },
      { warmUp: 1, samples: 2 },
    );
    expect(seen).toEqual(["ready", "b0", "a0", "a1", "ready", "b1", "ready", "b2", "a2"]);
    expect(times.a).toHaveLength(2);
    expect([...times.a, ...times.b].every((time) => time >= 0)).toBe(true);
  });

  it("behaviour: a sample of several calls is awaited call by call and reported for one call", async () => {
    let running = 0;
    let most = 0;
    const times = await measureInterleaved(
      {
        slow: {
          callsPerSample: 4,
          run: async () => {
            most = Math.max(most, ++running);
            await new Promise((resolve) => setTimeout(resolve, 5));
            running--;
          },
        },
      },
      { warmUp: 0, samples: 1 },
    );
    expect(most).toBe(1);
    expect(times.slow).toHaveLength(1);
    // Four calls of 5 ms each: one call is at least 4 ms however coarse the timer, and not the 20 of all four.
    expect(times.slow[0]).toBeGreaterThan(4);
  });

  it("error: what a subject throws is not swallowed", async () => {
    const broken = { run: () => Promise.reject(new Error("no")) };
    await expect(measureInterleaved({ broken }, { warmUp: 0, samples: 1 })).rejects.toThrow("no");
  });
});

describe("rows", () => {
  it("default: medians of both, quartiles in ascending order even where the scale turns them round", () => {
    const own = Float64Array.of(1, 2, 3, 4, 5);
    const peer = Float64Array.of(10, 20, 30);
    expect(toTimedRow(ROW, own, peer, toMicroseconds)).toMatchObject({
      value: 3000,
      peerValue: 20_000,
      quartiles: [2000, 4000],
    });
    expect(toTimedRow(ROW, own, peer, (ms) => 12 / ms)).toMatchObject({ value: 4, quartiles: [3, 6] });
  });

  it("default: JSON is one line with exactly the six keys", () => {
    const json = toJson([ROW]);
    expect(json).not.toContain("\n");
    expect(JSON.parse(json)).toEqual([
      {
        name: "forecast_latency_us",
        value: 250,
        unit: "µs",
        peer: "the same elsewhere",
        peerValue: 1000,
        ratio: 0.25,
      },
    ]);
  });

  it("default: the table lines up and says where a value is exact", () => {
    const exact: Row = {
      ...ROW,
      name: "rebalance_gas",
      value: 243_992,
      peerValue: 121_996,
      unit: "gas",
      quartiles: undefined,
    };
    expect(toTable([ROW, exact])).toBe(
      [
        "what                   value  quartiles  unit   peer's  ratio  better  peer",
        "-------------------  -------  ---------  ----  -------  -----  ------  ------------------",
        "forecast_latency_us      250    200–300  µs      1,000  0.250  less    the same elsewhere",
        "rebalance_gas        243,992      exact  gas   121,996  2.000  less    the same elsewhere",
      ].join("\n"),
    );
  });
});
