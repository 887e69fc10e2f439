import { type Exogenous, HOUR_MS, seededRandom } from "@ballast/data";
import { beforeAll, describe, expect, it } from "vitest";
import { BadModelError, modelBytes, type NetworkArtefact, readModel } from "./artefact.ts";
import { randomArtefact } from "./artefacts.fixture.ts";
import { type CostModel, forecastCosts, transformOf } from "./cost-models.ts";
import { forecastHash, QUANTILE_LEVELS } from "./forecast.ts";
import { forecastWith } from "./network.ts";
import { fitExogenous, forecastBaseFee } from "./series-forecast.ts";
import { randomSnapshot } from "./snapshots.fixture.ts";

const AT = Date.UTC(2023, 9, 1);

/** Hourly, published at the end of each hour up to `AT` and `later` hours on: a daily wave with noise. */
function feeSeries(later = 0, hours = 1000): Exogenous {
  const random = seededRandom(4);
  const publishedAt = Float64Array.from({ length: hours + later }, (_, i) => AT - (hours - 1 - i) * HOUR_MS);
  const value = publishedAt.map((t) =>
    Math.exp(3 + 0.4 * Math.sin((2 * Math.PI * t) / (24 * HOUR_MS)) + 0.1 * random.normal()),
  );
  return { name: "base_fee_gwei", unit: "gwei", publishedAt, value };
}

const snapshotWith = (...exogenous: Exogenous[]) => randomSnapshot({ seed: 2, assets: 2, at: AT, exogenous });

let models: readonly CostModel[];
let artefact: NetworkArtefact;
beforeAll(() => {
  models = [
    { series: "base_fee_gwei", model: fitExogenous(feeSeries(), "log", snapshotWith(feeSeries()).at) },
  ];
  artefact = { ...randomArtefact(3), costs: models };
});

describe("forecastCosts", () => {
  it("default: the distributions of the series' own model, part of the artefact's forecast and its hash", () => {
    const snapshot = snapshotWith(feeSeries());
    const { now, last, lowest } = forecastBaseFee(models[0]!.model, snapshot);
    const costs = forecastCosts(models, snapshot)!;
    expect(costs.levels).toEqual(QUANTILE_LEVELS);
    expect(costs.series).toMatchObject([{ name: "base_fee_gwei", now, last, lowest }]);
    const forecast = forecastWith(artefact, snapshot);
    const [fee] = forecast.costs!.series;
    expect(fee!.horizonsHours).toEqual([1, 4, 24]);
    expect(fee!.last[1]!.mean).toBeCloseTo(last[1]!.mean, 3);
    expect(forecastHash(forecast)).not.toBe(forecastHash({ ...forecast, costs: undefined }));
  });

  it("behaviour: values published after the snapshot change no bit", () => {
    const later = feeSeries(30);
    const wild = { ...later, value: later.value.map((v, i) => (later.publishedAt[i]! > AT ? 50 * v : v)) };
    const [plain, ...others] = [feeSeries(), later, wild].map((series) =>
      forecastCosts(models, snapshotWith(series)),
    );
    expect(others).toEqual([plain, plain]);
  });

  it("behaviour: a series that is absent, ended two days ago, began yesterday or lost its sign is left out", () => {
    const fee = feeSeries();
    const cut = (from: number, to?: number): Exogenous => ({
      ...fee,
      publishedAt: fee.publishedAt.slice(from, to),
      value: fee.value.slice(from, to),
    });
    const negative = { ...fee, value: fee.value.map((v, i) => (i === 990 ? 0 : v)) };
    for (const known of [[], [cut(0, -48)], [cut(-24)], [negative]]) {
      const snapshot = snapshotWith(...known);
      expect(forecastCosts(models, snapshot)).toBeUndefined();
      expect(forecastWith(artefact, snapshot)).not.toHaveProperty("costs");
    }
    const both = [...models, { ...models[0]!, series: "other" }];
    expect(forecastCosts(both, snapshotWith(fee))!.series.map(({ name }) => name)).toEqual(["base_fee_gwei"]);
  });
});

describe("transformOf", () => {
  it.each([
    ["aave.usdc.utilisation", [0, 0.5, 1], "logit"],
    ["aave.usdc.utilisation", [0.5, 1.2], "log"],
    ["base_fee_gwei", [0.1, 0.9], "log"],
    ["pool.liquidity", [1e20, 2e24], "log"],
    ["funding_rate", [-0.01, 0.02], "identity"],
    ["flows", [0, 3], "identity"],
  ])("default: %s of %j is %s", (name, values, transform) => {
    expect(transformOf(name, Float64Array.from(values))).toBe(transform);
  });
});

describe("cost models in an artefact", () => {
  it("default: read back as they were written", () => {
    expect(readModel(modelBytes(artefact))).toEqual(artefact);
  });

  const edit = (change: (model: { [key: string]: never }) => unknown): Uint8Array => {
    const plain = JSON.parse(Buffer.from(modelBytes(artefact)).toString());
    plain.costs = change(plain.costs);
    return Buffer.from(JSON.stringify(plain));
  };
  it.each<[string, (costs: never) => unknown]>([
    ["costs", () => 3],
    ["costs[0].series", (costs) => [{ ...(costs[0] as object), series: "" }]],
    ["costs[0].model", (costs) => [{ ...(costs[0] as object), model: null }]],
    ["costs[0].model.transform", (costs: { model: object }[]) => [withModel(costs, { transform: "sqrt" })]],
    [
      "costs[0].model.horizonsHours",
      (costs: { model: object }[]) => [withModel(costs, { horizonsHours: [4, 1, 24] })],
    ],
    ["costs[0].model.regressions", (costs: { model: object }[]) => [withModel(costs, { regressions: [] })]],
    [
      "costs[0].model.regressions[0]",
      (costs: { model: object }[]) => [withModel(costs, { regressions: [[], [], []] })],
    ],
    [
      "costs[0].model.regressions[0][0].coefficients",
      (costs: { model: object }[]) => [
        withModel(costs, {
          regressions: [1, 2, 3].map(() =>
            [1, 2, 3].map(() => ({ coefficients: [1], spread: [], errors: [] })),
          ),
        }),
      ],
    ],
  ])("error: %s is named", (field, change) => {
    const bytes = edit(change as never);
    expect(() => readModel(bytes)).toThrow(BadModelError);
    expect(() => readModel(bytes)).toThrow(`: ${field} is`);
  });
});

const withModel = (costs: readonly { readonly model: object }[], change: object) => ({
  ...costs[0]!,
  model: { ...costs[0]!.model, ...change },
});
