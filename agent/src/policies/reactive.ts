import {
  BallastError,
  canonicalJson,
  fromWad,
  HOUR_MS,
  keccak,
  mulDivDown,
  toWadNearest,
  type Wad,
  wad,
} from "@ballast/data";
import type { SeriesModel } from "@ballast/model";
import type { Holding, Intent, Policy, PolicyInput, VaultState } from "../types.ts";
import { deviationOf, navOf, WAD, weightsOf } from "../weights.ts";
import { toDestinationWad } from "./destination.ts";
import { noTradeRegion } from "./no-trade.ts";
import { FIXED_THRESHOLD, type TriggerSurface, toSignals, triggerFactor } from "./trigger.ts";

/** Half-width of a holding's trigger. */
export type TriggerWidth =
  /** Points of weight: 0.02 is two percentage points; 0 trades at every look. */
  | { readonly kind: "absolute"; readonly points: number }
  /** Share of the target weight. */
  | { readonly kind: "relative"; readonly share: number }
  /** Share of the vault's own band. */
  | { readonly kind: "band"; readonly share: number }
  /** The optimal no-trade region for the pool's fee and the gas of a rebalance at the present price; see `noTradeRegion`. */
  | { readonly kind: "no-trade"; readonly riskAversion: number; readonly gasUnits: number };

export interface ReactiveParameters {
  readonly width: TriggerWidth;
  /** Where a trade ends, as a share of the trigger: 0 target, 1 the edge. The no-trade region has its own place. */
  readonly keep: number;
  /** Looks at bar closes that are whole multiples of so many hours since 1970; 0: at every bar close. */
  readonly everyHours: number;
  /** How the trigger breathes with gas and volatility; FIXED_THRESHOLD: not at all. */
  readonly surface: TriggerSurface;
}

/** The plain rules, to begin from: `{ ...RULES.threshold, keep: 0.5 }`. */
export const RULES = {
  constantMix: { width: { kind: "absolute", points: 0 }, keep: 0, everyHours: 0, surface: FIXED_THRESHOLD },
  calendar: { width: { kind: "absolute", points: 0 }, keep: 0, everyHours: 168, surface: FIXED_THRESHOLD },
  threshold: { width: { kind: "band", share: 1 }, keep: 0, everyHours: 0, surface: FIXED_THRESHOLD },
} as const satisfies Record<string, ReactiveParameters>;

export class BadReactivePolicyError extends BallastError {
  readonly code = "BAD_REACTIVE_POLICY";
  readonly parameter: string;
  readonly value: number;
  constructor(parameter: string, value: number, range: string) {
    super(`The policy's ${parameter} is ${value}; give a number ${range}.`);
    this.parameter = parameter;
    this.value = value;
  }
}

/**
 * One policy for every rule that asks whether a weight is beyond its trigger: constant mix, calendar, threshold
 * (absolute, relative, of the band; to target, to the edge, part of the way), both together, the optimal no-trade
 * region, and any of them with a trigger surface. The same rule as the backtest's `ReactiveRule`. A signal that
 * the surface needs and nobody knows leaves its term out, and the decision says so. `gasModel` is what forecasts
 * the base fee. Throws BadReactivePolicyError.
 */
export function reactivePolicy(name: string, parameters: ReactiveParameters, gasModel?: SeriesModel): Policy {
  check(parameters);
  const all = { ...parameters, ...(gasModel === undefined ? {} : { gasModel }) };
  return {
    name,
    id: keccak(new TextEncoder().encode(canonicalJson({ name, ...all }))),
    parameters: all,
    horizonHours: 24,
    choose: (input) => choose(input, parameters, gasModel),
  };
}

