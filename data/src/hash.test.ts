import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, isMerkleProof, keccak, merkleProof, merkleRoot, NotCanonicalError } from "./hash.ts";
import type { Hex } from "./units.ts";

const seed = 7;
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.slice(2), "hex"));
const joined = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

/** RFC 6962, section 2.1, bottom up: pair, promote the odd one, repeat. No recursion, no split point. */
const twinRoot = (leaves: readonly Uint8Array[]): Hex => {
  let level = leaves.map((leaf) => keccak(joined(Uint8Array.of(0), leaf)));
  while (level.length > 1) {
    const above: Hex[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i]!, level[i + 1]];
      above.push(
        right === undefined ? left : keccak(joined(Uint8Array.of(1), bytesOf(left), bytesOf(right))),
      );
    }
    level = above;
  }
  return level[0]!;
};

const leavesOf = fc.array(fc.uint8Array({ maxLength: 70 }), { minLength: 1, maxLength: 40 });

describe("keccak", () => {
  it.each([
    // The empty code hash of Ethereum (Yellow Paper, section 4.1).
    ["", "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"],
    // Solidity's selector of transfer(address,uint256) is a9059cbb.
    ["transfer(address,uint256)", "0xa9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b"],
  ])("default: %j", (text, hash) => expect(keccak(new TextEncoder().encode(text))).toBe(hash));
});

describe("Merkle tree", () => {
  it("behaviour: the root agrees with the plain level-by-level twin", () => {
    fc.assert(
      fc.property(leavesOf, (leaves) => {
        expect(merkleRoot(leaves)).toBe(twinRoot(leaves));
      }),
      { seed, numRuns: 60 },
    );
  });

  it("behaviour: every leaf is proved, and neither another leaf nor another index is", () => {
    fc.assert(
      fc.property(leavesOf, fc.nat(), (leaves, n) => {
        const index = n % leaves.length;
        const root = merkleRoot(leaves);
        const proof = merkleProof(leaves, index);
        const leaf = leaves[index]!;
        expect(isMerkleProof(root, leaf, index, leaves.length, proof)).toBe(true);
        expect(isMerkleProof(root, joined(leaf, Uint8Array.of(0)), index, leaves.length, proof)).toBe(false);
        expect(isMerkleProof(root, leaf, index, leaves.length, [...proof, root])).toBe(false);
        expect(isMerkleProof(root, leaf, index - leaves.length, leaves.length, proof)).toBe(false);
        leaves.forEach((other, i) => {
          const isSame = Buffer.compare(other, leaf) === 0;
          if (!isSame) expect(isMerkleProof(root, other, i, leaves.length, proof)).toBe(false);
        });
      }),
      { seed, numRuns: 40 },
    );
  });

  it("behaviour: two children cannot pass for one leaf", () => {
    const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
    const children = joined(bytesOf(merkleRoot([a])), bytesOf(merkleRoot([b])));
    expect(merkleRoot([children])).not.toBe(merkleRoot([a, b]));
  });

  it("error: no leaves, no such leaf", () => {
    expect(() => merkleRoot([])).toThrow(RangeError);
    expect(() => merkleProof([Uint8Array.of(1)], 1)).toThrow(RangeError);
  });
});

describe("canonicalJson", () => {
  it("default: keys ascend at every depth, no white space", () => {
    expect(canonicalJson({ b: [1, { d: null, c: "ü\n" }], a: true, B: -0 })).toBe(
      '{"B":0,"a":true,"b":[1,{"c":"ü\\n","d":null}]}',
    );
  });

  it("behaviour: independent of insertion order, and parses back to the value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = canonicalJson(value);
        const reversed = (item: unknown): unknown =>
          Array.isArray(item)
            ? item.map(reversed)
            : item !== null && typeof item === "object"
              ? Object.fromEntries(
                  Object.entries(item)
                    .reverse()
                    .map(([key, inner]) => [key, reversed(inner)]),
                )
              : item;
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { seed },
    );
  });

  const loop: Record<string, unknown> = {};
  loop.self = loop;
  it.each([
    ["NaN", { a: [Number.NaN] }, "$.a[0]"],
    ["infinity", Number.POSITIVE_INFINITY, "$"],
    ["undefined", { a: undefined }, "$.a"],
    ["a hole", new Array(1), "$[0]"],
    ["a function", () => 1, "$"],
    ["a bigint", { a: 1n }, "$.a"],
    ["a symbol", Symbol("s"), "$"],
    ["a date", new Date(0), "$"],
    ["a typed array", { a: new Float64Array(1) }, "$.a"],
    ["a loop", loop, "$.self"],
  ])("error: %s", (_, value, path) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: "NOT_CANONICAL", path }));
    expect(() => canonicalJson(value)).toThrow(NotCanonicalError);
  });
});
