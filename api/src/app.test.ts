import { createRequire } from "node:module";
import { outlookOf } from "@ballast/agent";
import { readEvidence, verifyOffchain } from "@ballast/attest";
import type { Hex } from "@ballast/data";
import { forecastHash } from "@ballast/model";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ATTESTER,
  address,
  artefactsOf,
  atOf,
  DOMAIN,
  decidedOf,
  EXECUTION,
  forecastOf,
  MANIFEST,
  MODEL,
  MODEL_ID,
  NETWORK,
  NETWORK_ID,
  startFixture,
  UID,
  word,
} from "../test/fixture.ts";
import { BARS, SNAPSHOT } from "../test/market-fixture.ts";
import { createApi } from "./app.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
let app: FastifyInstance;
let offchainUid: Hex;
beforeAll(async () => {
  fixture = await startFixture();
  app = fixture.app;
  offchainUid = fixture.journal.get(decidedOf(3, false).hash)?.offchainUid ?? "0x";
});
afterAll(() => fixture.close());

const get = async (url: string, headers: Record<string, string> = {}) => {
  const response = await app.inject({ method: "GET", url, headers });
  return {
    status: response.statusCode,
    headers: response.headers,
    text: response.body,
    body: toJson(response.body),
  };
};
function toJson(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const executed = decidedOf(5, true);

describe("answers", () => {
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
      offchainUid: fixture.journal.get(executed.hash)?.offchainUid,
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

  test("default: the latest forecast alone, with annual volatility", async () => {
    const { body } = await get("/v1/forecasts");
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({ hash: forecastHash(forecastOf(11)), at: "2022-08-09T11:00:00Z" });
    // 24 h at a variance of 2.4e-4: sqrt(2.4e-4 · 365) = sqrt(0.0876).
    expect(body.items[0].assets[0]).toStrictEqual({
      asset: "BTC",
      horizons: [
        { hours: 1, variance: 1.2e-4, volAnnual: Math.sqrt(1.2e-4 * 8_760), quantiles: [9.6e-5, 1.44e-4] },
        { hours: 24, variance: 2.4e-4, volAnnual: expect.closeTo(0.29597297, 8), quantiles: [2e-4, 3e-4] },
      ],
      correlation: { BTC: 1, ETH: 0.8 },
    });
    expect(body.items[0].levels).toEqual([0.25, 0.75]);
    const at = (mean: number) => ({ mean, quantiles: [mean / 2, 2 * mean] });
    expect(body.items[0].costs).toStrictEqual({
      levels: [0.05, 0.95],
      series: [
        {
          series: "base_fee_gwei",
          now: 24,
          horizons: [
            { hours: 1, last: at(22), mean: at(22), lowest: at(22) },
            { hours: 4, last: at(20), mean: at(21), lowest: at(18) },
          ],
        },
      ],
    });
  });

  test("behaviour: forecasts of a period, of one asset, page by page", async () => {
    const times: string[] = [];
    let url = `/v1/forecasts?from=${atOf(2)}&to=2022-08-09T07:00:00%2B00:00&limit=2&asset=eth`;
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { body } = await get(cursor === "" ? url : `${url}&cursor=${cursor}`);
      for (const { at, assets } of body.items) {
        times.push(at);
        expect(assets.map(({ asset }: { asset: string }) => asset)).toEqual(["ETH"]);
      }
      cursor = body.nextCursor;
    }
    expect(times).toEqual(["06", "05", "04", "03", "02"].map((hour) => `2022-08-09T${hour}:00:00Z`));
    url = `/v1/forecasts?asset=DOGE`;
    expect((await get(url)).body.items[0].assets).toEqual([]);
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
      [offchainUid, "offchain", decidedOf(3, false)],
      [`0x${offchainUid.slice(2).toUpperCase()}`, "offchain", decidedOf(3, false)],
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

  test("default: models with their manifests, and the shape of one", async () => {
    expect((await get("/v1/models")).body).toStrictEqual({ items: [MANIFEST] });
    const { body } = await get(`/v1/models/${MODEL_ID}`);
    expect(body).toMatchObject({ modelId: MODEL_ID, manifest: MANIFEST });
    const [inputs = 0, hidden = 0, outputs = 0] = body.artefact.members[0];
    expect(body.artefact).toMatchObject({
      bytes: MODEL.length,
      // The linear layer, and one hidden layer of eight.
      parameters: (inputs + 1) * outputs + (inputs + 1) * hidden + (hidden + 1) * outputs,
    });
    expect(hidden).toBe(8);
  });

  test("default: runs side by side", async () => {
    const { body } = await get("/v1/runs");
    expect(body.items).toMatchObject([
      {
        run: "predictive",
        holds: 11,
        rebalances: 1,
        stages: { executed: 1, signed: 11 },
        meta: { market: { name: "synthetic", hash: word(8) } },
      },
      {
        run: "threshold",
        holds: 3,
        rebalances: 0,
        from: "2022-08-09T20:00:00Z",
        to: "2022-08-09T22:00:00Z",
        meta: {},
      },
    ]);
  });

  test("default: health, index and reference pages", async () => {
    expect((await get("/health")).body).toStrictEqual({
      status: "ok",
      version: "0.1.0",
      journal: { isReady: true, lastForecastAt: "2022-08-09T11:00:00Z" },
    });
    expect((await get("/")).headers.location).toBe("/v1");
    const index = await get("/v1");
    expect(index.headers["content-type"]).toMatch("text/html");
    const links = [...index.text.matchAll(/href="([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(links.length).toBeGreaterThan(5);
    for (const link of links) expect((await get(link)).status, link).toBe(link === "/" ? 302 : 200);
    const docs = await get("/docs");
    expect(docs.headers["content-security-policy"]).toContain("default-src 'self'");
    expect(docs.headers["content-security-policy"]).not.toContain("upgrade-insecure-requests");
    const scripts = [...docs.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(scripts.length).toBeGreaterThan(2);
    for (const script of scripts) {
      expect(script).not.toMatch(/^https?:/); // Works offline.
      expect((await get(new URL(script, "http://x/docs/").pathname)).status, script).toBe(200);
    }
  });

  test("default: a vault's network in the bytes that its name is the hash of", async () => {
    const { body, headers } = await get(`/v1/networks/${NETWORK_ID.toUpperCase().replace("X", "x")}`);
    expect(body).toEqual({ networkId: NETWORK_ID, modelId: MODEL_ID, bytes: NETWORK });
    expect(headers["cache-control"]).toContain("immutable");
  });

  test("behaviour: an answer that did not change costs a 304", async () => {
    const first = await get(`/v1/decisions/${executed.hash}`);
    const etag = String(first.headers.etag);
    expect((await get(`/v1/decisions/${executed.hash}`, { "if-none-match": etag })).status).toBe(304);
    expect((await get("/v1/runs", { "if-none-match": etag })).status).toBe(200);
  });

  test("behaviour: no page may frame, sniff or script an answer", async () => {
    const { headers } = await get("/v1/runs");
    expect(headers).toMatchObject({
      "content-security-policy": "default-src 'none';frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "cache-control": "no-cache",
    });
  });
});

interface Operation {
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly description: string;
    readonly example?: unknown;
    readonly schema: { readonly enum?: readonly string[] };
  }[];
}

// The validator that the client's generator brings with it.
const fromGenerator = createRequire(createRequire(import.meta.url).resolve("openapi-typescript"));
const { createConfig, lintFromString } = fromGenerator("@redocly/openapi-core") as {
  createConfig(config: object): Promise<object>;
  lintFromString(options: { source: string; config: object }): Promise<{ message: string }[]>;
};
async function faultsOf(source: string): Promise<string[]> {
  const config = await createConfig({
    rules: { struct: "error", "no-unresolved-refs": "error" },
  });
  return (await lintFromString({ source, config })).map(({ message }) => message);
}

describe("OpenAPI", () => {
  const ROUTES: Readonly<Record<string, readonly (() => string)[]>> = {
    "/v1/forecasts": [() => "/v1/forecasts", () => "/v1/forecasts?limit=10&asset=BTC"],
    "/v1/decisions": [() => "/v1/decisions"],
    "/v1/decisions/{hash}": [
      () => `/v1/decisions/${executed.hash}`,
      () => `/v1/decisions/${word(1)}`,
      () => "/v1/decisions/1",
    ],
    "/v1/decisions/{hash}/verify": [
      () => `/v1/decisions/${executed.hash}/verify`,
      () => `/v1/decisions/${word(1)}/verify`,
      () => "/v1/decisions/1/verify",
    ],
    "/v1/vaults": [() => "/v1/vaults"],
    "/v1/vaults/{address}": [() => `/v1/vaults/${address(9)}`, () => `/v1/vaults/${address(8)}`],
    "/v1/vaults/{address}/weights": [
      () => `/v1/vaults/${address(9)}/weights?limit=2`,
      () => `/v1/vaults/${address(8)}/weights`,
      () => "/v1/vaults/9/weights",
    ],
    "/v1/attestations/{uid}": [() => `/v1/attestations/${UID}`, () => `/v1/attestations/${word(1)}`],
    "/v1/attestations/{uid}/evidence": [() => `/v1/attestations/${offchainUid}/evidence`],
    "/v1/models": [() => "/v1/models"],
    "/v1/models/{modelId}": [() => `/v1/models/${MODEL_ID}`, () => `/v1/models/${word(1)}`],
    "/v1/models/metrics": [() => "/v1/models/metrics"],
    "/v1/models/compare": [() => "/v1/models/compare", () => `/v1/models/compare?a=${word(1)}&b=${word(2)}`],
    "/v1/models/promotions": [() => "/v1/models/promotions"],
    "/v1/models/{modelId}/over-time": [
      () => `/v1/models/${word(1)}/over-time`,
      () => "/v1/models/1/over-time",
    ],
    "/v1/models/{modelId}/reliability": [
      () => `/v1/models/${word(1)}/reliability`,
      () => "/v1/models/1/reliability",
    ],
    "/v1/networks/{networkId}": [() => `/v1/networks/${NETWORK_ID}`, () => `/v1/networks/${word(1)}`],
    "/v1/runs": [() => "/v1/runs"],
    "/v1/assets": [() => "/v1/assets", () => "/v1/assets?x=1", () => "/v1/assets?format=xlsx"],
    "/v1/bars": [() => "/v1/bars?asset=BTC&limit=3", () => "/v1/bars?asset=ETH", () => "/v1/bars?asset=DOGE"],
    "/v1/snapshots": [() => "/v1/snapshots"],
    "/v1/snapshots/{root}": [() => `/v1/snapshots/${SNAPSHOT.root}`, () => `/v1/snapshots/${word(1)}`],
    "/v1/breaches": [() => "/v1/breaches", () => "/v1/breaches?limit=100"],
    "/v1/costs": [() => "/v1/costs", () => "/v1/costs?limit=5&series=base_fee_gwei&hours=4"],
    "/v1/datasets": [() => "/v1/datasets"],
    "/v1/backtests": [() => "/v1/backtests"],
    "/v1/backtests/data-sets": [() => "/v1/backtests/data-sets"],
    "/v1/backtests/{id}": [() => `/v1/backtests/${"0".repeat(24)}`, () => "/v1/backtests/1"],
    "/v1/backtests/{id}/events": [() => `/v1/backtests/${"0".repeat(24)}/events`],
    "/v1/backtests/{id}/report": [() => `/v1/backtests/${"0".repeat(24)}/report`],
    "/v1/backtests/{id}/records/{label}": [() => `/v1/backtests/${"0".repeat(24)}/records/threshold`],
    "/health": [() => "/health"],
    "/ready": [() => "/ready"],
  };

  test("default: the document has exactly the routes, and every answer is as it says", async () => {
    const { body: document } = await get("/openapi.json");
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths).sort()).toEqual(Object.keys(ROUTES).sort());
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    for (const [path, examples] of Object.entries(ROUTES)) {
      for (const example of examples) {
        const { status, headers, body } = await get(example());
        const answer = document.paths[path].get.responses[status];
        expect(answer, `${path} ${status}`).toBeDefined();
        const { schema } = answer.content[String(headers["content-type"]).split(";", 1)[0] ?? ""];
        const validate = ajv.compile(schema);
        validate(body);
        expect(validate.errors, example()).toBeNull();
        if (status >= 400) expect(headers["content-type"]).toMatch("application/problem+json");
      }
    }
  });

  test("default: every route says what it is, every parameter what it means and how it looks", async () => {
    const { body: document } = await get("/openapi.json");
    for (const [path, { get: operation }] of Object.entries<{ get: Operation }>(document.paths)) {
      expect(operation.summary, path).toMatch(/^[A-Z]/);
      expect(operation.description, path).toMatch(/\.$/);
      for (const { name, description, example, schema } of operation.parameters ?? []) {
        expect(description, `${path} ${name}`).toMatch(/^[A-Z]|nextCursor/);
        expect(example ?? schema.enum?.[0], `${path} ${name}`).toBeDefined();
      }
    }
  });

  test("default: the document is valid OpenAPI 3.1; error: a broken one is found", async () => {
    const { text, body: document } = await get("/openapi.json");
    expect(await faultsOf(text)).toEqual([]);
    document.paths["/v1/runs"].get.parameters = [{ name: "x", in: "nowhere", schema: {} }];
    expect(await faultsOf(JSON.stringify(document))).toEqual([expect.stringContaining("in")]);
  });
});

describe("refusals", () => {
  test.each([
    [`/v1/decisions/${word(1)}`, 404, "DECISION_NOT_FOUND", word(1)],
    [`/v1/decisions/${executed.hash}?run=threshold`, 404, "DECISION_NOT_FOUND", executed.hash],
    [`/v1/attestations/${word(1)}`, 404, "ATTESTATION_NOT_FOUND", word(1)],
    [`/v1/models/${word(1)}`, 404, "MODEL_NOT_FOUND", word(1)],
    [`/v1/networks/${word(1)}`, 404, "NETWORK_NOT_FOUND", word(1)],
    ["/v1/decisions/0x12", 400, "INVALID_PARAMETER", "hash"],
    ["/v1/attestations/x", 400, "INVALID_PARAMETER", "uid"],
    [`/v1/models/${"f".repeat(64)}`, 400, "INVALID_PARAMETER", "modelId"],
    ["/v1/decisions?limit=0", 400, "INVALID_PARAMETER", "limit"],
    ["/v1/decisions?limit=501", 400, "INVALID_PARAMETER", "limit"],
    ["/v1/decisions?limit=1&limit=2", 400, "INVALID_PARAMETER", "limit"],
    ["/v1/decisions?limit=ten", 400, "INVALID_PARAMETER", "limit"],
    ["/v1/decisions?stage=done", 400, "INVALID_PARAMETER", "stage"],
    ["/v1/decisions?action=sell", 400, "INVALID_PARAMETER", "action"],
    ["/v1/decisions?from=yesterday", 400, "INVALID_PARAMETER", "from"],
    ["/v1/decisions?from=2022-13-01", 400, "INVALID_PARAMETER", "from"],
    ["/v1/decisions?to=2022-08-09T00:00:00", 400, "INVALID_PARAMETER", "to"],
    ["/v1/decisions?to=9999999999999999", 400, "INVALID_PARAMETER", "to"],
    ["/v1/decisions?acton=hold", 400, "INVALID_PARAMETER", "acton"],
    ["/v1/decisions?cursor=abc", 400, "JOURNAL_CURSOR", "abc"],
    ["/v1/forecasts?asset=", 400, "INVALID_PARAMETER", "asset"],
    ["/v1/bars", 400, "INVALID_PARAMETER", "asset"],
    ["/v1/bars?asset=btc", 400, "INVALID_PARAMETER", "asset"],
    ["/v1/bars?asset=BTC&interval=1y", 400, "INVALID_PARAMETER", "interval"],
    ["/v1/bars?asset=BTC&interval=2h", 404, "BARS_NOT_FOUND", "BTC"],
    ["/v1/bars?asset=DOGE", 404, "BARS_NOT_FOUND", "DOGE"],
    ["/v1/bars?asset=ETH", 400, "AMBIGUOUS_BARS", "kraken"],
    ["/v1/bars?asset=BTC&cursor=abc", 400, "TIME_CURSOR", "abc"],
    ["/v1/bars?asset=BTC&fields=open,x", 400, "UNKNOWN_FIELD", "there is no x"],
    ["/v1/bars?asset=BTC&format=xlsx", 400, "INVALID_PARAMETER", "format"],
    ["/v1/decisions?fields=trade", 400, "UNKNOWN_FIELD", "trade"],
    ["/v1/forecasts?format=csv&fields=assets", 400, "UNKNOWN_FIELD", "volAnnual"],
    ["/v1/runs?format=csv", 400, "INVALID_PARAMETER", "format"],
    [`/v1/snapshots/${word(1)}`, 404, "SNAPSHOT_NOT_FOUND", word(1)],
    ["/v1/nothing", 404, "ROUTE_NOT_FOUND", "/v1/nothing"],
    [`/v1/decisions/${"a".repeat(200)}`, 414, "PARAMETER_TOO_LONG", "max param length"],
    ["/v1/decisions/%E0%A4%A", 400, "MALFORMED_URL", ""],
  ])("error: %s is %i %s", async (url, status, code, named) => {
    const { headers, body } = await get(url);
    expect(body).toMatchObject({ status, code, type: "about:blank", requestId: expect.any(String) });
    expect(body.detail).toContain(named);
    expect(headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  });

  test("error: other methods, and a body that is too large", async () => {
    expect((await app.inject({ method: "DELETE", url: "/v1/runs" })).json()).toMatchObject({
      code: "ROUTE_NOT_FOUND",
    });
    const post = await app.inject({ method: "POST", url: "/v1/runs", payload: { x: "x".repeat(5_000) } });
    expect(post.statusCode).toBeGreaterThanOrEqual(400);
    expect(post.statusCode).toBeLessThan(500);
  });

  test("behaviour: whatever a parameter holds, the answer is never a 5xx and a refusal is a problem", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 80 }),
      fc.constantFrom(
        "0",
        "-1",
        "1e3",
        "NaN",
        "null",
        "' OR 1=1 --",
        "__proto__",
        "%00",
        "2022-08-09",
        "[object Object]",
        "BTC",
        "csv",
        "arrow",
        "at,hash",
      ),
      fc.integer().map(String),
    );
    const key = fc.constantFrom(
      "run",
      "action",
      "stage",
      "from",
      "to",
      "limit",
      "cursor",
      "asset",
      "hours",
      "interval",
      "fields",
      "format",
      "series",
      "__proto__",
      "x",
    );
    const path = fc.oneof(
      fc.constantFrom(
        "/v1/forecasts",
        "/v1/decisions",
        `/v1/decisions/${executed.hash}`,
        "/v1/models",
        "/v1/runs",
        "/v1/assets",
        "/v1/bars",
        "/v1/snapshots",
        "/v1/breaches",
        "/v1/costs",
        "/v1/datasets",
        "/health",
      ),
      fc
        .tuple(fc.constantFrom("decisions", "attestations", "models", "snapshots"), text)
        .map(([room, id]) => `/v1/${room}/${encodeURIComponent(id.toWellFormed())}`),
    );
    const query = fc.array(fc.tuple(key, text), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(path, query, async (at, pairs) => {
        const search = new URLSearchParams(pairs.map(([k, v]): [string, string] => [k, v])).toString();
        const { status, headers, body } = await get(`${at}?${search}`);
        expect(status).toBeLessThan(500);
        if (status !== 200) {
          expect(headers["content-type"]).toMatch("application/problem+json");
          expect(body.status).toBe(status);
        }
      }),
      { seed: 4, numRuns: 400 },
    );
  });
});

