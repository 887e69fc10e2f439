import {
  DECISION_SCHEMA,
  type Decision,
  decisionHash,
  type EasDomain,
  fetchEasDomain,
  signatureBytes,
  signDecision,
  type Trade,
  toOffchainAttestation,
  tradesHash,
  ZERO_BYTES32,
} from "@ballast/attest";
import { type Devnet, startDevnet, vaultAbi } from "@ballast/contracts";
import { type Hex, wad } from "@ballast/data";
import { Contract, type TransactionRequest, Wallet } from "ethers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { stateHash } from "../src/state.ts";
import type { Executable, Venue } from "../src/venue.ts";
import { decodeRebalance } from "../src/venues/calldata.ts";
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
const key = (name: "owner" | "attester" | "keeper" | "stranger") =>
  new Wallet(devnet.keys[name], devnet.provider);
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
  });
  domain = await fetchEasDomain(devnet.provider, devnet.addresses.eas);
  options = {
    provider: devnet.provider,
    vault: devnet.addresses.vault,
    expectedChainId: 31337n,
    attester: key("attester"),
    keeper: key("keeper"),
    domain,
    tradeVenue: devnet.addresses.venue,
    attestation: "onchain",
  };
}, 60_000);
afterAll(() => devnet?.stop());

let time = START;
beforeEach(async () => {
  time += HOUR;
  await devnet.setMarket({ time, prices: [40_000, 2_600], baseFeeWei: 30n * GWEI });
});

/** Sells a tenth of an ether, whose weight has left its band, for at least 99 % of its price. */
const toTrades = (): Trade[] => {
  const [base, , ether] = devnet.listings.map(({ token }) => token.toLowerCase() as Hex);
  const venue = devnet.addresses.venue.toLowerCase() as Hex;
  const sale = { tokenIn: ether!, tokenOut: base!, amountIn: 10n ** 17n, minAmountOut: 257_400_000n };
  return [{ venue, ...sale, route: "0x000bb8" }];
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
  const signer = key("attester");
  const inDomain = { ...domain, chainId: decision.chainId };
  const { json } = await signDecision({ ...inDomain, decision, signer });
  return { decision, trades, hash: decisionHash(decision), offchainAttestation: json };
}

