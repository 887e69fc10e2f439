import type { Snapshot } from "./snapshot.ts";
import type { Hex, UnixMillis } from "./units.ts";

/** One bar: what traded in [time, time + interval). */
export interface Bar {
  /** Opening time. The bar is known only once it closes, at time + interval. */
  readonly time: UnixMillis;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** In units of the asset, not of the quote currency. */
  readonly volume: number;
}

/** Bars as columns of equal length, oldest first. */
export interface BarColumns {
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

/** What a source delivers for one asset: as recorded, nothing repaired. */
export interface RawSeries {
  /** Ticker of the asset without its quote, upper case: `BTC`. */
  readonly asset: string;
  /** `USDT`, or an empty string where the source does not say. */
  readonly quote: string;
  /** Opening times in ms; may be unordered, duplicated or gapped. */
  readonly time: Float64Array;
  readonly bars: BarColumns;
}

/** A named series that is not a bar: base fee, utilisation, a pool's liquidity. */
export interface Exogenous {
  /** Lower case with dots: `base_fee_gwei`, `aave.usdc.utilisation`. */
  readonly name: string;
  readonly unit: string;
  /** When each value became public, ms, ascending. Never when it was measured: that would leak. */
  readonly publishedAt: Float64Array;
  readonly value: Float64Array;
}

export interface RawMarket {
  readonly name: string;
  readonly series: readonly RawSeries[];
  readonly exogenous: readonly Exogenous[];
  /** Statements the user should read once, e.g. `times have no zone; taken as UTC`. */
  readonly notes: readonly string[];
}

/**
 * A clean market: every asset on one regular grid without holes. Made by `toMarket` (quality.ts) alone,
 * which repairs by stated rules or refuses.
 */
export interface Market {
  readonly name: string;
  readonly intervalMs: number;
  /** Ascending by ticker; every per-asset array of the system has this order. */
  readonly assets: readonly string[];
  /** Opening time of the first bar. Bar i opens at start + i × intervalMs. */
  readonly start: UnixMillis;
  /** Number of bars of each asset. */
  readonly length: number;
  readonly exogenousNames: readonly string[];
  /** keccak256 Merkle root over canonical bytes of all bars, fill flags and exogenous series, not the name; computed at first use. */
  readonly hash: Hex;
  /**
   * The only way to history: a read-only view of the bars that have closed at or before t
   * (their opening time is strictly before t) and of the exogenous values published at or before t.
   */
  past(t: UnixMillis): Past;
}

export interface Past {
  readonly t: UnixMillis;
  /** Closed bars available. */
  readonly length: number;
  /** Copies of the last `count` closed bars of an asset (by its index in `assets`), oldest first. */
  bars(asset: number, count: number): BarColumns;
  /** 1 where the last `count` bars were filled by a repair rule instead of recorded. */
  filled(asset: number, count: number): Uint8Array;
  /** The last `count` values published at or before t, oldest first; fewer where there are fewer. */
  exogenous(name: string, count: number): { publishedAt: Float64Array; value: Float64Array };
  /** Freezes the last `lookback` bars and exogenous values into a Snapshot. */
  snapshot(lookback: number): Snapshot;
}

/** One progress report of a long step; `total` is undefined where the end is unknown. */
export interface Progress {
  readonly done: number;
  readonly total?: number | undefined;
  readonly label: string;
}

export interface LoadRequest {
  /** Tickers; all that the source has where absent. */
  readonly assets?: readonly string[] | undefined;
  readonly intervalMs?: number | undefined;
  readonly from?: UnixMillis | undefined;
  readonly to?: UnixMillis | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The port every source of bars implements. It delivers what it read, unrepaired. */
export interface MarketSource {
  readonly name: string;
  load(request: LoadRequest): Promise<RawMarket>;
}
