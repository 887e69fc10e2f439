import type { Hex } from "@ballast/data";
import { AbiCoder, getAddress, keccak256 } from "ethers";
import { describe, expect, it } from "vitest";
import { stateWith } from "../test/fixture.ts";
import { stateHash } from "./state.ts";
import type { Holding, VaultState } from "./types.ts";

const state = stateWith({ USDC: 0.3, BTC: 0.4, ETH: 0.3 });
const hash = stateHash(state);

/** Another value of the same type. */
const other = (value: unknown): unknown => {
  if (typeof value === "bigint") return value + 1n;
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  const text = String(value);
  return text.slice(0, -1) + (text.at(-1) === "1" ? "2" : "1");
};

describe("stateHash", () => {
  it("default: keccak256 of ethers' ABI encoding, whatever the tickers' lengths", () => {
    const holding =
      "(address token, string asset, uint8 decimals, uint256 balance, uint256 price, uint256 targetWeight, uint256 band, uint24 poolFee)";
    const tuple =
      "(uint256 chainId, address vault, uint64 sequence, bool paused, uint64 lastRebalanceAt, uint32 cooldownSeconds, " +
      `uint256 maxTurnover, uint256 maxSlippage, uint256 gasPrice, uint256 etherPrice, ${holding}[] holdings)`;
    for (const ticker of ["", "BTC", "é".repeat(16), "X".repeat(32), "X".repeat(33)]) {
      const holdings = state.holdings.map((entry, i) => (i === 1 ? { ...entry, asset: ticker } : entry));
      const changed = { ...state, paused: ticker === "BTC", holdings };
      const encoded = AbiCoder.defaultAbiCoder().encode(
        [`tuple${tuple.replace(holding, `tuple${holding}`)}`],
        [changed],
      );
      expect(stateHash(changed)).toBe(keccak256(encoded));
    }
  });

  it.each((Object.keys(state) as (keyof VaultState)[]).filter((key) => key !== "holdings"))(
    "behaviour: %s changes it",
    (key) => {
      expect(stateHash({ ...state, [key]: other(state[key]) })).not.toBe(hash);
    },
  );

  it.each(Object.keys(state.holdings[1]!) as (keyof Holding)[])(
    "behaviour: a holding's %s changes it",
    (key) => {
      const holdings = state.holdings.map((holding, i) =>
        i === 1 ? { ...holding, [key]: other(holding[key]) } : holding,
      );
      expect(stateHash({ ...state, holdings })).not.toBe(hash);
    },
  );

  it("behaviour: the order and the number of holdings change it", () => {
    expect(stateHash({ ...state, holdings: [...state.holdings].reverse() })).not.toBe(hash);
    expect(stateHash({ ...state, holdings: state.holdings.slice(0, 2) })).not.toBe(hash);
  });

  it("behaviour: addresses hash alike in either case", () => {
    expect(stateHash({ ...state, vault: getAddress(state.vault) as Hex })).toBe(hash);
  });

  it("error: a negative balance has no hash", () => {
    const holdings = [{ ...state.holdings[0]!, balance: -1n }];
    expect(() => stateHash({ ...state, holdings })).toThrow(/^holdings\[0\]\.balance is -1/);
  });
});
