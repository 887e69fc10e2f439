import {
  type Decided,
  type Holding,
  navOf,
  type VaultModel,
  type VaultState,
  weightsOf,
} from "@ballast/agent";
import {
  BallastError,
  fromUnits,
  fromWad,
  isoTime,
  mulDivDown,
  toUnitsDown,
  toWadNearest,
  type UnixMillis,
  unixMillis,
  type Wad,
  wad,
} from "@ballast/data";
import type { Execution, SwapCosts } from "../backtest/execution.ts";
import { type PaperAsset, type Portfolio, paperAddress, toTargetWads } from "./portfolio.ts";

const ONE = 10n ** 18n;

/** A chain of its own, so that no paper decision can be mistaken for one of a real vault. */
export const PAPER_CHAIN_ID = 31_337n;

/** The limits of the vault. Its decaying budgets are not modelled: they are always full. */
export interface VaultTerms {
  readonly cooldownSeconds: number;
  /** Largest share of the value that one rebalance may sell, 0..1. */
  readonly maxTurnover: number;
  /** Largest shortfall of a trade against the oracle's price that a decision may allow, 0..1. */
  readonly maxSlippage: number;
  /** How far a rebalance may take a weight across its target, 0..1. */
  readonly crossTolerance: number;
  /** Least breach score that justifies a trade inside the bands; the vault judges by no network where absent. */
  readonly minScore?: number | undefined;
}

/** All of a paper vault that changes. */
export interface Books {
  /** Last executed. */
  readonly sequence: bigint;
  readonly lastRebalanceAt: number;
  /** Smallest units, the base asset first. */
  readonly balances: readonly bigint[];
}

/** What a bar close tells a vault. */
export interface Quote {
  readonly at: UnixMillis;
  /** Of one whole token in the base asset, whose own is 1 and first. */
  readonly prices: readonly number[];
  readonly baseFeeGwei: number;
  readonly tipGwei: number;
  readonly etherDollars: number;
  readonly isHalted: boolean;
}

/** One swap of a decision, between a holding and the base asset. */
export interface Order {
  /** Index of the holding. */
  readonly holding: number;
  readonly isSell: boolean;
  /** Smallest unit of what is given: the holding's for a sell, the base asset's for a buy. */
  readonly amountIn: bigint;
}

/** What an executed decision came to, dollars. */
export interface Fill {
  readonly weightsBefore: readonly number[];
  readonly weightsAfter: readonly number[];
  readonly soldDollars: number;
  readonly costs: SwapCosts & { readonly gas: number; readonly attestationGas: number };
  readonly shortfall: number;
}

export class BadCostError extends BallastError {
  readonly code = "BAD_COST";
  readonly kind: string;
  readonly value: number;
  constructor(execution: string, kind: string, value: number, at: number) {
    super(
      `The costs "${execution}" charge a ${kind} of ${value} at ${isoTime(at)}; a cost is a finite number from 0. ` +
        "Correct their rates, or the series they are made of.",
    );
    this.kind = kind;
    this.value = value;
  }
}

export class CostsExceedVaultError extends BallastError {
  readonly code = "COSTS_EXCEED_VAULT";
  readonly at: number;
  readonly dollars: number;
  constructor(at: number, what: string, dollars: number, available: number) {
    super(
      `At ${isoTime(at)} ${what} costs ${dollars} dollars, and there are ${available} to pay it from. ` +
        "Begin with more, or trade less often.",
    );
    this.at = at;
    this.dollars = dollars;
  }
}

/** On target at these prices, to the smallest unit. */
export function openBooks(portfolio: Portfolio, { prices }: Quote): Books {
  const { assets, nav } = portfolio;
  const balances = assets.map(({ target, decimals }, i) =>
    i === 0 ? 0n : toUnitsDown((nav * target) / prices[i]!, decimals),
  );
  const invested = balances.reduce(
    (sum, balance, i) => sum + fromUnits(balance, assets[i]!.decimals) * prices[i]!,
    0,
  );
  balances[0] = toUnitsDown(nav - invested, assets[0]!.decimals);
  return { sequence: 0n, lastRebalanceAt: 0, balances };
}

/** The vault as an agent reads it. `model` is the network the vault judges by. */
export function toVaultState(
  portfolio: Portfolio,
  terms: VaultTerms,
  books: Books,
  quote: Quote,
  model: VaultModel | undefined,
): VaultState {
  const targets = toTargetWads(portfolio);
  return {
    chainId: PAPER_CHAIN_ID,
    vault: paperAddress("vault"),
    sequence: books.sequence,
    paused: false,
    isTradingAllowed: !quote.isHalted,
    lastRebalanceAt: unixMillis(books.lastRebalanceAt),
    cooldownSeconds: terms.cooldownSeconds,
    maxTurnover: toWadNearest(terms.maxTurnover),
    maxSlippage: toWadNearest(terms.maxSlippage),
    turnoverLeft: wad(ONE),
    lossLeft: wad(ONE),
    crossTolerance: toWadNearest(terms.crossTolerance),
    minScore: terms.minScore ?? 0,
    scoreHorizon: 2,
    notaryThreshold: 0,
    model,
    venue: paperAddress("venue"),
    holdings: portfolio.assets.map((asset, i) =>
      toHolding(asset, books.balances[i]!, quote.prices[i]!, targets[i]!),
    ),
    gasPrice: BigInt(Math.round((quote.baseFeeGwei + quote.tipGwei) * 1e9)),
    etherPrice: toWadNearest(quote.etherDollars),
  };
}

