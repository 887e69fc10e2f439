import { vaultAbi } from "@ballast/contracts";
import type { Hex } from "@ballast/data";
import { AbiCoder, Interface, id } from "ethers";
import { describe, expect, it } from "vitest";
import { EXPLANATIONS } from "./explanations.ts";
import { toRejection } from "./rejection.ts";

const vault: Hex = `0x${"a".repeat(40)}`;
const vaultInterface = new Interface(vaultAbi);
const errors = vaultInterface.fragments
  .filter(({ type }) => type === "error")
  .map((error) => vaultInterface.getError(error.format())!);

/** A value of each type the errors carry. */
const sample = (type: string): unknown => {
  if (type === "address") return `0x${"b".repeat(40)}`;
  if (type === "bytes32") return `0x${"c".repeat(64)}`;
  return 1_620_000_000n % 2n ** BigInt(type.match(/\d+/)![0]);
};

describe("toRejection", () => {
  it("behaviour: every error of the vault is explained, and no explanation is left over", () => {
    const names = errors.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(30);
    expect(Object.keys(EXPLANATIONS).sort()).toEqual([...names, "Error", "Panic"].sort());
  });

  it.each(errors.map((error) => [error.name, error] as const))(
    "default: %s, with all its values",
    (name, error) => {
      const values = error.inputs.map(({ type }) => sample(type));
      const data = vaultInterface.encodeErrorResult(error, values) as Hex;
      const rejection = toRejection(vault, data);
      expect(rejection).toMatchObject({ code: "VAULT_REJECTION", reason: name, vault });
      expect(Object.keys(rejection.values)).toEqual(error.inputs.map(({ name }) => name));
      expect(rejection.message).toMatch(new RegExp(`^the vault refused \\(${name}\\): `));
      expect(rejection.message).not.toMatch(/undefined|null|NaN|\[object/);
      // What went wrong, and what to do about it.
      expect(rejection.message).toMatch(/[;:] .{10}/);
    },
  );

  it("default: a sequence in words", () => {
    const data = vaultInterface.encodeErrorResult("WrongSequence", [5n, 7n]) as Hex;
    expect(toRejection(vault, data).message).toBe(
      "the vault refused (WrongSequence): the decision has sequence 5 and the vault expects 7: it was executed already, or " +
        "another decision came first; decide again from the vault's present state",
    );
  });

  it("behaviour: a reason in words, as Uniswap gives it, and a panic", () => {
    const data =
      id("Error(string)").slice(0, 10) +
      AbiCoder.defaultAbiCoder().encode(["string"], ["Too little received"]).slice(2);
    expect(toRejection(vault, data as Hex).message).toContain("Too little received");
    const panic = `${id("Panic(uint256)").slice(0, 10)}${"11".padStart(64, "0")}`;
    expect(toRejection(vault, panic as Hex).message).toContain("panic code 17");
  });

  it.each(["0x", "0x12", "0xdeadbeef", `${id("WrongSequence(uint64,uint64)").slice(0, 10)}00`] as Hex[])(
    "error: %s names nothing the vault defines",
    (data) => {
      const rejection = toRejection(vault, data);
      expect(rejection).toMatchObject({ reason: "Unknown", values: { data } });
      expect(rejection.message).toContain(data);
    },
  );
});
