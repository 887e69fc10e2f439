import { type Hex, type UnixMillis, unixMillis, type Wad, wad } from "@ballast/data";
import type { Holding, VaultState } from "../src/types.ts";

export const WAD = 10n ** 18n;
export const toWad = (value: number): Wad => wad(BigInt(Math.round(value * 1e9)) * 10n ** 9n);
export const address = (last: number): Hex => `0x${last.toString(16).padStart(40, "0")}`;

const DECIMALS: Readonly<Record<string, number>> = { USDC: 6, BTC: 8, ETH: 18 };
const PRICES: Readonly<Record<string, number>> = { USDC: 1, BTC: 40_000, ETH: 2_500 };

/** A vault of a million with the given weights; targets a third each unless said otherwise, bands ±2 points. */
export function stateWith(
  weights: Readonly<Record<string, number>>,
  changes: Partial<VaultState> & {
    readonly target?: Readonly<Record<string, number>>;
    readonly band?: number;
  } = {},
): VaultState {
  const { target, band = 0.02, ...rest } = changes;
  const assets = Object.keys(weights);
  const holdings = assets.map((asset, index): Holding => {
    const decimals = DECIMALS[asset] ?? 18;
    const price = PRICES[asset] ?? 10;
    const amount = ((weights[asset] as number) * 1_000_000) / price;
    return {
      token: address(index + 1),
      asset,
      decimals,
      balance: (BigInt(Math.round(amount * 1e6)) * 10n ** BigInt(decimals)) / 1_000_000n,
      price: toWad(price),
      targetWeight: toWad(target?.[asset] ?? 1 / assets.length),
      band: toWad(band),
      poolFee: index === 0 ? 0 : 500,
    };
  });
  const rest0 = holdings.slice(1).reduce((sum, { targetWeight }) => sum + targetWeight, 0n);
  holdings[0] = { ...(holdings[0] as Holding), targetWeight: wad(WAD - rest0) };
  return {
    chainId: 31337n,
    vault: address(0xbeef),
    sequence: 4n,
    paused: false,
    isTradingAllowed: true,
    lastRebalanceAt: unixMillis(0),
    cooldownSeconds: 3600,
    maxTurnover: toWad(0.5),
    maxSlippage: toWad(0.01),
    turnoverLeft: toWad(1),
    lossLeft: toWad(0.02),
    crossTolerance: toWad(0.015),
    minScore: 0,
    scoreHorizon: 2,
    notaryThreshold: 0,
    model: undefined,
    venue: address(0x7e1),
    holdings,
    gasPrice: 20n * 10n ** 9n,
    etherPrice: toWad(2_500),
    ...rest,
  };
}

export const T0: UnixMillis = unixMillis(Date.UTC(2022, 0, 1));
