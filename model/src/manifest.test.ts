import { describe, expect, it } from "vitest";
import { BadManifestError, type ModelManifest, manifestBytes, readManifest } from "./manifest.ts";

const scores = { network: 0.4, linear: 0.45, logHar: 0.5, ewma: 0.6 };
const MANIFEST: ModelManifest = {
  format: "ballast-manifest/1",
  modelId: `0x${"12".repeat(32)}`,
  dataset: {
    root: `0x${"34".repeat(32)}`,
    name: "test",
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
  outOfSample: {
    spans: [
      {
        from: "2020-11-01T00:00:00Z",
        until: "2020-11-02T00:00:00Z",
        fold: 0,
        rows: 4,
        qlike: { network: [0.4], linear: [0.45], logHar: [0.5], ewma: [0.6] },
      },
    ],
    breach: {
      horizonHours: 24,
      from: "2020-11-01T00:00:00Z",
      until: "2020-11-02T00:00:00Z",
      raw: [{ forecast: 0.3, observed: 0.25, count: 4 }],
      recalibrated: [{ forecast: 0.2, observed: 0.25, count: 4 }],
    },
    quantiles: [{ horizonHours: 1, rows: 4, levels: [0.05, 0.95], observed: [0, 1] }],
  },
  calibration: { a: 0, b: 1, predictions: 5, frequency: 0.2, brierSkillRaw: 0.1, brierSkillCalibrated: 0.2 },
};

describe("manifest", () => {
  it("default: read back equal", () => {
    expect(readManifest(manifestBytes(MANIFEST))).toEqual(MANIFEST);
  });

  it("behaviour: a manifest without a record of its forecasts out of sample is read as it is", () => {
    const { outOfSample, ...older } = MANIFEST;
    expect(outOfSample).toBeDefined();
    expect(readManifest(manifestBytes(older)).outOfSample).toBeUndefined();
  });

  it.each([
    ["bytes that are no JSON", Buffer.from("{"), /not JSON/],
    ["another format", Buffer.from('{"format":"x"}'), /its format is x/],
    ["null", Buffer.from("null"), /its format is undefined/],
    ["no hash", manifestBytes({ ...MANIFEST, modelId: "0x12" }), /modelId is no hash/],
    ["another spelling", Buffer.concat([manifestBytes(MANIFEST), Buffer.from("\n")]), /canonical form/],
  ])("error: %s", (_, bytes, message) => {
    expect(() => readManifest(bytes)).toThrow(BadManifestError);
    expect(() => readManifest(bytes)).toThrow(message);
  });
});
