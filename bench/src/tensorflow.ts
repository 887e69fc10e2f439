import type { Layer, NetworkArtefact } from "@ballast/model";
import * as tf from "@tensorflow/tfjs-core";

export interface TensorFlowForward {
  /** Name of the backend it runs on. */
  readonly backend: string;
  /** Variance per hour, [row][horizon], single precision. */
  run(rows: readonly Float64Array[]): Float32Array;
  /** Throws where it says something else than `reference` by more than single precision explains. */
  checkAgainst(rows: readonly Float64Array[], reference: (row: Float64Array) => Float64Array): void;
  dispose(): void;
}

/** Relative: single precision through three layers and an exponential of numbers around −10. */
const TOLERANCE = 1e-3;

/**
 * The forward pass of an artefact on the active TensorFlow.js backend, as one would write it there: weights kept
 * as tensors, fused layers, all rows in one batch, one copy in and one out.
 */
export function toTensorFlowForward(artefact: NetworkArtefact): TensorFlowForward {
  const vector = (values: Float64Array) => tf.tensor1d(Float32Array.from(values));
  const { lower, upper, mean, scale, outputLower, outputUpper, logBias } = artefact;
  const bounds = [lower, upper, mean, scale, outputLower, outputUpper, logBias].map(vector);
  const [low, high, centre, inverse, least, most, bias] = bounds as [
    tf.Tensor1D,
    tf.Tensor1D,
    tf.Tensor1D,
    tf.Tensor1D,
    tf.Tensor1D,
    tf.Tensor1D,
    tf.Tensor1D,
  ];
  // The artefact's weights are [output][input], the product's right factor is [input][output].
  const toDense = ({ inputs, outputs, weights, bias: offsets }: Layer) => ({
    kernel: tf.tidy(() => tf.transpose(tf.tensor2d(Float32Array.from(weights), [outputs, inputs]))),
    offsets: vector(offsets),
  });
  const linear = toDense(artefact.linear);
  const members = artefact.members.map((layers) => layers.map(toDense));
  const dense = (x: tf.Tensor2D, { kernel, offsets }: ReturnType<typeof toDense>, isHidden: boolean) =>
    tf.fused.matMul({
      a: x,
      b: kernel as tf.Tensor2D,
      bias: offsets,
      activation: isHidden ? "relu" : "linear",
    }) as tf.Tensor2D;

  const run = (rows: readonly Float64Array[]): Float32Array =>
    tf.tidy(() => {
      const inputs = new Float32Array(rows.length * lower.length);
      rows.forEach((row, i) => {
        inputs.set(row, i * lower.length);
      });
      const x = tf.tensor2d(inputs, [rows.length, lower.length]);
      const z = tf.mul(tf.sub(tf.minimum(tf.maximum(x, low), high), centre), inverse) as tf.Tensor2D;
      let log = dense(z, linear, false);
      for (const layers of members) {
        const output = layers.reduce((y, layer, l) => dense(y, layer, l < layers.length - 1), z);
        log = tf.add(log, tf.div(output, members.length));
      }
      return tf.exp(tf.add(tf.minimum(tf.maximum(log, least), most), bias)).dataSync() as Float32Array;
    });

  return {
    backend: tf.getBackend(),
    run,
    checkAgainst(rows, reference) {
      const found = run(rows);
      rows.forEach((row, i) => {
        reference(row).forEach((expected, h, all) => {
          const value = found[i * all.length + h]!;
          if (!(Math.abs(value / expected - 1) < TOLERANCE))
            throw new Error(
              `the peer's network says ${value} where ours says ${expected}: they are not the same`,
            );
        });
      });
    },
    dispose() {
      for (const tensor of bounds) tensor.dispose();
      for (const { kernel, offsets } of [linear, ...members.flat()]) tf.dispose([kernel, offsets]);
    },
  };
}
