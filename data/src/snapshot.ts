import { BAR_FIELDS, newColumns } from "./bars.ts";
import { BallastError } from "./errors.ts";
import { merkleRoot } from "./hash.ts";
import type { BarColumns } from "./market.ts";
import { type Hex, isoTime, type UnixMillis, unixMillis } from "./units.ts";

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

export type SnapshotContent = Omit<Snapshot, "root">;

export class MalformedSnapshotError extends BallastError {
  readonly code = "MALFORMED_SNAPSHOT";
  readonly offset: number;
  constructor(what: string, offset = 0) {
    super(
      `Not a snapshot: ${what} (byte ${offset}). Take the bytes from snapshotBytes, whole and unchanged.`,
    );
    this.offset = offset;
  }
}

/*
 * Canonical bytes, version 1. All integers are unsigned big-endian, f64 is IEEE 754 big-endian, text is
 * UTF-8 behind a u16 byte count. The bytes are the leaves one after another; `root` is their Merkle root
 * (hash.ts), so that one bar can be proved without the rest.
 *
 *   header     u8 version · u64 at · u64 intervalMs · u32 lookback
 *              u16 assets, then each ticker · u16 exogenous series
 *   row i      u64 opening time = at − (lookback − i) × intervalMs
 *              per asset: f64 open · high · low · close · volume
 *   exogenous  text name · u32 count, then per value: u64 publishedAt · f64 value
 */
const VERSION = 1;

/** Seals content into a Snapshot; `computeRoot` may be a faster way to the same root. */
export const toSnapshot = (
  content: SnapshotContent,
  computeRoot: () => Hex = () => snapshotRoot(content),
): Snapshot => {
  let root: Hex | undefined;
  return {
    ...content,
    get root() {
      root ??= computeRoot();
      return root;
    },
  };
};

/** The header's leaf. */
export const headerLeaf = (content: SnapshotContent, lookback: number): Uint8Array => {
  const names = content.assets.map((asset) => new TextEncoder().encode(asset));
  const bytes = new Uint8Array(1 + 8 + 8 + 4 + 2 + names.reduce((sum, name) => sum + 2 + name.length, 0) + 2);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setBigUint64(1, BigInt(content.at));
  view.setBigUint64(9, BigInt(content.intervalMs));
  view.setUint32(17, lookback);
  view.setUint16(21, names.length);
  let offset = 23;
  for (const name of names) {
    view.setUint16(offset, name.length);
    bytes.set(name, offset + 2);
    offset += 2 + name.length;
  }
  view.setUint16(offset, content.exogenous.length);
  return bytes;
};

/** The leaf of one bar time: row `index` of the columns, which opens at `time`. */
export const rowLeaf = (time: number, bars: readonly BarColumns[], index: number): Uint8Array => {
  const bytes = new Uint8Array(8 + 40 * bars.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(time));
  let offset = 8;
  for (const columns of bars) {
    for (const field of BAR_FIELDS) {
      view.setFloat64(offset, columns[field][index]!);
      offset += 8;
    }
  }
  return bytes;
};

/** The leaf of one exogenous series. */
export const exogenousLeaf = (series: Snapshot["exogenous"][number]): Uint8Array => {
  const name = new TextEncoder().encode(series.name);
  const bytes = new Uint8Array(2 + name.length + 4 + 16 * series.value.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, name.length);
  bytes.set(name, 2);
  view.setUint32(2 + name.length, series.value.length);
  let offset = 6 + name.length;
  series.value.forEach((value, i) => {
    view.setBigUint64(offset, BigInt(series.publishedAt[i]!));
    view.setFloat64(offset + 8, value);
    offset += 16;
  });
  return bytes;
};

const toLeaves = (content: SnapshotContent): Uint8Array[] => {
  const lookback = content.bars[0]?.open.length ?? 0;
  const start = content.at - lookback * content.intervalMs;
  const rows = Array.from({ length: lookback }, (_, i) =>
    rowLeaf(start + i * content.intervalMs, content.bars, i),
  );
  return [headerLeaf(content, lookback), ...rows, ...content.exogenous.map(exogenousLeaf)];
};

