import { DECIDE_DEFAULTS, type Holding, toInputs, type VaultState } from "@ballast/agent";
import { BallastError, unixMillis, wad } from "@ballast/data";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ARTEFACTS, address, atOf, decidedOf, forecastOf, startFixture, word } from "../test/fixture.ts";
import { createApi } from "./app.ts";
import { nextGuard, toGuards, type Vaults } from "./vaults.ts";

const PERCENT = 10n ** 16n;
const NOW = atOf(50);
const holding = (asset: string, n: number, dollars: bigint, target: bigint): Holding => ({
  token: address(n),
  asset,
  decimals: 18,
  balance: dollars * 10n ** 18n,
  price: wad(10n ** 18n),
  targetWeight: wad(target * PERCENT),
  band: wad(4n * PERCENT),
  poolFee: 500,
});
/** 1,000 dollars: 40, 33 and 27 % against targets of 40, 30 and 30 %. */
const STATE: VaultState = {
  chainId: 31_337n,
  vault: address(9),
  sequence: 7n,
  paused: false,
  isTradingAllowed: true,
  lastRebalanceAt: unixMillis(NOW - 1_000_000),
  cooldownSeconds: 3_000,
  maxTurnover: wad(50n * PERCENT),
  maxSlippage: wad(PERCENT),
  turnoverLeft: wad(8n * PERCENT),
  lossLeft: wad(PERCENT),
  crossTolerance: wad(PERCENT),
  minScore: 0,
  scoreHorizon: 2,
  notaryThreshold: 0,
  model: undefined,
  venue: address(3),
  holdings: [holding("USDC", 1, 400n, 40n), holding("BTC", 2, 330n, 30n), holding("ETH", 4, 270n, 30n)],
  gasPrice: 1n,
  etherPrice: wad(10n ** 18n),
};
const guard = (state: VaultState, name: string) => toGuards(state, NOW).find((one) => one.name === name);

describe("guards", () => {
  test("default: a rebalance to the targets sells three hundredths twice, through the base asset", () => {
    // |33 − 30| + |27 − 30| = 6 % sold; of 50 %: 0.12; of the 8 % left: 0.75; lost at 1 % of it: 0.06 % of 1 %.
    expect(guard(STATE, "TurnoverTooHigh")).toMatchObject({
      limit: 0.5,
      value: 0.06,
      used: 0.12,
      isBinding: false,
    });
    expect(guard(STATE, "TurnoverBudgetSpent")).toMatchObject({ limit: 0.08, value: 0.06, used: 0.75 });
    expect(guard(STATE, "LossBudgetSpent")).toMatchObject({ limit: 0.01, value: 0.0006 });
    // 1,000 of 3,000 seconds have passed.
    expect(guard(STATE, "CoolingDown")).toMatchObject({ limit: 3_000, value: 2_000, isBinding: true });
    expect(nextGuard(toGuards(STATE, NOW))).toBe("CoolingDown");
  });

  test("behaviour: after the cooldown the budget of turnover is nearest", () => {
    expect(nextGuard(toGuards(STATE, NOW + 2_000_000))).toBe("TurnoverBudgetSpent");
    const spent = { ...STATE, turnoverLeft: wad(0n) };
    expect(toGuards(spent, NOW).find(({ name }) => name === "TurnoverBudgetSpent")).toMatchObject({
      used: null,
      isBinding: true,
    });
  });

  test("behaviour: on target nothing is used; paused and halted bind", () => {
    const onTarget = {
      ...STATE,
      holdings: [holding("USDC", 1, 400n, 40n), holding("BTC", 2, 300n, 30n), holding("ETH", 4, 300n, 30n)],
    };
    expect(nextGuard(toGuards(onTarget, NOW + 2_000_000))).toBeNull();
    expect(nextGuard(toGuards({ ...onTarget, paused: true, isTradingAllowed: false }, NOW + 2_000_000))).toBe(
      "VaultPaused",
    );
    expect(nextGuard(toGuards({ ...onTarget, isTradingAllowed: false }, NOW + 2_000_000))).toBe(
      "TradingHalted",
    );
  });

  test("behaviour: a guard binds exactly where the value is above the limit", () => {
    const bps = fc.bigInt({ min: 0n, max: 10_000n }).map((n) => wad(n * 10n ** 14n));
    fc.assert(
      fc.property(bps, bps, bps, (maxTurnover, turnoverLeft, lossLeft) => {
        for (const { name, unit, used, isBinding, limit, value } of toGuards(
          { ...STATE, maxTurnover, turnoverLeft, lossLeft },
          NOW,
        )) {
          if (unit !== "share") continue;
          expect(isBinding, name).toBe(value > limit);
          if (used !== null) expect(used > 1, name).toBe(isBinding);
        }
      }),
      { seed: 6 },
    );
  });
});

