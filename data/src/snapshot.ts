import type { BarColumns } from "./market.ts";
import type { Hex, UnixMillis } from "./units.ts";

/** What was known at bar close `at`, and nothing else. Plain values; the arrays are its own copies. */
export interface Snapshot {
  /** The close of the last bar. */
  readonly at: UnixMillis;
  readonly intervalMs: number;
  readonly assets: readonly string[];
  /** Per asset, `lookback` bars, oldest first; the last one closed at `at`. */
  readonly bars: readonly BarColumns[];
  readonly exogenous: readonly {
    readonly name: string;
    readonly publishedAt: Float64Array;
    readonly value: Float64Array;
  }[];
  /** Merkle root of the canonical bytes, computed at first use. The decision's `inputRoot`. */
  readonly root: Hex;
}
