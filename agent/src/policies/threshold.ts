import { canonicalJson, keccak } from "@ballast/data";
import type { Policy } from "../types.ts";
import { isOutsideBand, weightsOf } from "../weights.ts";

/**
 * The plain rule: when a weight has left its band, trade everything back to target; otherwise wait.
 * It uses no forecast and is what every other policy is measured against.
 */
export function thresholdPolicy(): Policy {
  const name = "threshold";
  return {
    name,
    id: keccak(new TextEncoder().encode(canonicalJson({ name }))),
    parameters: {},
    horizonHours: 24,
    choose({ state }) {
      const weights = weightsOf(state);
      const outside = state.holdings.filter((holding, index) =>
        isOutsideBand(holding, weights[index]!),
      ).length;
      if (outside === 0) return { kind: "hold", reason: "inside-band", numbers: {} };
      return {
        kind: "rebalance",
        reason: "breach",
        toWeights: state.holdings.map(({ targetWeight }) => targetWeight),
        numbers: { holdingsOutsideBand: outside },
      };
    },
  };
}
