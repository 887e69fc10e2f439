import type { Random } from "@ballast/data";
import type { Layer } from "@ballast/model";
import * as tf from "@tensorflow/tfjs-core";

/** A ReLU network on the active TensorFlow.js backend, trained step by step with Adam on QLIKE loss. */
export interface Learner {
  /**
   * One step of Adam on a batch. `inputs` is [row][input]; `ratio` is [row][output], realised variance over the
   * variance of the forecast that the network corrects; `weight` is 1 where it is known, else 0 and so is the
   * ratio; all are known where it is absent. Minimises the mean of ratio·e^{−c} + weight·c over the outputs c: QLIKE of the corrected forecast,
   * up to a constant.
   */
  step(inputs: Float32Array, ratio: Float32Array, weight?: Float32Array): void;
  /** The network's outputs [row][output]. */
  predict(inputs: Float32Array): Float32Array;
  /** Copies of the current weights. */
  layers(): Layer[];
  dispose(): void;
}

export interface LearnerConfig {
  /** Widths from the inputs to the outputs. */
  readonly widths: readonly number[];
  readonly learningRate: number;
  readonly weightDecay: number;
}

/** Names of variables must differ while they live, as the optimiser finds them by name. */
let created = 0;

/**
 * Hidden layers start at He's (2015) uniform weights, the last at zero, so that the first correction is none.
 * The gradient is written out: tfjs-core registers none in its build for Node, and at these sizes the tape
 * costs more than the arithmetic. Transposes are made, as WebAssembly's product of a transposed matrix is a plain
 * loop, several times as slow as making one. Batches are small, as long float32 sums lose accuracy on WebAssembly.
 */
export function createLearner(config: LearnerConfig, random: Random): Learner {
  const { widths, learningRate, weightDecay } = config;
  const depth = widths.length - 1;
  const name = `ballast/${created++}`;
  const weights: tf.Variable<tf.Rank.R2>[] = [];
  const biases: tf.Variable<tf.Rank.R1>[] = [];
  for (let l = 0; l < depth; l++) {
    const [inputs, outputs] = [widths[l]!, widths[l + 1]!];
    const bound = l === depth - 1 ? 0 : Math.sqrt(6 / inputs);
    const initial = Float32Array.from({ length: inputs * outputs }, () => bound * (2 * random.uniform() - 1));
    weights.push(variable(tf.tensor2d(initial, [inputs, outputs]), `${name}/w${l}`));
    biases.push(variable(tf.zeros<tf.Rank.R1>([outputs]), `${name}/b${l}`));
  }
  const optimiser = tf.train.adam(learningRate);

  /** Activations of every layer, the input first. */
  const forward = (x: tf.Tensor2D): tf.Tensor2D[] => {
    const activations = [x];
    for (let l = 0; l < depth; l++) {
      const last = l === depth - 1;
      activations.push(
        tf.fused.matMul({
          a: activations[l]!,
          b: weights[l]!,
          bias: biases[l]!,
          activation: last ? "linear" : "relu",
        }) as tf.Tensor2D,
      );
    }
    return activations;
  };

  return {
    step(inputs, ratio, weight) {
      tf.tidy(() => {
        const rows = inputs.length / widths[0]!;
        const activations = forward(tf.tensor2d(inputs, [rows, widths[0]!]));
        const y = tf.tensor2d(ratio, [rows, widths[depth]!]);
        const known = weight === undefined ? 1 : tf.tensor2d(weight, [rows, widths[depth]!]);
        const gradients: { name: string; tensor: tf.Tensor }[] = [];
        const slope = tf.sub(known, tf.mul(y, tf.exp(tf.neg(activations[depth]!))));
        let delta = tf.div<tf.Tensor2D>(slope, rows * widths[depth]!);
        for (let l = depth - 1; l >= 0; l--) {
          const decay = tf.mul(weights[l]!, weightDecay);
          const gradient = tf.add(tf.matMul(tf.transpose(activations[l]!), delta), decay);
          gradients.push({ name: weights[l]!.name, tensor: gradient });
          gradients.push({ name: biases[l]!.name, tensor: tf.sum(delta, 0) });
          if (l > 0) delta = tf.mul(tf.matMul(delta, tf.transpose(weights[l]!)), tf.step(activations[l]!));
        }
        optimiser.applyGradients(gradients);
      });
    },
    predict(inputs) {
      let outputs: Float32Array | undefined;
      // Not returned through `tidy`, which would look for tensors among the numbers.
      tf.tidy(() => {
        const rows = inputs.length / widths[0]!;
        outputs = forward(tf.tensor2d(inputs, [rows, widths[0]!]))[depth]!.dataSync() as Float32Array;
      });
      return outputs!;
    },
    layers() {
      return weights.map((w, l) => {
        const [inputs, outputs] = [widths[l]!, widths[l + 1]!];
        const columns = w.dataSync();
        const rows = new Float64Array(inputs * outputs);
        for (let i = 0; i < inputs; i++) {
          for (let o = 0; o < outputs; o++) rows[o * inputs + i] = columns[i * outputs + o]!;
        }
        return { inputs, outputs, weights: rows, bias: Float64Array.from(biases[l]!.dataSync()) };
      });
    },
    dispose() {
      optimiser.dispose();
      for (const v of [...weights, ...biases]) v.dispose();
    },
  };
}

function variable<R extends tf.Rank>(initial: tf.Tensor<R>, name: string): tf.Variable<R> {
  const made = tf.variable(initial, true, name);
  initial.dispose();
  return made as tf.Variable<R>;
}
