import { canonicalJson, fromWad, keccak, type Wad, wad } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import type { Intent, Policy, PolicyInput, Reasons, VaultState } from "../types.ts";
import { deviationOf, isOutsideBand, navOf, WAD, weightsOf } from "../weights.ts";
import { baseFeeAhead, gasOfWeek, nearestHorizon, REBALANCE_GAS } from "./gas.ts";
import { hourlyVariance, stakesOf } from "./stakes.ts";
import { selectTrades, shrinkToMeanCorrelation, trackingScale, trackingVariance } from "./tracking-risk.ts";

export interface PatientParameters {
  /** Half-width of a weight at which a rebalance is worth its usual cost, as a share of the narrowest band. */
  readonly size: number;
  /** The cap on gas goes as the deviation to this power; 0: no cap, the plain width. */
  readonly capPower: number;
  /** The width goes as the level of gas over `levelGwei` to this power. */
  readonly levelPower: number;
  readonly levelGwei: number;
  /** 1: trades only the assets that are worth their swap; 0: all of them. */
  readonly selects: number;
}

/**
 * Counts what waiting costs. The deviation is measured by the tracking variance it makes; how much of a rebalance's cost
 * it is worth says up to which price of gas it is traded for, and which assets are worth their swap. While gas is dearer
 * it waits; when gas is cheap it trades before it would have to. Outside the band it always acts. Without a forecast
 * each weight is measured by its own distance and everything is traded, as by a threshold; without any base fee
 * there is no cap. It says so either way.
 */
export function patientPolicy(parameters: PatientParameters): Policy {
  const name = "patient";
  return {
    name,
    id: keccak(new TextEncoder().encode(canonicalJson({ name, ...parameters }))),
    parameters: { ...parameters },
    horizonHours: 24,
    choose: (input) => choose(input, parameters),
  };
}

function choose(input: PolicyInput, parameters: PatientParameters): Intent {
  const { state, forecast } = input;
  const weights = weightsOf(state);
  const deviations = state.holdings.map((holding, i) => fromWad(wad(deviationOf(holding, weights[i]!))));
  const usualGwei = usualGasOf(input);
  const bands = state.holdings.map(({ band }) => fromWad(band));
  const level =
    usualGwei === undefined ? 1 : clampFactor((usualGwei / parameters.levelGwei) ** parameters.levelPower);
  const width = parameters.size * Math.min(...bands) * level;
  const risk = forecast && riskOf(state, forecast);
  const multiple =
    risk === undefined
      ? Math.max(...deviations.map(Math.abs)) / width
      : Math.sqrt(Math.max(0, trackingVariance(deviations, risk.covariance)) / risk.scale) / width;
  const hasCap = parameters.capPower > 0 && usualGwei !== undefined;
  const capGwei = hasCap ? usualGwei * multiple ** parameters.capPower : undefined;
  const gasGwei = Number(state.gasPrice) / 1e9;
  const chosen =
    risk !== undefined && parameters.selects === 1
      ? selected(state, weights, deviations, risk, width, usualGwei ?? gasGwei)
      : undefined;
  const toWeights = chosen ?? state.holdings.map(({ targetWeight }) => targetWeight);
  const isBreached = state.holdings.some((holding, i) => isOutsideBand(holding, weights[i]!));
  const numbers: Reasons = {
    widthsAway: multiple,
    width,
    gasGwei,
    ...(usualGwei !== undefined && { usualGasGwei: usualGwei }),
    // A breach is traded back at any price.
    ...(capGwei !== undefined && !isBreached && { highestGasGwei: capGwei }),
    ...(forecast === undefined && { hasForecast: 0 }),
    ...(usualGwei === undefined && { hasHistory: 0 }),
    assetsTraded: toWeights.filter((weight, i) => i > 0 && weight !== weights[i]).length,
    ...stakesOf(input, toWeights),
  };
  if (isBreached) return { kind: "rebalance", reason: "breach", toWeights, numbers };
  const isWorthIt = multiple > 1;
  if (capGwei === undefined) {
    if (isWorthIt) return { kind: "rebalance", reason: "worth-its-cost", toWeights, numbers };
    return { kind: "hold", reason: forecast === undefined ? "no-forecast" : "inside-band", numbers };
  }
  if (gasGwei <= capGwei && multiple > 0)
    return { kind: "rebalance", reason: isWorthIt ? "worth-its-cost" : "gas-is-cheap", toWeights, numbers };
  return { kind: "hold", reason: isWorthIt ? "gas-above-cap" : "inside-band", numbers };
}

