import type { Trade } from "@ballast/attest";
import { type Hex, mulDivDown, mulDivUp, type Wad } from "@ballast/data";
import { singleHop } from "./route.ts";
import type { Holding, VaultState } from "./types.ts";
import { clamp, navOf, toValue, WAD } from "./weights.ts";

export interface PlanLimits {
  /** Smallest trade worth its gas, share of the vault's value, WAD. */
  readonly minTrade: Wad;
  /**
   * How much less than the oracle's value, beyond the pool's fee, a trade may deliver, WAD. The vault's own limit
   * guards against a bad oracle or a bad signer and is wide; what it leaves open, somebody who sees the
   * transaction coming can take.
   */
  readonly tolerance: Wad;
  /** Largest share of the vault's value to sell, WAD; the vault's own limits apply besides. */
  readonly maxTurnover: Wad;
}

export interface Plan {
  readonly trades: readonly Trade[];
  /** Value sold over the vault's value, WAD: what the vault's turnover guard measures. */
  readonly turnover: Wad;
  /** Share of the wanted trades that fits into the turnover limit, WAD: 1e18 where all of it does. */
  readonly scale: Wad;
  /** Pool fees the trades will pay, in the base asset, WAD. */
  readonly fees: Wad;
}

/** Share of the turnover limit that is used: prices move between decision and execution. */
const PRICE_ROOM = (WAD * 99n) / 100n;

/**
 * Trades that bring the vault to `toWeights`, each between the base asset and one other, sells first so
 * that they fund the buys. Buys spend no more than what is there if every sell delivers only its minimum.
 *
 * The vault never shrinks a trade to fit its limits, it refuses the decision; so
 * the limits are applied here, by scaling all trades alike.
 */
export function planTrades(state: VaultState, toWeights: readonly Wad[], limits: PlanLimits): Plan {
  const [base, ...others] = state.holdings as [Holding, ...Holding[]];
  const nav = navOf(state);
  const wanted = others
    .map((holding, index) => ({
      holding,
      value: mulDivDown(nav, toWeights[index + 1] as Wad, WAD) - toValue(holding, holding.balance),
    }))
    .filter(({ value }) => abs(value) * WAD >= limits.minTrade * nav && value !== 0n);

  const wantedTurnover = wanted.reduce((sum, { value }) => sum + abs(value), 0n);
  const limit = mulDivDown(mulDivDown(nav, sellable(state, limits), WAD), PRICE_ROOM, WAD);
  const scale = wantedTurnover > limit ? mulDivDown(limit, WAD, wantedTurnover) : WAD;

  const sells = wanted
    .filter(({ value }) => value < 0n)
    .map(({ holding, value }) => toSell(base, holding, state, mulDivDown(-value, scale, WAD), limits));
  const proceeds = sells.reduce((sum, trade) => sum + trade.minAmountOut, 0n);
  const baseUnit = 10n ** BigInt(base.decimals);
  const buys = wanted
    .filter(({ value }) => value > 0n)
    .map(({ holding, value }) => ({
      holding,
      amount: mulDivDown(mulDivDown(value, scale, WAD), baseUnit, WAD),
    }));
  const spend = buys.reduce((sum, { amount }) => sum + amount, 0n);
  const available = base.balance + proceeds;
  const funded = spend > available ? mulDivDown(available, WAD, spend) : WAD;
  const trades = [
    ...sells,
    ...buys.map(({ holding, amount }) =>
      toBuy(base, holding, state, mulDivDown(amount, funded, WAD), limits),
    ),
  ].filter((trade) => trade.amountIn > 0n && trade.minAmountOut > 0n);

  let sold = 0n;
  let fees = 0n;
  for (const trade of trades) {
    const holdingOf = (token: Hex) => state.holdings.find((holding) => holding.token === token) as Holding;
    const [from, to] = [holdingOf(trade.tokenIn), holdingOf(trade.tokenOut)];
    const value = mulDivUp(trade.amountIn, from.price, 10n ** BigInt(from.decimals));
    sold += value;
    fees += (value * BigInt(from.poolFee + to.poolFee)) / 1_000_000n;
  }
  return {
    trades,
    turnover: (nav === 0n ? 0n : mulDivUp(sold, WAD, nav)) as Wad,
    scale: scale as Wad,
    fees: fees as Wad,
  };
}

/** Shortfall of a trade against the oracle's value that its minimum allows, WAD. */
const shortfallOf = (state: VaultState, poolFee: number, { tolerance }: PlanLimits): bigint =>
  clamp((BigInt(poolFee) * WAD) / 1_000_000n + tolerance, 0n, state.maxSlippage);

/**
 * Share of the vault's value that may be sold: by the vault's limit of one rebalance, by the caller's, by what is left
 * of the turnover budget, and by what is left of the loss budget if every trade delivers its minimum.
 */
function sellable(state: VaultState, limits: PlanLimits): bigint {
  const worst = state.holdings.reduce((most, { poolFee }) => {
    const shortfall = shortfallOf(state, poolFee, limits);
    return shortfall > most ? shortfall : most;
  }, 0n);
  const byLoss = worst === 0n ? WAD : mulDivDown(state.lossLeft, WAD, worst);
  return [limits.maxTurnover, state.turnoverLeft, byLoss].reduce(
    (least, share) => (share < least ? share : least),
    state.maxTurnover,
  );
}

/** Sells `value` (base asset, WAD) of a holding for the base asset. */
function toSell(
  base: Holding,
  holding: Holding,
  state: VaultState,
  value: bigint,
  limits: PlanLimits,
): Trade {
  const exact = mulDivDown(value, 10n ** BigInt(holding.decimals), holding.price);
  const amountIn = clamp(exact, 0n, holding.balance);
  return {
    venue: state.venue,
    tokenIn: holding.token,
    tokenOut: base.token,
    amountIn,
    minAmountOut: toMinimum(holding, base, state, amountIn, limits),
    route: singleHop(holding.poolFee),
  };
}

/** Buys a holding with `amountIn` of the base asset's smallest unit. */
function toBuy(
  base: Holding,
  holding: Holding,
  state: VaultState,
  amountIn: bigint,
  limits: PlanLimits,
): Trade {
  return {
    venue: state.venue,
    tokenIn: base.token,
    tokenOut: holding.token,
    amountIn,
    minAmountOut: toMinimum(base, holding, state, amountIn, limits),
    route: singleHop(holding.poolFee),
  };
}

/** What the trade must deliver: no less than the vault accepts, rounded step by step as `Vault.minOut` does. */
function toMinimum(
  from: Holding,
  to: Holding,
  state: VaultState,
  amountIn: bigint,
  limits: PlanLimits,
): bigint {
  const value = mulDivUp(amountIn, from.price, 10n ** BigInt(from.decimals));
  const fair = mulDivUp(value, 10n ** BigInt(to.decimals), to.price);
  return mulDivUp(fair, WAD - shortfallOf(state, from.poolFee + to.poolFee, limits), WAD);
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);
