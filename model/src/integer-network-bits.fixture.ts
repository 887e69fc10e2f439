import { type Hex, keccak, seededRandom } from "@ballast/data";
import { toRunner } from "./integer-network.ts";
import { networkBytes, readNetwork } from "./integer-network-bytes.ts";
import { exportNetwork } from "./integer-network-export.ts";
import { randomInt16, randomNetwork } from "./integer-networks.fixture.ts";

/** A hash over the bytes and the outputs of seeded networks: equal wherever the same bits are computed. */
export function bitsOfNetworks(): Hex {
  const random = seededRandom(21, "bits");
  const layer = (inputs: number, outputs: number) => ({
    inputs,
    outputs,
    weights: Float64Array.from({ length: inputs * outputs }, () => random.uniform() - 0.5),
    bias: Float64Array.from({ length: outputs }, () => random.uniform() - 0.5),
  });
  const calibration = Int16Array.from({ length: 24 * 50 }, () => random.integer(4096) - 2048);
  const exported = exportNetwork({ layers: [layer(24, 32), layer(32, 16), layer(16, 4)], calibration });
  const networks = [exported, ...Array.from({ length: 1000 }, () => randomNetwork(random))];
  const parts = networks.map((network) => {
    const bytes = networkBytes(network);
    const input = Int16Array.from({ length: network.layers[0]!.inputs }, () => randomInt16(random));
    const output = new Int32Array(network.layers.at(-1)!.outputs);
    toRunner(readNetwork(bytes)).run(input, 0, output);
    return [Buffer.from(bytes), Buffer.from(output.buffer)];
  });
  return keccak(Buffer.concat(parts.flat()));
}
