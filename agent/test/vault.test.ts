import {
  DECISION_SCHEMA,
  type Decision,
  decisionHash,
  type EasDomain,
  fetchEasDomain,
  type Trade,
  tradesHash,
  ZERO_BYTES32,
} from "@ballast/attest";
import { type Devnet, startDevnet, vaultAbi } from "@ballast/contracts";
import { type Hex, wad } from "@ballast/data";
import { Contract, type TransactionRequest, Wallet } from "ethers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { stateHash } from "../src/state.ts";
import type { Executable } from "../src/venue.ts";
import { VaultRejection } from "../src/venues/rejection.ts";
import { type VaultVenueOptions, vaultVenue } from "../src/venues/vault.ts";

const HOUR = 3600;
const START = 450_000 * HOUR;
const PERCENT = 10n ** 16n;
const GWEI = 1_000_000_000n;
const COOLDOWN = 60;
const word = (digit: string): Hex => `0x${digit.repeat(64)}`;

let devnet: Devnet;
let domain: EasDomain;
let options: VaultVenueOptions;
const key = (name: keyof Devnet["keys"]) => new Wallet(devnet.keys[name], devnet.provider);
beforeAll(async () => {
  devnet = await startDevnet({
    base: { symbol: "USDC", decimals: 6 },
    assets: [
      {
        symbol: "WBTC",
        decimals: 8,
        price: 40_000,
        poolFee: 500,
        targetWeight: 40n * PERCENT,
        band: 5n * PERCENT,
      },
      {
        symbol: "WETH",
        decimals: 18,
        price: 2_000,
        poolFee: 3000,
        targetWeight: 40n * PERCENT,
        band: 4n * PERCENT,
      },
    ],
    baseTargetWeight: 20n * PERCENT,
    baseBand: 5n * PERCENT,
    navUsd: 1_000_000,
    poolDepthUsd: 20_000_000,
    startTime: START,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: COOLDOWN,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      maxOracleAgeSeconds: HOUR,
    },
    allowedModels: [ZERO_BYTES32],
  });
  domain = await fetchEasDomain(devnet.provider, devnet.addresses.eas);
  options = {
    provider: devnet.provider,
    vault: devnet.addresses.vault,
    expectedChainId: 31337n,
    attester: key("attester"),
    keeper: key("keeper"),
    domain,
  };
}, 60_000);
afterAll(() => devnet?.stop());

let time = START;
beforeEach(async () => {
  time += HOUR;
  await devnet.setMarket({ time, prices: [40_000, 2_000], baseFeeWei: 30n * GWEI });
});

/** Sells a tenth of an ether for at least 99 % of its price: far inside every band and limit. */
const toTrades = (): Trade[] => {
  const [base, , ether] = devnet.listings.map(({ token }) => token.toLowerCase() as Hex);
  return [{ tokenIn: ether!, tokenOut: base!, fee: 3000, amountIn: 10n ** 17n, minAmountOut: 198_000_000n }];
};

/** The next decision this vault would execute. */
async function toExecutable(change: Partial<Decision> = {}, trades = toTrades()): Promise<Executable> {
  const { sequence } = await (await vaultVenue(options)).readState();
  const decision: Decision = {
    chainId: 31337n,
    vault: devnet.addresses.vault.toLowerCase() as Hex,
    sequence: sequence + 1n,
    action: 1,
    reason: 1,
    decidedAt: BigInt(time),
    expiresAt: BigInt(time + 1800),
    inputRoot: word("1"),
    stateHash: word("2"),
    modelId: ZERO_BYTES32,
    forecastHash: ZERO_BYTES32,
    policyId: word("3"),
    breachPpm: 0,
    holding: 0,
    tradesHash: tradesHash(trades),
    ...change,
  };
  return { decision, trades, hash: decisionHash(decision) };
}

