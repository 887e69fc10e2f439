import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { type ConfidenceSetOptions, modelConfidenceSet } from "./confidenceset.ts";

const options = (
  statistic: "max" | "range",
  seed = 1,
  rest: Partial<ConfidenceSetOptions> = {},
): ConfidenceSetOptions => ({
  random: seededRandom(seed),
  meanBlock: 10,
  resamples: 2000,
  size: 0.1,
  statistic,
  ...rest,
});

/** Six losses of 600 times that share a part; their means differ by 0 to 0.2. */
const LOSSES = [0, 0.005, 0.02, 0.08, 0.2, 0.01].map((shift, m) =>
  Float64Array.from({ length: 600 }, (_, t) => {
    const shared = Math.sin(t * t * 0.37) ** 2 + 0.3 * Math.sin(t * 0.05) ** 2;
    return shared + shift + 0.35 * Math.sin(t * t * (0.11 + 0.07 * m) + m) * Math.cos(t * (0.5 + m));
  }),
);

describe.each(["max", "range"] as const)("modelConfidenceSet, statistic %s", (statistic) => {
  it("default: the set, the order and about the p-values of arch 8.0", () => {
    // MCS(losses, 0.1, reps=20000, block_size=10, method="max" or "R", bootstrap="stationary", seed=1)
    const expected = {
      max: [0.2893, 1, 0.0036, 0, 0, 0.4097],
      range: [0.3105, 1, 0.0077, 0, 0, 0.4097],
    }[statistic];
    const set = modelConfidenceSet(LOSSES, options(statistic, 4, { resamples: 10_000 }));
    expect(set.included).toEqual([0, 1, 5]);
    expect(set.eliminated).toEqual([4, 3, 2, 0, 5]);
    for (const [m, p] of expected.entries()) expect(Math.abs(set.pValues[m]! - p)).toBeLessThan(0.025);
  });

  it("behaviour: the order of the models does not matter, nor a loss common to all", () => {
    const shuffled = [3, 0, 5, 1, 4, 2];
    const common = seededRandom(5);
    const noise = Float64Array.from({ length: 600 }, () => 10 * common.normal());
    const set = modelConfidenceSet(LOSSES, options(statistic));
    const other = modelConfidenceSet(
      shuffled.map((m) => LOSSES[m]!.map((loss, t) => loss + noise[t]!)),
      options(statistic),
    );
    for (const [place, m] of shuffled.entries()) {
      expect(other.pValues[place]).toBeCloseTo(set.pValues[m]!, 2);
    }
    expect(other.eliminated.map((place) => shuffled[place])).toEqual(set.eliminated);
  });

  it("behaviour: p-values grow as models leave, and a larger size keeps fewer", () => {
    const random = seededRandom(31);
    for (let trial = 0; trial < 20; trial++) {
      const noise = Array.from({ length: 6 }, () => Float64Array.from({ length: 40 }, () => random.normal()));
      const set = modelConfidenceSet(noise, options(statistic, trial, { meanBlock: 2, resamples: 100 }));
      const inOrder = set.eliminated.map((m) => set.pValues[m]!);
      expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
    }
    expect(modelConfidenceSet(LOSSES, options(statistic)).included.length).toBeGreaterThan(1);
    expect(modelConfidenceSet(LOSSES, options(statistic, 1, { size: 0.99 })).included).toEqual([1]);
  });

  it("behaviour: equal losses stay together; a constant more is worse for certain", () => {
    const same = modelConfidenceSet([LOSSES[0]!, LOSSES[0]!, LOSSES[0]!], options(statistic));
    expect([...same.pValues]).toEqual([1, 1, 1]);
    const rounded = LOSSES[0]!.map((loss) => loss + 1e-15);
    expect(rounded).not.toEqual(LOSSES[0]);
    expect([...modelConfidenceSet([rounded, LOSSES[0]!], options(statistic)).pValues]).toEqual([1, 1]);
    const dearer = LOSSES[0]!.map((loss) => loss + 1e-3);
    const set = modelConfidenceSet([dearer, LOSSES[0]!, LOSSES[0]!], options(statistic));
    expect(set.included).toEqual([1, 2]);
    expect(set.pValues[0]).toBe(0);
    const constants = [1, 2, 1].map((c) => new Float64Array(30).fill(c));
    expect(modelConfidenceSet(constants, options(statistic)).included).toEqual([0, 2]);
  });

  it("behaviour: of equally good models the best is kept about nine times in ten", () => {
    const random = seededRandom(21);
    const trials = 200;
    let kept = 0;
    for (let trial = 0; trial < trials; trial++) {
      const losses = Array.from({ length: 4 }, () =>
        Float64Array.from({ length: 150 }, () => random.normal()),
      );
      const rest = { meanBlock: 2, resamples: 200 };
      kept += modelConfidenceSet(losses, options(statistic, trial, rest)).included.includes(0) ? 1 : 0;
    }
    // Any one of four equals is out less often than one in ten: at least 180 ± 4·√(200·0.09).
    expect(kept).toBeGreaterThan(163);
    expect(kept).toBeLessThan(200);
  });

  it("default: a single model is its own set; the same seed gives the same bits", () => {
    expect(modelConfidenceSet([LOSSES[0]!], options(statistic))).toEqual({
      pValues: Float64Array.of(1),
      included: [0],
      eliminated: [],
    });
    const once = modelConfidenceSet(LOSSES, options(statistic, 9));
    expect(modelConfidenceSet(LOSSES, options(statistic, 9))).toEqual(once);
  });

  it.each([
    ["no model", [], 0.1, "OUT_OF_RANGE"],
    ["NaN", [[1, Number.NaN]], 0.1, "NON_FINITE_SAMPLE"],
    ["other times", [new Array(20).fill(0), new Array(21).fill(0)], 0.1, "UNEQUAL_LENGTHS"],
    ["a size of 0", [new Array(20).fill(0)], 0, "OUT_OF_RANGE"],
  ])("error: %s", (_, losses, size, code) => {
    const arrays = losses.map((values) => Float64Array.from(values));
    expect(() => modelConfidenceSet(arrays, options(statistic, 1, { size }))).toThrowError(
      expect.objectContaining({ code }),
    );
  });
});
