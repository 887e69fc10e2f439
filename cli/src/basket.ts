import { BallastError, type Market, type UnixMillis, type Wad, wad } from "@ballast/data";

/** What the demo's vault holds besides its base asset. */
export interface BasketAsset {
  readonly asset: string;
  /** Index into `Market.assets`. */
  readonly index: number;
  readonly decimals: number;
  /** Fee tier of its pool, hundredths of a bip. */
  readonly poolFee: number;
  readonly targetWeight: Wad;
  readonly band: Wad;
}

export interface Basket {
  readonly base: {
    readonly asset: "USDC";
    readonly decimals: 6;
    readonly targetWeight: Wad;
    readonly band: Wad;
  };
  readonly others: readonly BasketAsset[];
}

export class UnknownAssetError extends BallastError {
  readonly code = "UNKNOWN_ASSET";
  readonly asset: string;
  constructor(asset: string, known: readonly string[]) {
    super(`The market has no asset ${asset}; it has ${known.join(", ")}. Choose among these with --assets.`);
    this.asset = asset;
  }
}

/** Decimals and fee tier that the asset's main token and its deepest pool have on Ethereum mainnet. */
const KNOWN: Readonly<Record<string, { decimals: number; poolFee: number }>> = {
  BTC: { decimals: 8, poolFee: 500 },
  ETH: { decimals: 18, poolFee: 500 },
};
const OTHER = { decimals: 18, poolFee: 3_000 };
const LIQUIDITY_WINDOW_BARS = 720;

/**
 * Equal targets for the base asset and for each of `wanted`, or else for the three assets with the largest
 * money volume in the bars before `until`: chosen by what was known then.
 * @param bandWidth half-width of every band, share of the vault, 1e18 = 1
 */
export function toBasket(
  market: Market,
  until: UnixMillis,
  wanted: readonly string[] | undefined,
  bandWidth: Wad,
): Basket {
  const chosen = wanted ?? mostTraded(market, until, 3);
  const share = 10n ** 18n / BigInt(chosen.length + 1);
  const others = chosen.map((asset) => {
    const index = market.assets.indexOf(asset);
    if (index < 0) throw new UnknownAssetError(asset, market.assets);
    return { asset, index, ...(KNOWN[asset] ?? OTHER), targetWeight: wad(share), band: bandWidth };
  });
  const rest = wad(10n ** 18n - share * BigInt(chosen.length));
  return { base: { asset: "USDC", decimals: 6, targetWeight: rest, band: bandWidth }, others };
}

function mostTraded(market: Market, until: UnixMillis, count: number): string[] {
  const past = market.past(until);
  const window = Math.min(LIQUIDITY_WINDOW_BARS, past.length);
  return market.assets
    .map((asset, index) => {
      const { close, volume } = past.bars(index, window);
      return { asset, money: close.reduce((sum, price, bar) => sum + price * volume[bar]!, 0) };
    })
    .sort((x, y) => y.money - x.money || (x.asset < y.asset ? -1 : 1))
    .slice(0, count)
    .map(({ asset }) => asset);
}
