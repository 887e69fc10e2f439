import { describe, expect, it } from "vitest";
import { BadConfigError } from "../schema.ts";
import { DEFAULT_TRAIN_CONFIG } from "../train.ts";
import { configAt, DEFAULT_SPACE, radicalInverse, readSpace, type SearchSpace } from "./space.ts";

const at = (index: number, space: SearchSpace = DEFAULT_SPACE, seed = 1) =>
  configAt(space, DEFAULT_TRAIN_CONFIG, index, seed);

describe("configAt", () => {
  it("default: number 0 is the base; all others keep what the space does not name", () => {
    expect(at(0)).toEqual(DEFAULT_TRAIN_CONFIG);
    const { learningRate, hidden, members, weightDecay, ridge, batchRows, ...rest } = at(1);
    expect(DEFAULT_TRAIN_CONFIG).toMatchObject(rest);
    expect(at(1)).not.toEqual(DEFAULT_TRAIN_CONFIG);
  });

  it("default: the same seed gives the same configurations, however many are asked for, another others", () => {
    expect(at(7)).toEqual(at(7));
    expect(at(7, DEFAULT_SPACE, 2)).not.toEqual(at(7));
  });

  it("behaviour: 60 trials fill each range evenly and stay in it", () => {
    const space = {
      learningRate: { log: [1e-4, 1e-2] },
      patience: { whole: [2, 4] },
      weightDecay: { uniform: [0, 0.3] },
      hidden: { choices: [[8], [16]] },
    } as const;
    const configs = Array.from({ length: 60 }, (_, i) => at(i + 1, space));
    const share = (test: (c: (typeof configs)[number]) => boolean) => configs.filter(test).length / 60;
    expect(share((c) => c.learningRate < 1e-3)).toBeCloseTo(1 / 2, 1);
    expect(share((c) => c.weightDecay < 0.1)).toBeCloseTo(1 / 3, 1);
    expect(share((c) => c.hidden[0] === 8)).toBeCloseTo(1 / 2, 1);
    for (const patience of [2, 3, 4]) expect(share((c) => c.patience === patience)).toBeCloseTo(1 / 3, 1);
    expect(share((c) => c.learningRate >= 1e-4 && c.learningRate <= 1e-2)).toBe(1);
  });

  it.each([
    [6, 2, 3 / 8],
    [5, 3, 2 / 3 + 1 / 9],
    [1, 7, 1 / 7],
  ])("default: the radical inverse of %i in base %i is %f", (index, base, expected) => {
    expect(radicalInverse(index, base)).toBeCloseTo(expected, 15);
  });
});

describe("readSpace", () => {
  it("default: what the documentation shows", () => {
    const text = "learningRate: { log: [0.001, 0.01] }\nhidden: { choices: [[16], [24, 16]] }\n";
    expect(readSpace(text, "space.yaml")).toEqual({
      learningRate: { log: [0.001, 0.01] },
      hidden: { choices: [[16], [24, 16]] },
    });
  });

  it.each([
    ["learningrate: { log: [0.001, 0.01] }", "training.learningrate is no key; did you mean learningRate?"],
    ["maxEpochs: { whole: [4, 8] }", "maxEpochs cannot be searched: epochs are the budget"],
    ["testShare: { uniform: [0.1, 0.2] }", "testShare cannot be searched: test folds are outside"],
    ["ridge: { log: [0, 1] }", 'ridge is {"log":[0,1]}; allowed is one of choices, uniform, log, whole'],
    ["ridge: { uniform: [1, 0.1] }", "of a lower and a higher number."],
    ["ridge: { uniform: [0.1] }", "of a lower and a higher number."],
    ["members: { whole: [1, 2.5] }", "of whole numbers."],
    ["members: { uniform: [0.5, 2] }", "training.members is 0.5; allowed is a whole number from 1 to 64."],
    ["members: { uniform: [1, 3] }", "training.members is 1.74; allowed is a whole number from 1 to 64."],
    ["hidden: { choices: [16] }", "training.hidden is 16; allowed is 1 to 8 widths"],
    ["hidden: { choices: [] }", "with a list."],
    ["hidden: [[16]]", "with a list."],
    ["hidden: { options: [[16]] }", "with a list."],
    ["hidden: { choices: [[16]], log: [1, 2] }", "with a list."],
    ["ridge: null", "ridge is null"],
    ["- ridge", "has no keys"],
    ["", "has no keys"],
    ["ridge: [", "is no YAML"],
  ])("error: %s", (text, message) => {
    expect(() => readSpace(text, "space.yaml")).toThrow(BadConfigError);
    expect(() => readSpace(text, "space.yaml")).toThrow(message);
  });
});
