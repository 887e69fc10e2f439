import {
  BallastError,
  type Hex,
  type Market,
  type QualityReport,
  type RawMarket,
  toMarket,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import { cutAt } from "./cut.ts";
import { type PanelMarket, withEarlier } from "./panel.ts";

export class DatasetChangedError extends BallastError {
  readonly code = "DATASET_CHANGED";
  readonly before: Hex;
  readonly after: Hex;
  constructor(name: string, before: Hex, after: Hex) {
    super(
      `the data set ${name} changed while it was trained on: its root was ${before} and is now ${after}. ` +
        "Nothing was stored. Stop what writes to it, or give --until a time before what is still being written, and train again.",
    );
    this.before = before;
    this.after = after;
  }
}

export interface FreezeOptions {
  /** The data set ends here: no bar that opens at or after it and no value published after it is in it. */
  readonly until?: UnixMillis | undefined;
  readonly now: UnixMillis;
  readonly assets?: readonly string[] | undefined;
  /** Accept one asset, against a base asset. */
  readonly allowOneAsset?: boolean | undefined;
}

/**
 * The market up to `until` and nothing else, so that its root names exactly what a training can have seen and does
 * not change when later bars arrive; with the history of the assets that were there before the others, which the
 * root covers too. Throws what toMarket throws.
 */
export function freeze(
  raw: RawMarket,
  options: FreezeOptions,
): { market: PanelMarket; report: QualityReport } {
  const { until, now, assets, allowOneAsset } = options;
  const chosen = { allowOneAsset, ...(assets && { assets }) };
  const isCut = until !== undefined && until <= now;
  const isWanted = ({ asset }: { readonly asset: string }) => assets?.includes(asset) ?? true;
  // A later bar of each asset shows that the last one before `until` was complete.
  const isProven = isCut && raw.series.filter(isWanted).every(({ time }) => time.some((t) => t >= until));
  const known = isCut ? cutAt(raw, until) : raw;
  const { market, report } = toMarketWithoutTail(known, { now: isProven ? until : now, ...chosen });
  return { market: withEarlier(known, market), report };
}

/**
 * What was published after the last bar closed trains nothing. Left in, it would be part of the root, which the data
 * set's own end, as a manifest has it, could then not give again.
 */
function toMarketWithoutTail(raw: RawMarket, options: Omit<FreezeOptions, "until">) {
  const whole = toMarket(raw, options);
  const { start, length, intervalMs } = whole.market;
  const end = unixMillis(start + length * intervalMs);
  const hasTail = raw.exogenous.some(({ publishedAt }) => publishedAt.some((t) => t > end));
  return hasTail ? toMarket({ ...raw, exogenous: cutAt(raw, end).exogenous }, options) : whole;
}

/**
 * Runs a job on a frozen market, and then loads the data set again and compares roots. `load` must read its source
 * anew each time. Throws DatasetChangedError, and what `load` and `job` throw.
 */
export async function whileFrozen<T>(
  load: () => Promise<Market>,
  job: (market: Market) => Promise<T>,
): Promise<T> {
  const market = await load();
  const before = market.hash;
  const result = await job(market);
  const after = (await load()).hash;
  if (after !== before) throw new DatasetChangedError(market.name, before, after);
  return result;
}
