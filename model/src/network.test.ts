import { describe, expect, it } from "vitest";
import { type Layer, modelBytes, modelId, type NetworkArtefact } from "./artefact.ts";
import { randomArtefact } from "./artefacts.fixture.ts";
import { ewmaCorrelation, lambdaOfHalfLife } from "./ewma.ts";
import { FEATURE_COUNT, featureRows } from "./features.ts";
import { quantise } from "./forecast.ts";
import { forecastWith, hourlyReturns, toForecaster, toForward } from "./network.ts";
import { randomSnapshot } from "./snapshots.fixture.ts";

const affine = (layer: Layer, x: number[]): number[] =>
  Array.from(layer.bias, (b, o) =>
    x.reduce((sum, v, i) => sum + layer.weights[o * layer.inputs + i]! * v, b),
  );

const clip = (x: number, low: number, high: number) => Math.max(low, Math.min(high, x));

/** The forward pass from its definition. */
function twin(m: NetworkArtefact, row: Float64Array): number[] {
  const z = Array.from(row, (x, i) => {
    const clipped = clip(x, m.lower[i]!, m.upper[i]!);
    return (clipped - m.mean[i]!) * m.scale[i]!;
  });
  const corrections = m.members.map((layers) =>
    layers.reduce((x, layer, l) => {
      const y = affine(layer, x);
      return l < layers.length - 1 ? y.map((v) => Math.max(0, v)) : y;
    }, z),
  );
  return affine(m.linear, z).map((linear, h) => {
    const log = linear + corrections.reduce((sum, c) => sum + c[h]!, 0) / corrections.length;
    const clipped = clip(log, m.outputLower[h]!, m.outputUpper[h]!);
    return Math.exp(clipped + m.logBias[h]!);
  });
}

describe("network", () => {
  it("default: the forward pass equals its definition, for every row", () => {
    const artefact = randomArtefact(4);
    const forward = toForward(artefact);
    const rows = featureRows(randomSnapshot({ seed: 8, assets: 5 }));
    const table = Float64Array.from(rows.flatMap((row) => [...row]));
    const out = new Float64Array(4);
    const seen = new Set<number>();
    for (const [r, row] of rows.entries()) {
      forward.run(table, r * FEATURE_COUNT, out);
      const expected = twin(artefact, row);
      for (let h = 0; h < 4; h++) expect(out[h]! / expected[h]!).toBeCloseTo(1, 12);
      seen.add(out[0]!);
    }
    expect(seen.size).toBe(5);
  });

  it("behaviour: inputs beyond the training range count as its ends, outputs stay in theirs", () => {
    const artefact = randomArtefact(4);
    const forward = toForward(artefact);
    const at = (value: number) => {
      const out = new Float64Array(4);
      forward.run(new Float64Array(FEATURE_COUNT).fill(value), 0, out);
      return [...out];
    };
    expect(at(1e9)).toEqual(at(3));
    expect(at(-1e9)).toEqual(at(-12));
    const wild = toForward({
      ...artefact,
      linear: { ...artefact.linear, bias: Float64Array.of(50, 50, -50, -50) },
    });
    const out = new Float64Array(4);
    wild.run(new Float64Array(FEATURE_COUNT), 0, out);
    const end = (h: number, log: number) => Math.exp(log + artefact.logBias[h]!);
    expect([...out]).toEqual([end(0, -5), end(1, -5), end(2, -14), end(3, -14)]);
  });

  it("default: a forecast has the model's id, cumulative variances, correlation and calibration, quantised", () => {
    const artefact = randomArtefact(4);
    const snapshot = randomSnapshot({ seed: 8, assets: 3 });
    const forecast = forecastWith(artefact, snapshot);
    expect(forecast.modelId).toBe(modelId(modelBytes(artefact)));
    expect(forecast.at).toBe(snapshot.at);
    const perHour = twin(artefact, featureRows(snapshot)[2]!);
    for (const [h, hours] of [1, 4, 24, 168].entries()) {
      expect(forecast.variance[2]![h]).toBeCloseTo(perHour[h]! * hours, 11);
    }
    const rho = ewmaCorrelation(hourlyReturns(snapshot), lambdaOfHalfLife(168));
    expect(forecast.correlation[1]![0]).toBeCloseTo(rho[0]![1]!, 5);
    expect(forecast.breachCalibration).toEqual(artefact.breachCalibration);
    expect(forecast.quantiles!.levels).toEqual([0.05, 0.25, 0.5, 0.75, 0.95]);
    const low = perHour[3]! * 168 * Math.exp(artefact.logQuantiles![3]![0]!);
    expect(forecast.quantiles!.variance[2]![3]![0]).toBeCloseTo(low, 11);
    const { logQuantiles: _, ...rest } = artefact;
    const point = { ...rest, assets: [] };
    expect(forecastWith(point, snapshot).quantiles).toBeUndefined();
    expect(quantise(forecast)).toEqual(forecast);
  });

  it("default: an asset of the training has its own bias and quantiles, wherever it stands", () => {
    const artefact = randomArtefact(4);
    const snapshot = randomSnapshot({ seed: 8, assets: 3 });
    const own = { ...artefact.assets[0]!, asset: snapshot.assets[1]! };
    const plain = forecastWith({ ...artefact, assets: [] }, snapshot);
    const said = forecastWith({ ...artefact, assets: [own] }, snapshot);
    expect(said.variance[0]).toEqual(plain.variance[0]);
    for (let h = 0; h < 4; h++) {
      const variance = plain.variance[1]![h]! * Math.exp(own.logBias[h]!);
      expect(said.variance[1]![h]).toBeCloseTo(variance, 10);
      const low = variance * Math.exp(own.logQuantiles![h]![0]!);
      expect(said.quantiles!.variance[1]![h]![0]).toBeCloseTo(low, 10);
    }
  });

  it("behaviour: equal snapshots give equal bits, whatever was forecast between", () => {
    const forecaster = toForecaster(randomArtefact(4));
    const first = forecaster(randomSnapshot({ seed: 8, assets: 3 }));
    forecaster(randomSnapshot({ seed: 9, assets: 3 }));
    expect(forecaster(randomSnapshot({ seed: 8, assets: 3 }))).toEqual(first);
  });

  it("default: hourly returns of shorter bars add up to the same move", () => {
    const snapshot = randomSnapshot({ seed: 2, assets: 1, intervalMs: 900_000 });
    const returns = hourlyReturns(snapshot)[0]!;
    const { close } = snapshot.bars[0]!;
    expect(returns).toHaveLength(720);
    expect(returns[719]).toBeCloseTo(Math.log(close.at(-1)! / close.at(-5)!), 14);
    const total = returns.reduce((sum, r) => sum + r, 0);
    expect(total).toBeCloseTo(Math.log(close.at(-1)! / close[close.length - 1 - 720 * 4]!), 10);
  });
});
