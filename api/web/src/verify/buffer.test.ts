import fc from "fast-check";
import { expect, test } from "vitest";
import { Bytes } from "./buffer.ts";

const hexOf = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

test("default: hexadecimal and text as Node has them", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string({ unit: "grapheme" }), (bytes, text) => {
      const hex = Buffer.from(bytes).toString("hex");
      expect(hexOf(Bytes.from(hex, "hex"))).toBe(hex);
      expect(Bytes.from(bytes).toString("hex")).toBe(hex);
      expect(hexOf(Bytes.from(text, "utf8"))).toBe(Buffer.from(text, "utf8").toString("hex"));
      expect(Bytes.from(text).toString()).toBe(text);
      expect(hexOf(Bytes.concat([bytes, Bytes.from(text)]))).toBe(
        Buffer.concat([bytes, Buffer.from(text)]).toString("hex"),
      );
    }),
  );
});

const WRITES = [
  ["writeUInt8", fc.integer({ min: 0, max: 255 })],
  ["writeUInt16BE", fc.integer({ min: 0, max: 65_535 })],
  ["writeInt16BE", fc.integer({ min: -32_768, max: 32_767 })],
  ["writeUInt32BE", fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ["writeBigUInt64BE", fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  ["writeBigInt64BE", fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ["writeDoubleBE", fc.double({ noNaN: true })],
] as const;

test.each(WRITES)("default: %s as Node has it", (name, values) => {
  fc.assert(
    fc.property(values as fc.Arbitrary<never>, fc.nat(3), (value, at) => {
      const [ours, nodes] = [Bytes.alloc(12), Buffer.alloc(12)];
      expect(ours[name](value, at)).toBe(nodes[name](value, at));
      expect(hexOf(ours)).toBe(nodes.toString("hex"));
    }),
  );
});

test("default: parts of a larger buffer, copies, and hexadecimal written into it", () => {
  const [ours, nodes] = [Bytes.alloc(8), Buffer.alloc(8)];
  expect(ours.write("0a0b", "hex")).toBe(nodes.write("0a0b", "hex"));
  expect(ours.write("ffee", 3, "hex")).toBe(nodes.write("ffee", 3, "hex"));
  expect(Bytes.from("hi").copy(ours, 6)).toBe(Buffer.from("hi").copy(nodes, 6));
  expect(hexOf(ours)).toBe(nodes.toString("hex"));
  expect(Bytes.from(ours.buffer, 3, 2).readInt16BE(0)).toBe(nodes.readInt16BE(3));
});
