import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type TracedCall, toGasParts } from "./gas.ts";

const call = (to: string, gasUsed: number, calls: readonly TracedCall[] = [], type = "CALL"): TracedCall => ({
  type,
  to,
  input: "0x",
  gasUsed: `0x${gasUsed.toString(16)}`,
  calls,
});
const NAMES = { "0xAA": "swaps", "0xbb": "tokens", "0xcc": "prices", "0xdd": "attestation" } as const;

describe("toGasParts", () => {
  it("default: the vault's own calls by what they call; those below are in them already", () => {
    const trace = {
      ...call("0xvault", 400_000, [
        call("0xdd", 40_000),
        call("0xcc", 10_000),
        call("0xbb", 5_000),
        call("0xaa", 200_000, [call("0xbb", 30_000)]),
        call("0xbb", 7_000),
      ]),
      // Two zero bytes and one other: 21,000 + 2 × 4 + 16.
      input: "0x000001",
    };
    expect(toGasParts(trace, 400_000, NAMES)).toEqual([
      { name: "transaction", gas: 21_024 },
      { name: "swaps", gas: 200_000 },
      { name: "tokens", gas: 12_000 },
      { name: "prices", gas: 10_000 },
      { name: "attestation", gas: 40_000 },
      // 400,000 − 21,024 − 262,000.
      { name: "vault", gas: 116_976 },
    ]);
  });

  it("behaviour: what the vault runs by delegatecall calls in its name, and its own code is the vault's", () => {
    const code = call("0xcode", 300_000, [call("0xcc", 10_000), call("0xaa", 200_000)], "DELEGATECALL");
    const gasOf = new Map(
      toGasParts(call("0xvault", 400_000, [code]), 400_000, NAMES).map(({ name, gas }) => [name, gas]),
    );
    expect([gasOf.get("prices"), gasOf.get("swaps")]).toEqual([10_000, 200_000]);
    // 400,000 − 21,000 − 210,000.
    expect(gasOf.get("vault")).toBe(169_000);
  });

  it("behaviour: whatever was called, the parts add up to the receipt's gas", () => {
    const calls = fc.array(
      fc.record({
        to: fc.constantFrom(...Object.keys(NAMES), "0xee"),
        gas: fc.integer({ min: 0, max: 1_000_000 }),
      }),
    );
    fc.assert(
      fc.property(calls, fc.integer({ min: 21_000, max: 30_000_000 }), (made, gasUsed) => {
        const trace = call(
          "0xvault",
          gasUsed,
          made.map(({ to, gas }) => call(to, gas)),
        );
        const parts = toGasParts(trace, gasUsed, NAMES);
        expect(parts.reduce((sum, { gas }) => sum + gas, 0)).toBe(gasUsed);
      }),
      { seed: 1 },
    );
  });
});
