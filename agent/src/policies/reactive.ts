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
import type { Holding, Intent, Policy, PolicyInput, Reason, Reasons, VaultState } from "../types.ts";
import { deviationOf, isOutsideBand, navOf, WAD, weightsOf } from "../weights.ts";
import { toDestinationWad } from "./destination.ts";
import { noTradeRegion } from "./no-trade.ts";
import { stakesOf } from "./stakes.ts";
import {
  FIXED_THRESHOLD,
  type TriggerSignals,
  type TriggerSurface,
  toSignals,
  triggerFactor,
  type VolatilitySource,
} from "./trigger.ts";

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
  /** Which volatility the surface reads; default: the forecast. */
  readonly volatility?: VolatilitySource;
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
 * the surface needs and nobody knows leaves its term out, and the decision says so. Throws BadReactivePolicyError.
 * @param named What the policy is known by, where that is less than the rule: a rule is made from it alone.
 */
export function reactivePolicy(
  name: string,
  rule: ReactiveParameters,
  named: Readonly<Record<string, unknown>> = { ...rule },
): Policy {
  check(rule);
  return {
    name,
    id: keccak(new TextEncoder().encode(canonicalJson({ name, ...named }))),
    parameters: named,
    horizonHours: 24,
    choose: (input) => choose(input, rule),
  };
}

function choose(input: PolicyInput, rule: ReactiveParameters): Intent {
  const { snapshot, state } = input;
  const { surface, everyHours, keep, width, volatility = "forecast" } = rule;
  const signals = toSignals(input, surface, volatility);
  const factor = toWadNearest(triggerFactor(surface, signals));
  const regions = state.holdings.map((holding, i) => regionOf(holding, i, state, rule));
  const weights = weightsOf(state);
  const widths = regions.map(({ trigger }) => mulDivDown(trigger, factor, WAD));
  const distances = state.holdings.map((holding, i) => magnitude(deviationOf(holding, weights[i]!)));
  const narrower = factor < WAD ? factor : WAD;
  const toWeights = toDestinationWad(
    weights,
    state.holdings.map(({ targetWeight }) => targetWeight),
    regions.map(({ room }) => wad(mulDivDown(room, narrower, WAD))),
    width.kind === "no-trade" ? wad(WAD) : toWadNearest(keep),
  );
  const lacks = missing(surface, signals, volatility);
  const stakes = stakesOf(input, toWeights);
  const numbers = {
    triggerFactor: fromWad(factor),
    widestDeviation: fromWad(wad(distances.reduce((a, b) => (b > a ? b : a), 0n))),
    narrowestTrigger: fromWad(wad(widths.reduce((a, b) => (b < a ? b : a)))),
    ...(lacks === "no-forecast" && { hasForecast: 0 }),
    ...(lacks === "no-history" && { hasHistory: 0 }),
    ...(signals.gasRatio !== undefined && { gasOverUsual: signals.gasRatio }),
    ...(signals.gasFall !== undefined && { gasSavedByWaiting: 1 - Math.exp(-signals.gasFall) }),
    ...(signals.volatilityRatio !== undefined && { volatilityOverUsual: signals.volatilityRatio }),
    ...stakes,
    ...(width.kind === "no-trade" && riskOf(stakes, width.riskAversion)),
  };
  const isBreached = state.holdings.some((holding, i) => isOutsideBand(holding, weights[i]!));
  const isBeyond = distances.some((distance, i) => distance > widths[i]!);
  const isBeyondPlain = distances.some((distance, i) => distance > regions[i]!.trigger);
  const hold = (reason: Reason): Intent => ({ kind: "hold", reason, numbers });
  if (!isBeyond) {
    if (lacks !== undefined) return hold(lacks);
    if (isBeyondPlain) return hold("trigger-widened");
    return hold(isBreached ? "inside-trigger" : "inside-band");
  }
  if (everyHours > 0 && snapshot.at % (everyHours * HOUR_MS) !== 0) return hold("not-due");
  return { kind: "rebalance", reason: isBreached ? "breach" : ownReason(rule), toWeights, numbers };
}

/** What a day's waiting costs somebody of this risk aversion: ½γ times the variance that acting would save. */
function riskOf(stakes: Reasons, riskAversion: number): Reasons {
  const { waitingTrackingErrorBps24h: waiting, actingTrackingErrorBps24h: acting } = stakes;
  if (waiting === undefined || acting === undefined) return {};
  return { waitingRiskBps24h: ((riskAversion / 2) * (waiting ** 2 - acting ** 2)) / 1e4 };
}

/** Why it acts where no weight has left the vault's band. */
function ownReason({ width, everyHours }: ReactiveParameters): Reason {
  if (everyHours > 0) return "calendar-due";
  return width.kind === "no-trade" ? "no-trade-edge" : "trigger-crossed";
}

/** What the surface reads and nobody knows. */
function missing(
  surface: TriggerSurface,
  signals: TriggerSignals,
  volatility: VolatilitySource,
): Reason | undefined {
  if (surface.gasFallWeight !== 0 && signals.gasFall === undefined) return "no-forecast";
  if (surface.volatilityPower !== 0 && signals.volatilityRatio === undefined)
    return volatility === "forecast" ? "no-forecast" : "no-history";
  return surface.gasPower !== 0 && signals.gasRatio === undefined ? "no-history" : undefined;
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
  // As a target goes to none or to all, so does the region's width to nothing.
  if (holding.targetWeight <= 0n || holding.targetWeight >= WAD) return of(0n);
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
