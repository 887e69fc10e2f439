import {
  BallastError,
  isoTime,
  type Market,
  type RawMarket,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";

export class AssetMissingError extends BallastError {
  readonly code = "ASSET_MISSING";
  readonly asset: string;
  readonly from: UnixMillis;
  readonly to: UnixMillis;
  constructor(
    asset: string,
    has: { first: number; end: number },
    needed: { from: UnixMillis; to: UnixMillis },
  ) {
    super(
      `${asset} has bars from ${isoTime(unixMillis(has.first))} to ${isoTime(unixMillis(has.end))}, and the backtest ` +
        `needs them from ${isoTime(needed.from)} to ${isoTime(needed.to)}, its lookback included. ` +
        `Narrow the period, leave ${asset} out, or add its bars.`,
    );
    this.asset = asset;
    this.from = needed.from;
    this.to = needed.to;
  }
}

/**
 * Refuses a period in part of which an asset has no bars; shorter holes are `toMarket`'s to fill or refuse. Throws
 * AssetMissingError.
 * @param needed where absent, any begin or any end will do
 */
export function checkCoverage(
  { series }: RawMarket,
  needed: { readonly from?: UnixMillis | undefined; readonly to?: UnixMillis | undefined },
): void {
  for (const { asset, time } of series) {
    const opened = time.toSorted();
    const spacing = opened.map((t, i) => t - (opened[i - 1] ?? Number.NEGATIVE_INFINITY)).sort();
    const [first = 0] = opened;
    // The median of the spacings is the interval, whatever the holes.
    const end =
      (opened.at(-1) ?? 0) + (opened.length > 1 ? spacing[Math.floor((spacing.length - 1) / 2)]! : 0);
    const { from = unixMillis(first), to = unixMillis(end) } = needed;
    if (first > from || end < to) throw new AssetMissingError(asset, { first, end }, { from, to });
  }
}

/** How many bars of the period were filled in by a repair rule instead of recorded, for the reader of the record. */
export function fillNotes(
  market: Market,
  assets: readonly string[],
  from: UnixMillis,
  to: UnixMillis,
): string[] {
  const bars = (to - from) / market.intervalMs;
  return assets.flatMap((asset) => {
    const filled = market
      .past(to)
      .filled(market.assets.indexOf(asset), bars)
      .reduce((sum, x) => sum + x, 0);
    return filled === 0
      ? []
      : [`${filled} of the ${bars} bars of ${asset} were filled in from the one before`];
  });
}
