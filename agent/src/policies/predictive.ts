import { BallastError, canonicalJson, keccak, mulDivDown, toWadNearest, type Wad, wad } from "@ballast/data";
import type { Holding, Intent, Policy, PolicyInput } from "../types.ts";
import { clamp, deviationOf, isOutsideBand, WAD, weightsOf } from "../weights.ts";
import { gasOfWeek, gasOverLowestAhead } from "./gas.ts";
import { stakesOf } from "./stakes.ts";

export interface PredictiveParameters {
  /** Looks this far ahead, hours. */
  readonly horizonHours: number;
  /** Acts when some weight leaves its band within the horizon with at least this probability, 0..1. */
  readonly actAt: number;
  /** Where a trade stops, as a share of the band: 0 is the target, 1 the band's edge. */
  readonly returnTo: number;
  /** Waits for cheaper gas only while a breach within `patienceHours` is less likely than `patienceAt`. */
  readonly patienceHours: number;
  readonly patienceAt: number;
  /**
   * Gas is dear above this multiple of the lowest base fee expected within `patienceHours`; where that is not
   * forecast, of the median over the past week.
   */
  readonly dearGas: number;
}

/** Chosen on recorded hourly bars of six assets from 2022-03 to 2022-09. */
export const PREDICTIVE_DEFAULTS: PredictiveParameters = {
  horizonHours: 12,
  actAt: 0.3,
  returnTo: 0.15,
  patienceHours: 4,
  patienceAt: 0.2,
  dearGas: 1.2,
};

/** Goes into the policy's id; counts up when the same parameters come to mean another choice. */
const RULE = 2;

export class InvalidPolicyError extends BallastError {
  readonly code = "INVALID_POLICY";
  readonly parameter: string;
  readonly value: number;
  constructor(parameter: string, value: number, range: string) {
    super(`The predictive policy's ${parameter} is ${value}; give a number ${range}.`);
    this.parameter = parameter;
    this.value = value;
  }
}

/**
 * Acts before a breach: when the forecast says that a weight will probably leave its band, it trades the
 * weights in question part of the way back, unless gas is dear just now and there is time to wait.
 * Outside the band it always acts. Without a usable forecast it is the threshold rule and says so.
 */
export function predictivePolicy(parameters: PredictiveParameters = PREDICTIVE_DEFAULTS): Policy {
  const name = "predictive";
  for (const key of ["actAt", "returnTo", "patienceAt"] as const) {
    if (!(parameters[key] >= 0 && parameters[key] <= 1))
      throw new InvalidPolicyError(key, parameters[key], "from 0 to 1");
  }
  for (const key of ["horizonHours", "patienceHours", "dearGas"] as const) {
    if (!(parameters[key] > 0 && Number.isFinite(parameters[key])))
      throw new InvalidPolicyError(key, parameters[key], "above 0");
  }
  return {
    name,
    id: keccak(new TextEncoder().encode(canonicalJson({ name, rule: RULE, ...parameters }))),
    parameters: { ...parameters },
    horizonHours: parameters.horizonHours,
    choose: (input) => choose(input, parameters),
  };
}

/** Share of the vault's tolerance that is used: prices move between decision and execution. */
const TOLERANCE_USED = 0.8;

/** Share of its band that the base asset may be left with by trades of the others. */
const BASE_ROOM = 0.5;