const ignore = () => {};
/** Balances, sequence and nonce of the keeper: what must not move when something is refused. */
const world = async () => {
  const state = await (await vaultVenue(options)).readState();
  const nonce = await devnet.provider.getTransactionCount(key("keeper").address);
  return { sequence: state.sequence, balances: state.holdings.map(({ balance }) => balance), nonce };
};
const refusal = async (work: () => Promise<unknown>): Promise<VaultRejection> => {
  const before = await world();
  const error = await work().then(
    () => expect.fail("it was not refused"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VaultRejection);
  expect(await world()).toEqual(before);
  return error as VaultRejection;
};

describe("readState", () => {
  it("default: the vault's own numbers, tickers without their wrapping, gas at the market's price", async () => {
    const state = await (await vaultVenue(options)).readState();
    expect(state).toMatchObject({
      chainId: 31337n,
      vault: devnet.addresses.vault.toLowerCase(),
      sequence: 0n,
      paused: false,
      lastRebalanceAt: 0,
      cooldownSeconds: COOLDOWN,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      etherPrice: 2_000n * 10n ** 18n,
    });
    expect(state.gasPrice).toBeGreaterThanOrEqual(30n * GWEI);
    expect(state.holdings).toMatchObject([
      {
        asset: "USDC",
        decimals: 6,
        balance: 200_000n * 10n ** 6n,
        price: 10n ** 18n,
        poolFee: 0,
        band: 5n * PERCENT,
      },
      { asset: "BTC", decimals: 8, balance: 10n * 10n ** 8n, price: 40_000n * 10n ** 18n, poolFee: 500 },
      { asset: "ETH", decimals: 18, balance: 200n * 10n ** 18n, targetWeight: 40n * PERCENT, poolFee: 3000 },
    ]);
    expect(state.holdings.map(({ token }) => token)).toEqual(
      devnet.listings.map(({ token }) => token.toLowerCase()),
    );
    expect(stateHash(state)).toMatch(/^0x[0-9a-f]{64}$/);
  });

  it("behaviour: tickers and ether's price may come from the caller", async () => {
    const given = {
      ...options,
      assets: ["USD", "GOLD", "OIL"],
      fetchEtherPrice: async () => wad(5n * 10n ** 18n),
    };
    const state = await (await vaultVenue(given)).readState();
    expect(state.holdings.map(({ asset }) => asset)).toEqual(["USD", "GOLD", "OIL"]);
    expect(state.etherPrice).toBe(5n * 10n ** 18n);
  });

  it("error: an oracle that has gone stale", async () => {
    const venue = await vaultVenue(options);
    time += 3 * HOUR;
    await devnet.provider.send("evm_setNextBlockTimestamp", [time]);
    await devnet.provider.send("evm_mine", []);
    await expect(venue.readState()).rejects.toMatchObject({ code: "VAULT_REJECTION", reason: "PriceTooOld" });
  });
});

describe("vaultVenue", () => {
  it("error: another chain than expected, before anything else", async () => {
    await expect(vaultVenue({ ...options, expectedChainId: 1n })).rejects.toMatchObject({
      code: "WRONG_CHAIN",
      expected: 1n,
      actual: 31337n,
    });
    const foreign = { ...options, domain: { ...domain, chainId: 1n } };
    await expect(vaultVenue(foreign)).rejects.toMatchObject({ code: "VAULT_MISMATCH", what: "chain" });
  });

  it("error: no contract, and a contract that is no vault", async () => {
    for (const vault of [key("stranger").address, devnet.addresses.eas, devnet.listings[0]!.token] as Hex[]) {
      await expect(vaultVenue({ ...options, vault })).rejects.toMatchObject({
        code: "VAULT_NOT_FOUND",
        vault,
      });
    }
  });

  it("error: a vault set up for something else", async () => {
    const mismatch = (change: Partial<VaultVenueOptions>, what: string) =>
      expect(vaultVenue({ ...options, ...change })).rejects.toMatchObject({ code: "VAULT_MISMATCH", what });
    await mismatch({ domain: { ...domain, schemaUid: word("9") } }, "EAS schema");
    await mismatch({ domain: { ...domain, easAddress: devnet.addresses.vault } }, "EAS contract");
    await mismatch({ assets: ["USDC", "ETH"] }, "number of tokens");
  });

  it("error: nobody knows the price of ether", async () => {
    await expect(vaultVenue({ ...options, assets: ["USDC", "BTC", "SOL"] })).rejects.toMatchObject({
      code: "ETHER_PRICE_MISSING",
    });
  });
});

describe("execute", () => {
  it("default: attests, trades, and reports what it cost and brought", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const before = await world();
    const { uid, gasUsed } = await venue.attest(decided);
    expect(gasUsed).toBeGreaterThan(200_000n);
    const hashes: Hex[] = [];
    const execution = await venue.execute(decided, uid, (txHash) => hashes.push(txHash));
    expect(hashes).toEqual([execution.txHash]);
    const after = await world();
    expect(after.sequence).toBe(before.sequence + 1n);
    expect(execution.amountsOut).toEqual([after.balances[0]! - before.balances[0]!]);
    expect(before.balances[2]! - after.balances[2]!).toBe(decided.trades[0]!.amountIn);
    const receipt = await devnet.provider.getTransactionReceipt(execution.txHash);
    expect(execution).toMatchObject({
      blockNumber: receipt!.blockNumber,
      gasUsed: receipt!.gasUsed,
      gasPrice: receipt!.gasPrice,
    });
    expect(execution.gasPrice).toBeGreaterThanOrEqual(30n * GWEI);
  });

  it("behaviour: done twice, it happens once: the second call finds the first", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    expect(await venue.findExecution(decided)).toBeUndefined();
    const { uid } = await venue.attest(decided);
    const first = await venue.execute(decided, uid, ignore);
    const before = await world();
    // A venue of a new process, which remembers nothing.
    const resumed = await vaultVenue(options);
    expect(await resumed.attest(decided)).toEqual({ uid, gasUsed: 0n });
    const hashes: Hex[] = [];
    expect(await resumed.execute(decided, uid, (txHash) => hashes.push(txHash))).toEqual(first);
    expect(hashes).toEqual([first.txHash]);
    expect(await resumed.findExecution(decided)).toEqual(first);
    expect(await world()).toEqual(before);
  });

  it("behaviour: carried out by somebody else a moment before, it counts as executed", async () => {
    const decided = await toExecutable();
    const theirs: Hex[] = [];
    /** Whatever this key sends, a stranger sends first. */
    class Overtaken extends Wallet {
      override async sendTransaction({ to, data }: TransactionRequest) {
        const first = await key("stranger").sendTransaction({ to: to!, data: data! });
        theirs.push(first.hash as Hex);
        await first.wait();
        return super.sendTransaction({ to: to!, data: data!, gasLimit: 1_000_000n });
      }
    }
    const keeper = new Overtaken(devnet.keys.keeper, devnet.provider);
    const venue = await vaultVenue({ ...options, keeper });
    const { uid } = await venue.attest(decided);
    const hashes: Hex[] = [];
    const execution = await venue.execute(decided, uid, (txHash) => hashes.push(txHash));
    expect(execution.txHash).toBe(theirs[0]);
    expect(hashes.at(-1)).toBe(theirs[0]);
    expect(execution.amountsOut).toHaveLength(1);
  });

  it("error: replayed: another decision with a sequence that is used up", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    await venue.execute(decided, (await venue.attest(decided)).uid, ignore);
    const decision = { ...decided.decision, reason: 2 };
    const replayed = { ...decided, decision, hash: decisionHash(decision) };
    const { uid } = await venue.attest(replayed);
    const { sequence } = decision;
    expect(await refusal(() => venue.execute(replayed, uid, ignore))).toMatchObject({
      reason: "WrongSequence",
      values: { decided: sequence, expected: sequence + 1n },
    });
  });

  it("error: expired between attestation and execution", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const { uid } = await venue.attest(decided);
    await devnet.provider.send("evm_setNextBlockTimestamp", [time + 1801]);
    await devnet.provider.send("evm_mine", []);
    expect(await refusal(() => venue.execute(decided, uid, ignore))).toMatchObject({
      reason: "DecisionExpired",
    });
  });

  it("error: attested by a key the vault does not allow", async () => {
    const venue = await vaultVenue({ ...options, attester: key("stranger") });
    const decided = await toExecutable();
    const { uid } = await venue.attest(decided);
    expect(await refusal(() => venue.execute(decided, uid, ignore))).toMatchObject({
      reason: "AttesterNotAllowed",
      values: { attester: key("stranger").address },
    });
  });

  it("error: revoked, and a revoked attestation is made anew on the next attempt", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const { uid } = await venue.attest(decided);
    const abi = ["function revoke((bytes32 schema, (bytes32 uid, uint256 value) data) request) payable"];
    const eas = new Contract(devnet.addresses.eas, abi, key("attester"));
    await (await eas.revoke!({ schema: domain.schemaUid, data: { uid, value: 0n } })).wait();
    expect(await refusal(() => venue.execute(decided, uid, ignore))).toMatchObject({
      reason: "AttestationRevoked",
      values: { uid },
    });
    const again = await venue.attest(decided);
    expect(again.uid).not.toBe(uid);
    expect((await venue.execute(decided, again.uid, ignore)).amountsOut).toHaveLength(1);
  });

  it("error: another decision's attestation, and none at all", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const other = await toExecutable({ breachPpm: 1 });
    const { uid } = await venue.attest(other);
    expect(await refusal(() => venue.execute(decided, uid, ignore))).toMatchObject({
      reason: "DecisionNotAttested",
      values: { attestedHash: other.hash, decisionHash: decided.hash },
    });
    expect(await refusal(() => venue.execute(decided, word("7"), ignore))).toMatchObject({
      reason: "AttestationNotFound",
    });
  });

  it("error: trades other than the decided ones", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const { uid } = await venue.attest(decided);
    const trades = decided.trades.map((trade) => ({ ...trade, amountIn: trade.amountIn + 1n }));
    expect(await refusal(() => venue.execute({ ...decided, trades }, uid, ignore))).toMatchObject({
      reason: "TradesNotDecided",
      values: { decidedHash: decided.decision.tradesHash, tradesHash: tradesHash(trades) },
    });
  });

  it("error: what the pool cannot deliver is refused in the exchange's own words", async () => {
    const venue = await vaultVenue(options);
    // The oracle's floor is met, the pool's fee of 0.3 % is not.
    const decided = await toExecutable({}, [{ ...toTrades()[0]!, minAmountOut: 200_000_000n }]);
    const { uid } = await venue.attest(decided);
    const rejection = await refusal(() => venue.execute(decided, uid, ignore));
    expect(rejection).toMatchObject({ reason: "Error", values: { message: "Too little received" } });
  });

  it("error: another chain's decision, before anything is signed or sent", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable({ chainId: 1n });
    const nonce = await devnet.provider.getTransactionCount(key("attester").address);
    await expect(venue.attest(decided)).rejects.toMatchObject({ code: "WRONG_CHAIN" });
    expect(await devnet.provider.getTransactionCount(key("attester").address)).toBe(nonce);
    // Attested elsewhere and carried over: the vault looks itself.
    expect(await refusal(() => venue.execute(decided, word("7"), ignore))).toMatchObject({
      reason: "ForeignChain",
      values: { decided: 1n, actual: 31337n },
    });
  });

  it("error: a keeper or an attester without ether", async () => {
    const poor = new Wallet(word("d"), devnet.provider);
    const decided = await toExecutable();
    const unfunded = { code: "UNFUNDED_KEY", address: poor.address, balance: 0n };
    const { uid } = await (await vaultVenue(options)).attest(decided);
    const venue = await vaultVenue({ ...options, attester: poor, keeper: poor });
    await expect(venue.execute(decided, uid, ignore)).rejects.toMatchObject(unfunded);
    await expect(venue.attest(decided)).rejects.toMatchObject(unfunded);
  });

  it("error: gas above the limit: nothing is sent, and the decision can still be executed later", async () => {
    const decided = await toExecutable();
    const { uid } = await (await vaultVenue(options)).attest(decided);
    const venue = await vaultVenue({ ...options, maxGasPrice: 20n * GWEI });
    await expect(venue.execute(decided, uid, ignore)).rejects.toMatchObject({ code: "GAS_PRICE" });
    expect((await (await vaultVenue(options)).execute(decided, uid, ignore)).amountsOut).toHaveLength(1);
  });

  it("error: a paused vault", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const { uid } = await venue.attest(decided);
    const vault = new Contract(devnet.addresses.vault, vaultAbi, key("owner"));
    await (await vault.pause!()).wait();
    expect((await venue.readState()).paused).toBe(true);
    expect(await refusal(() => venue.execute(decided, uid, ignore))).toMatchObject({ reason: "VaultPaused" });
    await (await vault.unpause!()).wait();
  });

  it("error: before the vault has cooled down", async () => {
    const venue = await vaultVenue(options);
    const first = await toExecutable();
    await venue.execute(first, (await venue.attest(first)).uid, ignore);
    const second = await toExecutable({ decidedAt: BigInt(time + 1) });
    const { uid } = await venue.attest(second);
    expect(await refusal(() => venue.execute(second, uid, ignore))).toMatchObject({ reason: "CoolingDown" });
  });
});
