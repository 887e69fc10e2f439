import { type Hex, unixMillis, type Wad, wad } from "@ballast/data";
import type { Result } from "ethers";
import type { Holding, VaultState } from "../types.ts";

const WAD_PER_PPM = 10n ** 12n;
export const fromPpm = (ppm: bigint): Wad => wad(ppm * WAD_PER_PPM);

/** What a vault's `state()` says of itself, without its settings of scores and notaries. */
export type VaultBooks = Pick<
  VaultState,
  | "sequence"
  | "paused"
  | "isTradingAllowed"
  | "lastRebalanceAt"
  | "cooldownSeconds"
  | "maxTurnover"
  | "maxSlippage"
  | "turnoverLeft"
  | "lossLeft"
  | "holdings"
>;

/** @param assets Tickers in the order of the vault's tokens; a token without one is called by its address. */
export function toVaultBooks(raw: Result, assets: readonly string[]): VaultBooks {
  const { settings } = raw;
  return {
    sequence: raw.sequence,
    paused: raw.paused,
    isTradingAllowed: raw.isTradingAllowed,
    lastRebalanceAt: unixMillis(Number(raw.lastRebalanceAt) * 1000),
    cooldownSeconds: Number(settings.cooldown),
    maxTurnover: fromPpm(settings.maxTurnoverPpm),
    maxSlippage: fromPpm(settings.maxSlippagePpm),
    turnoverLeft: wad(raw.turnoverLeft),
    lossLeft: wad(raw.lossLeft),
    holdings: [...raw.tokens].map((address: string, i): Holding => {
      const token = address.toLowerCase() as Hex;
      return {
        token,
        asset: assets[i] ?? token,
        decimals: Number(raw.decimals[i]),
        balance: raw.balances[i],
        price: wad(raw.pricesWad[i]),
        targetWeight: wad(raw.targetWeights[i]),
        band: wad(raw.bands[i]),
        poolFee: Number(raw.poolFees[i]),
      };
    }),
  };
}
