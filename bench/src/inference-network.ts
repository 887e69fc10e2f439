import { seededRandom } from "@ballast/data";
import { exportNetwork, type IntegerNetwork, type Layer } from "@ballast/model";

export interface NetworkPair {
  readonly float: readonly Layer[];
  readonly integer: IntegerNetwork;
  /** Rows of integer inputs, 10 fraction bits, one after the other. */
  readonly rows: Int16Array;
}

const ROWS = 256;

/** A seeded float network of the given widths, the integer network exported from it, and inputs for both. */
export function toNetworkPair(widths: readonly number[]): NetworkPair {
  const random = seededRandom(24, widths.join("-"));
  const float = widths.slice(1).map((outputs, l) => {
    const inputs = widths[l]!;
    const spread = Math.sqrt(2 / inputs);
    return {
      inputs,
      outputs,
      weights: Float64Array.from({ length: inputs * outputs }, () => spread * random.normal()),
      bias: Float64Array.from({ length: outputs }, () => random.normal() / 4),
    };
  });
  const rows = Int16Array.from({ length: ROWS * widths[0]! }, () => Math.round(1024 * random.normal()));
  return { float, integer: exportNetwork({ layers: float, calibration: rows }), rows };
}
