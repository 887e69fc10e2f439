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
  const inputs = new Int32Array(first.inputs);
  const buffers = layers.map((layer) => new Int32Array(layer.outputs));
  const outputs = buffers[last]!;
  return {
    run(input, offset, output) {
      if (offset < 0 || offset + inputs.length > input.length || outputs.length > output.length) {
        throw new RangeError(
          `${inputs.length} inputs from ${offset} of ${input.length}, ${outputs.length} outputs into ${output.length}`,
        );
      }
      for (let i = 0; i < inputs.length; i++) inputs[i] = input[offset + i]!;
      let from = inputs;
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
export function dense(layer: IntegerLayer, x: Int32Array, y: Int32Array, lowest: number): void {
  const { inputs, outputs, weights, bias, shift } = layer;
  let o = 0;
  // Four outputs at a time read each input once. A partial sum may wrap; the whole one fits, so that it is right again.
  for (; o + 4 <= outputs; o += 4) {
    const first = o * inputs;
    const second = first + inputs;
    const third = second + inputs;
    const fourth = third + inputs;
    let a = bias[o]!;
    let b = bias[o + 1]!;
    let c = bias[o + 2]!;
    let d = bias[o + 3]!;
    for (let i = 0; i < inputs; i++) {
      const value = x[i]!;
      a = (a + Math.imul(weights[first + i]!, value)) | 0;
      b = (b + Math.imul(weights[second + i]!, value)) | 0;
      c = (c + Math.imul(weights[third + i]!, value)) | 0;
      d = (d + Math.imul(weights[fourth + i]!, value)) | 0;
    }
    y[o] = clamp(a >> shift, lowest);
    y[o + 1] = clamp(b >> shift, lowest);
    y[o + 2] = clamp(c >> shift, lowest);
    y[o + 3] = clamp(d >> shift, lowest);
  }
  for (; o < outputs; o++) {
    let sum = bias[o]!;
    for (let i = 0; i < inputs; i++) sum = (sum + Math.imul(weights[o * inputs + i]!, x[i]!)) | 0;
    y[o] = clamp(sum >> shift, lowest);
  }
}

const clamp = (value: number, lowest: number): number =>
  value < lowest ? lowest : value > MAX_INT16 ? MAX_INT16 : value;