describe("failures of the server", () => {
  const SECRET = "secret-5f1c /srv/keystore";
  const failing = new Error(SECRET);
  const broken = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: () => () => {
        throw failing;
      },
    });

  test("error: a 500 tells nothing of its cause; the log does, under the same id", async () => {
    const log: string[] = [];
    const logger = { level: "error", stream: { write: (line: string) => void log.push(line) } };
    const api = await createApi({
      journal: broken(fixture.journal),
      artefacts: broken(artefactsOf()),
      bars: broken(BARS),
      logger,
    });
    for (const url of [
      "/v1/forecasts",
      "/v1/decisions",
      `/v1/decisions/${word(1)}`,
      `/v1/attestations/${word(1)}`,
      "/v1/models",
      `/v1/models/${word(1)}`,
      "/v1/runs",
      "/v1/breaches",
      "/v1/costs?format=csv",
      "/v1/snapshots",
      "/v1/datasets",
      "/v1/assets",
      "/v1/bars?asset=BTC",
    ]) {
      log.length = 0;
      const response = await api.inject(url);
      expect(response.statusCode, url).toBe(500);
      expect(response.body).not.toMatch(/secret|keystore|stack|\.ts/);
      expect(response.json()).toMatchObject({ code: "INTERNAL", title: "Internal Server Error" });
      expect(JSON.parse(log[0] ?? "{}")).toMatchObject({
        reqId: response.json().requestId,
        err: { message: SECRET },
      });
    }
    const health = await api.inject("/health");
    expect(health.statusCode).toBe(503);
    expect(health.json()).toMatchObject({ status: "unavailable", journal: { isReady: false } });
    await api.close();
  });

  test("error: a journal that was closed or taken away is a 5xx without its path", async () => {
    const own = await startFixture();
    own.journal.close();
    const response = await own.app.inject("/v1/runs");
    expect(response.statusCode).toBeGreaterThanOrEqual(500);
    expect(response.body).not.toContain(own.path);
    expect(own.log.length).toBe(1);
    await own.close();
  });

  test("behaviour: a model whose manifest alone is kept is still listed", async () => {
    const own = await startFixture(artefactsOf(Buffer.from(JSON.stringify(MANIFEST))));
    const response = await own.app.inject(`/v1/models/${MODEL_ID}`);
    expect(response.json()).toStrictEqual({ modelId: MODEL_ID, manifest: MANIFEST, artefact: null });
    await own.close();
  });
});
