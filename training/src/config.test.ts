import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  checkTrainingFile,
  formatTrainingPlan,
  readSetting,
  readTrainingFile,
  toTrainingPlan,
} from "./config.ts";
import { BadConfigError } from "./schema.ts";
import { DEFAULT_TRAIN_CONFIG } from "./train.ts";

const FILE = `
data: { bars: ./bars }
assets: [BTC, ETH]
until: 2022-06-01
training:
  seed: 7
  hidden: [32, 16]
`;

describe("configuration", () => {
  it("default: what a file leaves out has its default, and the plan reads back as itself", () => {
    const plan = toTrainingPlan(readTrainingFile(FILE, "train.yaml"));
    expect(plan).toEqual({
      data: { bars: "./bars" },
      assets: ["BTC", "ETH"],
      until: "2022-06-01",
      training: { ...DEFAULT_TRAIN_CONFIG, seed: 7, hidden: [32, 16] },
      artefacts: ".ballast/artefacts",
      reports: ".ballast/artefacts/reports",
    });
    expect(toTrainingPlan(readTrainingFile(formatTrainingPlan(plan), "plan"))).toEqual(plan);
    expect(toTrainingPlan(readTrainingFile("", "empty"))).toEqual(toTrainingPlan({}));
    expect(toTrainingPlan({}).data).toEqual({ store: ".ballast/market" });
    expect(() => checkTrainingFile({ training: DEFAULT_TRAIN_CONFIG }, "defaults")).not.toThrow();
  });

  it("behaviour: a later file wins key by key, a source as a whole, and a setting is a file of one key", () => {
    const plan = toTrainingPlan(
      readTrainingFile(FILE, "train.yaml"),
      { data: { store: "market" }, training: { seed: 9 } },
      readSetting("training.hidden=[8]"),
      readSetting("until=2021-01-01"),
    );
    expect(plan.data).toEqual({ store: "market" });
    expect(plan.training).toEqual({ ...DEFAULT_TRAIN_CONFIG, seed: 9, hidden: [8] });
    expect(plan.until).toBe("2021-01-01");
  });

  it.each([
    [
      "artefact: x",
      "artefact",
      "train.yaml: artefact is no key; did you mean artefacts? Known here: data, assets,",
    ],
    ["training: { fold: 3 }", "training.fold", "training.fold is no key; did you mean folds?"],
    ["training: { zzzzzzzz: 3 }", "training.zzzzzzzz", "training.zzzzzzzz is no key. Known here: seed,"],
    ["data: { bar: x }\ntraining: { seed: 0 }", "data.bar", "data.bar is no key; did you mean bars?"],
    [
      "training: { folds: 0 }",
      "training.folds",
      "training.folds is 0; allowed is a whole number from 1 to 100.",
    ],
    ["training: { folds: 2.5 }", "training.folds", "is 2.5; allowed is a whole number"],
    ["training: { testShare: 1 }", "training.testShare", "is 1; allowed is a number between 0 and 1."],
    ["training: { ridge: .nan }", "training.ridge", "allowed is a number above 0."],
    [
      "training: { hidden: [8, x] }",
      "training.hidden[1]",
      'training.hidden[1] is "x"; allowed is a whole number',
    ],
    ["training: { hidden: [] }", "training.hidden", "is []; allowed is 1 to 8 widths"],
    ["training: 3", "training", "training is 3; allowed is a set of keys."],
    ["backend: gpu", "backend", 'backend is "gpu"; allowed is tfjs-node, wasm or cpu.'],
    ["assets: [btc]", "assets[0]", 'assets[0] is "btc"; allowed is a ticker in capitals'],
    ["assets: [BTC, BTC]", "assets", 'is ["BTC","BTC"]; allowed is a list of different tickers'],
    ["from: tomorrow", "from", 'from is "tomorrow"; allowed is a time in UTC'],
    ["[1, 2]", "", "train.yaml: is [1,2]; allowed is a set of keys."],
    ["seed: 1\nseed: 2", "", "train.yaml: is no YAML: Map keys must be unique"],
    ["a: [", "", "is no YAML"],
  ])("error: %s", (text, key, message) => {
    const read = () => readTrainingFile(text, "train.yaml");
    expect(read).toThrow(BadConfigError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ key, code: "BAD_CONFIG" }));
  });

  it("error: two sources, an exchange without a range, a setting without a value", () => {
    expect(() => toTrainingPlan({ data: { bars: "a", store: "b" } })).toThrow("keep one of them");
    expect(() => toTrainingPlan({ data: { exchange: "kraken" } })).toThrow("needs assets and from");
    expect(() => readSetting("training.folds")).toThrow("--set: training.folds has no =");
    expect(() => readSetting("training.fold=3")).toThrow("did you mean folds?");
  });
});

describe("docs/train.yaml", () => {
  it("behaviour: the documented file is valid, complete, and true to the defaults", () => {
    const text = readFileSync(new URL("../../docs/train.yaml", import.meta.url), "utf8");
    const { training } = readTrainingFile(text, "docs/train.yaml");
    expect(training).toEqual(DEFAULT_TRAIN_CONFIG);
  });
});
