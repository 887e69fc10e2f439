import { getBytes, keccak256 } from "ethers";
import { BallastError } from "./errors.ts";
import type { Hex } from "./units.ts";

/** keccak-256, the hash of Ethereum, of any bytes. */
export const keccak = (bytes: Uint8Array): Hex => keccak256(bytes) as Hex;

export class NotCanonicalError extends BallastError {
  readonly code = "NOT_CANONICAL";
  readonly path: string;
  constructor(path: string, found: string) {
    super(
      `${path} is ${found}, which JSON cannot carry exactly. Pass finite numbers, strings, booleans, null, plain objects and arrays; write a bigint as a decimal string.`,
    );
    this.path = path;
  }
}

/**
 * JSON with one spelling for each value, fit to be hashed: keys ascending by UTF-16 code unit, no white
 * space, numbers as ECMAScript prints them (as RFC 8785). Refuses whatever `JSON.stringify` would drop or alter.
 * @throws NotCanonicalError naming the path of the first offending value
 */
export const canonicalJson = (value: unknown): string => canonical(value, "$", []);

const canonical = (value: unknown, path: string, above: readonly object[]): string => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new NotCanonicalError(path, String(value));
    return JSON.stringify(value);
  }
  if (typeof value !== "object") throw new NotCanonicalError(path, `of type ${typeof value}`);
  if (above.includes(value)) throw new NotCanonicalError(path, "a reference to an object that contains it");
  const inside = [...above, value];
  if (Array.isArray(value)) {
    // Array.from visits holes, which `map` would skip.
    return `[${Array.from(value, (item, i) => canonical(item, `${path}[${i}]`, inside)).join(",")}]`;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new NotCanonicalError(path, `an instance of ${prototype.constructor?.name ?? "a class"}`);
  }
  const record = value as Record<string, unknown>;
  const fields = Object.keys(record)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(record[key], `${path}.${key}`, inside)}`);
  return `{${fields.join(",")}}`;
};

/**
 * Merkle tree of RFC 6962, section 2.1, with keccak-256: a leaf is keccak(0x00 ‖ bytes), a node is
 * keccak(0x01 ‖ left ‖ right), so that no node can pass for a leaf. Leaves are paired level by level; an odd
 * one at the end moves up unchanged, which gives the same tree as the RFC's split at the largest power of two.
 */
const LEAF = 0x00;
const NODE = 0x01;
export const HASH_BYTES = 32;

/** 32-byte hash of one leaf's bytes. */
export const merkleLeaf = (bytes: Uint8Array): Uint8Array => {
  const tagged = new Uint8Array(1 + bytes.length);
  tagged[0] = LEAF;
  tagged.set(bytes, 1);
  return getBytes(keccak256(tagged));
};

/** 32-byte hash of two children. */
export const merkleNode = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const tagged = new Uint8Array(1 + 2 * HASH_BYTES);
  tagged[0] = NODE;
  tagged.set(left, 1);
  tagged.set(right, 1 + HASH_BYTES);
  return getBytes(keccak256(tagged));
};

/** Where the RFC's tree over `count` ≥ 2 leaves is cut: the largest power of two below `count`. */
export const merkleSplit = (count: number): number => 2 ** (31 - Math.clz32(count - 1));

/** Root over the bytes of at least one leaf. @throws RangeError without leaves */
export const merkleRoot = (leaves: readonly Uint8Array[]): Hex => {
  const hashes = leaves.map(merkleLeaf);
  return toHex(subtree(hashes, 0, hashes.length));
};

/** The siblings from leaf `index` up to the root, lowest first; what `isMerkleProof` needs. */
export const merkleProof = (leaves: readonly Uint8Array[], index: number): Hex[] => {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
    throw new RangeError(`leaf ${index} of ${leaves.length} does not exist`);
  }
  const hashes = leaves.map(merkleLeaf);
  const path: Hex[] = [];
  let [from, count] = [0, hashes.length];
  while (count > 1) {
    const left = merkleSplit(count);
    const goesLeft = index - from < left;
    path.push(toHex(goesLeft ? subtree(hashes, from + left, count - left) : subtree(hashes, from, left)));
    if (!goesLeft) from += left;
    count = goesLeft ? left : count - left;
  }
  return path.reverse();
};

/** Whether `leaf` is the leaf with that index among `count` leaves under `root`. */
export const isMerkleProof = (
  root: Hex,
  leaf: Uint8Array,
  index: number,
  count: number,
  proof: readonly Hex[],
): boolean => {
  const isLeft: boolean[] = [];
  for (let [at, size] = [index, count]; size > 1; ) {
    const left = merkleSplit(size);
    isLeft.push(at < left);
    [at, size] = at < left ? [at, left] : [at - left, size - left];
  }
  if (!(index >= 0 && index < count) || proof.length !== isLeft.length) return false;
  const top = proof.reduce((hash, sibling, i) => {
    const other = getBytes(sibling);
    return isLeft[isLeft.length - 1 - i] ? merkleNode(hash, other) : merkleNode(other, hash);
  }, merkleLeaf(leaf));
  return toHex(top) === root;
};

const subtree = (hashes: readonly Uint8Array[], from: number, count: number): Uint8Array => {
  if (count === 0) throw new RangeError("a Merkle tree needs at least one leaf");
  if (count === 1) return hashes[from]!;
  const left = merkleSplit(count);
  return merkleNode(subtree(hashes, from, left), subtree(hashes, from + left, count - left));
};

export const toHex = (bytes: Uint8Array): Hex =>
  `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}`;
