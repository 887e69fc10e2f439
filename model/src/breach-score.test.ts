import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  distanceToEdge,
  LOG2_HOURS,
  log2OfWad,
  ScoreRangeError,
  stateFeatures,
  toBreachScorer,
  type VaultWeights,
} from "./breach-score.ts";
import { HORIZONS_HOURS } from "./forecast.ts";
import type { IntegerNetwork } from "./integer-network.ts";
import { toRunner } from "./integer-network.ts";
import { randomNetwork } from "./integer-networks.fixture.ts";

const WAD = 10n ** 18n;
const pct = (x: number): bigint => BigInt(Math.round(x * 100)) * 10n ** 14n;
/** A vault of three that asks about its second holding. */
const vault = (weight: number, target = 30, band = 2): VaultWeights => ({
  weights: [pct(50), pct(weight), pct(50 - weight)],
  targets: [pct(50), pct(target), pct(50 - target)],
  bands: [pct(5), pct(band), pct(5)],
});
/** Says the same whatever it reads. */
const constant = (outputs: readonly number[]): IntegerNetwork => ({
  layers: [{ inputs: 24, outputs: 4, weights: new Int16Array(96), bias: Int32Array.from(outputs), shift: 0 }],
  inputFractionBits: 10,
  outputFractionBits: 10,
});
const features = new Int16Array(20);

