import { expect, test } from "vitest";
import { BadSeedError, randomFromState, seededRandom, splitMix64 } from "./random.ts";

const moments = (draw: () => number, count = 100_000) => {
  const values = Float64Array.from({ length: count }, draw);
  const mean = values.reduce((sum, x) => sum + x, 0) / count;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
  const fourth = values.reduce((sum, x) => sum + (x - mean) ** 4, 0) / count;
  return { mean, variance, kurtosis: fourth / variance ** 2 };
};

test("default: SplitMix64 gives the published outputs of seed 1234567", () => {
  // Reference outputs of Vigna's splitmix64.c, as listed on Rosetta Code, "Pseudo-random numbers/Splitmix64".
  const next = splitMix64(1234567n);
  expect([next(), next(), next(), next(), next()]).toEqual([
    6457827717110365317n,
    3203168211198807973n,
    9817491932198370423n,
    4593380528125082431n,
    16408922859458223821n,
  ]);
});

test("default: xoshiro128** gives the published outputs of state 1, 2, 3, 4", () => {
  // Outputs of the reference C code, as in the tests of the Rust crate rand_xoshiro.
  const { uint32 } = randomFromState([1, 2, 3, 4]);
  expect(Array.from({ length: 10 }, uint32)).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ]);
});

test("default: distributions have their theoretical moments", () => {
  const random = seededRandom(7);
  const uniform = moments(random.uniform);
  expect(uniform.mean).toBeCloseTo(1 / 2, 2);
  expect(uniform.variance).toBeCloseTo(1 / 12, 2);
  const normal = moments(random.normal);
  expect(normal.mean).toBeCloseTo(0, 1.9);
  expect(normal.variance).toBeCloseTo(1, 1.5);
  expect(normal.kurtosis).toBeCloseTo(3, 0.9);
  const gamma = moments(() => random.gamma(4));
  expect(Math.abs(gamma.mean - 4)).toBeLessThan(0.03);
  expect(Math.abs(gamma.variance - 4)).toBeLessThan(0.12);
  const t = moments(() => random.studentT(10));
  expect(Math.abs(t.variance - 10 / 8)).toBeLessThan(0.03);
  expect(Math.abs(t.kurtosis - (3 + 6 / 6))).toBeLessThan(0.35);
  const poisson = moments(() => random.poisson(2.5));
  expect(Math.abs(poisson.mean - 2.5)).toBeLessThan(0.03);
  expect(Math.abs(poisson.variance - 2.5)).toBeLessThan(0.06);
  const exponential = moments(random.exponential);
  expect(Math.abs(exponential.mean - 1)).toBeLessThan(0.02);
});

test("behaviour: integer(n) is uniform over 0..n-1 (chi-squared, 9 degrees of freedom, 0.1 % level)", () => {
  const random = seededRandom(11);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 50_000; i++) counts[random.integer(10)]!++;
  expect(counts.reduce((sum, n) => sum + (n - 5000) ** 2 / 5000, 0)).toBeLessThan(27.88);
});

test("behaviour: equal seeds and streams repeat, others differ", () => {
  const first = (seed: number, stream?: string) =>
    Array.from({ length: 4 }, seededRandom(seed, stream).uint32);
  expect(first(42)).toEqual(first(42));
  expect(first(42)).not.toEqual(first(43));
  expect(first(42, "a")).not.toEqual(first(42, "b"));
  expect(first(42, "a")).not.toEqual(first(42));
});

test.each([-1, 1.5, Number.NaN, 2 ** 53])("error: the seed %s is refused", (seed) => {
  expect(() => seededRandom(seed)).toThrow(BadSeedError);
});