/** Canonical bytes: equal snapshots have equal bytes. Layout above. */
export const snapshotBytes = (content: SnapshotContent): Uint8Array => Buffer.concat(toLeaves(content));

/** Merkle root of the canonical bytes, computed from the values alone. */
export const snapshotRoot = (content: SnapshotContent): Hex => merkleRoot(toLeaves(content));

/**
 * Reads canonical bytes back. Accepts only what `snapshotBytes` could have written for a market's snapshot.
 * @throws MalformedSnapshotError naming the offence and its byte offset
 */
export const snapshotFromBytes = (bytes: Uint8Array): Snapshot => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  const take = (size: number): number => {
    if (offset + size > bytes.length) {
      throw new MalformedSnapshotError(
        `it ends after ${bytes.length} bytes, in the middle of a value`,
        offset,
      );
    }
    offset += size;
    return offset - size;
  };
  const refuseUnless = (isSound: boolean, what: string): void => {
    if (!isSound) throw new MalformedSnapshotError(what, offset);
  };
  const u64 = (): number => {
    const value = Number(view.getBigUint64(take(8)));
    refuseUnless(Number.isSafeInteger(value), `${value} is out of range`);
    return value;
  };
  const f64 = (): number => {
    const value = view.getFloat64(take(8));
    refuseUnless(Number.isFinite(value), `${value} is not a finite number`);
    return value;
  };
  const text = (): string => {
    const size = view.getUint16(take(2));
    const from = take(size);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        bytes.subarray(from, from + size),
      );
    } catch {
      throw new MalformedSnapshotError("a name is not UTF-8", from);
    }
  };
  const isAscending = (names: readonly string[]): boolean =>
    names.every((name, i) => i === 0 || names[i - 1]! < name);

  const version = view.byteLength > 0 ? view.getUint8(take(1)) : -1;
  refuseUnless(version === VERSION, `version ${version}, expected ${VERSION}`);
  const at = u64();
  const intervalMs = u64();
  refuseUnless(intervalMs > 0, "the interval is zero");
  const lookback = view.getUint32(take(4));
  const assets = Array.from({ length: view.getUint16(take(2)) }, text);
  refuseUnless(assets.length > 0 && isAscending(assets), "the assets are not ascending and distinct");
  const exogenousCount = view.getUint16(take(2));
  const start = at - lookback * intervalMs;
  refuseUnless(lookback > 0 && start >= 0, `${lookback} bars do not fit before ${isoTime(at)}`);
  // Before anything is allocated: a forged count must not cost memory.
  refuseUnless(bytes.length - offset >= lookback * (8 + 40 * assets.length), `fewer than ${lookback} rows`);

  const bars = assets.map(() => newColumns(lookback));
  for (let i = 0; i < lookback; i++) {
    refuseUnless(u64() === start + i * intervalMs, `row ${i} is off the grid`);
    for (const columns of bars) for (const field of BAR_FIELDS) columns[field][i] = f64();
  }
  const exogenous = Array.from({ length: exogenousCount }, () => {
    const name = text();
    const count = view.getUint32(take(4));
    refuseUnless(bytes.length - offset >= count * 16, `fewer than ${count} values of ${name}`);
    const publishedAt = new Float64Array(count);
    const value = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      publishedAt[i] = u64();
      refuseUnless(
        publishedAt[i]! <= at && (i === 0 || publishedAt[i - 1]! < publishedAt[i]!),
        `${name} is not ascending up to the snapshot's time`,
      );
      value[i] = f64();
    }
    return { name, publishedAt, value };
  });
  refuseUnless(isAscending(exogenous.map((series) => series.name)), "the exogenous series are not ascending");
  refuseUnless(offset === bytes.length, `${bytes.length - offset} bytes too many`);
  return toSnapshot({ at: unixMillis(at), intervalMs, assets, bars, exogenous });
};
