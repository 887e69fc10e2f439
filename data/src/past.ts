import { BAR_FIELDS, mapColumns } from "./bars.ts";
import { BallastError } from "./errors.ts";
import { HASH_BYTES, merkleLeaf, merkleNode, merkleRoot, merkleSplit, toHex } from "./hash.ts";
import type { BarColumns, Exogenous, Market, Past } from "./market.ts";
import {
  exogenousLeaf,
  headerLeaf,
  rowLeaf,
  type Snapshot,
  type SnapshotContent,
  toSnapshot,
} from "./snapshot.ts";
import { type Hex, isoTime, type UnixMillis, unixMillis } from "./units.ts";

/** Bars without holes and exogenous series in order: what `toMarket` hands over once all is checked. */
export interface CleanMarket {
  readonly name: string;
  readonly intervalMs: number;
  /** Ascending. */
  readonly assets: readonly string[];
  readonly start: UnixMillis;
  /** Per asset, all of one length. */
  readonly bars: readonly BarColumns[];
  /** Per asset, 1 where a bar was filled. */
  readonly filled: readonly Uint8Array[];
  /** Ascending by name; `publishedAt` strictly ascending. */
  readonly exogenous: readonly Exogenous[];
}

export class NotEnoughHistoryError extends BallastError {
  readonly code = "NOT_ENOUGH_HISTORY";
  readonly wanted: number;
  readonly available: number;
  constructor(wanted: number, available: number, t: number) {
    super(
      `${wanted} closed bars were asked for at ${isoTime(t)}, where the market has ${available}. ` +
        "Ask for at least one bar and no more than there are, start later, or load a longer history.",
    );
    this.wanted = wanted;
    this.available = available;
  }
}

export class UnknownSeriesError extends BallastError {
  readonly code = "UNKNOWN_SERIES";
  constructor(wanted: string | number, known: readonly string[]) {
    super(`The market has no series ${wanted}; it has ${known.join(", ") || "none"}. Ask for one of these.`);
  }
}

/**
 * Closes a clean market over its arrays: they are reachable through `past(t)` alone, which copies out only
 * what was public at t. `toMarket` is the one caller.
 */
export const closeMarket = (clean: CleanMarket): Market => {
  const { name, intervalMs, start } = clean;
  const length = clean.bars[0]?.open.length ?? 0;
  const assets = Object.freeze([...clean.assets]);
  const exogenousNames = Object.freeze(clean.exogenous.map((series) => series.name));
  const rows = rowTree(clean, length);
  let hash: Hex | undefined;

  const past = (t: UnixMillis): Past => {
    // Written so that NaN is no history at all.
    const elapsed = Math.floor((t - start) / intervalMs);
    const closed = elapsed > 0 ? Math.min(elapsed, length) : 0;

    const rangeOf = (count: number): [number, number] => {
      if (!Number.isInteger(count) || count < 1 || count > closed) {
        throw new NotEnoughHistoryError(count, closed, t);
      }
      return [closed - count, closed];
    };
    const ofAsset = <T>(perAsset: readonly T[], asset: number): T => {
      const found = perAsset[asset];
      if (found === undefined) throw new UnknownSeriesError(asset, assets);
      return found;
    };
    const bars = (asset: number, count: number): BarColumns =>
      sliceBars(ofAsset(clean.bars, asset), ...rangeOf(count));
    const publishedUpTo = (series: Exogenous, until: number, count: number) => {
      const end = countUpTo(series.publishedAt, until);
      const from = count > 0 ? Math.max(0, end - count) : end;
      return { publishedAt: series.publishedAt.slice(from, end), value: series.value.slice(from, end) };
    };
    return {
      t,
      length: closed,
      bars,
      filled: (asset, count) => ofAsset(clean.filled, asset).slice(...rangeOf(count)),
      exogenous(name, count) {
        const series = clean.exogenous.find((candidate) => candidate.name === name);
        if (series === undefined) throw new UnknownSeriesError(name, exogenousNames);
        return publishedUpTo(series, t, count);
      },
      snapshot(lookback): Snapshot {
        const [from, to] = rangeOf(lookback);
        // The close of the last bar, not t: whoever asks later in the same bar gets the same snapshot.
        const at = unixMillis(start + to * intervalMs);
        const content: SnapshotContent = {
          at,
          intervalMs,
          assets,
          bars: clean.bars.map((columns) => sliceBars(columns, from, to)),
          exogenous: clean.exogenous.map((series) => ({
            name: series.name,
            ...publishedUpTo(series, at, lookback),
          })),
        };
        return toSnapshot(content, () => rows.snapshotRoot(content, from, lookback));
      },
    };
  };

  return {
    name,
    intervalMs,
    assets,
    start,
    length,
    exogenousNames,
    get hash() {
      hash ??= marketHash(clean, length);
      return hash;
    },
    past,
  };
};

