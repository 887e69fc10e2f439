import type { Hex } from "@ballast/data";
import { AbiCoder, concat, keccak256, recoverAddress, Signature, toUtf8Bytes, Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import {
  type MarketStatement,
  NotariesMissingError,
  packSignatures,
  recoverNotaries,
  recoverNotary,
  signStatement,
} from "./statement.ts";

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const statement: MarketStatement = { inputRoot: word("1"), featuresRoot: word("2"), at: 1_620_000_000n };
const wallets = ["a", "b", "c"].map((digit) => new Wallet(word(digit)));
const notaries = wallets.map(({ address }) => address as Hex);
const lower = (wallet: Wallet) => wallet.address.toLowerCase();
const sign = (wallet: Wallet, changed: Partial<MarketStatement> = {}) =>
  signStatement({ ...statement, ...changed }, wallet);

/** EIP-712 by hand, as the standard writes it. */
function digestByHand({ inputRoot, featuresRoot, at }: MarketStatement): string {
  const hash = (text: string) => keccak256(toUtf8Bytes(text));
  const abi = AbiCoder.defaultAbiCoder();
  const domain = keccak256(
    abi.encode(
      ["bytes32", "bytes32", "bytes32"],
      [hash("EIP712Domain(string name,string version)"), hash("Ballast Notary"), hash("1")],
    ),
  );
  const struct = keccak256(
    abi.encode(
      ["bytes32", "bytes32", "bytes32", "uint64"],
      [
        hash("MarketStatement(bytes32 inputRoot,bytes32 featuresRoot,uint64 at)"),
        inputRoot,
        featuresRoot,
        at,
      ],
    ),
  );
  return keccak256(concat(["0x1901", domain, struct]));
}

describe("signStatement", () => {
  it("default: signs the digest of EIP-712, 65 bytes, the same each time", async () => {
    const signature = await sign(wallets[0]!);
    expect(signature).toMatch(/^0x[0-9a-f]{130}$/);
    expect(await sign(wallets[0]!)).toBe(signature);
    expect(recoverAddress(digestByHand(statement), signature)).toBe(wallets[0]!.address);
    expect(recoverNotary(statement, signature)).toBe(lower(wallets[0]!));
  });

  it.each([{ inputRoot: word("3") }, { featuresRoot: word("3") }, { at: 1_620_000_001n }])(
    "error: of another statement, %o, it is nobody's we know",
    async (changed) => {
      expect(recoverNotary({ ...statement, ...changed }, await sign(wallets[0]!))).not.toBe(
        lower(wallets[0]!),
      );
    },
  );

  it("error: other shapes of a true signature, which the vault would refuse", async () => {
    const signature = Signature.from(await sign(wallets[0]!));
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const high = (order - BigInt(signature.s)).toString(16).padStart(64, "0");
    for (const other of [
      signature.compactSerialized,
      `${signature.serialized}00`,
      `${signature.serialized.slice(0, -2)}0${signature.yParity}`,
      `0x${signature.r.slice(2)}${high}${signature.v === 27 ? "1c" : "1b"}`,
      "0x",
      "",
    ])
      expect(recoverNotary(statement, other), other).toBeUndefined();
  });
});

describe("packSignatures", () => {
  it("default: M of N, signers strictly ascending, whatever the order they came in", async () => {
    const signatures = await Promise.all(wallets.map((wallet) => sign(wallet)));
    const ascending = wallets.map(lower).sort();
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const given = order.map((i) => signatures[i]!);
      const packed = packSignatures(statement, given, notaries, 2);
      expect(packed.length).toBe(2 + 2 * 130);
      expect(recoverNotaries(statement, packed)).toEqual(ascending.slice(0, 2));
      expect(packSignatures(statement, given, notaries, 3).length).toBe(2 + 3 * 130);
    }
    expect(packSignatures(statement, [], notaries, 0)).toBe("0x");
  });

  it("error: one notary twice, a stranger, another statement and rubbish count for nothing", async () => {
    const own = await sign(wallets[0]!);
    const useless = [own, await sign(new Wallet(word("d"))), await sign(wallets[1]!, { at: 1n }), "0x12"];
    const call = () => packSignatures(statement, [own, ...useless], notaries, 2);
    expect(call).toThrow(NotariesMissingError);
    expect(call).toThrow(/^1 of the known notaries signed and 2 are wanted/);
    expect(packSignatures(statement, [own, ...useless], notaries, 1)).toBe(own);
  });

  it("error: packed signatures that do not end with a whole one name nobody last", async () => {
    const own = await sign(wallets[0]!);
    expect(recoverNotaries(statement, `${own}1234`)).toEqual([lower(wallets[0]!), undefined]);
  });
});
