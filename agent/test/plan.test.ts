/** What is planned off chain against the real vault's own arithmetic: its checks must pass, to the last unit. */
import {
  DECISION_SCHEMA,
  type Decision,
  decisionHash,
  fetchEasDomain,
  signDecision,
  submit,
  tradesHash,
  ZERO_BYTES32,
} from "@ballast/attest";
import { type Devnet, startDevnet, vaultAbi } from "@ballast/contracts";
import { wad } from "@ballast/data";
import { AbiCoder, Interface, keccak256, toBeHex, Wallet } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { planTrades } from "../src/plan.ts";
import { vaultVenue } from "../src/venues/vault.ts";
import { navOf } from "../src/weights.ts";

const HOUR = 3600;
const START = 450_000 * HOUR;
const WAD = 10n ** 18n;
const PERCENT = 10n ** 16n;
const vaultInterface = new Interface(vaultAbi);

let devnet: Devnet;
beforeAll(async () => {
  const asset = { targetWeight: 40n * PERCENT, band: 5n * PERCENT };
  devnet = await startDevnet({
    base: { symbol: "USDC", decimals: 6 },
    assets: [
      { symbol: "WBTC", decimals: 8, price: 40_000, poolFee: 500, ...asset },
      { symbol: "WETH", decimals: 18, price: 2_000, poolFee: 3000, ...asset },
    ],
    baseTargetWeight: 20n * PERCENT,
    baseBand: 5n * PERCENT,
    navUsd: 1_000_000,
    poolDepthUsd: 200_000_000,
    startTime: START,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: 0,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      maxOracleAgeSeconds: HOUR,
      settings: { maxDisagreementPpm: 100_000, turnoverBudgetPpm: 10_000_000, lossBudgetPpm: 100_000 },
    },
  });
}, 60_000);
afterAll(() => devnet?.stop());

const key = (name: "owner" | "attester" | "keeper") => new Wallet(devnet.keys[name], devnet.provider);
/** Through the timelock, whose delay is none here. */
const owned = async (name: string, args: unknown[]) => {
  const data = vaultInterface.encodeFunctionData(name, args);
  const to = devnet.addresses.vault;
  await submit(key("owner"), { to, data: vaultInterface.encodeFunctionData("submit", [data]) });
  await submit(key("owner"), { to, data });
};

/** OpenZeppelin's ERC20 keeps balances in the mapping of slot 0. */
const setBalance = (token: string, balance: bigint) => {
  const slot = keccak256(
    AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [devnet.addresses.vault, 0]),
  );
  return devnet.provider.send("anvil_setStorageAt", [token, slot, toBeHex(balance, 32)]);
};

const cases = fc.record({
  prices: fc.tuple(
    fc.integer({ min: 3_000_000, max: 5_000_000 }),
    fc.integer({ min: 150_000, max: 260_000 }),
  ),
  balances: fc.tuple(
    fc.bigInt({ min: 0n, max: 10n ** 12n }),
    fc.bigInt({ min: 0n, max: 25n * 10n ** 8n }),
    fc.bigInt({ min: 0n, max: 500n * 10n ** 18n }),
  ),
  targets: fc.tuple(fc.bigInt({ min: 0n, max: WAD / 2n }), fc.bigInt({ min: 0n, max: WAD / 2n })),
  maxTurnover: fc.bigInt({ min: PERCENT, max: WAD }),
  // Room for the fees of both pools and for what the trades move them.
  maxSlippage: fc.bigInt({ min: PERCENT, max: 5n * PERCENT }),
});

it("behaviour: whatever the state, the vault carries out what is planned for it", {
  timeout: 60_000,
}, async () => {
  const domain = await fetchEasDomain(devnet.provider, devnet.addresses.eas);
  const venue = await vaultVenue({
    provider: devnet.provider,
    vault: devnet.addresses.vault,
    expectedChainId: 31337n,
    attester: key("attester"),
    keeper: key("keeper"),
    domain,
    tradeVenue: devnet.addresses.venue,
  });
  let time = START;
  const answer = await devnet.provider.call({
    to: devnet.addresses.vault,
    data: vaultInterface.encodeFunctionData("settings"),
  });
  const settings = vaultInterface.decodeFunctionResult("settings", answer)[0].toObject();
  let planned = 0;
  let scaled = 0;
  for (const { prices, balances, targets, maxTurnover, maxSlippage } of fc.sample(cases, {
    numRuns: 12,
    seed: 7,
  })) {
    time += HOUR;
    await devnet.setMarket({ time, prices: prices.map((cents) => cents / 100), baseFeeWei: 1_000_000_000n });
    for (const [i, { token }] of devnet.listings.entries()) await setBalance(token, balances[i]!);
    const all = [WAD - targets[0] - targets[1], ...targets];
    await owned("setTargets", [all.map((weight) => ({ weight, band: PERCENT }))]);
    const ppm = (share: bigint) => share / 10n ** 12n;
    const limits = { maxTurnoverPpm: ppm(maxTurnover), maxSlippagePpm: ppm(maxSlippage) };
    await owned("setSettings", [{ ...settings, ...limits }]);
    const state = await venue.readState();
    const { trades, turnover, scale } = planTrades(
      state,
      state.holdings.map(({ targetWeight }) => targetWeight),
      { minTrade: wad(WAD / 1_000n), tolerance: wad(WAD), maxTurnover: wad(WAD) },
    );
    if (trades.length === 0) continue;
    planned += 1;
    if (scale < WAD) scaled += 1;
    const decision: Decision = {
      chainId: 31337n,
      vault: state.vault,
      sequence: state.sequence + 1n,
      action: 1,
      reason: 1,
      decidedAt: BigInt(time),
      expiresAt: BigInt(time + 1800),
      inputRoot: ZERO_BYTES32,
      stateHash: ZERO_BYTES32,
      modelId: ZERO_BYTES32,
      forecastHash: ZERO_BYTES32,
      policyId: ZERO_BYTES32,
      breachPpm: 0,
      holding: 0,
      tradesHash: tradesHash(trades),
    };
    const { json } = await signDecision({ ...domain, decision, signer: key("attester") });
    const executable = { decision, trades, hash: decisionHash(decision), offchainAttestation: json };
    const { txHash, amountsOut } = await venue.execute(executable, undefined, () => {});
    expect(amountsOut).toHaveLength(trades.length);
    const receipt = await devnet.provider.getTransactionReceipt(txHash);
    const rebalanced = receipt!.logs
      .map((log) => vaultInterface.parseLog(log))
      .find((e) => e?.name === "Rebalanced")!;
    expect(rebalanced.args.navBefore).toBe(navOf(state));
    expect((rebalanced.args.soldValue * WAD + navOf(state) - 1n) / navOf(state)).toBe(turnover);
    for (const { tokenIn, tokenOut, amountIn, minAmountOut } of trades) {
      const call = vaultInterface.encodeFunctionData("minOut", [tokenIn, tokenOut, amountIn]);
      const floor = await devnet.provider.send("eth_call", [{ to: state.vault, data: call }, "latest"]);
      expect(BigInt(floor)).toBe(minAmountOut);
    }
  }
  expect(planned).toBeGreaterThan(8);
  expect(scaled).toBeGreaterThan(1);
});
