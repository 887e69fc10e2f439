import { toAbiWord, ZERO_BYTES32 } from "@ballast/attest";
import type { Hex } from "@ballast/data";
import { keccak256 } from "ethers";
import type { Holding, VaultState } from "./types.ts";

/** Fields of the state in the order of their words; the holdings come last. Zeros where there is no model. */
const FIELDS = [
  ["chainId", "uint256", ({ chainId }) => chainId],
  ["vault", "address", ({ vault }) => vault],
  ["sequence", "uint64", ({ sequence }) => sequence],
  ["paused", "bool", ({ paused }) => paused],
  ["isTradingAllowed", "bool", ({ isTradingAllowed }) => isTradingAllowed],
  ["lastRebalanceAt", "uint64", ({ lastRebalanceAt }) => lastRebalanceAt],
  ["cooldownSeconds", "uint32", ({ cooldownSeconds }) => cooldownSeconds],
  ["maxTurnover", "uint256", ({ maxTurnover }) => maxTurnover],
  ["maxSlippage", "uint256", ({ maxSlippage }) => maxSlippage],
  ["turnoverLeft", "uint256", ({ turnoverLeft }) => turnoverLeft],
  ["lossLeft", "uint256", ({ lossLeft }) => lossLeft],
  ["crossTolerance", "uint256", ({ crossTolerance }) => crossTolerance],
  ["minScore", "int64", ({ minScore }) => BigInt(minScore)],
  ["scoreHorizon", "uint8", ({ scoreHorizon }) => scoreHorizon],
  ["notaryThreshold", "uint8", ({ notaryThreshold }) => notaryThreshold],
  ["model.id", "bytes32", ({ model }) => model?.id ?? ZERO_BYTES32],
  ["model.attestationUid", "bytes32", ({ model }) => model?.attestationUid ?? ZERO_BYTES32],
  ["model.isActive", "bool", ({ model }) => model?.isActive ?? false],
  ["model.maxTurnover", "uint256", ({ model }) => model?.maxTurnover ?? 0n],
  ["venue", "address", ({ venue }) => venue],
  ["gasPrice", "uint256", ({ gasPrice }) => gasPrice],
  ["etherPrice", "uint256", ({ etherPrice }) => etherPrice],
] as const satisfies readonly (readonly [string, string, (state: VaultState) => unknown])[];

const word = (value: number): string => value.toString(16).padStart(64, "0");

/** ABI encoding of `(address token, string asset, uint8 decimals, uint256 balance, … price, targetWeight, band, uint24 poolFee)`. */
function holdingWords(holding: Holding, at: string): string {
  const ticker = Buffer.from(holding.asset, "utf8").toString("hex");
  return (
    toAbiWord(`${at}.token`, "address", holding.token) +
    word(8 * 32) + // where the ticker lies: behind eight words
    toAbiWord(`${at}.decimals`, "uint8", holding.decimals) +
    toAbiWord(`${at}.balance`, "uint256", holding.balance) +
    toAbiWord(`${at}.price`, "uint256", holding.price) +
    toAbiWord(`${at}.targetWeight`, "uint256", holding.targetWeight) +
    toAbiWord(`${at}.band`, "uint256", holding.band) +
    toAbiWord(`${at}.poolFee`, "uint24", holding.poolFee) +
    word(ticker.length / 2) +
    ticker.padEnd(Math.ceil(ticker.length / 64) * 64, "0")
  );
}

/**
 * What a decision was made from, bound into it: keccak256 of the ABI encoding of all fields of the state as one
 * tuple, `lastRebalanceAt` in milliseconds. Throws FieldRangeError naming the field.
 */
export function stateHash(state: VaultState): Hex {
  let words = word(32); // where the tuple lies
  for (const [name, type, read] of FIELDS) words += toAbiWord(name, type, read(state));
  words += word(32 * (FIELDS.length + 1)) + word(state.holdings.length);
  const holdings = state.holdings.map((holding, i) => holdingWords(holding, `holdings[${i}]`));
  let offset = 32 * holdings.length;
  for (const encoded of holdings) {
    words += word(offset);
    offset += encoded.length / 2;
  }
  return keccak256(`0x${words}${holdings.join("")}`) as Hex;
}
