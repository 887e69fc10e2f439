/** One dense layer: y = clamp((bias + sum of weight·x) >> shift), `>>` rounding down. */
export interface IntegerLayer {
  /** 1 to 255. */
  readonly inputs: number;
  /** 1 to 255. */
  readonly outputs: number;
  /** Row-major, [output][input]. */
  readonly weights: Int16Array;
  /** In units of weight times input; half of 2^shift is in it where rounding to nearest is wanted. */
  readonly bias: Int32Array;
  /** 0 to 31. */
  readonly shift: number;
}

/**
 * A feed-forward network of integers alone, so that every machine says the same bits. Inputs are int16; hidden layers
 * clamp to [0, 32767], which is their ReLU; the last clamps to int16. No input can take a sum out of int32.
 */
export interface IntegerNetwork {
  /** 1 to 11. */
  readonly layers: readonly IntegerLayer[];
  /** An input of 1.0 is 2^inputFractionBits; 0 to 15. */
  readonly inputFractionBits: number;
  readonly outputFractionBits: number;
}

export const MIN_INT16 = -32768;
export const MAX_INT16 = 32767;

export interface Runner {
  /**
   * Writes the outputs, as many as the last layer has, to the beginning of `output`, from the inputs at `offset`.
   * @throws RangeError when `input` ends before the last input or `output` before the last output.
   */
  run(input: Int16Array, offset: number, output: Int32Array): void;
}

/**
 * Prepares a network that `readNetwork` or `networkBytes` accepts. The result allocates nothing per run and is not
 * re-entrant, as it reuses its buffers.
 */
export function toRunner({ layers }: IntegerNetwork): Runner {
  const first = layers[0]!;
  const last = layers.length - 1;
  const inputs = new Int16Array(first.inputs);
  const buffers = layers.map((layer, l) =>
    l === last ? new Int32Array(layer.outputs) : new Int16Array(layer.outputs),
  );
  const outputs = buffers[last]!;
  return {
    run(input, offset, output) {
      if (offset < 0 || offset + inputs.length > input.length || outputs.length > output.length) {
        throw new RangeError(
          `${inputs.length} inputs from ${offset} of ${input.length}, ${outputs.length} outputs into ${output.length}`,
        );
      }
      for (let i = 0; i < inputs.length; i++) inputs[i] = input[offset + i]!;
      let from: Int16Array | Int32Array = inputs;
      for (let l = 0; l <= last; l++) {
        const to = buffers[l]!;
        dense(layers[l]!, from, to, l === last ? MIN_INT16 : 0);
        from = to;
      }
      for (let o = 0; o < outputs.length; o++) output[o] = outputs[o]!;
    },
  };
}

/** One layer on one row; `lowest` is 0 for a hidden layer, that of int16 for the last. */
export function dense(
  layer: IntegerLayer,
  x: Int16Array | Int32Array,
  y: Int16Array | Int32Array,
  lowest: number,
): void {
  const { inputs, outputs, weights, bias, shift } = layer;
  for (let o = 0, w = 0; o < outputs; o++) {
    let sum = bias[o]!;
    // A partial sum may wrap; the whole one fits, so that it is right again.
    for (let i = 0; i < inputs; i++, w++) sum = (sum + Math.imul(weights[w]!, x[i]!)) | 0;
    const value = sum >> shift;
    y[o] = value < lowest ? lowest : value > MAX_INT16 ? MAX_INT16 : value;
  }
}
