import { BallastError, type Hex, keccak } from "@ballast/data";

/** Of the row of the market, which stands for the base asset. */
export const MARKET_ASSET_ID: Hex = `0x${"0".repeat(64)}`;

export class AssetIdError extends BallastError {
  readonly code = "ASSET_ID";
  readonly ticker: string;
  constructor(ticker: string) {
    super(`"${ticker}" has no asset id: a ticker is 1 to 32 ASCII characters. Rename the asset.`);
    this.ticker = ticker;
  }
}

/** The ticker in ASCII, left-aligned in 32 bytes. Throws AssetIdError. */
export function assetId(ticker: string): Hex {
  if (!/^[\x21-\x7e]{1,32}$/.test(ticker)) throw new AssetIdError(ticker);
  return `0x${Buffer.from(ticker, "ascii").toString("hex").padEnd(64, "0")}`;
}

/** Integer features as the vault takes them: int16 after int16, big-endian. */
export function featureBytes(row: Int16Array): Uint8Array {
  const bytes = Buffer.alloc(2 * row.length);
  row.forEach((x, i) => {
    bytes.writeInt16BE(x, 2 * i);
  });
  return bytes;
}

/** One asset's features under its id. */
export interface FeatureRow {
  readonly assetId: Hex;
  readonly features: Int16Array;
}

/** Rows of `marketFeatures` under their ids, the market's first. Throws AssetIdError. */
export const toFeatureRows = (assets: readonly string[], rows: readonly Int16Array[]): FeatureRow[] =>
  rows.map((features, i) => ({ assetId: i === 0 ? MARKET_ASSET_ID : assetId(assets[i - 1]!), features }));

/**
 * Merkle tree whose proofs OpenZeppelin's `MerkleProof` verifies: a leaf is keccak256 twice over
 * `abi.encode(bytes32 assetId, bytes features)`, so that no node passes for one; a node hashes its children in
 * ascending order. Rows stand in their order; an odd one at the end moves up.
 */
export function featuresRoot(rows: readonly FeatureRow[]): Hex {
  let level = rows.map(featureLeaf);
  while (level.length > 1) level = above(level);
  if (level.length === 0) throw new RangeError("a tree of features needs at least one row");
  return level[0]!;
}

/** The siblings of row `index` up to the root. */
export function featuresProof(rows: readonly FeatureRow[], index: number): Hex[] {
  if (!Number.isInteger(index) || index < 0 || index >= rows.length) {
    throw new RangeError(`there is no row ${index} among ${rows.length}`);
  }
  const path: Hex[] = [];
  let at = index;
  for (let level = rows.map(featureLeaf); level.length > 1; level = above(level)) {
    const sibling = level[at ^ 1];
    if (sibling !== undefined) path.push(sibling);
    at >>= 1;
  }
  return path;
}

/** Whether `row` stands under `root`, as the vault checks it. */
export const isFeatureProof = (root: Hex, row: FeatureRow, path: readonly Hex[]): boolean =>
  path.reduce(pair, featureLeaf(row)) === root;

/** abi.encode of a bytes32 and one dynamic `bytes`: id, offset 64, length, data padded to whole words. */
export function featureLeaf({ assetId, features }: FeatureRow): Hex {
  const data = featureBytes(features);
  const encoded = Buffer.alloc(96 + 32 * Math.ceil(data.length / 32));
  encoded.write(assetId.slice(2), 0, "hex");
  encoded.writeUInt32BE(64, 60);
  encoded.writeUInt32BE(data.length, 92);
  encoded.set(data, 96);
  return keccak(Buffer.from(keccak(encoded).slice(2), "hex"));
}

const pair = (a: Hex, b: Hex): Hex =>
  keccak(Buffer.from(a < b ? a.slice(2) + b.slice(2) : b.slice(2) + a.slice(2), "hex"));

const above = (level: readonly Hex[]): Hex[] =>
  Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
    2 * i + 1 < level.length ? pair(level[2 * i]!, level[2 * i + 1]!) : level[2 * i]!,
  );
