import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { executed, serveFixture } from "../test/ask.ts";
import { artefactsOf, startFixture, word } from "../test/fixture.ts";
import { BARS } from "../test/market-fixture.ts";
import { createApi } from "./app.ts";

const { fixture, get } = serveFixture();

describe("answers", () => {
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
    expect((await fixture().app.inject({ method: "DELETE", url: "/v1/runs" })).json()).toMatchObject({
      code: "ROUTE_NOT_FOUND",
    });
    const post = await fixture().app.inject({
      method: "POST",
      url: "/v1/runs",
      payload: { x: "x".repeat(5_000) },
    });
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
      journal: broken(fixture().journal),
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
});