/** The attestation on chain, of a venue that makes one. */
const attestOn = async (venue: Venue, decided: Executable) => (await venue.attest(decided))!;

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
      isTradingAllowed: true,
      crossTolerance: PERCENT / 2n,
      turnoverLeft: 100n * PERCENT,
      lossLeft: PERCENT,
      notaryThreshold: 2,
      scoreHorizon: 2,
      model: undefined,
      venue: devnet.addresses.venue.toLowerCase(),
      etherPrice: 2_600n * 10n ** 18n,
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

  it("error: a venue the vault does not trade at", async () => {
    const tradeVenue = key("stranger").address as Hex;
    await expect(vaultVenue({ ...options, tradeVenue })).rejects.toMatchObject({
      code: "VENUE_NOT_ALLOWED",
      venue: tradeVenue,
    });
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
    const { uid, gasUsed } = await attestOn(venue, decided);
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

  it("default: off chain nothing is attested, and the vault takes the signature itself", async () => {
    const venue = await vaultVenue({ ...options, attestation: undefined });
    const decided = await toExecutable();
    const nonce = await devnet.provider.getTransactionCount(key("attester").address);
    expect(await venue.attest(decided)).toBeUndefined();
    const execution = await venue.execute(decided, undefined, ignore);
    expect(await devnet.provider.getTransactionCount(key("attester").address)).toBe(nonce);
    expect(execution.navAfter).toBeLessThan(execution.navBefore);
    expect(execution.minedAt).toBeGreaterThan(decided.decision.decidedAt);
    expect(await venue.findExecution(decided)).toEqual(execution);
    const sent = await devnet.provider.getTransaction(execution.txHash);
    const call = decodeRebalance(sent!.data);
    expect(call).toEqual({
      decision: decided.decision,
      trades: decided.trades,
      uid: undefined,
      signature: signatureBytes(toOffchainAttestation(decided.offchainAttestation)),
      market: undefined,
    });
    expect(() => decodeRebalance(`${sent!.data.slice(0, 200)}`)).toThrow(/which is no vault's rebalance/);
    expect(() => decodeRebalance("0x12345678")).toThrow(/begins with 0x12345678/);
  });

  it("error: off chain, a stranger's signature, a revoked one, and another decision's", async () => {
    const venue = await vaultVenue({ ...options, attestation: "offchain" });
    const decided = await toExecutable();
    const stranger = await signDecision({ ...domain, decision: decided.decision, signer: key("stranger") });
    const theirs = { ...decided, offchainAttestation: stranger.json };
    expect(await refusal(() => venue.execute(theirs, undefined, ignore))).toMatchObject({
      reason: "AttesterNotAllowed",
      values: { attester: key("stranger").address },
    });
    const other = await toExecutable({ breachPpm: 1 });
    const swapped = { ...decided, offchainAttestation: other.offchainAttestation };
    expect(await refusal(() => venue.execute(swapped, undefined, ignore))).toMatchObject({
      reason: "AttesterNotAllowed",
    });
    const { uid } = toOffchainAttestation(decided.offchainAttestation);
    const eas = new Contract(devnet.addresses.eas, ["function revokeOffchain(bytes32)"], key("attester"));
    await (await eas.revokeOffchain!(uid)).wait();
    expect(await refusal(() => venue.execute(decided, undefined, ignore))).toMatchObject({
      reason: "AttestationRevoked",
      values: { uid },
    });
  });

  it("behaviour: done twice, it happens once: the second call finds the first", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    expect(await venue.findExecution(decided)).toBeUndefined();
    const { uid } = await attestOn(venue, decided);
    const first = await venue.execute(decided, uid, ignore);
    const before = await world();
    // A venue of a new process, which remembers nothing.
    const resumed = await vaultVenue(options);
    expect(await attestOn(resumed, decided)).toEqual({ uid, gasUsed: 0n });
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
    const { uid } = await attestOn(venue, decided);
    const hashes: Hex[] = [];
    const execution = await venue.execute(decided, uid, (txHash) => hashes.push(txHash));
    expect(execution.txHash).toBe(theirs[0]);
    expect(hashes.at(-1)).toBe(theirs[0]);
    expect(execution.amountsOut).toHaveLength(1);
  });

  it("error: replayed: another decision with a sequence that is used up", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    await venue.execute(decided, (await attestOn(venue, decided)).uid, ignore);
    const decision = { ...decided.decision, reason: 2 };
    const replayed = await toExecutable({ ...decision });
    const { uid } = await attestOn(venue, replayed);
    const { sequence } = decision;
    expect(await refusal(() => venue.execute(replayed, uid, ignore))).toMatchObject({
      reason: "WrongSequence",
      values: { decided: sequence, expected: sequence + 1n },
    });
  });

  it("error: expired between attestation and execution", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const { uid } = await attestOn(venue, decided);
    await devnet.provider.send("evm_setNextBlockTimestamp", [time + 1801]);
    await devnet.provider.send("evm_mine", []);
    expect(await refusal(() => venue.execute(decided, uid, ignore))).toMatchObject({
      reason: "DecisionExpired",
    });
  });

  it("error: attested by a key the vault does not allow", async () => {
    const venue = await vaultVenue({ ...options, attester: key("stranger") });
    const decided = await toExecutable();
    const { uid } = await attestOn(venue, decided);
    expect(await refusal(() => venue.execute(decided, uid, ignore))).toMatchObject({
      reason: "AttesterNotAllowed",
      values: { attester: key("stranger").address },
    });
  });

  it("error: revoked, and a revoked attestation is made anew on the next attempt", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const { uid } = await attestOn(venue, decided);
    const abi = ["function revoke((bytes32 schema, (bytes32 uid, uint256 value) data) request) payable"];
    const eas = new Contract(devnet.addresses.eas, abi, key("attester"));
    await (await eas.revoke!({ schema: domain.schemaUid, data: { uid, value: 0n } })).wait();
    expect(await refusal(() => venue.execute(decided, uid, ignore))).toMatchObject({
      reason: "AttestationRevoked",
      values: { uid },
    });
    const again = await attestOn(venue, decided);
    expect(again.uid).not.toBe(uid);
    expect((await venue.execute(decided, again.uid, ignore)).amountsOut).toHaveLength(1);
  });

  it("error: another decision's attestation, and none at all", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const other = await toExecutable({ breachPpm: 1 });
    const { uid } = await attestOn(venue, other);
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
    const { uid } = await attestOn(venue, decided);
    const trades = decided.trades.map((trade) => ({ ...trade, amountIn: trade.amountIn + 1n }));
    expect(await refusal(() => venue.execute({ ...decided, trades }, uid, ignore))).toMatchObject({
      reason: "TradesNotDecided",
      values: { decidedHash: decided.decision.tradesHash, tradesHash: tradesHash(trades) },
    });
  });

  it("error: what the pool cannot deliver is refused by the venue", async () => {
    const venue = await vaultVenue(options);
    // The oracle's floor is met, the pool's fee of 0.3 % is not.
    const decided = await toExecutable({}, [{ ...toTrades()[0]!, minAmountOut: 260_000_000n }]);
    const { uid } = await attestOn(venue, decided);
    const rejection = await refusal(() => venue.execute(decided, uid, ignore));
    expect(rejection).toMatchObject({ reason: "OutputTooSmall", values: { minAmountOut: 260_000_000n } });
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
    const { uid } = await attestOn(await vaultVenue(options), decided);
    const venue = await vaultVenue({ ...options, attester: poor, keeper: poor });
    await expect(venue.execute(decided, uid, ignore)).rejects.toMatchObject(unfunded);
    await expect(venue.attest(decided)).rejects.toMatchObject(unfunded);
  });

  it("error: gas above the limit: nothing is sent, and the decision can still be executed later", async () => {
    const decided = await toExecutable();
    const { uid } = await attestOn(await vaultVenue(options), decided);
    const venue = await vaultVenue({ ...options, maxGasPrice: 20n * GWEI });
    await expect(venue.execute(decided, uid, ignore)).rejects.toMatchObject({ code: "GAS_PRICE" });
    expect((await (await vaultVenue(options)).execute(decided, uid, ignore)).amountsOut).toHaveLength(1);
  });

  it("error: a paused vault", async () => {
    const venue = await vaultVenue(options);
    const decided = await toExecutable();
    const { uid } = await attestOn(venue, decided);
    const vault = new Contract(devnet.addresses.vault, vaultAbi, key("owner"));
    await (await vault.pause!()).wait();
    expect((await venue.readState()).paused).toBe(true);
    expect(await refusal(() => venue.execute(decided, uid, ignore))).toMatchObject({ reason: "VaultPaused" });
    await (await vault.unpause!()).wait();
  });

  it("error: before the vault has cooled down", async () => {
    const venue = await vaultVenue(options);
    const first = await toExecutable();
    await venue.execute(first, (await attestOn(venue, first)).uid, ignore);
    const second = await toExecutable({ decidedAt: BigInt(time + 1) });
    const { uid } = await attestOn(venue, second);
    expect(await refusal(() => venue.execute(second, uid, ignore))).toMatchObject({ reason: "CoolingDown" });
  });
});
