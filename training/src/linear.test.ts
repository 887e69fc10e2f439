import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { fitLinear, fitPooled, gramMatrices, type Sample, scoreVariance } from "./linear.ts";

/** Variances that follow exp(0.5 + 0.8·z₀ − 0.3·z₁), times noise of mean one. */
function sample(rows: number, noise: boolean): Sample {
  const random = seededRandom(3);
  const z = Float32Array.from({ length: rows * 3 }, () => random.normal());
  const y = Float64Array.from({ length: rows }, (_, r) => {
    const truth = Math.exp(0.5 + 0.8 * z[3 * r]! - 0.3 * z[3 * r + 1]!);
    return truth * (noise ? random.normal() ** 2 + 1e-6 : 1);
  });
  return { rows, inputs: 3, z, y };
}

/** Blocks of so many rows. */
const blocksOf = (rows: number) => Int32Array.from({ length: 20_000 }, (_, r) => Math.floor(r / rows));
const even = (penalty: number) => new Float64Array(3).fill(penalty);

describe("fitLinear", () => {
  it("default: recovers an exact law, and a noisy one without bias", () => {
    const exact = fitLinear(sample(200, false), even(0));
    for (const [i, beta] of [0.8, -0.3, 0].entries()) expect(exact.weights[i]).toBeCloseTo(beta, 5);
    expect(exact.bias).toBeCloseTo(0.5, 5);
    const noisy = fitLinear(sample(20_000, true), even(0));
    // Standard error √(2/20,000) = 0.01: logs of squared normals would be off by 1.27 in the constant.
    for (const [i, beta] of [0.8, -0.3, 0].entries())
      expect(Math.abs(noisy.weights[i]! - beta)).toBeLessThan(0.04);
    expect(Math.abs(noisy.bias - 0.5)).toBeLessThan(0.04);
  });

  it.each([
    [0, 0, 0],
    [0.1, 0.1, 0.1],
    [0, 0.5, 2],
  ])("behaviour: the penalised QLIKE gradient vanishes at the fit, penalties %f %f %f", (...penalty) => {
    const s = sample(3000, true);
    const { weights, bias } = fitLinear(s, Float64Array.from(penalty));
    const gradient = [0, 0, 0, 0];
    for (let r = 0; r < s.rows; r++) {
      const z = [s.z[3 * r]!, s.z[3 * r + 1]!, s.z[3 * r + 2]!, 1];
      const log = z[0]! * weights[0]! + z[1]! * weights[1]! + z[2]! * weights[2]! + bias;
      const slope = 1 - s.y[r]! / Math.exp(log);
      for (let i = 0; i < 4; i++) gradient[i] = gradient[i]! + (slope * z[i]!) / s.rows;
    }
    for (let i = 0; i < 4; i++) {
      expect(gradient[i]! + (i < 3 ? penalty[i]! * weights[i]! : 0)).toBeCloseTo(0, 3);
    }
  });

  it("behaviour: an infinite penalty is the same as a column that is not there", () => {
    const s = sample(3000, true);
    const without = fitLinear({ ...s, z: s.z.map((x, i) => (i % 3 === 1 ? 0 : x)) }, even(0));
    const barred = fitLinear(s, Float64Array.of(0, Number.POSITIVE_INFINITY, 0));
    expect(barred.weights[1]).toBe(0);
    for (const i of [0, 2]) expect(barred.weights[i]).toBeCloseTo(without.weights[i]!, 10);
    expect(barred.bias).toBeCloseTo(without.bias, 10);
  });

  it("behaviour: a column that never varies gets no weight", () => {
    const s = sample(500, false);
    const z = s.z.map((x, i) => (i % 3 === 2 ? 0 : x));
    expect(fitLinear({ ...s, z }, even(0)).weights[2]).toBe(0);
  });
});

describe("fitPooled", () => {
  const prior = { ridge: 1, deviation: even(0.2), isCore: [true, false, false], blocks: blocksOf(10) };

  it("default: scoreVariance is that of the mean score, by sums over blocks of times", () => {
    const s = sample(200, true);
    const forecast = { weights: Float64Array.of(0.5, 0, 0), bias: 0.2 };
    const found = scoreVariance(s, forecast, blocksOf(20));
    for (let i = 0; i < 3; i++) {
      let expected = 0;
      for (let block = 0; block < 10; block++) {
        let sum = 0;
        for (let r = block * 20; r < block * 20 + 20; r++)
          sum += (s.y[r]! / Math.exp(0.2 + 0.5 * s.z[3 * r]!) - 1) * s.z[3 * r + i]!;
        expected += (sum / 200) ** 2;
      }
      expect(found[i]! / expected).toBeCloseTo(1, 5);
    }
  });

  it("default: gramMatrices has every prefix of the rows, as if it were alone", () => {
    const s = sample(60, false);
    const [long, short] = gramMatrices(s, [60, 25]);
    const [alone] = gramMatrices({ inputs: 3, z: s.z.slice(0, 25 * 3) }, [25]);
    expect(short).toEqual(alone);
    let product = 0;
    for (let r = 0; r < 60; r++) product += (s.z[3 * r]! * s.z[3 * r + 2]!) / 60;
    expect(long![2]).toBeCloseTo(product, 12);
    expect(long![8]).toBeCloseTo(product, 12);
    expect(long![15]).toBe(1);
  });

  it("behaviour: believes a long history, and shrinks a short one", () => {
    const long = fitPooled(sample(20_000, true), prior).weights;
    const short = fitPooled(sample(100, true), { ...prior, deviation: even(0.02) }).weights;
    expect(Math.abs(long[0]! - 0.8)).toBeLessThan(0.04);
    expect(Math.abs(long[1]! + 0.3)).toBeLessThan(0.04);
    expect(Math.abs(short[0]!)).toBeLessThan(0.4);
    expect(Math.abs(short[1]!)).toBeLessThan(0.15);
  });

  it("behaviour: rows that repeat one another across assets are no more evidence than one asset's", () => {
    const one = sample(300, true);
    const copies = 4;
    const repeat = <T extends Float32Array | Float64Array>(table: T, width: number, out: T): T => {
      for (let r = 0; r < one.rows * copies; r++)
        for (let i = 0; i < width; i++) out[r * width + i] = table[Math.floor(r / copies) * width + i]!;
      return out;
    };
    const many: Sample = {
      rows: one.rows * copies,
      inputs: 3,
      z: repeat(one.z, 3, new Float32Array(one.z.length * copies)),
      y: repeat(one.y, 1, new Float64Array(one.y.length * copies)),
    };
    const alone = fitPooled(one, prior);
    const together = fitPooled(many, { ...prior, blocks: blocksOf(10 * copies) });
    for (let i = 0; i < 3; i++) expect(together.weights[i]).toBeCloseTo(alone.weights[i]!, 6);
  });
});
