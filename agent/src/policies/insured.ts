import {
  canonicalJson,
  fromWad,
  HOUR_MS,
  keccak,
  mulDivDown,
  toWadNearest,
  type Wad,
  wad,
} from "@ballast/data";
import type { Intent, Policy, PolicyInput, Reasons, VaultState } from "../types.ts";
import { navOf, WAD, weightsOf } from "../weights.ts";
import {
  BadCppiError,
  type CppiParameters,
  checkCppi,
  cppiExposure,
  cppiFloor,
  fallToFloor,
  gapRisk,
} from "./cppi.ts";
import { deviationAhead, stakesOf } from "./stakes.ts";

export interface InsuredParameters extends CppiParameters {
  /** Highest value so far in the base asset, from 0; `next` carries it on, as a policy remembers nothing. */
  readonly peak: number;
  /** Trades where the exposure is further than this from what it should be, points of weight, from 0. */
  readonly tolerance: number;
}

/** Hours over which the gap risk is said: until the bars of a day have passed, the exposure repaired at each. */
const RISK_HOURS = 24;

/**
 * Portfolio insurance for a vault: the base asset is the safe part, the others share the exposure in the proportions
 * of their targets. The floor is in the base asset, so that deposits and withdrawals move the value but not the floor.
 * Throws BadCppiError.
 */
export function insuredPolicy(parameters: InsuredParameters): Policy {
  checkCppi(parameters);
  for (const key of ["peak", "tolerance"] as const) {
    const value = parameters[key];
    if (!(value >= 0 && Number.isFinite(value))) throw new BadCppiError(key, value, "from 0");
  }
  const name = "cppi";
  return {
    name,
    id: keccak(new TextEncoder().encode(canonicalJson({ name, ...parameters }))),
    parameters: { ...parameters },
    horizonHours: RISK_HOURS,
    choose: (input) => choose(input, parameters),
    next: ({ peak = 0 }: Reasons) => insuredPolicy({ ...parameters, peak: Math.max(parameters.peak, peak) }),
  };
}

function choose(input: PolicyInput, parameters: InsuredParameters): Intent {
  const { state, snapshot, forecast } = input;
  const value = fromWad(navOf(state));
  const peak = Math.max(parameters.peak, value);
  const floor = cppiFloor(parameters, peak);
  const wanted = cppiExposure(parameters, value, peak);
  const weights = weightsOf(state);
  const exposure = fromWad(wad(weights.slice(1).reduce((sum, weight) => sum + weight, 0n)));
  const destination = toWeights(state, toWadNearest(wanted));
  const barHours = snapshot.intervalMs / HOUR_MS;
  const mix = weights.map((weight, i) => (i === 0 || exposure === 0 ? 0 : fromWad(weight) / exposure));
  const fall = fallToFloor(exposure, value, floor);
  const sigma = forecast && deviationAhead(state, forecast, mix, barHours);
  const numbers = {
    exposure,
    wantedExposure: wanted,
    value,
    peak,
    floor,
    cushion: value - floor,
    fallToFloor: fall,
    ...(sigma === undefined
      ? { hasForecast: 0 }
      : { gapRisk24h: gapRisk(fall, sigma, Math.max(1, Math.round(RISK_HOURS / barHours))) }),
    ...stakesOf(input, destination),
  };
  if (Math.abs(wanted - exposure) <= parameters.tolerance)
    return { kind: "hold", reason: "inside-tolerance", numbers };
  const reason = wanted < exposure ? "floor-near" : "cushion-grown";
  return { kind: "rebalance", reason, toWeights: destination, numbers };
}

function toWeights({ holdings }: VaultState, exposure: Wad): Wad[] {
  const risky = WAD - holdings[0]!.targetWeight;
  const shares = holdings
    .slice(1)
    .map(({ targetWeight }) => (risky === 0n ? 0n : mulDivDown(exposure, targetWeight, risky)));
  return [WAD - shares.reduce((sum, share) => sum + share, 0n), ...shares].map(wad);
}
