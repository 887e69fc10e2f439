import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { type IntegerNetwork, toRunner } from "./integer-network.ts";
import { networkBytes, readNetwork } from "./integer-network-bytes.ts";
import { twinCheck, twinRun } from "./integer-network-twin.fixture.ts";
import { randomInt16, randomNetwork } from "./integer-networks.fixture.ts";

const run = (network: IntegerNetwork, input: readonly number[]): number[] => {
  const output = new Int32Array(network.layers.at(-1)!.outputs);
  toRunner(network).run(Int16Array.from(input), 0, output);
  return [...output];
};

/** One unit with the given weights, then one that hands its value on. */
const unit = (weights: number[], bias: number, shift: number): IntegerNetwork => ({
  layers: [
    {
      inputs: weights.length,
      outputs: 1,
      weights: Int16Array.from(weights),
      bias: Int32Array.of(bias),
      shift,
    },
    { inputs: 1, outputs: 1, weights: Int16Array.of(1), bias: Int32Array.of(0), shift: 0 },
  ],
  inputFractionBits: 0,
  outputFractionBits: 0,
});

describe("integer network", () => {
  it("default: a layer by hand", () => {
    // (3·100 - 2·50 + 8) >> 4 = 208 >> 4
    expect(run(unit([3, -2], 8, 4), [100, 50])).toEqual([13]);
  });

  it("behaviour: a shift rounds down, below zero too", () => {
    const alone = (bias: number): IntegerNetwork => ({
      ...unit([1], bias, 2),
      layers: [unit([1], bias, 2).layers[0]!],
    });
    const results = [-5, -4, -1, 0, 3, 4].map((x) => run(alone(0), [x])[0]);
    // floor(x / 4)
    expect(results).toEqual([-2, -1, -1, 0, 0, 1]);
    // With the half in the bias it rounds to the nearest.
    expect([-6, -5, 1, 2].map((x) => run(alone(2), [x])[0])).toEqual([-1, -1, 0, 1]);
  });

  it("behaviour: hidden layers clamp to [0, 32767], the last one to int16", () => {
    expect(run(unit([2], 0, 0), [20_000])).toEqual([32_767]);
    expect(run(unit([2], 0, 0), [-20_000])).toEqual([0]);
    const last = { ...unit([2], 0, 0), layers: [unit([2], 0, 0).layers[0]!] };
    expect(run(last, [20_000])).toEqual([32_767]);
    expect(run(last, [-20_000])).toEqual([-32_768]);
  });

  it("behaviour: a sum may wrap on its way and is right at its end", () => {
    // 2·30000·32767 - 2·30000·32767 + 7
    expect(run(unit([30_000, 5, -30_000], 7, 0), [32_767, 0, 32_767])).toEqual([7]);
    const wrapping = unit([32_767, 32_767, -32_768, -32_768], -1_000_000_000, 16);
    expect(run(wrapping, [-32_768, -32_768, -32_768, -32_768])).toEqual([0]);
  });

  it("behaviour: equals the twin on random networks, saturated and extreme ones among them", () => {
    const random = seededRandom(4, "integer networks");
    let saturated = 0;
    for (let n = 0; n < 2000; n++) {
      const network = randomNetwork(random);
      const bytes = networkBytes(network);
      twinCheck(bytes);
      expect(readNetwork(bytes)).toEqual(network);
      const input = Array.from({ length: network.layers[0]!.inputs }, () => randomInt16(random));
      const output = run(network, input);
      expect(output).toEqual(twinRun(bytes, input));
      if (output.some((y) => y === 32_767 || y === -32_768)) saturated++;
    }
    expect(saturated).toBeGreaterThan(200);
    expect(saturated).toBeLessThan(1800);
  });

  it("behaviour: reads at the offset and writes no more than its outputs", () => {
    const runner = toRunner(unit([3, -2], 8, 4));
    const output = Int32Array.of(-7, -7);
    runner.run(Int16Array.of(1, 2, 100, 50), 2, output);
    expect([...output]).toEqual([13, -7]);
    runner.run(Int16Array.of(1, 2, 100, 50), 0, output);
    expect([...output]).toEqual([0, -7]);
  });

  it("behaviour: a million runs leave no memory behind", { timeout: 60_000 }, () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const runner = toRunner(randomNetwork(seededRandom(3), [24, 32, 16, 4]));
    const input = new Int16Array(24).fill(1000);
    const output = new Int32Array(4);
    const usedAfter = (runs: number) => {
      for (let n = 0; n < runs; n++) runner.run(input, 0, output);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = usedAfter(10_000);
    // Less than a tenth of a byte per run.
    expect(usedAfter(1_000_000) - before).toBeLessThan(100_000);
  });

  it("error: input or output is too short", () => {
    const runner = toRunner(unit([3, -2], 8, 4));
    expect(() => runner.run(new Int16Array(3), 2, new Int32Array(1))).toThrow(RangeError);
    expect(() => runner.run(new Int16Array(3), -1, new Int32Array(1))).toThrow(RangeError);
    expect(() => runner.run(new Int16Array(2), 0, new Int32Array(0))).toThrow(RangeError);
  });
});
