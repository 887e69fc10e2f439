import { outlookOf } from "@ballast/agent";
import { readEvidence, verifyOffchain } from "@ballast/attest";
import type { Hex } from "@ballast/data";
import { expect, test } from "vitest";
import { executed, serveFixture } from "../../test/ask.ts";
import {
  ATTESTER,
  atOf,
  DOMAIN,
  decidedOf,
  EXECUTION,
  forecastOf,
  MODEL_ID,
  startFixture,
  UID,
} from "../../test/fixture.ts";

const { fixture, get, offchainUid } = serveFixture();

test("default: a decision as it was journalled, wide integers as digits, what is not finite as null", async () => {
  const { status, body } = await get(`/v1/decisions/${executed.hash}`);
  expect(status).toBe(200);
  expect(body).toStrictEqual({
    hash: executed.hash,
    run: "predictive",
    at: "2022-08-09T05:00:00Z",
    stage: "executed",
    action: "rebalance",
    reason: "breach-forecast",
    policy: "predictive",
    isBreached: false,
    breachProbability: 0.012345,
    weights: [0.3, 0.7],
    numbers: { hoursToBreach: null, costBps: 1.5 },
    decision: {
      ...executed.decision,
      chainId: "31337",
      sequence: "6",
      decidedAt: "1660021200",
      expiresAt: "1660022100",
    },
    trades: [{ ...executed.trades[0], amountIn: "1180591620717411303424", minAmountOut: "1" }],
    offchainUid: fixture().journal.get(executed.hash)?.offchainUid,
    uid: UID,
    txHash: EXECUTION.txHash,
    execution: {
      ...EXECUTION,
      gasUsed: "210000",
      gasPrice: "1000000000000000000",
      amountsOut: ["18446744073709551616"],
      minedAt: "2021-05-03T00:00:12Z",
      navBefore: "1000000000000000000000000",
      navAfter: "999900000000000000000000",
      outcome: null,
    },
    rejection: null,
    forecast: expect.objectContaining({ hash: executed.decision.forecastHash, modelId: MODEL_ID }),
    outlook: expect.any(Array),
    alternatives: [],
    verify: `/v1/decisions/${executed.hash}/verify?run=predictive`,
  });
});

test("default: where each weight of a decision goes, by the forecast it signed for; null without one", async () => {
  const { body } = await get(`/v1/decisions/${executed.hash}`);
  const expected = outlookOf(executed.watch!, executed.weights, forecastOf(5));
  expect(body.outlook.map(({ asset }: { asset: string }) => asset)).toEqual(["USDC", "BTC"]);
  const [{ horizons, ...holding }, free] = body.outlook;
  expect(holding).toEqual({ asset: "USDC", weight: 0.3, target: 0.32, band: 0.05 });
  expect(horizons).toEqual(expected[0]!.horizons);
  expect(horizons.map(({ hours }: { hours: number }) => hours)).toEqual([1, 24]);
  // A band of the whole range is never left.
  expect(free.horizons).toEqual(expected[1]!.horizons.map((at) => ({ ...at, hoursToBreach: null })));
  const plain = (await get("/v1/decisions?run=threshold&limit=1")).body.items[0].hash;
  expect((await get(`/v1/decisions/${plain}`)).body).toMatchObject({ forecast: null, outlook: null });
});

test("default: what a decision had to choose from, with what each was expected to cost", async () => {
  const own = await startFixture();
  const numbers = {
    actingFeesBps: 3,
    actingGasBps: 2,
    waitingGasBps: 1.5,
    actingTrackingErrorBps24h: 0,
    waitingTrackingErrorBps24h: 40,
  };
  const show = async (n: number, isTrade: boolean, known: Record<string, number>) => {
    const decided = { ...decidedOf(n, isTrade), numbers: known };
    own.writer.record("other", decided, { policy: "other", forecast: forecastOf(n) });
    return (await own.app.inject(`/v1/decisions/${decided.hash}`)).json().alternatives;
  };
  expect(await show(60, true, numbers)).toEqual([
    { action: "trade", isChosen: true, feesBps: 3, gasBps: 2, trackingErrorBps24h: 0 },
    { action: "wait", isChosen: false, feesBps: 3, gasBps: 1.5, trackingErrorBps24h: 40 },
  ]);
  // Without a forecast nothing is known of the day ahead.
  expect(await show(61, false, { actingFeesBps: 3, actingGasBps: 2 })).toEqual([
    { action: "trade", isChosen: false, feesBps: 3, gasBps: 2, trackingErrorBps24h: null },
    { action: "wait", isChosen: true, feesBps: 3, gasBps: null, trackingErrorBps24h: null },
  ]);
  await own.close();
});

test("behaviour: no outlook by a forecast that the decision did not sign for, nor without its bands", async () => {
  const own = await startFixture();
  const detail = async (hash: Hex) => (await own.app.inject(`/v1/decisions/${hash}`)).json();
  const other = decidedOf(40, false);
  own.writer.record("other", other, { policy: "other", forecast: forecastOf(41) });
  expect((await detail(other.hash)).outlook).toBeNull();
  const { watch: _, ...early } = decidedOf(42, false);
  own.writer.record("other", early, { policy: "other", forecast: forecastOf(42) });
  expect(await detail(early.hash)).toMatchObject({
    forecast: { at: "2022-08-10T18:00:00Z" },
    outlook: null,
  });
  await own.close();
});

test.each([
  ["", 15],
  ["?action=rebalance", 1],
  ["?action=hold", 14],
  ["?run=threshold", 3],
  ["?run=nobody", 0],
  ["?stage=executed", 1],
  ["?stage=signed&run=predictive", 11],
  ["?from=2022-08-09", 15],
  ["?from=2022-08-09&to=2022-08-10", 15],
  ["?to=2022-08-09T02:00:00%2B02:00", 0],
  ["?to=2022-08-09T04:00:00%2B02:00", 2],
  ["?limit=4", 4],
])("behaviour: /v1/decisions%s has %i items", async (query, count) => {
  const { status, body } = await get(`/v1/decisions${query}`);
  expect(status).toBe(200);
  expect(body.items).toHaveLength(count);
});

test("behaviour: pages of decisions hold each once", async () => {
  const hashes: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await get(`/v1/decisions?limit=4${cursor && `&cursor=${cursor}`}`);
    hashes.push(...body.items.map(({ hash }: { hash: string }) => hash));
    cursor = body.nextCursor;
  }
  expect(new Set(hashes).size).toBe(15);
  expect(hashes).toHaveLength(15);
});

test("default: an attestation's evidence passes every off-chain check, by either uid and in either case", async () => {
  for (const [uid, kind, decided] of [
    [UID, "onchain", executed],
    [offchainUid(), "offchain", decidedOf(3, false)],
    [`0x${offchainUid().slice(2).toUpperCase()}`, "offchain", decidedOf(3, false)],
  ] as const) {
    const { status, body } = await get(`/v1/attestations/${uid}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      uid: uid.toLowerCase(),
      kind,
      decisionHash: decided.hash,
      run: "predictive",
    });
    const file = await get(body.verify.evidence);
    expect(file.body).toStrictEqual(body.evidence);
    const evidence = readEvidence(file.text);
    expect(evidence.decision).toStrictEqual(decided.decision);
    const checks = verifyOffchain(evidence.offchain, evidence.decision, evidence.trades, {
      ...DOMAIN,
      vault: decided.decision.vault,
      attesters: [ATTESTER],
      asOf: atOf(decided === executed ? 5 : 3),
    });
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(checks.map(({ name }) => name)).toContain("signature");
  }
});
