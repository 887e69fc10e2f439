import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanMarket, START } from "../test/walk.ts";
import { merkleRoot } from "./hash.ts";
import {
  MalformedSnapshotError,
  type Snapshot,
  snapshotBytes,
  snapshotFromBytes,
  snapshotRoot,
} from "./snapshot.ts";
import { HOUR_MS, unixMillis } from "./units.ts";

const utilisation = {
  name: "aave.usdc.utilisation",
  unit: "",
  publishedAt: Float64Array.from({ length: 20 }, (_, i) => START + i * HOUR_MS),
  value: Float64Array.from({ length: 20 }, (_, i) => i / 20),
};
const market = cleanMarket(["BTC", "ETH", "SOL"], 40, { exogenous: [utilisation] });
const snapshot = market.past(unixMillis(START + 20 * HOUR_MS)).snapshot(9);

/** The layout of snapshot.ts written out byte by byte with Buffer, sharing no code with it. */
const twinLeaves = (s: Snapshot): Buffer[] => {
  const u = (value: number, size: number) => {
    const bytes = Buffer.alloc(size);
    for (let i = size - 1, rest = BigInt(value); i >= 0; i--, rest /= 256n) bytes[i] = Number(rest % 256n);
    return bytes;
  };
  const f = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return bytes;
  };
  const text = (name: string) => Buffer.concat([u(Buffer.from(name).length, 2), Buffer.from(name)]);
  const lookback = s.bars[0]!.close.length;
  const leaves = [
    Buffer.concat([
      u(1, 1),
      u(s.at, 8),
      u(s.intervalMs, 8),
      u(lookback, 4),
      u(s.assets.length, 2),
      ...s.assets.map(text),
      u(s.exogenous.length, 2),
    ]),
  ];
  for (let i = 0; i < lookback; i++) {
    const row = [u(s.at - (lookback - i) * s.intervalMs, 8)];
    for (const b of s.bars)
      row.push(f(b.open[i]!), f(b.high[i]!), f(b.low[i]!), f(b.close[i]!), f(b.volume[i]!));
    leaves.push(Buffer.concat(row));
  }
  for (const series of s.exogenous) {
    const parts = [text(series.name), u(series.value.length, 4)];
    for (let i = 0; i < series.value.length; i++)
      parts.push(u(series.publishedAt[i]!, 8), f(series.value[i]!));
    leaves.push(Buffer.concat(parts));
  }
  return leaves;
};

describe("snapshot", () => {
  it("default: holds the bars up to `at` and the values published by then", () => {
    expect(snapshot.at).toBe(START + 20 * HOUR_MS);
    expect(snapshot.bars.map((columns) => columns.close.length)).toEqual([9, 9, 9]);
    expect([...snapshot.exogenous[0]!.value]).toEqual(
      [11, 12, 13, 14, 15, 16, 17, 18, 19].map((i) => i / 20),
    );
  });

  it("behaviour: bytes and root agree with a byte-by-byte twin", () => {
    const leaves = twinLeaves(snapshot);
    expect(Buffer.compare(snapshotBytes(snapshot), Buffer.concat(leaves))).toBe(0);
    expect(snapshot.root).toBe(merkleRoot(leaves));
    expect(snapshotRoot(snapshot)).toBe(merkleRoot(leaves));
  });

  it("behaviour: survives the way through bytes", () => {
    const back = snapshotFromBytes(snapshotBytes(snapshot));
    expect(back).toEqual(snapshot);
    expect(back.root).toBe(snapshot.root);
  });

  it("behaviour: any changed byte is refused or gives another root", () => {
    const bytes = snapshotBytes(snapshot);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const forged = Uint8Array.from(bytes);
        forged[at] = forged[at]! ^ flip;
        let root: string | undefined;
        try {
          root = snapshotFromBytes(forged).root;
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedSnapshotError);
        }
        expect(root).not.toBe(snapshot.root);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("error: cut at any length, or with a byte too many", () => {
    const bytes = snapshotBytes(snapshot);
    for (let size = 0; size < bytes.length; size += size < 80 ? 1 : 37) {
      expect(() => snapshotFromBytes(bytes.subarray(0, size))).toThrow(MalformedSnapshotError);
    }
    expect(() => snapshotFromBytes(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(/1 bytes too many/);
  });

  const patched = (offset: number, patch: (view: DataView) => void): Uint8Array => {
    const bytes = Uint8Array.from(snapshotBytes(snapshot));
    patch(new DataView(bytes.buffer, offset));
    return bytes;
  };
  const headerSize = twinLeaves(snapshot)[0]!.length;
  it.each([
    ["another version", patched(0, (view) => view.setUint8(0, 2)), /version 2, expected 1/],
    ["an interval of zero", patched(9, (view) => view.setBigUint64(0, 0n)), /interval is zero/],
    ["a forged row count", patched(17, (view) => view.setUint32(0, 400_000)), /fewer than 400000 rows/],
    ["no rows", patched(17, (view) => view.setUint32(0, 0)), /0 bars/],
    ["equal assets", patched(25, (view) => view.setUint32(0, 0x455448_00)), /not ascending/], // ETH, ETH
    ["a row off the grid", patched(headerSize, (view) => view.setBigUint64(0, 5n)), /row 0 is off the grid/],
    ["NaN", patched(headerSize + 8, (view) => view.setFloat64(0, Number.NaN)), /NaN is not a finite/],
  ])("error: %s", (_, bytes, message) => expect(() => snapshotFromBytes(bytes)).toThrow(message));

  it("error: a value published after the snapshot", () => {
    const late = {
      ...snapshot,
      exogenous: [
        { ...snapshot.exogenous[0]!, publishedAt: snapshot.exogenous[0]!.publishedAt.map((t) => t + 1e8) },
      ],
    };
    expect(() => snapshotFromBytes(snapshotBytes(late))).toThrow(
      /aave.usdc.utilisation is not ascending up to/,
    );
  });
});
