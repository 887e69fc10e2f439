import { type Hex, seededRandom } from "@ballast/data";
import { AbiCoder, concat, keccak256 } from "ethers";
import { describe, expect, it } from "vitest";
import {
  AssetIdError,
  assetId,
  type FeatureRow,
  featureBytes,
  featureLeaf,
  featuresProof,
  featuresRoot,
  isFeatureProof,
  MARKET_ASSET_ID,
  toFeatureRows,
} from "./feature-tree.ts";

const random = seededRandom(8, "tree");
const int16 = () => random.integer(65_536) - 32_768;
const randomRows = (count: number): FeatureRow[] =>
  toFeatureRows(
    Array.from({ length: count - 1 }, (_, i) => `A${i}`),
    Array.from({ length: count }, () => Int16Array.from({ length: 20 }, int16)),
  );

/** By ethers' own encoder, as OpenZeppelin's documentation of its standard tree has it. */
const twinLeaf = ({ assetId, features }: FeatureRow): string => {
  const packed = concat([...features].map((x) => `0x${(x & 0xffff).toString(16).padStart(4, "0")}`));
  return keccak256(keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "bytes"], [assetId, packed])));
};

/** OpenZeppelin's MerkleProof.processProof. */
const twinProcess = (leaf: string, path: readonly string[]): string =>
  path.reduce((a, b) => keccak256(BigInt(a) < BigInt(b) ? concat([a, b]) : concat([b, a])), leaf);

describe("tree of features", () => {
  it("default: an id is the ticker in ASCII, left-aligned; the market's is zero", () => {
    expect(assetId("BTC")).toBe(`0x425443${"00".repeat(29)}`);
    expect(
      toFeatureRows(["BTC"], [new Int16Array(20), new Int16Array(20)]).map((row) => row.assetId),
    ).toEqual([MARKET_ASSET_ID, assetId("BTC")]);
  });

  it("default: int16 big-endian, in two's complement", () => {
    const bytes = featureBytes(Int16Array.of(1, -1, 32_767, -32_768));
    expect(Buffer.from(bytes).toString("hex")).toBe("0001ffff7fff8000");
  });

  it("behaviour: leaves are those of an independent encoder", () => {
    for (const row of randomRows(200)) expect(featureLeaf(row)).toBe(twinLeaf(row));
  });

  it("behaviour: every proof of trees of 1 to 33 rows leads to the root, and no changed one does", () => {
    for (let count = 1; count <= 33; count++) {
      const rows = randomRows(count);
      const root = featuresRoot(rows);
      for (const [index, row] of rows.entries()) {
        const path = featuresProof(rows, index);
        expect(twinProcess(twinLeaf(row), path)).toBe(root);
        expect(isFeatureProof(root, row, path)).toBe(true);
        const features = row.features.slice();
        features[random.integer(20)]! ^= 1 << random.integer(16);
        expect(isFeatureProof(root, { ...row, features }, path)).toBe(false);
        const other = assetId("OTHER");
        expect(isFeatureProof(root, { ...row, assetId: other }, path)).toBe(false);
        expect(isFeatureProof(root, row, [...path, root])).toBe(false);
        if (path.length === 0) continue;
        expect(isFeatureProof(root, row, path.slice(1))).toBe(false);
        const at = random.integer(path.length);
        const flipped = `0x${(BigInt(path[at]!) ^ 1n).toString(16).padStart(64, "0")}` as Hex;
        expect(isFeatureProof(root, row, path.with(at, flipped))).toBe(false);
      }
    }
  });

  it.each(["", "É", "A B", "A".repeat(33), "A\0"])("error: %j names no asset", (ticker) => {
    expect(() => assetId(ticker)).toThrow(AssetIdError);
  });

  it("error: no rows, or a row that is not there", () => {
    expect(() => featuresRoot([])).toThrow(RangeError);
    for (const index of [-1, 3, 0.5]) expect(() => featuresProof(randomRows(3), index)).toThrow(RangeError);
  });
});
