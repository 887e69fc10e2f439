import { type Hex, HOUR_MS, unixMillis } from "@ballast/data";
import { modelBytes, modelId } from "@ballast/model";
import { beforeAll, describe, expect, it } from "vitest";
import { checkRoot, checkTraining, toTrainConfig } from "./check.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "./markets.fixture.ts";
import { BadConfigError } from "./schema.ts";
import { LEAST_HISTORY_HOURS, type TrainedModel, train } from "./train.ts";

const HOURS = LEAST_HISTORY_HOURS + 24;
const market = clean(await syntheticRaw(6, HOURS + 1, ["BTC", "ETH"]));
const context = { until: unixMillis(START + HOURS * HOUR_MS), log: () => {}, backend: "wasm" } as const;

describe("check", () => {
  let first: TrainedModel;
  beforeAll(async () => {
    first = await train(market, SMALL_CONFIG, context);
  });

  it("default: a training repeated from its manifest alone is the same in every part", async () => {
    const config = toTrainConfig(first.manifest);
    expect(config).toEqual(SMALL_CONFIG);
    const again = await train(market, config, context);
    const parts = checkTraining(first.manifest, again, first.bytes);
    expect(parts.map(({ part }) => part)).toEqual([
      "data root",
      "configuration",
      "backend",
      "versions",
      "costs ahead",
      "weights",
    ]);
    expect(parts.every(({ isSame }) => isSame)).toBe(true);
    expect(parts.at(-1)!.detail).toBe(first.modelId);
  });

  it("behaviour: another seed shows in the configuration and in the weights, which name their fields", async () => {
    const other = await train(market, { ...SMALL_CONFIG, seed: 9 }, context);
    const parts = checkTraining(first.manifest, other, first.bytes);
    expect(parts.filter(({ isSame }) => !isSame)).toMatchObject([
      { part: "configuration", detail: "seed 1 became 9" },
      { part: "weights", detail: expect.stringMatching(/^0x\w{64} became 0x\w{64}: .*members.* differ$/) },
    ]);
    expect(checkTraining(first.manifest, other, undefined).at(-1)!.detail).not.toContain("differ");
  });

  it("behaviour: another program may still give the same weights; a weight one bit off does not", () => {
    const versions = { ...first.manifest.versions, node: "22.0.0" };
    const moved = checkTraining({ ...first.manifest, versions }, first, undefined);
    expect(moved.filter(({ isSame }) => !isSame).map(({ part }) => part)).toEqual(["versions"]);
    const logBias = first.artefact.logBias.map((b, i) => (i === 0 ? b + Number.EPSILON * Math.abs(b) : b));
    const bytes = modelBytes({ ...first.artefact, logBias });
    const off = checkTraining(first.manifest, { ...first, bytes, modelId: modelId(bytes) }, first.bytes);
    expect(off.filter(({ isSame }) => !isSame)).toMatchObject([
      { part: "weights", detail: expect.stringMatching(/: logBias differ$/) },
    ]);
  });

  it("behaviour: costs ahead that came out otherwise are named by series, and show in the weights", () => {
    const { costs } = first.manifest;
    expect(costs!.served.map(({ series }) => series)).toEqual(["aave.usdc.utilisation", "base_fee_gwei"]);
    const served = costs!.served.map((entry) => ({ ...entry, hours: entry.hours - 1 }));
    const moved = { ...first.manifest, costs: { ...costs!, served: [costs!.served[0]!, served[1]!] } };
    const parts = checkTraining(moved, first, first.bytes);
    expect(parts.filter(({ isSame }) => !isSame)).toMatchObject([
      { part: "costs ahead", detail: "base_fee_gwei differ" },
    ]);
    const bytes = modelBytes({ ...first.artefact, costs: [first.artefact.costs![1]!] });
    const off = checkTraining(first.manifest, { ...first, bytes, modelId: modelId(bytes) }, first.bytes);
    expect(off.at(-1)).toMatchObject({ isSame: false, detail: expect.stringMatching(/: costs differ$/) });
  });

  it("error: other data, and a configuration of another program", () => {
    const root: Hex = `0x${"00".repeat(32)}`;
    expect(checkRoot(first.manifest, root)).toMatchObject({
      isSame: false,
      detail: expect.stringContaining("became"),
    });
    expect(checkRoot(first.manifest, market.hash)).toMatchObject({ isSame: true });
    const foreign = { ...first.manifest, configuration: { ...first.manifest.configuration, dropout: 0.1 } };
    expect(() => toTrainConfig(foreign)).toThrow(BadConfigError);
    expect(() => toTrainConfig(foreign)).toThrow(/manifest of 0x\w{64}: training.dropout is no key/);
  });
});