/** What a power says far outside of where it was fitted is not followed. */
const clampFactor = (factor: number): number => Math.max(0.25, Math.min(4, factor));

/** Hours ahead over whose mean a fee is called usual; the nearest of the forecast's horizons serves. */
const USUAL_HOURS = 6;

/** The price of gas that is expected; without a forecast the median of its week; undefined where nobody knows either. */
function usualGasOf({ snapshot, forecast }: PolicyInput): number | undefined {
  const ahead = forecast && baseFeeAhead(forecast);
  return ahead?.mean[nearestHorizon(ahead.horizonsHours, USUAL_HOURS)]?.mean ?? gasOfWeek(snapshot)?.median;
}

interface Risk {
  /** Per hour, row by row; 0 for the base asset. */
  readonly covariance: Float64Array;
  readonly scale: number;
}

const VARIANCE_HOURS = 24;

/** Undefined where the forecast lacks an asset or says that one stands still. */
function riskOf(state: VaultState, forecast: Forecast): Risk | undefined {
  const n = state.holdings.length;
  const index = state.holdings.map(({ asset }) => forecast.assets.indexOf(asset));
  const deviation = state.holdings.map(({ asset }) =>
    Math.sqrt(hourlyVariance(forecast, asset, VARIANCE_HOURS)),
  );
  if (index.some((at, i) => i > 0 && at < 0) || deviation.some((x, i) => i > 0 && !(x > 0))) return undefined;
  const covariance = new Float64Array(n * n);
  for (let i = 1; i < n; i++) {
    for (let j = 1; j < n; j++)
      covariance[i * n + j] = forecast.correlation[index[i]!]![index[j]!]! * deviation[i]! * deviation[j]!;
  }
  shrinkToMeanCorrelation(covariance, n);
  return {
    covariance,
    scale: trackingScale(
      covariance,
      state.holdings.map(({ targetWeight }) => fromWad(targetWeight)),
    ),
  };
}

/** What is chosen goes to target, the rest stays, and the base asset takes up the difference. */
function selected(
  state: VaultState,
  weights: readonly Wad[],
  deviations: readonly number[],
  { covariance, scale }: Risk,
  width: number,
  usualGwei: number,
): readonly Wad[] | undefined {
  const { holdings } = state;
  const nav = fromWad(navOf(state));
  if (!(nav > 0)) return undefined;
  const perUnit = (usualGwei * 1e-9 * fromWad(state.etherPrice)) / nav;
  const left = new Float64Array(holdings.length);
  selectTrades(
    deviations,
    covariance,
    width ** 2 * scale,
    {
      base: 0,
      perTrade: REBALANCE_GAS.fixed * perUnit,
      perSwap: REBALANCE_GAS.perSwap * perUnit,
      feeRates: holdings.map(({ poolFee }) => poolFee / 1e6),
    },
    left,
  );
  const to = holdings.map(({ targetWeight }, i) => (left[i] === 0 ? targetWeight : weights[i]!));
  const base = WAD - to.slice(1).reduce((sum, weight) => sum + weight, 0n);
  to[0] = wad(base);
  return isAllowed(state, base, weights[0]!) ? to : undefined;
}

/** The vault lets no weight end further from its target than it was, nor across it but for its tolerance. */
function isAllowed({ holdings, crossTolerance }: VaultState, base: bigint, now: Wad): boolean {
  const before = deviationOf(holdings[0]!, now);
  const after = base - holdings[0]!.targetWeight;
  const isAcross = after !== 0n && before > 0n !== after > 0n;
  const magnitude = (x: bigint) => (x < 0n ? -x : x);
  // Half of the tolerance: prices move between decision and execution.
  return isAcross ? magnitude(after) <= crossTolerance / 2n : magnitude(after) <= magnitude(before);
}