function choose(
  input: PolicyInput,
  parameters: ReactiveParameters,
  gasModel: SeriesModel | undefined,
): Intent {
  const { snapshot, state } = input;
  const { surface, everyHours, keep } = parameters;
  const signals = toSignals(input, gasModel);
  const lacks =
    (surface.gasPower !== 0 && signals.gasRatio === undefined) ||
    (surface.gasFallWeight !== 0 && signals.gasFall === undefined) ||
    (surface.volatilityPower !== 0 && signals.volatilityRatio === undefined);
  const factor = toWadNearest(triggerFactor(surface, signals));
  const regions = state.holdings.map((holding, i) => regionOf(holding, i, state, parameters));
  const weights = weightsOf(state);
  const widths = regions.map(({ trigger }) => mulDivDown(trigger, factor, WAD));
  const isBeyond = state.holdings.some(
    (holding, i) => magnitude(deviationOf(holding, weights[i]!)) > widths[i]!,
  );
  const numbers = {
    triggerFactor: fromWad(factor),
    widestDeviation: fromWad(
      wad(state.holdings.reduce((most, h, i) => max(most, magnitude(deviationOf(h, weights[i]!))), 0n)),
    ),
    narrowestTrigger: fromWad(wad(widths.reduce((a, b) => (b < a ? b : a)))),
    ...(lacks ? { hasForecast: 0 } : {}),
    ...(signals.gasRatio === undefined ? {} : { gasOverUsual: signals.gasRatio }),
    ...(signals.gasFall === undefined ? {} : { gasSavedByWaiting: 1 - Math.exp(-signals.gasFall) }),
    ...(signals.volatilityRatio === undefined ? {} : { volatilityOverUsual: signals.volatilityRatio }),
  };
  const isDue = everyHours === 0 || snapshot.at % (everyHours * HOUR_MS) === 0;
  if (!isBeyond || !isDue) return { kind: "hold", reason: lacks ? "no-forecast" : "inside-band", numbers };
  const narrower = factor < WAD ? factor : WAD;
  const rooms = regions.map(({ room }) => wad(mulDivDown(room, narrower, WAD)));
  const targets = state.holdings.map(({ targetWeight }) => targetWeight);
  const share = parameters.width.kind === "no-trade" ? WAD : toWadNearest(keep);
  return {
    kind: "rebalance",
    reason: "breach",
    toWeights: toDestinationWad(weights, targets, rooms, wad(share)),
    numbers,
  };
}

interface Region {
  readonly trigger: Wad;
  /** Half-width that `keep` is a share of. */
  readonly room: Wad;
}

function regionOf(holding: Holding, index: number, state: VaultState, { width }: ReactiveParameters): Region {
  const of = (trigger: bigint): Region => ({ trigger: wad(trigger), room: wad(trigger) });
  if (width.kind === "absolute") return of(toWadNearest(width.points));
  if (width.kind === "relative") return of(mulDivDown(holding.targetWeight, toWadNearest(width.share), WAD));
  if (width.kind === "band") return of(mulDivDown(holding.band, toWadNearest(width.share), WAD));
  const nav = navOf(state);
  // The base asset is the other side of every trade; what moves it away is seen in the others.
  if (index === 0 || nav === 0n) return of(WAD);
  const gas = mulDivDown(state.gasPrice * BigInt(Math.round(width.gasUnits)), state.etherPrice, nav);
  const { trigger, destination } = noTradeRegion({
    weight: fromWad(holding.targetWeight),
    riskAversion: width.riskAversion,
    proportional: holding.poolFee / 1e6,
    fixed: fromWad(wad(gas)),
  });
  return { trigger: toWadNearest(trigger), room: toWadNearest(destination) };
}

function check({ width, keep, everyHours, surface }: ReactiveParameters): void {
  const { kind: _, ...sizes } = width;
  for (const [name, value] of Object.entries(sizes)) {
    if (!(value >= 0 && Number.isFinite(value))) throw new BadReactivePolicyError(name, value, "from 0");
  }
  if (width.kind === "no-trade" && width.riskAversion === 0)
    throw new BadReactivePolicyError("riskAversion", width.riskAversion, "above 0");
  if (!(keep >= 0 && keep <= 1)) throw new BadReactivePolicyError("keep", keep, "from 0 to 1");
  if (!(everyHours >= 0 && Number.isFinite(everyHours)))
    throw new BadReactivePolicyError("everyHours", everyHours, "from 0");
  for (const [name, value] of Object.entries(surface)) {
    if (!Number.isFinite(value)) throw new BadReactivePolicyError(name, value, "that is finite");
  }
}

const magnitude = (x: bigint): bigint => (x < 0n ? -x : x);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
