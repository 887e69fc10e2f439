import { seededRandom } from "@ballast/data";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { chooseBackend } from "./backend.ts";
import { availableBackends } from "./backends.fixture.ts";
import { createLearner } from "./learner.ts";

const CONFIG = { widths: [3, 5, 4, 2], learningRate: 0.05, weightDecay: 0.01 };
const ROWS = 7;
const random = seededRandom(1);
const X = Float32Array.from({ length: ROWS * 3 }, () => random.normal());
const Y = Float32Array.from({ length: ROWS * 2 }, () => random.exponential());

interface Dense {
  inputs: number;
  outputs: number;
  weights: Float64Array;
  bias: Float64Array;
}

function outputs(layers: readonly Dense[], row: number): number[] {
  let x = [...X.subarray(row * 3, row * 3 + 3)];
  for (const [l, { inputs, weights, bias }] of layers.entries()) {
    x = Array.from(bias, (b, o) => x.reduce((sum, v, i) => sum + weights[o * inputs + i]! * v, b));
    if (l < layers.length - 1) x = x.map((v) => Math.max(0, v));
  }
  return x;
}

/** Mean of y·e^{−c} + c, and half the weight decay times the squared weights. */
function loss(layers: readonly Dense[]): number {
  let sum = 0;
  for (let r = 0; r < ROWS; r++)
    for (const [o, c] of outputs(layers, r).entries()) sum += (Y[r * 2 + o]! * Math.exp(-c) + c) / (ROWS * 2);
  for (const { weights } of layers) for (const w of weights) sum += 0.5 * CONFIG.weightDecay * w * w;
  return sum;
}

/** Adam (Kingma & Ba 2015, algorithm 1) with gradients by central differences. */
function adam(layers: Dense[], steps: number): void {
  const all = layers.flatMap(({ weights, bias }) => [weights, bias]);
  const m = all.map((p) => new Float64Array(p.length));
  const v = all.map((p) => new Float64Array(p.length));
  for (let t = 1; t <= steps; t++) {
    const gradients = all.map((p) =>
      Float64Array.from(p, (x, i) => {
        const h = 1e-5;
        p[i] = x + h;
        const up = loss(layers);
        p[i] = x - h;
        const down = loss(layers);
        p[i] = x;
        return (up - down) / (2 * h);
      }),
    );
    for (const [k, p] of all.entries()) {
      for (let i = 0; i < p.length; i++) {
        const g = gradients[k]![i]!;
        m[k]![i] = 0.9 * m[k]![i]! + 0.1 * g;
        v[k]![i] = 0.999 * v[k]![i]! + 0.001 * g * g;
        const mean = m[k]![i]! / (1 - 0.9 ** t);
        const square = v[k]![i]! / (1 - 0.999 ** t);
        p[i] = p[i]! - (CONFIG.learningRate * mean) / (Math.sqrt(square) + 1e-7);
      }
    }
  }
}

describe.each(await availableBackends("the learner"))("learner on $name", ({ name }) => {
  beforeAll(async () => {
    await chooseBackend(name, () => {});
  });

  it("default: starts at no correction", () => {
    const learner = createLearner(CONFIG, seededRandom(5));
    expect([...learner.predict(X)].every((c) => c === 0)).toBe(true);
    expect(learner.layers().map(({ inputs, outputs: out }) => [inputs, out])).toEqual([
      [3, 5],
      [5, 4],
      [4, 2],
    ]);
    learner.dispose();
  });

  it("default: steps equal Adam on numerical gradients of QLIKE", () => {
    const learner = createLearner(CONFIG, seededRandom(5));
    const twin: Dense[] = learner.layers().map((l) => ({ ...l }));
    const before = loss(twin);
    adam(twin, 8);
    for (let s = 0; s < 8; s++) learner.step(X, Y);
    const layers = learner.layers();
    for (const [l, { weights, bias }] of twin.entries()) {
      for (const [i, w] of weights.entries()) expect(layers[l]!.weights[i]).toBeCloseTo(w, 3);
      for (const [i, b] of bias.entries()) expect(layers[l]!.bias[i]).toBeCloseTo(b, 3);
    }
    expect(loss(layers as Dense[])).toBeLessThan(before);
    const predicted = learner.predict(X);
    for (let r = 0; r < ROWS; r++)
      for (const [o, c] of outputs(layers as Dense[], r).entries())
        expect(predicted[r * 2 + o]).toBeCloseTo(c, 5);
    learner.dispose();
  });

  it("behaviour: no tensor is left behind", () => {
    const before = tf.memory().numTensors;
    const learner = createLearner(CONFIG, seededRandom(5));
    learner.step(X, Y);
    const running = tf.memory().numTensors;
    for (let s = 0; s < 5; s++) learner.step(X, Y);
    learner.predict(X);
    learner.layers();
    expect(tf.memory().numTensors).toBe(running);
    learner.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
