import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { type BackendPort, chooseBackend, NoBackendError } from "./backend.ts";

const works = (name: BackendPort["name"]): BackendPort => ({
  name,
  reproducible: true,
  start: async () => "1.0.0",
});
const fails = (name: BackendPort["name"]): BackendPort => ({
  name,
  reproducible: false,
  start: async () => {
    throw new Error("no native library\nRequire stack: …");
  },
});

describe("chooseBackend", () => {
  it("default: starts a real backend that multiplies, and says in one line which and why", async () => {
    const lines: string[] = [];
    const backend = await chooseBackend("wasm", (line) => lines.push(line));
    expect(backend).toMatchObject({ name: "wasm", reproducible: true, reason: "asked for" });
    expect(lines).toEqual([`training runs on the TensorFlow.js backend wasm ${backend.version}: asked for`]);
    const product = tf.tidy(() =>
      tf.matMul(tf.tensor2d([1, 2], [1, 2]), tf.tensor2d([3, 4], [2, 1])).dataSync(),
    );
    expect([...product]).toEqual([11]);
  });

  it("behaviour: without a wish, tfjs-node where it loads, else WebAssembly with the reason", async () => {
    const first = await chooseBackend(undefined, () => {}, [works("tfjs-node"), works("wasm")]);
    expect(first).toMatchObject({ name: "tfjs-node", reason: "the first that runs here" });
    const second = await chooseBackend(undefined, () => {}, [
      fails("tfjs-node"),
      works("wasm"),
      works("cpu"),
    ]);
    expect(second).toMatchObject({ name: "wasm", reason: "tfjs-node cannot be used (no native library)" });
  });

  it("behaviour: a wish that cannot be met falls back in the usual order", async () => {
    const chosen = await chooseBackend("cpu", () => {}, [works("tfjs-node"), works("wasm"), fails("cpu")]);
    expect(chosen).toMatchObject({ name: "tfjs-node", reason: "cpu cannot be used (no native library)" });
  });

  it("error: nothing starts", async () => {
    const none = chooseBackend(undefined, () => {}, [fails("tfjs-node"), fails("wasm")]);
    await expect(none).rejects.toThrow(NoBackendError);
    await expect(none).rejects.toThrow(/tfjs-node cannot be used.*wasm cannot be used.*npm ci/);
  });
});
