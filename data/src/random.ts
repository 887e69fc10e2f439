import { BallastError } from "./errors.ts";

export class BadSeedError extends BallastError {
  readonly code = "BAD_SEED";
  readonly seed: number;
  constructor(seed: number) {
    super(`The seed ${seed} is not a whole number from 0 to 2^53 - 1. Give one, for example 42.`);
    this.seed = seed;
  }
}

/** A seeded stream of random numbers. Equal seeds and streams give equal bits on every machine with this Node. */
export interface Random {
  /** Integer in [0, 2^32). */
  uint32(): number;
  /** In [0, 1), 53 random bits. */
  uniform(): number;
  /** Integer in [0, n) without modulo bias; n in 1..2^32. */
  integer(n: number): number;
  /** N(0, 1), by the polar method (Marsaglia and Bray 1964). */
  normal(): number;
  /** Exponential with mean 1. */
  exponential(): number;
  /** Gamma with the given shape >= 1 and scale 1 (Marsaglia and Tsang 2000, their method for shape >= 1). */
  gamma(shape: number): number;
  /** Student's t with `degrees` >= 2 degrees of freedom, not rescaled: its variance is degrees / (degrees - 2). */
  studentT(degrees: number): number;
  /** Poisson by multiplication of uniforms (Knuth, TAOCP 2, 3.4.1): for small means, at most about 30. */
  poisson(mean: number): number;
}

const MASK64 = 0xffff_ffff_ffff_ffffn;

/** SplitMix64 (Steele, Lea, Flood 2014): turns any 64-bit state into well-mixed 64-bit numbers. */
export function splitMix64(seed: bigint): () => bigint {
  let state = seed & MASK64;
  return () => {
    state = (state + 0x9e37_79b9_7f4a_7c15n) & MASK64;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK64;
    z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK64;
    return z ^ (z >> 31n);
  };
}

/** FNV-1a, 64 bits, over UTF-16 code units: names a stream. */
function labelHash(label: string): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (let i = 0; i < label.length; i++)
    hash = ((hash ^ BigInt(label.charCodeAt(i))) * 0x100_0000_01b3n) & MASK64;
  return hash;
}

/** The xoshiro128** generator started from a seed; streams of one seed with different labels are unrelated. */
export function seededRandom(seed: number, stream = ""): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new BadSeedError(seed);
  const next = splitMix64(BigInt(seed) ^ (stream === "" ? 0n : labelHash(stream)));
  const a = next();
  const b = next();
  return randomFromState([
    Number(a >> 32n),
    Number(a & 0xffff_ffffn),
    Number(b >> 32n),
    Number(b & 0xffff_ffffn),
  ]);
}

/** xoshiro128** 1.1 (Blackman and Vigna 2018) from its four 32-bit words of state, not all zero. */
export function randomFromState(state: readonly [number, number, number, number]): Random {
  let [s0, s1, s2, s3] = state.map((word) => word | 0) as [number, number, number, number];
  let spare = Number.NaN;

  function uint32(): number {
    const scrambled = Math.imul(s1, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const t = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = (s3 << 11) | (s3 >>> 21);
    return result;
  }

  const uniform = (): number => ((uint32() >>> 5) * 0x400_0000 + (uint32() >>> 6)) / 2 ** 53;
  const exponential = (): number => -Math.log(1 - uniform());

  function integer(n: number): number {
    const limit = 2 ** 32 - (2 ** 32 % n);
    let draw = uint32();
    while (draw >= limit) draw = uint32();
    return draw % n;
  }

  function normal(): number {
    if (!Number.isNaN(spare)) {
      const kept = spare;
      spare = Number.NaN;
      return kept;
    }
    for (;;) {
      const u = 2 * uniform() - 1;
      const v = 2 * uniform() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(s)) / s);
      spare = v * factor;
      return u * factor;
    }
  }

  function gamma(shape: number): number {
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      if (Math.log(1 - uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  const studentT = (degrees: number): number => normal() * Math.sqrt(degrees / (2 * gamma(degrees / 2)));

  function poisson(mean: number): number {
    const limit = Math.exp(-mean);
    let count = 0;
    for (let product = uniform(); product > limit; product *= uniform()) count++;
    return count;
  }

  return { uint32, uniform, integer, normal, exponential, gamma, studentT, poisson };
}
