import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { clairvoyantTriggers } from "./clairvoyant.ts";

const BARS = 1_500;
const ones = new Float64Array(BARS).fill(1);
const wave = Float64Array.from({ length: BARS }, (_, t) => Math.exp(0.8 * Math.sin((2 * Math.PI * t) / 24)));
const middle = (triggers: Float64Array) => [...triggers.subarray(300, 1_200)];

/** Plain Brownian distances: what a rule pays a bar, and its mean squared distance, in squared widths. */
function walk(cost: Float64Array, triggers: ArrayLike<number>, widthInDeviations: number, paths: number) {
  const random = seededRandom(5);
  let paid = 0;
  let squares = 0;
  for (let path = 0; path < paths; path++) {
    let distance = 0;
    for (let t = 0; t < BARS; t++) {
      squares += distance ** 2;
      if (t > 0 && Math.abs(distance) > triggers[t]!) {
        paid += cost[t]!;
        distance = 0;
      }
      distance += random.normal() / widthInDeviations;
    }
  }
  return { paid: paid / paths / BARS, squares: squares / paths / BARS };
}

describe("clairvoyantTriggers", () => {
  it("default: where nothing changes the best trigger is one width less the overshoot, whatever the dimension", () => {
    for (const dimension of [1, 2.5, 6]) {
      for (const widthInDeviations of [6, 15]) {
        const triggers = middle(
          clairvoyantTriggers({ cost: ones, variance: ones }, { dimension, widthInDeviations }),
        );
        // Watched once a bar, a distance overshoots by 0.5826 of a bar's deviation (Broadie, Glasserman & Kou 1997).
        const watched = 1 - 0.5826 / widthInDeviations;
        for (const trigger of triggers) expect(Math.abs(trigger - watched)).toBeLessThan(0.03);
      }
    }
  });
  it("behaviour: waits for what will be cheap, and takes it early when it is", () => {
    const triggers = clairvoyantTriggers(
      { cost: wave, variance: ones },
      { dimension: 1, widthInDeviations: 8 },
    );
    const dearest = 480 + 6;
    const cheapest = 480 + 18;
    expect(triggers[dearest]).toBeGreaterThan(1.2);
    expect(triggers[cheapest]).toBeLessThan(0.9);
    // A dear hour before a cheap one is worth waiting through; the same price with dear hours ahead is not.
    expect(triggers[480 + 12]).toBeGreaterThan(triggers[480 + 24]!);
  });
  it("behaviour: on simulated distances it beats every fixed trigger at the same distance from target", () => {
    const widthInDeviations = 8;
    const own = walk(
      wave,
      clairvoyantTriggers({ cost: wave, variance: ones }, { dimension: 1, widthInDeviations }),
      widthInDeviations,
      60,
    );
    const fixed = [0.7, 0.85, 1, 1.15, 1.3].map((width) =>
      walk(wave, new Float64Array(BARS).fill(width), widthInDeviations, 60),
    );
    // At constant cost a trade goes as one over the squared distance.
    for (const { paid, squares } of fixed)
      expect((own.paid * own.squares) / (paid * squares)).toBeLessThan(0.7);
  });
  it("behaviour: a dimension that rounding has left just below one is one", () => {
    const foreknown = { cost: wave, variance: ones };
    const exact = clairvoyantTriggers(foreknown, { dimension: 1, widthInDeviations: 8 });
    const rounded = clairvoyantTriggers(foreknown, { dimension: 1 - 2 ** -52, widthInDeviations: 8 });
    for (let t = 0; t < BARS; t++) expect(rounded[t]).toBeCloseTo(exact[t]!, 9);
  });
  it("behaviour: what is twice as dear for ever changes no trigger", () => {
    const process = { dimension: 2, widthInDeviations: 8 };
    const once = clairvoyantTriggers({ cost: wave, variance: ones }, process);
    const twice = clairvoyantTriggers({ cost: wave.map((x) => 2 * x), variance: ones }, process);
    for (let t = 0; t < BARS; t++) expect(twice[t]).toBeCloseTo(once[t]!, 9);
  });
});
