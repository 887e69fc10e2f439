/**
 * Runs native TensorFlow once: loads it, multiplies, trains a network, and prints its versions as JSON. In a
 * process of its own, because a library built for another processor ends its process instead of throwing.
 */
import { seededRandom } from "@ballast/data";
import * as tf from "@tensorflow/tfjs-core";
import { createLearner } from "../learner.ts";
import { loadNative, NATIVE_BACKEND } from "./load.ts";

const STEPS = 200;

function fail(what: string): never {
  process.stderr.write(`${what}\n`);
  process.exit(1);
}

const load = () => {
  try {
    return loadNative();
  } catch (error) {
    return fail((error as Error).message);
  }
};
const versions = load();
if (!(await tf.setBackend(NATIVE_BACKEND))) fail("the backend does not start");

const [product] = tf.matMul(tf.tensor2d([1, 2], [1, 2]), tf.tensor2d([3, 4], [2, 1])).dataSync();
if (product !== 11) fail(`1·3 + 2·4 came out as ${product}`);

// QLIKE is least where e^c is the ratio, here at c = x; its mean is then 1 + mean(x) = 1.
const inputs = Float32Array.from({ length: 64 }, (_, i) => i / 31.5 - 1);
const ratio = inputs.map(Math.exp);
const learner = createLearner({ widths: [1, 8, 1], learningRate: 0.02, weightDecay: 0 }, seededRandom(1));
const loss = () =>
  learner.predict(inputs).reduce((sum, c, i) => sum + (ratio[i]! * Math.exp(-c) + c) / inputs.length, 0);
const before = loss();
for (let step = 0; step < STEPS; step++) learner.step(inputs, ratio);
const after = loss();
if (!(after < before && after < 1.01)) fail(`training moved the loss from ${before} to ${after}, not to 1`);

process.stdout.write(JSON.stringify(versions));
