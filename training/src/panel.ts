import {
  BallastError,
  GapTooLongError,
  HOUR_MS,
  keccak,
  type Market,
  type RawMarket,
  toMarket,
  unixMillis,
} from "@ballast/data";
import { HORIZONS_HOURS, LOOKBACK_HOURS } from "@ballast/model";
import { cutAt } from "./cut.ts";
import { DeadAssetError, refuseUnsound, TokenChangedError } from "./soundness.ts";

/**
 * A market, and the markets of those of its assets that were there before it began, oldest first, each ending where
 * the next has its lookback and its longest target. They are learnt from and never scored: whatever is forecast at a
 * time is forecast of the assets alive at it, from what a snapshot of these would say.
 */
export interface PanelMarket extends Market {
  readonly earlier?: readonly Market[] | undefined;
}

/** Hours that each of the earlier markets shares with the next: its lookback, and the longest target. */
const SHARED_HOURS = LOOKBACK_HOURS + HORIZONS_HOURS[HORIZONS_HOURS.length - 1]!;

/**
 * Adds to a market, made of `raw`, the history its assets have before it begins. An asset's history begins after its
 * last flaw that `toMarket` or `refuseUnsound` would refuse (a long gap, a long rest, another token); one that is
 * refused for another reason has none. The hash covers all of it.
 */
export function withEarlier(raw: RawMarket, market: Market): PanelMarket {
  const began = market.assets.map((asset) => soundSince(raw, market, asset));
  const starts = [...new Set(began)].filter((start) => start < market.start).sort((a, b) => a - b);
  const marketEnd = market.start + market.length * market.intervalMs;
  const earlier = starts.flatMap((start, k) => {
    const until = Math.min(marketEnd, (starts[k + 1] ?? market.start) + SHARED_HOURS * HOUR_MS);
    const assets = market.assets.filter((_, i) => began[i]! <= start);
    const made = makeMarket(raw, market, assets, start, until);
    return made instanceof BallastError ? [] : [made];
  });
  if (earlier.length === 0) return market;
  const { name, intervalMs, assets, start, length, exogenousNames, past } = market;
  return {
    name,
    intervalMs,
    assets,
    start,
    length,
    exogenousNames,
    past,
    earlier,
    get hash() {
      const hashes = [market, ...earlier].map(({ hash }) => hash.slice(2));
      return keccak(Buffer.from(hashes.join(""), "hex"));
    },
  };
}

/** Opening of the first bar from which the asset's history is sound, ms; the market's start at the latest. */
function soundSince(raw: RawMarket, market: Market, asset: string): number {
  const { time } = raw.series.find((series) => series.asset === asset)!;
  const until = market.start + market.length * market.intervalMs;
  let from = time.reduce((first, t) => Math.min(first, t), market.start as number);
  while (from < market.start) {
    const made = makeMarket(raw, market, [asset], from, until);
    if (!(made instanceof BallastError)) return made.start;
    if (made instanceof GapTooLongError || made instanceof DeadAssetError) from = made.to;
    else if (made instanceof TokenChangedError) from = made.at;
    else break;
  }
  return market.start;
}

/** The sound market of some assets over [from, until), or the error that refuses it. */
function makeMarket(
  raw: RawMarket,
  { intervalMs }: Market,
  assets: readonly string[],
  from: number,
  until: number,
): Market | BallastError {
  const series = raw.series.filter(({ asset }) => assets.includes(asset));
  try {
    const cut = cutAt({ ...raw, series }, until, from);
    const { market } = toMarket(cut, { now: unixMillis(until), intervalMs, allowOneAsset: true });
    refuseUnsound(market, unixMillis(until));
    return market;
  } catch (error) {
    if (error instanceof BallastError) return error;
    throw error;
  }
}
