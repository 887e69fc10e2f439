import { setTimeout as sleep } from "node:timers/promises";
import {
  DECISION_SCHEMA,
  type Decision,
  type EasDomain,
  type EvidenceFile,
  fetchEasDomain,
  signDecision,
  type Trade,
  toEvidence,
  tradesHash,
  ZERO_BYTES32,
} from "@ballast/attest";
import { type Devnet, startDevnet, vaultAbi } from "@ballast/contracts";
import type { Hex } from "@ballast/data";
import { Contract, Interface, Wallet } from "ethers";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Feed } from "../src/feed/feed.ts";
import { type KeeperQueueOptions, openKeeperQueue } from "../src/feed/keeper-queue.ts";
import { openRedisFeed } from "../src/feed/redis-feed.ts";
import { type KeeperOptions, runKeeper, type Settlement, settle } from "../src/keeper.ts";
import { hasRedis, type RedisServer, startRedis } from "./redis.fixture.ts";

const HOUR = 3600;
const START = 450_000 * HOUR;
const PERCENT = 10n ** 16n;
const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const EVENTS = "{ballast:feed}:events";

let devnet: Devnet;
let domain: EasDomain;
let time = START;
const key = (name: "owner" | "attester" | "keeper" | "stranger") =>
  new Wallet(devnet.keys[name], devnet.provider);

