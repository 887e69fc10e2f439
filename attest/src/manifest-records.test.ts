import { type Hex, keccak } from "@ballast/data";
import type { ModelManifest } from "@ballast/model";
import { expect, it } from "vitest";
import { ZERO_BYTES32 } from "./encoding.ts";
import { toRecords } from "./manifest-records.ts";

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const scores = { network: 0.8765432, linear: 0.9, logHar: 1, ewma: 1.2 };
const manifest: ModelManifest = {
  format: "ballast-manifest/1",
  modelId: word("1"),
  dataset: {
    root: word("2"),
    name: "binance",
    assets: ["BTC"],
    intervalMs: 3_600_000,
    from: "2020-01-01T00:00:00Z",
    until: "2021-01-01T00:00:00Z",
    times: 10,
    strideHours: 5,
  },
  configuration: { seed: 1, hidden: [24, 16] },
  features: ["x"],
  backend: { name: "wasm", version: "4.22.0", reproducible: true, reason: "asked for" },
  versions: { node: "24.0.0" },
  folds: [],
  metrics: [
    {
      horizonHours: 1,
      qlike: scores,
      ratioToLogHar: scores,
      tAgainstLogHar: -2,
      tAgainstLinear: -1,
      coverage90: 0.9,
    },
  ],
  calibration: { a: 0, b: 1, predictions: 5, frequency: 0.2, brierSkillRaw: 0.1, brierSkillCalibrated: 0.2 },
  breachNetwork: { id: word("3"), rows: 1, heldRows: 1, horizons: [], breach: [] },
};
const hash = (text: string) => keccak(new TextEncoder().encode(text));

it("default: both records, whose hashes are of the JSON with its keys in order", () => {
  const { dataset, model } = toRecords(manifest);
  expect(dataset).toEqual({
    root: word("2"),
    // date -d 2020-01-01T00:00:00Z +%s
    from: 1_577_836_800n,
    until: 1_609_459_200n,
    source: "binance",
    manifestHash: hash(
      '{"assets":["BTC"],"from":"2020-01-01T00:00:00Z","intervalMs":3600000,"name":"binance",' +
        `"root":"${word("2")}","strideHours":5,"times":10,"until":"2021-01-01T00:00:00Z"}`,
    ),
  });
  expect(model).toMatchObject({
    modelId: word("3"),
    forecasterId: word("1"),
    configurationHash: hash('{"hidden":[24,16],"seed":1}'),
    backend: "wasm",
    qlikeRatioPpm: [876_543],
  });
});

it("behaviour: the manifest's hash moves with every part of it, and without a breach network there is no model id", () => {
  const { breachNetwork, ...without } = manifest;
  expect(toRecords(without).model.modelId).toBe(ZERO_BYTES32);
  const hashes = [manifest, without, { ...manifest, features: ["y"] }].map(
    (one) => toRecords(one).model.manifestHash,
  );
  expect(new Set(hashes).size).toBe(3);
});
