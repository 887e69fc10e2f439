import { type Layer, toRunner } from "@ballast/model";
import type { BenchmarkOptions } from "./benchmark.ts";
import { type NetworkPair, toNetworkPair } from "./inference-network.ts";
import { quantile, type Row, toMicroseconds } from "./measure.ts";

const CALLS = 1_000_000;
const QUICK_CALLS = 20_000;
const WARM_UP = 10_000;
/** Calls of one network in turn with the other, so that a busy machine meets both. */
const BLOCK = 1_000;
/** Of the output, in its own units: what rounding of weights and activations may add up to. */
const TOLERANCE = 0.02;

/** One call at a time, as a verifier makes it: each is timed by itself. */
export async function inference({ isQuick, log }: BenchmarkOptions): Promise<readonly Row[]> {
  const calls = isQuick ? QUICK_CALLS : CALLS;
  const pair = toNetworkPair([24, 32, 16, 4]);
  const { own, peer } = toSubjects(pair);
  log(`running a 24-32-16-4 network ${calls.toLocaleString("en")} times`);
  const times = { own: new Float64Array(calls), peer: new Float64Array(calls) };
  time(own, new Float64Array(WARM_UP), 0, WARM_UP);
  time(peer, new Float64Array(WARM_UP), 0, WARM_UP);
  for (let first = 0; first < calls; first += BLOCK) {
    const isOwnFirst = (first / BLOCK) % 2 === 0;
    if (isOwnFirst) time(own, times.own, first, BLOCK);
    time(peer, times.peer, first, BLOCK);
    if (!isOwnFirst) time(own, times.own, first, BLOCK);
  }
  const toRow = (name: string, share: number): Row => ({
    name,
    value: toMicroseconds(quantile(times.own, share)),
    unit: "µs",
    better: "less",
    peer: "the float network in plain typed arrays",
    peerValue: toMicroseconds(quantile(times.peer, share)),
    quartiles: quartilesOverBlocks(times.own, share),
  });
  return [toRow("inference_p50_us", 0.5), toRow("inference_p99_us", 0.99)];
}

/** First and third quartile, in microseconds, of a quantile taken of each block of calls. */
function quartilesOverBlocks(times: Float64Array, share: number): [number, number] {
  const blocks = Float64Array.from({ length: times.length / BLOCK }, (_, b) =>
    quantile(times.subarray(b * BLOCK, (b + 1) * BLOCK), share),
  );
  return [toMicroseconds(quantile(blocks, 0.25)), toMicroseconds(quantile(blocks, 0.75))];
}

function time(run: (call: number) => void, times: Float64Array, first: number, count: number): void {
  for (let call = first; call < first + count; call++) {
    const start = performance.now();
    run(call);
    times[call] = performance.now() - start;
  }
}

/** Both networks over the same rows. Throws where they do not say the same. */
function toSubjects({ float, integer, rows }: NetworkPair) {
  const inputs = integer.layers[0]!.inputs;
  const count = rows.length / inputs;
  const runner = toRunner(integer);
  const output = new Int32Array(integer.layers.at(-1)!.outputs);
  const own = (call: number) => runner.run(rows, (call % count) * inputs, output);
  const forward = toFloatForward(float);
  const values = Float64Array.from(rows, (x) => x / 2 ** integer.inputFractionBits);
  const peer = (call: number) => forward(values, (call % count) * inputs);
  for (let row = 0; row < count; row++) {
    own(row);
    peer(row).forEach((expected, o) => {
      const found = output[o]! / 2 ** integer.outputFractionBits;
      if (!(Math.abs(found - expected) < TOLERANCE))
        throw new Error(`the integer network says ${found} where the float one says ${expected}`);
    });
  }
  return { own, peer };
}

/** The float network as one would write it: row-major weights, one sum at a time, buffers reused. */
function toFloatForward(layers: readonly Layer[]): (input: Float64Array, offset: number) => Float64Array {
  const first = new Float64Array(layers[0]!.inputs);
  const buffers = layers.map(({ outputs }) => new Float64Array(outputs));
  return (input, offset) => {
    for (let i = 0; i < first.length; i++) first[i] = input[offset + i]!;
    let x = first;
    for (let l = 0; l < layers.length; l++) {
      const { inputs, outputs, weights, bias } = layers[l]!;
      const y = buffers[l]!;
      for (let o = 0, w = 0; o < outputs; o++) {
        let sum = bias[o]!;
        for (let i = 0; i < inputs; i++, w++) sum += weights[w]! * x[i]!;
        y[o] = l < layers.length - 1 && sum < 0 ? 0 : sum;
      }
      x = y;
    }
    return x;
  };
}