beforeAll(async () => {
  devnet = await startDevnet({
    base: { symbol: "USDC", decimals: 6 },
    assets: [
      {
        symbol: "WETH",
        decimals: 18,
        price: 2_000,
        poolFee: 3000,
        targetWeight: 50n * PERCENT,
        band: 4n * PERCENT,
      },
    ],
    baseTargetWeight: 50n * PERCENT,
    baseBand: 4n * PERCENT,
    navUsd: 1_000_000,
    poolDepthUsd: 20_000_000,
    startTime: START,
    decisionSchema: DECISION_SCHEMA,
    vault: {
      cooldownSeconds: 60,
      maxTurnover: 50n * PERCENT,
      maxSlippage: PERCENT,
      maxOracleAgeSeconds: HOUR,
    },
  });
  domain = await fetchEasDomain(devnet.provider, devnet.addresses.eas);
}, 60_000);
afterAll(() => devnet?.stop());
beforeEach(async () => {
  time += HOUR;
  await devnet.setMarket({ time, prices: [2_600], baseFeeWei: 30_000_000_000n });
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const optionsOf = (keeper: KeeperOptions["keeper"]): KeeperOptions => ({
  provider: devnet.provider,
  vault: devnet.addresses.vault,
  expectedChainId: 31337n,
  domain,
  keeper,
});

const toTrades = (): Trade[] => {
  const [base, ether] = devnet.listings.map(({ token }) => token.toLowerCase() as Hex);
  const venue = devnet.addresses.venue.toLowerCase() as Hex;
  const sale = { tokenIn: ether!, tokenOut: base!, amountIn: 10n ** 17n, minAmountOut: 257_400_000n };
  return [{ venue, ...sale, route: "0x000bb8" }];
};

const sequenceNow = async (): Promise<bigint> =>
  (await new Contract(devnet.addresses.vault, vaultAbi, devnet.provider).getFunction("state").staticCall())
    .sequence;

/** The evidence of the next decision this vault would execute. */
async function toFile(
  change: Partial<Decision> = {},
  trades = toTrades(),
  signer = key("attester"),
): Promise<EvidenceFile> {
  const decision: Decision = {
    chainId: 31337n,
    vault: devnet.addresses.vault.toLowerCase() as Hex,
    sequence: (await sequenceNow()) + 1n,
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
  const { json } = await signDecision({ ...domain, chainId: decision.chainId, decision, signer });
  return toEvidence({ decision, trades, offchain: json });
}
const toText = async (...args: Parameters<typeof toFile>) => JSON.stringify(await toFile(...args));

/** Transactions that executed something on the vault since a block. */
async function executionsSince(block: number): Promise<string[]> {
  const topic = new Interface(vaultAbi).getEvent("Rebalanced")!.topicHash;
  const logs = await devnet.provider.getLogs({
    address: devnet.addresses.vault,
    topics: [topic],
    fromBlock: block + 1,
    toBlock: "latest",
  });
  return logs.map(({ transactionHash }) => transactionHash);
}
const headOf = async () => Number(await devnet.provider.send("eth_blockNumber", []));
const noncesOf = () =>
  Promise.all(
    (["keeper", "stranger"] as const).map((name) => devnet.provider.getTransactionCount(key(name).address)),
  );

describe("settle", () => {
  it("default: executes a sound decision, and met again finds it executed", async () => {
    const text = await toText();
    const before = await sequenceNow();
    const first = await settle(optionsOf(key("keeper")), text);
    expect(first).toMatchObject({ kind: "executed", isOurs: true });
    expect(await sequenceNow()).toBe(before + 1n);
    const nonces = await noncesOf();
    expect(await settle(optionsOf(key("keeper")), text)).toEqual(first);
    expect(await settle(optionsOf(key("stranger")), text)).toEqual({ ...first, isOurs: false });
    expect(await settle(optionsOf(undefined), text)).toEqual({ ...first, isOurs: false });
    expect(await noncesOf()).toEqual(nonces);
  });

  it("behaviour: without a key it verifies and simulates, and sends nothing", async () => {
    const head = await headOf();
    expect(await settle(optionsOf(undefined), await toText())).toMatchObject({ kind: "simulated" });
    expect(await headOf()).toBe(head);
  });

  it("behaviour: another vault's, another chain's and a hold are passed over", async () => {
    const passedOver = { kind: "passed over" };
    const keeper = optionsOf(key("keeper"));
    expect(await settle(keeper, await toText({ vault: `0x${"12".repeat(20)}` }))).toMatchObject(passedOver);
    expect(await settle(keeper, await toText({ chainId: 1n }))).toMatchObject(passedOver);
    const hold = await toText({ action: 0, tradesHash: tradesHash([]) }, []);
    expect(await settle(keeper, hold)).toEqual({ kind: "passed over", why: "it holds" });
  });

  it("behaviour: one that expired is not sent, and one that was executed before it expired counts as that", async () => {
    const [lost, done] = [await toText({ breachPpm: 5 }), await toText()];
    const first = await settle(optionsOf(key("keeper")), done);
    await devnet.provider.send("evm_setNextBlockTimestamp", [time + 1801]);
    await devnet.provider.send("evm_mine", []);
    const nonces = await noncesOf();
    expect(await settle(optionsOf(key("keeper")), lost)).toMatchObject({
      kind: "expired",
      why: expect.stringMatching(/^expired at /),
    });
    expect(await settle(optionsOf(key("stranger")), done)).toEqual({ ...first, isOurs: false });
    expect(await noncesOf()).toEqual(nonces);
  });

  it("error: malformed and forged evidence, each with its reason and without a transaction", async () => {
    const file = await toFile();
    const text = (change: object) => JSON.stringify({ ...file, ...change });
    const bigger = [{ ...file.trades[0]!, amountIn: "100000000000000001" }];
    const other = await toFile({ breachPpm: 7 });
    const stranger = await toFile({}, toTrades(), key("stranger"));
    const { signer, sig } = JSON.parse(JSON.stringify(stranger.offchain));
    const posing = { signer: key("attester").address.toLowerCase(), sig };
    const table: readonly (readonly [string | undefined, RegExp])[] = [
      [undefined, /without evidence/],
      ["", /JSON/],
      ["{", /JSON/],
      ["null", /an object|record/i],
      [JSON.stringify({ ...file, format: "ballast-evidence/9" }), /format/],
      [text({ decision: { ...file.decision, sequence: "-1" } }), /decision\.sequence/],
      [text({ __proto__: null, extra: 1 }), /extra/],
      [text({ offchain: undefined, uid: word("7") }), /no off-chain attestation/],
      [text({ decision: { ...file.decision, breachPpm: 999 } }), /^decision-hash: /],
      [text({ trades: bigger }), /^trades-hash: /],
      [text({ trades: [] }), /^trades-hash: /],
      [text({ offchain: other.offchain }), /^decision-hash: /],
      [JSON.stringify(stranger), new RegExp(`^attester: ${signer}`, "i")],
      [text({ offchain: posing }), /^signature: /],
      [await toText({ decidedAt: BigInt(time + 900) }), /^window: not decided yet/],
      [await toText({ modelId: word("4"), forecastHash: word("5") }), /^reference: |model/i],
      [await toText({ sequence: (await sequenceNow()) + 9n }), /WrongSequence/],
      ["x".repeat(1_000_001), /1000001 characters/],
    ];
    const nonces = await noncesOf();
    for (const [given, reason] of table) {
      const settlement = await settle(optionsOf(key("keeper")), given);
      expect(settlement).toEqual({ kind: "refused", reason: expect.stringMatching(reason) });
    }
    expect(await noncesOf()).toEqual(nonces);
  });

  it("behaviour: whatever is done to the evidence, it is settled without a throw, and never taken as sound", async () => {
    const file = JSON.parse(await toText());
    const leaves: string[][] = [];
    const walk = (value: unknown, path: string[]): void => {
      if (path.length > 0) leaves.push(path);
      if (typeof value === "object" && value !== null)
        for (const [name, inner] of Object.entries(value)) walk(inner, [...path, name]);
    };
    walk(file, []);
    const hex = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 40, maxLength: 64 });
    const junk = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(null, -1, "", "0x", "1e3", 2 ** 53, "9".repeat(80), [], {}),
      hex.map((digits) => `0x${digits}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...leaves), junk, fc.boolean(), async (path, value, isRemoved) => {
        const changed = structuredClone(file);
        const parent = path.slice(0, -1).reduce((inner, name) => inner[name], changed);
        const last = path.at(-1)!;
        if (isRemoved) delete parent[last];
        else parent[last] = value;
        fc.pre(JSON.stringify(changed) !== JSON.stringify(file));
        const { kind } = await settle(optionsOf(undefined), JSON.stringify(changed));
        expect(["refused", "passed over"]).toContain(kind);
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it("error: revoked by its signer, and of a key that this keeper does not take decisions from", async () => {
    const file = await toFile();
    const narrow = { ...optionsOf(key("keeper")), attesters: [key("stranger").address as Hex] };
    expect(await settle(narrow, JSON.stringify(file))).toMatchObject({
      kind: "refused",
      reason: expect.stringMatching(/^attester: /),
    });
    const uid = (file.offchain as { sig: { uid: string } }).sig.uid;
    const eas = new Contract(devnet.addresses.eas, ["function revokeOffchain(bytes32)"], key("attester"));
    await (await eas.getFunction("revokeOffchain")(uid)).wait();
    expect(await settle(optionsOf(key("keeper")), JSON.stringify(file))).toMatchObject({
      kind: "refused",
      reason: expect.stringMatching(/^not-revoked-offchain: /),
    });
  });

  it("behaviour: one decided a moment after the chain's last block is deferred until there is a later one", async () => {
    const text = await toText({ decidedAt: BigInt(time + 300) });
    expect(await settle(optionsOf(key("keeper")), text)).toMatchObject({
      kind: "deferred",
      error: { code: "NOT_DECIDED_YET" },
    });
    await devnet.provider.send("evm_setNextBlockTimestamp", [time + 301]);
    await devnet.provider.send("evm_mine", []);
    expect(await settle(optionsOf(key("keeper")), text)).toMatchObject({ kind: "executed" });
  });

  it("behaviour: an unfunded key and dear gas defer, for nothing is wrong with the decision", async () => {
    const text = await toText();
    const poor = optionsOf(new Wallet(word("d"), devnet.provider));
    expect(await settle(poor, text)).toMatchObject({ kind: "deferred", error: { code: "UNFUNDED_KEY" } });
    const thrifty = { ...optionsOf(key("keeper")), maxGasPrice: 1n };
    expect(await settle(thrifty, text)).toMatchObject({ kind: "deferred", error: { code: "GAS_PRICE" } });
    expect(await settle(optionsOf(key("keeper")), text)).toMatchObject({ kind: "executed" });
  });
});

describe.skipIf(!hasRedis)("runKeeper", () => {
  let redis: RedisServer;
  let feed: Feed;
  beforeEach(async () => {
    redis = await startRedis();
    closing.push(
      () => redis.kill(),
      () => redis.client.disconnect(),
    );
    feed = await openRedisFeed(redis.url);
    closing.push(() => feed.close());
  });

  /** A keeper that runs until it is stopped or the test ends. */
  async function start(
    options: KeeperOptions,
    group = "g",
    queueOptions: KeeperQueueOptions = { silenceMs: 1_000 },
  ) {
    const queue = await openKeeperQueue(redis.url, group, `k${Math.random()}`, queueOptions);
    const stop = new AbortController();
    const settled: Settlement[] = [];
    const running = runKeeper(queue, options, (_task, settlement) => settled.push(settlement), stop.signal);
    const end = async () => {
      stop.abort();
      await running;
      queue.close();
    };
    closing.push(end);
    return {
      settled,
      end,
      async until(count: number) {
        for (let waited = 0; waited < 20_000 && settled.length < count; waited += 10) await sleep(10);
        expect(settled).toHaveLength(count);
      },
    };
  }
  const pendingOf = async (group = "g") =>
    Number(((await redis.client.xpending(EVENTS, group)) as unknown[])[0]);

  it("default: takes decisions alone, settles them in order, and those published before it began", async () => {
    await feed.publish("forecasts", "{}");
    await feed.publish("decisions", "{}", await toText());
    const keeper = await start(optionsOf(key("keeper")));
    await keeper.until(1);
    await feed.publish("vaults", "{}");
    await feed.publish("decisions", "{}", await toText({ action: 0, tradesHash: tradesHash([]) }, []));
    await keeper.until(2);
    expect(keeper.settled).toMatchObject([{ kind: "executed", isOurs: true }, { kind: "passed over" }]);
    expect(await pendingOf()).toBe(0);
  });

  it.each([
    ["of two groups", ["a", "b"]],
    ["of one group", ["a", "a"]],
  ])("behaviour: two keepers %s on one vault execute each decision once", async (_, groups) => {
    const keepers = [
      await start(optionsOf(key("keeper")), groups[0]),
      await start(optionsOf(key("stranger")), groups[1]),
    ];
    const rounds = 3;
    const each = groups[0] === groups[1] ? 1 : 2;
    for (let round = 1; round <= rounds; round++) {
      const [head, sequence] = [await headOf(), await sequenceNow()];
      const text = await toText();
      // The same decision published twice is one decision.
      await Promise.all([feed.publish("decisions", "{}", text), feed.publish("decisions", "{}", text)]);
      const all = () => keepers.flatMap(({ settled }) => settled);
      const wanted = round * each * 2;
      for (let waited = 0; waited < 30_000 && all().length < wanted; waited += 10) await sleep(10);
      expect(all()).toHaveLength(wanted);
      expect(await sequenceNow()).toBe(sequence + 1n);
      expect(await executionsSince(head)).toHaveLength(1);
      time += 120;
      await devnet.setMarket({ time, prices: [2_600], baseFeeWei: 30_000_000_000n });
    }
    const found = keepers.flatMap(({ settled }) => settled);
    expect(found.map(({ kind }) => kind)).toEqual(found.map(() => "executed"));
    const hashes = new Set(found.map((one) => (one.kind === "executed" ? one.execution.txHash : "")));
    expect(hashes.size).toBe(rounds);
    for (const group of new Set(groups)) expect(await pendingOf(group)).toBe(0);
  });

  it("error: what is refused is kept with its reason, once, and what follows is settled", async () => {
    const keeper = await start(optionsOf(key("keeper")));
    const forged = await toText({}, toTrades(), key("stranger"));
    const id = await feed.publish("decisions", '{"x":1}', forged);
    await feed.publish("decisions", "{}");
    await feed.publish("decisions", "{}", await toText());
    await keeper.until(3);
    expect(keeper.settled.map(({ kind }) => kind)).toEqual(["refused", "refused", "executed"]);
    const kept = await redis.client.xrange("{ballast:feed}:refused", "-", "+");
    expect(kept).toHaveLength(2);
    const fields = kept[0]![1];
    const entry = Object.fromEntries(fields.flatMap((name, k) => (k % 2 ? [] : [[name, fields[k + 1]]])));
    expect(entry).toMatchObject({
      id,
      group: "g",
      data: '{"x":1}',
      evidence: forged,
      reason: expect.stringMatching(/^attester: /),
    });
    expect(await pendingOf()).toBe(0);
  });

  it("behaviour: a decision that a keeper took and left, settled or not, is settled by the next", async () => {
    const head = await headOf();
    const [first, second] = [await toText(), await toText({ action: 0, tradesHash: tradesHash([]) }, [])];
    await feed.publish("decisions", "{}", first);
    await feed.publish("decisions", "{}", second);
    const dead = await openKeeperQueue(redis.url, "g", "dead");
    const events = dead.tasks(new AbortController().signal)[Symbol.asyncIterator]();
    const { value } = await events.next();
    // It dies after the transaction, before it could acknowledge.
    const done = await settle(optionsOf(key("keeper")), value!.evidence);
    dead.close();
    const keeper = await start(optionsOf(key("keeper")));
    await keeper.until(2);
    expect(keeper.settled).toContainEqual(done);
    expect(keeper.settled.map(({ kind }) => kind).sort()).toEqual(["executed", "passed over"]);
    expect(await executionsSince(head)).toHaveLength(1);
    expect(await pendingOf()).toBe(0);
  });

  it("behaviour: what is deferred comes again, and another keeper of the group may settle it", async () => {
    const poor = await start(optionsOf(new Wallet(word("d"), devnet.provider)));
    await feed.publish("decisions", "{}", await toText());
    await poor.until(1);
    expect(poor.settled).toMatchObject([{ kind: "deferred", error: { code: "UNFUNDED_KEY" } }]);
    expect(await pendingOf()).toBe(1);
    for (let waited = 0; waited < 10_000 && poor.settled.length < 2; waited += 10) await sleep(10);
    expect(poor.settled[1]).toMatchObject({ kind: "deferred" });
    await poor.end();
    const rich = await start(optionsOf(key("keeper")));
    await rich.until(1);
    expect(rich.settled).toMatchObject([{ kind: "executed", isOurs: true }]);
    expect(await pendingOf()).toBe(0);
  });

  it("behaviour: while a keeper works on a decision, however long, nobody else of its group is given it", async () => {
    const queue = await openKeeperQueue(redis.url, "g", "slow", { silenceMs: 300 });
    closing.push(() => queue.close());
    const tasks = queue.tasks(new AbortController().signal)[Symbol.asyncIterator]();
    await feed.publish("decisions", "{}", await toText());
    const { value } = await tasks.next();
    const other = await start(optionsOf(key("keeper")), "g", { silenceMs: 300 });
    await sleep(1_500);
    expect(other.settled).toEqual([]);
    await queue.ack(value!);
    await sleep(600);
    expect(other.settled).toEqual([]);
  });

  it("behaviour: goes on after Redis was killed and started again, with the group it had", async () => {
    const keeper = await start(optionsOf(key("keeper")));
    await feed.publish("decisions", "{}", await toText());
    await keeper.until(1);
    await redis.kill();
    await redis.restart();
    time += 120;
    await devnet.setMarket({ time, prices: [2_600], baseFeeWei: 30_000_000_000n });
    await feed.publish("decisions", "{}", await toText());
    await keeper.until(2);
    expect(keeper.settled.map(({ kind }) => kind)).toEqual(["executed", "executed"]);
    expect(await pendingOf()).toBe(0);
  });

  it("behaviour: stops at once while it waits, and while Redis is gone", async () => {
    const [one, two] = [await start(optionsOf(key("keeper")), "a"), await start(optionsOf(undefined), "b")];
    const began = performance.now();
    await one.end();
    await redis.kill();
    await sleep(100);
    await two.end();
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