const toHolding = (
  { asset, decimals, poolFee, band }: PaperAsset,
  balance: bigint,
  price: number,
  targetWeight: Wad,
): Holding => ({
  token: paperAddress(asset),
  asset,
  decimals,
  balance,
  price: toWadNearest(price),
  targetWeight,
  band: toWadNearest(band),
  poolFee,
});

/** A decision's trades as orders of a paper vault. */
export const toOrders = ({ trades }: Decided, { holdings }: VaultState): Order[] =>
  trades.map(({ tokenIn, tokenOut, amountIn }) => {
    const isSell = tokenOut === holdings[0]!.token;
    const token = isSell ? tokenIn : tokenOut;
    return { holding: holdings.findIndex((holding) => holding.token === token), isSell, amountIn };
  });

/**
 * Carries out a decision at a bar's close: sells, gas out of the base asset, then the buys, scaled alike where the
 * sells brought too little. A trade's minimum is not enforced: it guards against a price that is moved within minutes,
 * and a latency of whole bars would turn it into a limit order that fills only where the price has come our way.
 * Throws BadCostError, CostsExceedVaultError, and what `execution` throws.
 * @param decisionPrices of each holding when it was decided, for the shortfall
 */
export function carryOut(
  portfolio: Portfolio,
  books: Books,
  orders: readonly Order[],
  quote: Quote,
  execution: Execution,
  decisionPrices: readonly number[],
): { readonly books: Books; readonly fill: Fill } {
  const { assets } = portfolio;
  const { at, prices } = quote;
  const base = assets[0]!;
  const balances = [...books.balances];
  const paid = { fee: 0, spread: 0, impact: 0, mev: 0 };
  const changed = assets.map(() => 0);
  let shortfall = 0;
  const charge = (holding: number, dollars: number): number => {
    const costs = execution.swapCosts(assets[holding]!.asset, dollars, prices[holding]!, at);
    let total = 0;
    for (const kind of ["fee", "spread", "impact", "mev"] as const) {
      if (!(costs[kind] >= 0 && Number.isFinite(costs[kind])))
        throw new BadCostError(execution.name, kind, costs[kind], at);
      paid[kind] += costs[kind];
      total += costs[kind];
    }
    if (total > Math.abs(dollars))
      throw new CostsExceedVaultError(at, `a trade of ${assets[holding]!.asset}`, total, Math.abs(dollars));
    return total;
  };

  for (const { holding, amountIn } of orders.filter(({ isSell }) => isSell)) {
    const units = amountIn < balances[holding]! ? amountIn : balances[holding]!;
    const amount = fromUnits(units, assets[holding]!.decimals);
    const dollars = amount * prices[holding]!;
    const received = dollars - charge(holding, -dollars);
    balances[holding] = balances[holding]! - units;
    balances[0] = balances[0]! + toUnitsDown(received, base.decimals);
    changed[holding] = changed[holding]! - dollars;
    changed[0] = changed[0]! + dollars;
    shortfall += amount * decisionPrices[holding]! - received;
  }

  const { gas, attestationGas } = gasDollars(execution, orders.length, quote);
  const gasUnits = toUnitsDown(gas + attestationGas, base.decimals);
  if (gasUnits > balances[0]!)
    throw new CostsExceedVaultError(
      at,
      "the gas",
      gas + attestationGas,
      fromUnits(balances[0]!, base.decimals),
    );
  balances[0] = balances[0]! - gasUnits;
  shortfall += gas + attestationGas;

  const buys = orders.filter(({ isSell }) => !isSell);
  const spend = buys.reduce((sum, { amountIn }) => sum + amountIn, 0n);
  const available = balances[0]!;
  for (const { holding, amountIn } of buys) {
    const units = spend > available ? mulDivDown(amountIn, available, spend) : amountIn;
    const dollars = fromUnits(units, base.decimals);
    const amount = (dollars - charge(holding, dollars)) / prices[holding]!;
    balances[0] = balances[0]! - units;
    balances[holding] = balances[holding]! + toUnitsDown(amount, assets[holding]!.decimals);
    changed[holding] = changed[holding]! + dollars;
    changed[0] = changed[0]! - dollars;
    shortfall += dollars - amount * decisionPrices[holding]!;
  }
  const after = { sequence: books.sequence + 1n, lastRebalanceAt: at, balances };
  return {
    books: after,
    fill: {
      weightsBefore: toWeights(portfolio, books, quote),
      weightsAfter: toWeights(portfolio, after, quote),
      soldDollars: changed.reduce((sum, dollars) => sum + Math.abs(dollars), 0) / 2,
      costs: { ...paid, gas, attestationGas },
      shortfall,
    },
  };
}

function gasDollars(execution: Execution, swaps: number, { at, baseFeeGwei, tipGwei, etherDollars }: Quote) {
  const units = execution.gasUnits(swaps);
  for (const kind of ["rebalance", "attestation"] as const)
    if (!(units[kind] >= 0 && Number.isFinite(units[kind])))
      throw new BadCostError(execution.name, `${kind} gas`, units[kind], at);
  const dollars = (baseFeeGwei + tipGwei) * 1e-9 * etherDollars;
  return { gas: units.rebalance * dollars, attestationGas: units.attestation * dollars };
}

/** What is seen of a vault at a bar's close: its weights and its value. */
export const toWeights = (portfolio: Portfolio, books: Books, quote: Quote): number[] =>
  weightsOf(priced(portfolio, books, quote)).map(fromWad);
export const toNav = (portfolio: Portfolio, books: Books, quote: Quote): number =>
  fromWad(navOf(priced(portfolio, books, quote)));

/** All of a state that values are made of. */
const priced = ({ assets }: Portfolio, { balances }: Books, { prices }: Quote) => ({
  holdings: assets.map((asset, i) => toHolding(asset, balances[i]!, prices[i]!, wad(0n))),
});
