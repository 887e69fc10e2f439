import { DECISION_SCHEMA, type Decision, tradesHash, ZERO_BYTES32 } from "@ballast/attest";
import { type Devnet, startDevnet } from "@ballast/contracts";
import type { Hex } from "@ballast/data";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openLiveVaults } from "../src/liveVaults.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const PERCENT = 10n ** 16n;
const START = 1_700_000_000;
let devnet: Devnet;
let vaults: ReturnType<typeof openLiveVaults>;
beforeAll(async () => {
  const asset = { targetWeight: 33n * PERCENT, band: 2n * PERCENT, poolFee: 500 };
  devnet = await startDevnet({
    base: { symbol: "USDC", decimals: 6 },
    assets: [
      { ...asset, symbol: "WBTC", ticker: "BTC", decimals: 8, price: 40_000 },
      { ...asset, symbol: "WETH", ticker: "ETH", decimals: 18, price: 2_000 },
    ],
    baseTargetWeight: 34n * PERCENT,
    baseBand: 2n * PERCENT,
    navUsd: 1_000_000,
    poolDepthUsd: 20_000_000,
    startTime: START,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: 3_000,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      maxOracleAgeSeconds: 4_000,
    },
  });
  vaults = openLiveVaults(devnet.rpcUrl);
});
afterAll(async () => {
  vaults?.close();
  await devnet?.stop();
});

const decisionOf = (chainId: bigint): Decision => ({
  chainId,
  vault: devnet.addresses.vault.toLowerCase() as Hex,
  sequence: 5n,
  action: 0,
  reason: 0,
  decidedAt: BigInt(START),
  expiresAt: BigInt(START + 900),
  inputRoot: ZERO_BYTES32,
  stateHash: ZERO_BYTES32,
  modelId: ZERO_BYTES32,
  forecastHash: ZERO_BYTES32,
  policyId: ZERO_BYTES32,
  breachPpm: 0,
  holding: 0,
  tradesHash: tradesHash([]),
});
const hold = (chainId = BigInt(devnet.chainId)) => ({ decision: decisionOf(chainId), trades: [] });

it("default: one block's state of a vault, and its own guards for a decision", async () => {
  const { vault } = devnet.addresses;
  const { state, guards, block, at } = await vaults.read(vault, ["USDC", "BTC", "ETH"], hold());
  const latest = await devnet.provider.getBlock("latest");
  expect([block, at]).toEqual([latest!.number, latest!.timestamp * 1000]);
  expect(
    state.holdings.map(({ asset, targetWeight, band, decimals }) => [asset, targetWeight, band, decimals]),
  ).toEqual([
    ["USDC", 34n * PERCENT, 2n * PERCENT, 6],
    ["BTC", 33n * PERCENT, 2n * PERCENT, 8],
    ["ETH", 33n * PERCENT, 2n * PERCENT, 18],
  ]);
  expect(state).toMatchObject({
    cooldownSeconds: 3_000,
    maxTurnover: 50n * PERCENT,
    maxSlippage: PERCENT,
    paused: false,
    isTradingAllowed: true,
  });
  // The vault waits for sequence 1, and the decision has 5.
  expect(guards!.find(({ name }) => name === "WrongSequence")).toEqual({
    name: "WrongSequence",
    index: 0,
    limit: 1n,
    value: 5n,
    isBinding: true,
  });
  expect(guards!.find(({ name }) => name === "VaultPaused")?.isBinding).toBe(false);
});

it("error: no vault at the address, another chain, no node", async () => {
  await expect(vaults.read(`0x${"12".repeat(20)}`, [], hold())).rejects.toMatchObject({
    code: "VAULT_NOT_FOUND",
  });
  await expect(vaults.read(devnet.addresses.vault, [], hold(1n))).rejects.toMatchObject({
    code: "WRONG_CHAIN",
  });
  const silent = openLiveVaults("http://127.0.0.1:9");
  await expect(silent.read(devnet.addresses.vault, [], hold())).rejects.toMatchObject({
    code: "RPC_UNREACHABLE",
  });
});
