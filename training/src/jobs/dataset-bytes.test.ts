import { keccak, seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import type { Dataset } from "../dataset.ts";
import { BadDatasetError, datasetBytes, readDataset } from "./dataset-bytes.ts";

const random = seededRandom(3);
const table = (length: number) => Float64Array.from({ length }, () => random.normal());
const dataset: Dataset = {
  assets: ["BTC", "ÅTH"],
  times: table(3),
  strideHours: 5,
  features: table(12),
  targets: table(8),
  ewma: table(6),
};

describe("datasetBytes", () => {
  it("default: what is read is what was written, and equal content has equal bytes", () => {
    const bytes = datasetBytes(dataset);
    expect(readDataset(bytes)).toEqual(dataset);
    const earlier = { times: table(2), asset: table(2), features: table(8), targets: table(6) };
    expect(readDataset(datasetBytes({ ...dataset, earlier }))).toEqual({ ...dataset, earlier });
    // A view that does not begin where a number may, as a file's bytes can be.
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(readDataset(shifted.subarray(3))).toEqual(dataset);
    const copied = { ...dataset, times: table(9).fill(0).subarray(2, 5) };
    copied.times.set(dataset.times);
    expect(keccak(datasetBytes(copied))).toBe(keccak(bytes));
  });

  it("default: the tables are little-endian 64-bit floats at the end, in the order of the type", () => {
    const bytes = datasetBytes(dataset);
    const view = new DataView(bytes.buffer, bytes.length - 8 * 29);
    const numbers = Array.from({ length: 29 }, (_, i) => view.getFloat64(8 * i, true));
    expect(numbers).toEqual([...dataset.times, ...dataset.features, ...dataset.targets, ...dataset.ewma]);
  });

  it("error: other bytes, and bytes cut short, are refused", () => {
    const bytes = datasetBytes(dataset);
    expect(() => readDataset(new Uint8Array(2))).toThrow(BadDatasetError);
    expect(() => readDataset(Uint8Array.from({ length: 99 }, (_, i) => i))).toThrow("its header");
    expect(() => readDataset(bytes.subarray(0, bytes.length - 8))).toThrow(`${bytes.length - 8} bytes`);
  });
});
