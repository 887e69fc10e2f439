import { ACTION, type Decision, decisionHash, type Trade, tradesHash, ZERO_BYTES32 } from "@ballast/attest";
import { HOUR_MS, type Snapshot, toWadNearest, type UnixMillis, type Wad } from "@ballast/data";
import { type Forecast, forecastHash, weightBreachProbabilities } from "@ballast/model";
import { toBreachRequest } from "./outlook.ts";
import { planTrades } from "./plan.ts";
import { stateHash } from "./state.ts";
import {
  type Decided,
  type Foresight,
  type Intent,
  type Policy,
  REASONS,
  type Reason,
  type Reasons,
  type VaultState,
  type Watch,
} from "./types.ts";
import { deviationOf, isOutsideBand, navOf, WAD, weightsOf } from "./weights.ts";

export interface DecideOptions {
  /** How long the vault may execute the decision, seconds from the bar close. */
  readonly lifetimeSeconds: number;
  /** A snapshot older than this is not acted on, seconds; less than the lifetime, or there is no time to act. */
  readonly maxDataAgeSeconds: number;
  /** Trades worth less than this share of the vault's value are left out. */
  readonly minTradeShare: number;
  /** How much less than its oracle value, beyond the pool's fee, a trade may deliver, 0..1. */
  readonly slippageTolerance: number;
}

export const DECIDE_DEFAULTS: DecideOptions = {
  lifetimeSeconds: 1_800,
  maxDataAgeSeconds: 1_500,
  minTradeShare: 0.001,
  slippageTolerance: 0.003,
};

/**
 * The one decision function of backtest, dry run and live. Pure: the same arguments give the same bits. A
 * market condition never makes it throw; it holds and says why. `now` is the caller's clock and serves only
 * to refuse stale data; everything in the decision itself is dated by the snapshot's bar close.
 *
 * While every weight is in its band, the policy's wish to trade is not enough: the score that the vault will compute
 * must reach its bound, and as many notaries as it wants must stand behind the snapshot.
 */
export function decide(
  snapshot: Snapshot,
  state: VaultState,
  forecast: Forecast | undefined,
  policy: Policy,
  now: UnixMillis,
  foresight?: Foresight,
  options: DecideOptions = DECIDE_DEFAULTS,
): Decided {
  const usable = isUsable(forecast, snapshot, state) ? forecast : undefined;
  const weights = weightsOf(state);
  const watch = toWatch(state, snapshot.intervalMs);
  const breachWithin = once(
    (hours: number) => usable && breachProbabilities(watch, weights.map(toShare), usable, hours),
  );
  const isBreached = state.holdings.some((holding, index) => isOutsideBand(holding, weights[index]!));
  const wish =
    refusal(snapshot, state, now, options) ??
    policy.choose({ snapshot, state, forecast: usable, breachWithin });
  const { intent, holding } =
    wish.kind === "rebalance" && !isBreached
      ? justify(wish, snapshot, state, foresight, options)
      : { intent: wish, holding: undefined };
  const isAhead = holding !== undefined;
  const outcome =
    intent.kind === "hold" ? { intent, trades: [] } : plan(intent, snapshot, state, options, isAhead);
  const breachProbability = Math.max(0, ...(breachWithin(policy.horizonHours) ?? []));

  const decidedAt = BigInt(Math.floor(snapshot.at / 1000));
  const decision: Decision = {
    chainId: state.chainId,
    vault: state.vault,
    sequence: state.sequence + 1n,
    action: outcome.intent.kind === "hold" ? ACTION.hold : ACTION.rebalance,
    reason: REASONS.indexOf(outcome.intent.reason),
    decidedAt,
    expiresAt: decidedAt + BigInt(options.lifetimeSeconds),
    inputRoot: snapshot.root,
    stateHash: stateHash(state),
    modelId: isAhead && state.model !== undefined ? state.model.id : ZERO_BYTES32,
    forecastHash: usable ? forecastHash(usable) : ZERO_BYTES32,
    policyId: policy.id,
    breachPpm: Math.round(breachProbability * 1e6),
    holding: holding ?? 0,
    tradesHash: tradesHash(outcome.trades),
  };
  return {
    decision,
    trades: outcome.trades,
    hash: decisionHash(decision),
    reason: outcome.intent.reason,
    numbers: outcome.intent.numbers,
    breachProbability,
    weights: weights.map(toShare),
    isBreached,
    watch,
  };
}

/** Made for this very bar close, and for every asset the vault holds. */
const isUsable = (
  forecast: Forecast | undefined,
  snapshot: Snapshot,
  state: VaultState,
): forecast is Forecast =>
  forecast?.at === snapshot.at &&
  state.holdings.slice(1).every(({ asset }) => forecast.assets.includes(asset));

/** Reasons to hold that come before any policy. */
function refusal(
  snapshot: Snapshot,
  state: VaultState,
  now: UnixMillis,
  options: DecideOptions,
): Intent | undefined {
  const dataAgeSeconds = (now - snapshot.at) / 1000;
  if (dataAgeSeconds > options.maxDataAgeSeconds || dataAgeSeconds < 0) {
    return { kind: "hold", reason: "stale-data", numbers: { dataAgeSeconds } };
  }
  if (state.paused) return { kind: "hold", reason: "paused", numbers: {} };
  if (!state.isTradingAllowed) return { kind: "hold", reason: "trading-halted", numbers: {} };
  return undefined;
}