describe("over HTTP", () => {
  let fixture: Awaited<ReturnType<typeof startFixture>>;
  let decided: ReturnType<typeof decidedOf>;
  const closing: FastifyInstance[] = [];
  beforeAll(async () => {
    fixture = await startFixture();
    decided = decidedOf(50, false);
    const inputs = toInputs({
      state: STATE,
      policy: { name: "threshold", parameters: {} },
      options: DECIDE_DEFAULTS,
      now: NOW,
      hasScorer: false,
      isNotarised: false,
    });
    fixture.writer.record("live", decided, { policy: "threshold", forecast: forecastOf(50), inputs });
  });
  afterAll(async () => {
    for (const app of closing) await app.close();
    await fixture.close();
  });
  const get = async (path: string, app: FastifyInstance = fixture.app) => {
    const answer = await app.inject(`/v1/vaults${path}`);
    return { status: answer.statusCode, body: answer.json() };
  };

  test("default: each run's vault as its last decision knew it", async () => {
    const { body } = await get("");
    expect(body.items.map(({ run, address: of }: { run: string; address: string }) => [run, of])).toEqual([
      ["predictive", address(9)],
      ["threshold", address(9)],
      ["live", address(9)],
    ]);
    const one = (await get(`/${address(9)}`)).body;
    expect(one).toEqual(body.items[2]);
    expect(one).toMatchObject({
      chainId: "31337",
      source: "journal",
      at: "2022-08-11T02:00:00Z",
      block: null,
      problem: null,
      sequence: "7",
      value: `${1_000n * 10n ** 18n}`,
      nextGuard: "CoolingDown",
      decision: { hash: decided.hash, action: "hold" },
      decisionGuards: null,
    });
    expect(one.holdings[1]).toEqual({
      asset: "BTC",
      token: address(2),
      decimals: 18,
      balance: `${330n * 10n ** 18n}`,
      price: `${10n ** 18n}`,
      weight: 0.33,
      target: 0.3,
      band: 0.04,
      bandUsed: 0.75,
      isOutside: false,
    });
  });

  test("behaviour: of a journal without inputs the weights and bands alone", async () => {
    const { body } = await get(`/${address(9)}?run=predictive`);
    expect(body).toMatchObject({ run: "predictive", guards: [], nextGuard: null, value: null });
    expect(body.holdings[0]).toMatchObject({ asset: "USDC", weight: 0.3, target: 0.32, token: null });
    expect(body.holdings[0].bandUsed).toBeCloseTo(0.4, 12);
  });

  test("default: the history of weights, in pages and periods", async () => {
    const path = `/${address(9)}/weights?run=predictive`;
    const first = (await get(`${path}&limit=5`)).body;
    expect(first.items).toHaveLength(5);
    expect(first.items[0]).toEqual({
      at: "2022-08-09T11:00:00Z",
      decision: decidedOf(11, false).hash,
      assets: ["USDC", "BTC"],
      weights: [0.3, 0.7],
      targets: [0.32, 0.68],
      bands: [0.05, 1],
      isBreached: false,
      breachProbability: 0.012345,
      action: "hold",
      stage: "signed",
    });
    const rest = (await get(`${path}&limit=500&cursor=${first.nextCursor}`)).body;
    expect(rest.items).toHaveLength(7);
    expect(rest.nextCursor).toBeNull();
    const period = (await get(`${path}&from=2022-08-09T02:00Z&to=2022-08-09T04:00Z`)).body;
    expect(period.items.map(({ at }: { at: string }) => at)).toEqual([
      "2022-08-09T03:00:00Z",
      "2022-08-09T02:00:00Z",
    ]);
  });

  test("error: an unknown vault, an unknown run, no address", async () => {
    expect(await get(`/${address(8)}`)).toMatchObject({ status: 404, body: { code: "VAULT_NOT_FOUND" } });
    expect(await get(`/${address(9)}?run=x`)).toMatchObject({
      status: 404,
      body: { code: "VAULT_NOT_FOUND" },
    });
    expect(await get("/0x12")).toMatchObject({ status: 400, body: { code: "INVALID_PARAMETER" } });
  });

  async function withChain(read: Vaults["read"]) {
    let calls = 0;
    let now = 0;
    const app = await createApi({
      journal: fixture.journal,
      artefacts: ARTEFACTS,
      logger: false,
      clock: () => now,
      vaults: {
        read: (...args) => {
          calls += 1;
          return read(...args);
        },
      },
    });
    closing.push(app);
    const wait = (ms: number) => {
      now += ms;
    };
    return { app, calls: () => calls, wait };
  }

  test("default: with a node it is live, with the vault's own guards for the last decision", async () => {
    const seen: unknown[] = [];
    const { app } = await withChain(async (...args) => {
      seen.push(args[0], args[1], args[2].decision);
      const state = { ...STATE, sequence: 8n };
      const binding = { name: "WrongSequence", index: 0, limit: 9n, value: 8n, isBinding: true };
      return { at: unixMillis(NOW + 5_000), block: 12, state, guards: [binding] };
    });
    const { body } = await get(`/${address(9)}`, app);
    expect(seen).toEqual([address(9), ["USDC", "BTC", "ETH"], decided.decision]);
    expect(body).toMatchObject({ source: "chain", block: 12, sequence: "8", at: "2022-08-11T02:00:05Z" });
    expect(body.decisionGuards).toEqual([
      { name: "WrongSequence", index: 0, limit: "9", value: "8", isBinding: true },
    ]);
    expect(body.guards.find(({ name }: { name: string }) => name === "CoolingDown").value).toBe(1_995);
  });

  test("behaviour: however many ask, the node is asked once in a while", async () => {
    const { app, calls, wait } = await withChain(async () => ({
      at: NOW,
      block: 1,
      state: STATE,
      guards: null,
    }));
    await Promise.all(Array.from({ length: 20 }, () => get(`/${address(9)}`, app)));
    expect(calls()).toBe(1);
    wait(2_001);
    await get(`/${address(9)}`, app);
    expect(calls()).toBe(2);
  });

  test("error: a node that does not answer makes the vault older, says so, and names no address", async () => {
    class Silent extends BallastError {
      readonly code = "RPC_UNREACHABLE";
    }
    const { app } = await withChain(async () => {
      throw new Silent(`https://node.example/${word(5)} does not answer`);
    });
    const { status, body } = await get(`/${address(9)}`, app);
    expect([status, body.source, body.problem.code]).toEqual([200, "journal", "RPC_UNREACHABLE"]);
    expect(JSON.stringify(body)).not.toContain("node.example");
  });
});
