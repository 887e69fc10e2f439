import { canonicalJson, fromWad, keccak, mulDivDown, toWadNearest, type Wad, wad } from "@ballast/data";
import type { Intent, Policy, VaultState } from "../types.ts";
import { navOf, WAD, weightsOf } from "../weights.ts";
import { type CppiParameters, checkCppi, cppiExposure, cppiFloor } from "./cppi.ts";

export interface InsuredParameters extends CppiParameters {
  /** Highest value so far in the base asset; the caller keeps it, as a policy remembers nothing. */
  readonly peak: number;
  /** Trades where the exposure is further than this from what it should be, points of weight. */
  readonly tolerance: number;
}

/**
 * Portfolio insurance for a vault: the base asset is the safe part, the others share the exposure in the proportions
 * of their targets. The floor is in the base asset. Throws BadCppiError.
 */
export function insuredPolicy(parameters: InsuredParameters): Policy {
  checkCppi(parameters);
  const name = "cppi";
  return {
    name,
    id: keccak(new TextEncoder().encode(canonicalJson({ name, ...parameters }))),
    parameters: { ...parameters },
    horizonHours: 24,
    choose: ({ state }) => choose(state, parameters),
  };
}

function choose(state: VaultState, parameters: InsuredParameters): Intent {
  const value = fromWad(navOf(state));
  const peak = Math.max(parameters.peak, value);
  const wanted = cppiExposure(parameters, value, peak);
  const weights = weightsOf(state);
  const exposure = fromWad(wad(weights.slice(1).reduce((sum, weight) => sum + weight, 0n)));
  const numbers = { exposure, wanted, floor: cppiFloor(parameters, peak), value };
  if (Math.abs(wanted - exposure) <= parameters.tolerance)
    return { kind: "hold", reason: "inside-band", numbers };
  return { kind: "rebalance", reason: "breach", toWeights: toWeights(state, toWadNearest(wanted)), numbers };
}

function toWeights({ holdings }: VaultState, exposure: Wad): Wad[] {
  const risky = WAD - holdings[0]!.targetWeight;
  const shares = holdings
    .slice(1)
    .map(({ targetWeight }) => (risky === 0n ? 0n : mulDivDown(exposure, targetWeight, risky)));
  return [WAD - shares.reduce((sum, share) => sum + share, 0n), ...shares].map(wad);
}