describe("breach score", () => {
  it("default: log2 of the variance by then over the squared distance", () => {
    // Half a point of room at 30 %... 31.5 % in 30 ± 2: 0.005/(0.315·0.685) = 0.023172 of log-odds, log2 −5.43145.
    const scores = toBreachScorer(constant([-15_000, -15_000, -15_000, -15_000])).score(
      features,
      vault(31.5),
      1,
    );
    const exact = [1, 4, 24, 168].map((h) => -15_000 + 1024 * (Math.log2(h) + 2 * 5.43145));
    for (const [h, score] of scores.entries()) expect(Math.abs(score - exact[h]!)).toBeLessThan(3);
  });

  it("default: hours in logarithms are those of the horizons", () => {
    expect(LOG2_HOURS).toEqual(HORIZONS_HOURS.map((h) => Math.round(1024 * Math.log2(h))));
  });

  it("behaviour: log2 is the true one within a unit and the half of its constant, and never falls", () => {
    const bits = fc.integer({ min: 0, max: 255 });
    const value = bits.chain((n) => fc.bigInt({ min: 1n << BigInt(n), max: (2n << BigInt(n)) - 1n }));
    fc.assert(
      fc.property(value, value, (x, y) => {
        // Doubles have 53 bits: enough for a thousandth of a unit.
        const exact = 1024 * (Math.log2(Number(x)) - Math.log2(1e18));
        expect(Math.abs(Number(log2OfWad(x)) - exact)).toBeLessThan(1.51);
        expect(x <= y ? log2OfWad(x) <= log2OfWad(y) : log2OfWad(y) <= log2OfWad(x)).toBe(true);
      }),
      { numRuns: 5000, seed: 1 },
    );
    for (let n = 0n; n < 256n; n++) expect(log2OfWad(1n << n)).toBe(1024n * n - 61_230n);
    expect(() => log2OfWad(0n)).toThrow(RangeError);
  });

  it("behaviour: state features are shares of 1024, rounded down", () => {
    // 31.5 % is 322.56; 50/68.5 is 747.4; (18.5/68.5)² is 74.7.
    expect([...stateFeatures(vault(31.5).weights, 1)]).toEqual([322, 747, 74, 0]);
    // Of the base asset the rest is 50: (0.63)² + (0.37)² is 546.6.
    expect([...stateFeatures(vault(31.5).weights, 0)]).toEqual([512, 0, 546, 1024]);
    expect([...stateFeatures([WAD - 1n, 1n], 1)]).toEqual([0, 1024, 0, 0]);
  });

  it("behaviour: the network reads the market's features, then the state's", () => {
    const random = seededRandom(2, "score");
    const network = randomNetwork(random, [24, 32, 16, 4]);
    const row = Int16Array.from({ length: 20 }, () => random.integer(65_536) - 32_768);
    const out = new Int32Array(4);
    toRunner(network).run(Int16Array.of(...row, ...stateFeatures(vault(31.5).weights, 1)), 0, out);
    const twice = 2 * Number(log2OfWad(distanceToEdge(vault(31.5), 1)));
    const scorer = toBreachScorer(network);
    const expected = Int32Array.from(out, (log, h) => log + LOG2_HOURS[h]! - twice);
    expect(scorer.score(row, vault(31.5), 1)).toEqual(expected);
    const inputs = Int16Array.of(...row, ...stateFeatures(vault(31.5).weights, 1));
    expect(scorer.run(Int16Array.of(...inputs, ...inputs))).toEqual(Int32Array.of(...out, ...out));
  });

  it("behaviour: for equal outputs and weights, less distance never gives a lower score", () => {
    const scorer = toBreachScorer(constant([-9000, -9000, -9000, -9000]));
    const width = fc.bigInt({ min: 1n, max: WAD / 4n });
    const weight = fc.bigInt({ min: WAD / 4n + 1n, max: (WAD * 3n) / 4n - 1n });
    fc.assert(
      fc.property(weight, width, width, (w, a, b) => {
        const at = (band: bigint) => {
          const state = { weights: [WAD - w, w], targets: [WAD - w, w], bands: [band, band] };
          return [distanceToEdge(state, 1), scorer.score(features, state, 1)] as const;
        };
        const [[near, high], [far, low]] = a < b ? [at(a), at(b)] : [at(b), at(a)];
        expect(near <= far).toBe(true);
        for (const [h, score] of high.entries()) expect(score).toBeGreaterThanOrEqual(low[h]!);
      }),
      { numRuns: 2000, seed: 2 },
    );
  });

  it("behaviour: the nearer edge counts, and one beyond 0 or 1 does not", () => {
    expect(distanceToEdge(vault(31.5), 1)).toBe((pct(0.5) * WAD * WAD) / (pct(31.5) * pct(68.5)));
    expect(distanceToEdge(vault(28.25), 1)).toBe((pct(0.25) * WAD * WAD) / (pct(28.25) * pct(71.75)));
    const low = { ...vault(1, 3, 5) };
    expect(distanceToEdge(low, 1)).toBe((pct(7) * WAD * WAD) / (pct(1) * pct(99)));
    const high = { weights: [pct(2), pct(98)], targets: [pct(3), pct(97)], bands: [pct(3), pct(3)] };
    expect(distanceToEdge(high, 1)).toBe((pct(4) * WAD * WAD) / (pct(98) * pct(2)));
  });

  it("behaviour: on either edge a weight is one unit inside, and as likely to leave as can be", () => {
    const scorer = toBreachScorer(constant([0, 0, 0, 0]));
    expect(distanceToEdge(vault(32), 1)).toBe((WAD * WAD) / (pct(32) * pct(68)));
    expect(distanceToEdge(vault(28), 1)).toBe((WAD * WAD) / (pct(28) * pct(72)));
    // 4.6e-18 and 4.96e-18 of log-odds, rounded down 4e-18: log2 times 1024 2048 - 61230.
    expect(scorer.score(features, vault(32), 1)[0]).toBe(2 * 59_182);
    expect(scorer.score(features, vault(28), 1)[0]).toBe(2 * 59_182);
  });

  it.each([
    ["above its band", vault(32.01), 1],
    ["below its band", vault(27.9), 1],
    ["nothing", vault(0, 1, 2), 1],
    ["all", { weights: [0n, WAD], targets: [0n, WAD], bands: [0n, pct(1)] }, 1],
    ["in a band without an edge", vault(40, 40, 70), 1],
  ])("error: no score of a weight that is %s", (_, state, holding) => {
    expect(() => toBreachScorer(constant([0, 0, 0, 0])).score(features, state, holding)).toThrow(
      ScoreRangeError,
    );
  });
});