type Rebalance = Intent & { readonly kind: "rebalance" };

/**
 * Whether the vault will let a trade go ahead of a breach, and for the sake of which holding: of those that the trade
 * brings nearer their targets, as the vault wants of it, the one its network scores highest. Where it will not, why not.
 */
function justify(
  intent: Rebalance,
  snapshot: Snapshot,
  state: VaultState,
  foresight: Foresight | undefined,
  { minTradeShare }: DecideOptions,
): { readonly intent: Intent; readonly holding: number | undefined } {
  const { model, minScore, notaryThreshold } = state;
  const hold = (reason: Reason, numbers: Reasons, holding?: number) => ({
    intent: { kind: "hold" as const, reason, numbers: { ...intent.numbers, ...numbers } },
    holding,
  });
  if (foresight === undefined || model === undefined) return hold("no-network", {});
  if (!model.isActive || model.id !== foresight.scorer.modelId) return hold("model-inactive", {});
  const all = foresight.scorer.scores(snapshot, state);
  const weights = weightsOf(state);
  const isServed = state.holdings.map((holding, i) => {
    const distance = (weight: Wad) => Math.abs(toShare(deviationOf(holding, weight)));
    return distance(weights[i]!) - distance(intent.toWeights[i]!) >= minTradeShare;
  });
  // Where all of it is too small to trade, that is found out later.
  const scores = isServed.includes(true) ? all.map((score, i) => (isServed[i] ? score : undefined)) : all;
  const holding = scores.reduce<number>(
    (best, score, index) => ((score ?? -Infinity) > (scores[best] ?? -Infinity) ? index : best),
    0,
  );
  const score = scores[holding];
  if (score === undefined) return hold("score-too-low", { minScore });
  const numbers = { score, minScore };
  if (score < minScore) return hold("score-too-low", numbers, holding);
  if (notaryThreshold > 0 && !foresight.isNotarised)
    return hold("too-few-notaries", { ...numbers, notariesWanted: notaryThreshold }, holding);
  return { intent: { ...intent, numbers: { ...intent.numbers, ...numbers } }, holding };
}

function plan(
  intent: Rebalance,
  snapshot: Snapshot,
  state: VaultState,
  options: DecideOptions,
  isAhead: boolean,
) {
  const hold = (reason: Reason, numbers: Reasons) => ({
    intent: { kind: "hold" as const, reason, numbers: { ...intent.numbers, ...numbers } },
    trades: [],
  });
  const waitSeconds = state.cooldownSeconds - (snapshot.at - state.lastRebalanceAt) / 1000;
  if (waitSeconds > 0) return hold("cooldown", { cooldownLeftSeconds: waitSeconds });

  const { trades, turnover, scale, fees } = planTrades(state, intent.toWeights, {
    minTrade: toWadNearest(options.minTradeShare),
    tolerance: toWadNearest(options.slippageTolerance),
    // On probation a model may move less, but a breach is not its doing.
    maxTurnover: isAhead && state.model !== undefined ? state.model.maxTurnover : state.maxTurnover,
  });
  const nav = navOf(state);
  const numbers = {
    turnover: Number(turnover) / 1e18,
    shareOfWantedTrades: Number(scale) / 1e18,
    feesBps: nav === 0n ? 0 : (Number(fees) / Number(nav)) * 1e4,
  };
  if (trades.length === 0) return hold("too-small", numbers);
  const away = trades.filter((trade) => isAway(trade, state)).length;
  if (away > 0) return hold("away-from-target", { ...numbers, tradesAwayFromTarget: away });
  return { intent: { ...intent, numbers: { ...intent.numbers, ...numbers } }, trades };
}

/** Whether it sells what is below its target or buys what is above: the vault refuses that, but of its base asset. */
function isAway({ tokenIn, tokenOut }: Trade, state: VaultState): boolean {
  const weights = weightsOf(state);
  return state.holdings.some(
    ({ token, targetWeight }, i) =>
      i > 0 &&
      ((token === tokenIn && weights[i]! <= targetWeight) ||
        (token === tokenOut && weights[i]! >= targetWeight)),
  );
}

/** The policy and the decision ask for the same horizons. */
function once<T>(work: (hours: number) => T): (hours: number) => T {
  const known = new Map<number, T>();
  return (hours) => {
    const result = known.get(hours) ?? work(hours);
    known.set(hours, result);
    return result;
  };
}

const toShare = (value: bigint): number => Number(value) / Number(WAD);

const toWatch = (state: VaultState, intervalMs: number): Watch => ({
  monitorHours: intervalMs / HOUR_MS,
  holdings: state.holdings.map(({ asset, targetWeight, band }) => ({
    asset,
    target: toShare(targetWeight),
    band: toShare(band),
  })),
});

/** Per holding, in the state's order; the base asset has no bars and drifts as the rest moves. */
const breachProbabilities = (
  watch: Watch,
  weights: readonly number[],
  forecast: Forecast,
  horizonHours: number,
): readonly number[] =>
  weightBreachProbabilities(toBreachRequest(watch, weights, forecast, horizonHours)).map(
    ({ calibrated }) => calibrated,
  );
