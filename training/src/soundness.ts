import { BallastError, HOUR_MS, isoTime, type Market, type UnixMillis } from "@ballast/data";

/** A price that has not moved for so long belongs to a market that is closed. */
export const DEAD_AFTER_HOURS = 168;
/** Between two bars no price of one and the same token changes by more than this factor, and stays there. */
export const LEVEL_FACTOR = 10;
/** Hours on either side over which level and volume of a suspected new token are compared. */
const LEVEL_HOURS = 24;

export class DeadAssetError extends BallastError {
  readonly code = "DEAD_ASSET";
  readonly asset: string;
  readonly from: number;
  readonly to: number;
  constructor(asset: string, from: number, to: number, isTail: boolean) {
    super(
      `the price of ${asset} does not move for ${Math.round((to - from) / HOUR_MS)} hours from ${isoTime(from)} to ${isoTime(to)}, ` +
        `more than the ${DEAD_AFTER_HOURS} after which its market counts as closed. Leave ${asset} out` +
        (isTail
          ? `, or train until ${isoTime(from)}.`
          : `, or train from ${isoTime(to)} or until ${isoTime(from)}.`),
    );
    this.asset = asset;
    this.from = from;
    this.to = to;
  }
}

export class TokenChangedError extends BallastError {
  readonly code = "TOKEN_CHANGED";
  readonly asset: string;
  readonly at: number;
  readonly factor: number;
  constructor(asset: string, at: number, factor: number, volumeFactor: number) {
    super(
      `at ${isoTime(at)} the price of ${asset} changes ${factor.toPrecision(3)}-fold from one bar to the next and stays there, ` +
        `and its volume ${volumeFactor.toPrecision(3)}-fold: the ticker seems to name another token since. ` +
        `Leave ${asset} out, or train from ${isoTime(at)} or until then.`,
    );
    this.asset = asset;
    this.at = at;
    this.factor = factor;
  }
}

/**
 * Refuses a market on which fitting would learn an artefact of recording. The rules, on the bars closed at `until`:
 *
 * - an asset whose close rests for DEAD_AFTER_HOURS in a row has died, or was halted: DeadAssetError;
 * - one whose close jumps by more than LEVEL_FACTOR between two bars, while the medians of price and of volume over
 *   the day on either side differ by more than that factor too, is another token since: TokenChangedError. A crash
 *   or a misprint moves the price without moving both medians.
 *
 * One that rests all the time is left to the data set, which calls it constant.
 */
export function refuseUnsound(market: Market, until: UnixMillis): void {
  const past = market.past(until);
  if (past.length === 0) return;
  for (const [i, asset] of market.assets.entries()) {
    const { close, volume } = past.bars(i, past.length);
    refuseDead(asset, close, market);
    refuseChanged(asset, close, volume, market);
  }
}

function refuseDead(asset: string, close: Float64Array, { start, intervalMs }: Market): void {
  for (let from = 0, to = 0; from < close.length; from = to) {
    while (to < close.length && close[to] === close[from]) to++;
    if (to - from === close.length || (to - from) * intervalMs <= DEAD_AFTER_HOURS * HOUR_MS) continue;
    throw new DeadAssetError(asset, start + from * intervalMs, start + to * intervalMs, to === close.length);
  }
}

function refuseChanged(asset: string, close: Float64Array, volume: Float64Array, market: Market): void {
  const { start, intervalMs } = market;
  const side = Math.max(1, Math.round((LEVEL_HOURS * HOUR_MS) / intervalMs));
  for (let i = 1; i < close.length; i++) {
    if (!isFarApart(close[i - 1]!, close[i]!)) continue;
    const medians = (column: Float64Array) =>
      [median(column.subarray(Math.max(0, i - side), i)), median(column.subarray(i, i + side))] as const;
    const price = medians(close);
    const traded = medians(volume);
    if (isFarApart(...price) && isFarApart(...traded))
      throw new TokenChangedError(asset, start + i * intervalMs, price[1] / price[0], traded[1] / traded[0]);
  }
}

/** Also where one of the two is 0. */
const isFarApart = (a: number, b: number): boolean => Math.max(a, b) > LEVEL_FACTOR * Math.min(a, b);

const median = (values: Float64Array): number => values.toSorted()[Math.floor(values.length / 2)]!;
