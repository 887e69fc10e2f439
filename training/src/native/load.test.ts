import path from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { chooseBackend } from "../backend.ts";
import { availableBackends } from "../backends.fixture.ts";
import { isArray, isNullOrUndefined } from "./formerUtil.ts";
import { loadNative, nativeFolder } from "./load.ts";

const isHere = (await availableBackends("native TensorFlow", ["tfjs-node"])).some(
  ({ name }) => name === "tfjs-node",
);

describe("loadNative", () => {
  it("error: nothing is built, and what builds it", () => {
    expect(() => loadNative([])).toThrow(/not installed.*doctor --install-tensorflow/);
    expect(() => loadNative([import.meta.dirname])).toThrow(
      expect.objectContaining({ code: "NO_NATIVE_TENSORFLOW" }),
    );
  });

  it.skipIf(!isHere)(
    "behaviour: its tensors are those of training's core, and util stays as Node has it",
    async () => {
      const util = await import("node:util");
      const before = Object.keys(util).length;
      await chooseBackend("tfjs-node", () => {});
      expect(tf.getBackend()).toBe("tensorflow");
      const product = tf.matMul(tf.tensor2d([1, 2], [1, 2]), tf.tensor2d([3, 4], [2, 1]));
      expect(product).toBeInstanceOf(tf.Tensor);
      expect([...product.dataSync()]).toEqual([11]);
      product.dispose();
      expect(Object.keys(util)).toHaveLength(before);
      expect(loadNative().tensorflow).toMatch(/^2\.\d+/);
    },
  );
});

describe("nativeFolder", () => {
  it("default: the folder that BALLAST_TENSORFLOW names, else one outside node_modules", () => {
    const named = process.env.BALLAST_TENSORFLOW;
    try {
      process.env.BALLAST_TENSORFLOW = "elsewhere";
      expect(nativeFolder()).toBe(path.resolve("elsewhere"));
      delete process.env.BALLAST_TENSORFLOW;
      expect(nativeFolder()).toBe(path.resolve(import.meta.dirname, "../../../.ballast/tensorflow"));
    } finally {
      if (named !== undefined) process.env.BALLAST_TENSORFLOW = named;
    }
  });
});

describe("formerUtil", () => {
  it("default: says of null, undefined and arrays what util said", () => {
    const values = [null, undefined, 0, "", [], {}, new Float32Array(1)];
    expect(values.map(isNullOrUndefined)).toEqual([true, true, false, false, false, false, false]);
    expect(values.map(isArray)).toEqual([false, false, false, false, true, false, false]);
  });
});