const sliceBars = (columns: BarColumns, from: number, to: number): BarColumns =>
  mapColumns(columns, (column) => column.slice(from, to));

/** How many of the ascending times are at or before `until`. */
const countUpTo = (ascending: Float64Array, until: number): number => {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! <= until) low = middle + 1;
    else high = middle;
  }
  return low;
};

/**
 * Merkle root over one leaf of grid and tickers, one leaf per asset (its five columns as big-endian f64, then
 * its fill flags) and one per exogenous series. The market's name is left out: it is not an observation.
 */
const marketHash = (clean: CleanMarket, length: number): Hex => {
  const grid = headerLeaf({ ...clean, at: unixMillis(clean.start + length * clean.intervalMs) }, length);
  const perAsset = clean.bars.map((columns, asset) => {
    const bytes = new Uint8Array(41 * length);
    const view = new DataView(bytes.buffer);
    for (const [c, field] of BAR_FIELDS.entries()) {
      for (let i = 0; i < length; i++) view.setFloat64(8 * (c * length + i), columns[field][i]!);
    }
    bytes.set(clean.filled[asset]!, 40 * length);
    return bytes;
  });
  return merkleRoot([grid, ...perAsset, ...clean.exogenous.map(exogenousLeaf)]);
};

/**
 * Remembers the hashes of rows and of full subtrees of rows. Snapshots an hour apart share all rows but one
 * and, in the RFC's tree, nearly all subtrees, so a replay hashes some twenty nodes per snapshot instead of
 * some fourteen hundred.
 */
const rowTree = (clean: CleanMarket, length: number) => {
  /** Per level, 32 bytes for the subtree of 2^level rows that begins at each row. */
  const levels: { readonly hashes: Uint8Array; readonly isKnown: Uint8Array }[] = [];

  const remember = (level: number, row: number, compute: () => Uint8Array): Uint8Array => {
    levels[level] ??= { hashes: new Uint8Array(HASH_BYTES * length), isKnown: new Uint8Array(length) };
    const { hashes, isKnown } = levels[level];
    const slot = hashes.subarray(HASH_BYTES * row, HASH_BYTES * (row + 1));
    if (isKnown[row] === 0) {
      slot.set(compute());
      isKnown[row] = 1;
    }
    return slot;
  };
  const fullSubtree = (level: number, row: number): Uint8Array =>
    remember(level, row, () =>
      level === 0
        ? merkleLeaf(rowLeaf(clean.start + row * clean.intervalMs, clean.bars, row))
        : merkleNode(fullSubtree(level - 1, row), fullSubtree(level - 1, row + 2 ** (level - 1))),
    );

  return {
    snapshotRoot(content: SnapshotContent, firstRow: number, lookback: number): Hex {
      const header = merkleLeaf(headerLeaf(content, lookback));
      const exogenous = content.exogenous.map((series) => merkleLeaf(exogenousLeaf(series)));
      /** Leaf 0 is the header, leaves 1..lookback are rows, the rest exogenous. */
      const subtree = (leaf: number, count: number): Uint8Array => {
        const level = Math.log2(count);
        if (leaf >= 1 && leaf + count <= 1 + lookback && Number.isInteger(level)) {
          return fullSubtree(level, firstRow + leaf - 1);
        }
        if (count === 1) return leaf === 0 ? header : exogenous[leaf - 1 - lookback]!;
        const left = merkleSplit(count);
        return merkleNode(subtree(leaf, left), subtree(leaf + left, count - left));
      };
      return toHex(subtree(0, 1 + lookback + exogenous.length));
    },
  };
};
