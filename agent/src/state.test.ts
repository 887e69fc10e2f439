import type { Hex } from "@ballast/data";
import { AbiCoder, getAddress, keccak256 } from "ethers";
import { describe, expect, it } from "vitest";
import { stateWith, toWad } from "../test/fixture.ts";
import { stateHash } from "./state.ts";
import type { Holding, VaultModel, VaultState } from "./types.ts";

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const model = { id: word("1"), attestationUid: word("2"), isActive: true, maxTurnover: toWad(0.2) };
const state = stateWith({ USDC: 0.3, BTC: 0.4, ETH: 0.3 }, { model, minScore: -700 });
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
      "(uint256 chainId, address vault, uint64 sequence, bool paused, bool isTradingAllowed, uint64 lastRebalanceAt, " +
      "uint32 cooldownSeconds, uint256 maxTurnover, uint256 maxSlippage, uint256 turnoverLeft, uint256 lossLeft, " +
      "uint256 crossTolerance, int64 minScore, uint8 scoreHorizon, uint8 notaryThreshold, bytes32 modelId, " +
      "bytes32 modelUid, bool isModelActive, uint256 modelMaxTurnover, address venue, uint256 gasPrice, " +
      `uint256 etherPrice, ${holding}[] holdings)`;
    for (const ticker of ["", "BTC", "é".repeat(16), "X".repeat(32), "X".repeat(33)]) {
      const holdings = state.holdings.map((entry, i) => (i === 1 ? { ...entry, asset: ticker } : entry));
      const changed = { ...state, paused: ticker === "BTC", holdings };
      const encoded = AbiCoder.defaultAbiCoder().encode(
        [`tuple${tuple.replace(holding, `tuple${holding}`)}`],
        [
          {
            ...changed,
            modelId: model.id,
            modelUid: model.attestationUid,
            isModelActive: model.isActive,
            modelMaxTurnover: model.maxTurnover,
          },
        ],
      );
      expect(stateHash(changed)).toBe(keccak256(encoded));
    }
  });

  it.each(
    (Object.keys(state) as (keyof VaultState)[]).filter((key) => key !== "holdings" && key !== "model"),
  )("behaviour: %s changes it", (key) => {
    expect(stateHash({ ...state, [key]: other(state[key]) })).not.toBe(hash);
  });

  it.each(Object.keys(model) as (keyof VaultModel)[])("behaviour: the model's %s changes it", (key) => {
    expect(stateHash({ ...state, model: { ...model, [key]: other(model[key]) } as VaultModel })).not.toBe(
      hash,
    );
  });

  it("behaviour: no model hashes as one of zeros", () => {
    const zeros = { id: word("0"), attestationUid: word("0"), isActive: false, maxTurnover: toWad(0) };
    expect(stateHash({ ...state, model: undefined })).toBe(stateHash({ ...state, model: zeros }));
  });

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
