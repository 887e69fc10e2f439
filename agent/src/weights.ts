import { mulDivDown, type Wad, wad } from "@ballast/data";
import type { Holding, VaultState } from "./types.ts";

export const WAD = 10n ** 18n;

/** Value of an amount of one holding's token in the base asset, WAD, rounded down. */
export const toValue = (holding: Holding, amount: bigint): Wad =>
  wad(mulDivDown(amount, holding.price, 10n ** BigInt(holding.decimals)));

/** Net asset value in the base asset, WAD, at oracle prices. */
export const navOf = (state: Pick<VaultState, "holdings">): Wad =>
  wad(state.holdings.reduce((sum, holding) => sum + toValue(holding, holding.balance), 0n));

/**
 * Share of each holding in the vault's value, WAD, each rounded down, in the order of the holdings.
 * All zero for an empty vault.
 */
export function weightsOf(state: Pick<VaultState, "holdings">): Wad[] {
  const nav = navOf(state);
  return state.holdings.map((holding) =>
    nav === 0n ? wad(0n) : wad(mulDivDown(toValue(holding, holding.balance), WAD, nav)),
  );
}

/** Distance of a weight from its target, WAD, signed. */
export const deviationOf = (holding: Holding, weight: Wad): bigint => weight - holding.targetWeight;

/** A weight exactly on the edge is still inside its band. */
export function isOutsideBand(holding: Holding, weight: Wad): boolean {
  const deviation = deviationOf(holding, weight);
  return (deviation < 0n ? -deviation : deviation) > holding.band;
}

/** The nearest value within [low, high]. */
export function clamp(value: bigint, low: bigint, high: bigint): bigint {
  if (value < low) return low;
  if (value > high) return high;
  return value;
}
