import {
  type DecisionInputs,
  isOutsideBand,
  type JournalEntry,
  navOf,
  readInputs,
  type VaultBooks,
  weightsOf,
} from "@ballast/agent";
import type { DecisionWithTrades } from "@ballast/attest";
import { ACTION } from "@ballast/attest";
import { BallastError, type Hex, isoTime, type UnixMillis, unixMillis } from "@ballast/data";
import type { Static } from "typebox";
import type * as schemas from "./schemas/vaults.ts";

export interface LiveVault {
  /** Time of the block. */
  readonly at: UnixMillis;
  readonly block: number;
  readonly state: VaultBooks;
  /** The vault's own guards for that decision, as its lens computes them; null where the vault cannot say. */
  readonly guards: readonly DecisionGuard[] | null;
}

export interface DecisionGuard {
  /** The error with which the vault would refuse. */
  readonly name: string;
  /** Of the trade or of the holding; 0 where it is of neither. */
  readonly index: number;
  readonly limit: bigint;
  readonly value: bigint;
  readonly isBinding: boolean;
}

/** Vaults on their chain. */
export interface Vaults {
  /**
   * One block's state, and the guards for a decision at it. Errors: those of the node, VAULT_NOT_FOUND.
   * @param assets Tickers in the order of the vault's tokens.
   */
  read(vault: Hex, assets: readonly string[], decision: DecisionWithTrades): Promise<LiveVault>;
}

const WAD = 1e18;
const share = (wad: bigint): number => Number(wad) / WAD;
const abs = (value: bigint): bigint => (value < 0n ? -value : value);

type Vault = Static<typeof schemas.Vault>;

/**
 * The guards that a rebalance back to all targets would meet, each as limit and value, by the vault's own rules: each
 * holding is traded against the base asset, so that all distances but the base asset's are sold once.
 * @param now ms
 */
export function toGuards(state: VaultBooks, now: number): Vault["guards"] {
  const weights = weightsOf(state);
  const sold = state.holdings.reduce(
    (sum, { targetWeight }, i) => (i === 0 ? sum : sum + abs(weights[i]! - targetWeight)),
    0n,
  );
  const lost = (sold * state.maxSlippage) / 10n ** 18n;
  const free = state.lastRebalanceAt + state.cooldownSeconds * 1000;
  const flag = (name: string, isBinding: boolean, meaning: string) => ({
    name,
    unit: "flag" as const,
    limit: 0,
    value: isBinding ? 1 : 0,
    used: isBinding ? 1 : 0,
    isBinding,
    meaning,
  });
  const budget = (name: string, limit: bigint, value: bigint, meaning: string) => ({
    name,
    unit: "share" as const,
    limit: share(limit),
    value: share(value),
    used: value === 0n ? 0 : limit === 0n ? null : Number(value) / Number(limit),
    isBinding: value > limit,
    meaning,
  });
  const wait = Math.max(0, (free - now) / 1000);
  return [
    flag("VaultPaused", state.paused, "the vault is paused"),
    flag(
      "TradingHalted",
      !state.isTradingAllowed && !state.paused,
      "the sequencer is down, or a pool's average price disagrees with its feed",
    ),
    {
      name: "CoolingDown",
      unit: "seconds" as const,
      limit: state.cooldownSeconds,
      value: wait,
      used: state.cooldownSeconds === 0 ? 0 : Math.min(1, wait / state.cooldownSeconds),
      isBinding: wait > 0,
      meaning: "seconds until the cooldown after the last rebalance is over",
    },
    budget("TurnoverTooHigh", state.maxTurnover, sold, "share of its value that one rebalance may sell"),
    budget(
      "TurnoverBudgetSpent",
      state.turnoverLeft,
      sold,
      "what is left of the decaying budget of turnover",
    ),
    budget(
      "LossBudgetSpent",
      state.lossLeft,
      lost,
      "what is left of the decaying budget of losses, were each trade to bring its minimum",
    ),
  ];
}

/** The guard that binds, else the one nearest to it; null where none is used at all. */
export function nextGuard(guards: Vault["guards"]): string | null {
  const use = ({ isBinding, used }: Vault["guards"][number]): number =>
    isBinding ? Number.POSITIVE_INFINITY : (used ?? Number.POSITIVE_INFINITY);
  const [first] = guards.toSorted((a, b) => use(b) - use(a));
  return first === undefined || use(first) === 0 ? null : first.name;
}

function toHoldings(state: VaultBooks): Vault["holdings"] {
  const weights = weightsOf(state);
  return state.holdings.map((holding, i) => ({
    asset: holding.asset,
    token: holding.token,
    decimals: holding.decimals,
    balance: holding.balance.toString(),
    price: holding.price.toString(),
    weight: share(weights[i]!),
    target: share(holding.targetWeight),
    band: share(holding.band),
    bandUsed:
      holding.band === 0n ? null : Number(abs(weights[i]! - holding.targetWeight)) / Number(holding.band),
    isOutside: isOutsideBand(holding, weights[i]!),
  }));
}

/** Of a journal without inputs: what the entry itself says. */
const fromEntry = ({ watch, weights }: JournalEntry): Vault["holdings"] =>
  (watch?.holdings ?? []).map(({ asset, target, band }, i) => {
    const weight = weights[i] ?? Number.NaN;
    const isKnown = Number.isFinite(weight);
    const distance = Math.abs(weight - target);
    return {
      asset,
      token: null,
      decimals: null,
      balance: null,
      price: null,
      weight: isKnown ? weight : null,
      target,
      band,
      bandUsed: isKnown && band > 0 ? distance / band : null,
      isOutside: isKnown ? distance > band : null,
    };
  });

export const inputsOf = ({ inputs }: JournalEntry): DecisionInputs | undefined => {
  try {
    return inputs === undefined ? undefined : readInputs(inputs);
  } catch (error) {
    if (error instanceof BallastError) return undefined;
    throw error;
  }
};

/** As the journal's last decision knew the vault, or as the chain has it where that was asked. */
export function toVault(entry: JournalEntry, live: LiveVault | undefined, problem: Vault["problem"]): Vault {
  const inputs = live === undefined ? inputsOf(entry) : undefined;
  const state = live?.state ?? inputs?.state;
  const at = live?.at ?? inputs?.now ?? entry.at;
  const guards = state === undefined ? [] : toGuards(state, at);
  return {
    address: entry.decision.vault,
    chainId: entry.decision.chainId.toString(),
    run: entry.run,
    source: live === undefined ? "journal" : "chain",
    at: isoTime(at),
    block: live?.block ?? null,
    problem,
    sequence: (state?.sequence ?? entry.decision.sequence - 1n).toString(),
    value: state === undefined ? null : navOf(state).toString(),
    lastRebalanceAt:
      state === undefined || state.lastRebalanceAt === 0 ? null : isoTime(unixMillis(state.lastRebalanceAt)),
    holdings: state === undefined ? fromEntry(entry) : toHoldings(state),
    guards,
    nextGuard: nextGuard(guards),
    decision: {
      hash: entry.hash,
      at: isoTime(entry.at),
      action: entry.decision.action === ACTION.rebalance ? "rebalance" : "hold",
      reason: entry.reason,
      stage: entry.stage,
    },
    decisionGuards:
      live?.guards?.map(({ limit, value, ...guard }) => ({
        ...guard,
        limit: limit.toString(),
        value: value.toString(),
      })) ?? null,
  };
}