function choose(input: PolicyInput, parameters: PredictiveParameters): Intent {
  const { snapshot, state, forecast, breachWithin } = input;
  const weights = weightsOf(state);
  const isBreached = state.holdings.some((holding, index) => isOutsideBand(holding, weights[index]!));
  const ahead = breachWithin(parameters.horizonHours);
  const soon = breachWithin(parameters.patienceHours);
  if (ahead === undefined || soon === undefined) {
    const targets = state.holdings.map(({ targetWeight }) => targetWeight);
    const numbers = { hasForecast: 0, ...stakesOf(input, targets) };
    return isBreached
      ? { kind: "rebalance", reason: "breach", toWeights: targets, numbers }
      : { kind: "hold", reason: "no-forecast", numbers };
  }
  const destination = toWeights(state, weights, ahead, parameters);
  const week = gasOfWeek(snapshot);
  const gasOverMedian = week === undefined ? 1 : week.now / week.median;
  const gasOverLowest = forecast && gasOverLowestAhead(forecast, parameters.patienceHours);
  const numbers = {
    breachProbability: Math.max(...ahead),
    [`breachProbability${parameters.patienceHours}h`]: Math.max(...soon),
    gasOverMedian,
    ...(gasOverLowest !== undefined && { gasOverLowestAhead: gasOverLowest }),
    ...stakesOf(input, destination),
  };
  if (isBreached) return { kind: "rebalance", reason: "breach", toWeights: destination, numbers };
  if (numbers.breachProbability < parameters.actAt) return { kind: "hold", reason: "inside-band", numbers };
  const gas = gasOverLowest ?? gasOverMedian;
  if (gas > parameters.dearGas && Math.max(...soon) < parameters.patienceAt)
    return { kind: "hold", reason: "cheaper-later", numbers };
  return { kind: "rebalance", reason: "breach-forecast", toWeights: destination, numbers };
}

/**
 * The weights in play (half as likely to leave as the trigger, or outside already) go back to `returnTo` of their
 * band; the base asset takes up the rest. What would push the base asset itself beyond `BASE_ROOM` of its band is
 * made up by the holdings that lie furthest on the other side of their target, so that one trade does not call
 * for the next.
 */
function toWeights(
  state: PolicyInput["state"],
  weights: readonly Wad[],
  ahead: readonly number[],
  parameters: PredictiveParameters,
): Wad[] {
  const isInPlay = state.holdings.map(
    (holding, index) => ahead[index]! >= parameters.actAt / 2 || isOutsideBand(holding, weights[index]!),
  );
  const roomOf = (holding: Holding, share: number) => mulDivDown(holding.band, toWadNearest(share), WAD);
  const result = state.holdings.map((holding, index): bigint => {
    const room = roomOf(holding, parameters.returnTo);
    const deviation = deviationOf(holding, weights[index]!);
    return isInPlay[index] ? holding.targetWeight + clamp(deviation, -room, room) : weights[index]!;
  });
  const base = state.holdings[0] as Holding;
  const baseWeight = () => WAD - result.slice(1).reduce((sum, weight) => sum + weight, 0n);
  const wantedRoom = roomOf(
    base,
    isInPlay[0] ? parameters.returnTo : Math.max(BASE_ROOM, parameters.returnTo),
  );
  // The vault lets no weight end further from its target than it was, nor across it, but for its tolerance.
  const allowed = mulDivDown(state.crossTolerance, toWadNearest(TOLERANCE_USED), WAD);
  const now = deviationOf(base, weights[0]!);
  const roomAbove = least(wantedRoom, now > 0n ? now + allowed : allowed);
  const roomBelow = least(wantedRoom, now < 0n ? allowed - now : allowed);

  const deviations = state.holdings.map((holding, index) => result[index]! - holding.targetWeight);
  const others = [...result.keys()].slice(1);
  // A base asset with too much buys what is furthest below its target first; one with too little sells likewise.
  const surplus = baseWeight() - base.targetWeight;
  others.sort((i, j) =>
    Number(surplus > 0n ? deviations[i]! - deviations[j]! : deviations[j]! - deviations[i]!),
  );
  for (const index of others) {
    const excess = baseWeight() - base.targetWeight;
    const beyond = excess - clamp(excess, -roomBelow, roomAbove);
    const deviation = deviations[index]!;
    if (beyond > 0n && deviation < 0n) result[index]! += clamp(beyond, 0n, -deviation);
    if (beyond < 0n && deviation > 0n) result[index]! += clamp(beyond, -deviation, 0n);
  }
  result[0] = baseWeight();
  return result.map(wad);
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
