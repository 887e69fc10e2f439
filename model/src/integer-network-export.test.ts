import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import type { Layer } from "./artefact.ts";
import { toRunner } from "./integer-network.ts";
import { networkBytes } from "./integer-network-bytes.ts";
import { exportNetwork, foldStandardisation, NetworkNotExportableError } from "./integer-network-export.ts";

const random = seededRandom(7, "export");
const layer = (inputs: number, outputs: number, bias = 0): Layer => ({
  inputs,
  outputs,
  weights: Float64Array.from({ length: inputs * outputs }, () => random.normal() / Math.sqrt(inputs)),
  bias: Float64Array.from({ length: outputs }, () => bias + random.normal() / 4),
});
const float = (layers: readonly Layer[], x: readonly number[]): number[] =>
  layers.reduce<number[]>(
    (z, { outputs, inputs, weights, bias }, l) =>
      Array.from({ length: outputs }, (_, o) => {
        const sum = z.reduce((s, v, i) => s + v * weights[o * inputs + i]!, bias[o]!);
        return l < layers.length - 1 ? Math.max(0, sum) : sum;
      }),
    [...x],
  );

const ROWS = 200;
/** Features of unlike spreads, as logarithms, shares and correlations have, in Q10. */
const spreads = Array.from({ length: 24 }, (_, i) => [3, 1, 0.1][i % 3]!);
const table = (rows: number) =>
  Int16Array.from({ length: rows * 24 }, (_, k) => Math.round(1024 * spreads[k % 24]! * random.normal()));
const network = (): Layer[] => {
  const first = foldStandardisation(
    layer(24, 32),
    Float64Array.from(spreads, (s) => s / 2),
    Float64Array.from(spreads, (s) => 1 / s),
  );
  return [first, layer(32, 16), layer(16, 4, -14)];
};

describe("export of a float network", () => {
  it("default: says what the float network says, to a few units of the last place, on rows it never saw", () => {
    const layers = network();
    const exported = exportNetwork({ layers, calibration: table(ROWS) });
    expect(exported).toMatchObject({ inputFractionBits: 10, outputFractionBits: 10 });
    networkBytes(exported);
    const runner = toRunner(exported);
    const fresh = table(ROWS);
    const out = new Int32Array(4);
    let squares = 0;
    for (let r = 0; r < ROWS; r++) {
      runner.run(fresh, r * 24, out);
      const expected = float(
        layers,
        Array.from(fresh.subarray(r * 24, r * 24 + 24), (x) => x / 1024),
      );
      for (let o = 0; o < 4; o++) squares += (out[o]! - expected[o]! * 1024) ** 2;
    }
    // Rounding the output alone has a root mean square of 0.29 units.
    expect(Math.sqrt(squares / ROWS / 4)).toBeLessThan(2);
  });

  it("behaviour: nothing saturates on the calibration rows", () => {
    const layers = network();
    const calibration = table(ROWS);
    const { layers: exported } = exportNetwork({ layers, calibration });
    for (let depth = 1; depth < exported.length; depth++) {
      const head = toRunner({
        layers: exported.slice(0, depth),
        inputFractionBits: 10,
        outputFractionBits: 10,
      });
      const activations = new Int32Array(exported[depth - 1]!.outputs);
      for (let r = 0; r < ROWS; r++) {
        head.run(calibration, r * 24, activations);
        expect(Math.max(...activations)).toBeLessThan(17_000);
      }
    }
  });

  it("behaviour: equal requests give equal bytes", () => {
    const request = { layers: network(), calibration: table(20) };
    expect(networkBytes(exportNetwork(request))).toEqual(networkBytes(exportNetwork(request)));
  });

  it("behaviour: a standardisation is folded into the first layer", () => {
    const plain: Layer = { inputs: 2, outputs: 1, weights: Float64Array.of(3, 4), bias: Float64Array.of(1) };
    const folded = foldStandardisation(plain, Float64Array.of(10, 20), Float64Array.of(0.5, 2));
    // 1 + 3·(12 - 10)/2 + 4·(21 - 20)·2
    expect(float([folded], [12, 21])).toEqual([12]);
  });

  it("behaviour: units that are dead, constant or without weights are exported", () => {
    const first: Layer = {
      inputs: 2,
      outputs: 3,
      weights: Float64Array.of(1, 1, 0, 0, 0, 0),
      bias: Float64Array.of(-100, 0, 0.5),
    };
    const last: Layer = {
      inputs: 3,
      outputs: 1,
      weights: Float64Array.of(1, 1, 2),
      bias: Float64Array.of(0),
    };
    const exported = exportNetwork({ layers: [first, last], calibration: Int16Array.of(1024, 1024) });
    const out = new Int32Array(1);
    toRunner(exported).run(Int16Array.of(1024, 1024), 0, out);
    expect(out[0]).toBe(1024);
  });

  it.each([
    ["no layer", [], Int16Array.of(1)],
    ["layers that do not chain", [layer(2, 3), layer(2, 1)], Int16Array.of(1, 2)],
    [
      "a weight that is not finite",
      [{ ...layer(1, 1), weights: Float64Array.of(Number.NaN) }],
      Int16Array.of(1),
    ],
    ["no calibration row", [layer(2, 1)], new Int16Array(0)],
    ["half a calibration row", [layer(2, 1)], Int16Array.of(1, 2, 3)],
    ["an output beyond its format", [layer(1, 1, 40)], Int16Array.of(1)],
    ["a weight beyond int16", [{ ...layer(1, 1), weights: Float64Array.of(1e6) }], Int16Array.of(0)],
  ])("error: %s", (_, layers, calibration) => {
    expect(() => exportNetwork({ layers, calibration })).toThrow(NetworkNotExportableError);
  });
});
