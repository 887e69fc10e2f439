import { JournalUnusableError, openMemoryFeed } from "@ballast/agent";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ARTEFACTS, startFixture, word } from "../../test/fixture.ts";
import { type ApiOptions, createApi } from "../app.ts";
import { redact } from "./logging.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

const KEY = `ballast_${"0".repeat(16)}_${"A".repeat(43)}`;
async function start({ level = "error", ...options }: Partial<ApiOptions> & { level?: string } = {}) {
  const log: string[] = [];
  const app = await createApi({
    journal: fixture.journal,
    artefacts: ARTEFACTS,
    logger: { level, stream: { write: (line: string) => void log.push(line) } },
    ...options,
    settings: { publicMetrics: true, ...options.settings },
  });
  return { app, log };
}

describe("logs", () => {
  test("default: at info a line for each request, in JSON, and no secret wherever it was put", async () => {
    const { app, log } = await start({ level: "info" });
    await app.inject({
      url: `/v1/runs/${KEY}?key=${KEY}`,
      headers: { authorization: `Bearer ${KEY}`, cookie: "session=hunter2", "x-request-id": "mine" },
    });
    app.log.info({ headers: { authorization: "Basic hunter2", cookie: "hunter2" } }, "with headers");
    app.log.info({ req: { headers: { "x-api-key": "hunter2" }, method: "GET" } }, "nested");
    app.log.error({ err: new Error("connect redis://user:hunter2@host:6379 refused") }, "failed");
    const lines = log.map((line) => JSON.parse(line));
    expect(lines.filter(({ reqId }) => reqId === "mine").length).toBeGreaterThanOrEqual(2);
    expect(lines.at(-1).err.message).toBe("connect redis://[redacted]@host:6379 refused");
    expect(log.join("")).not.toMatch(/hunter2|AAAA/);
    await app.close();
  });

  test.each([
    ["Bearer abc.def", "Bearer [redacted]"],
    [`x ${KEY} y`, "x [redacted] y"],
    ["rediss://:p@ss@h", "rediss://[redacted]@h"],
    ["http://host/path?mail=a@b", "http://host/path?mail=a@b"],
    ["GET /v1/runs", "GET /v1/runs"],
  ])("behaviour: %j is logged as %j", (text, expected) => {
    expect(redact(text)).toBe(expected);
  });
});

describe("request ids", () => {
  test.each([
    ["abc-1.2_3", true],
    ["x".repeat(64), true],
    ["x".repeat(65), false],
    ["", false],
    ["a b", false],
    ['"},{"', false],
    ["é", false],
  ])("behaviour: %j is kept: %s", async (given, isKept) => {
    const { app } = await start();
    const { headers, json } = await app.inject({ url: "/v1/nothing", headers: { "x-request-id": given } });
    const id = headers["x-request-id"];
    expect(id).toBe(json().requestId);
    if (isKept) expect(id).toBe(given);
    else expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    const malformed = await app.inject({ url: "/v1/decisions/%E0%A4%A", headers: { "x-request-id": given } });
    expect(malformed.headers["x-request-id"]).toBe(malformed.json().requestId);
    await app.close();
  });
});

describe("CORS", () => {
  const ask = async (cors: string[], origin: string) => {
    const { app } = await start({ settings: { cors, publicReads: false } });
    const preflight = {
      origin,
      "access-control-request-method": "GET",
      "access-control-request-headers": "authorization",
    };
    const before = await app.inject({ method: "OPTIONS", url: "/v1/runs", headers: preflight });
    const { headers } = await app.inject({ url: "/health", headers: { origin } });
    await app.close();
    return {
      status: before.statusCode,
      preflight: before.headers["access-control-allow-origin"],
      allowed: headers["access-control-allow-origin"],
      credentials: headers["access-control-allow-credentials"],
      vary: headers.vary,
    };
  };
  test("default: pages of other origins read nothing; listed ones do, a preflight without a key", async () => {
    expect(await ask([], "https://a.example")).toMatchObject({ status: 404, allowed: undefined });
    const list = ["https://a.example", "https://b.example"];
    expect(await ask(list, "https://b.example")).toMatchObject({
      status: 204,
      preflight: "https://b.example",
      allowed: "https://b.example",
      credentials: undefined,
      vary: expect.stringMatching(/origin/i),
    });
    for (const origin of ["https://a.example.evil", "http://a.example", "null"])
      expect((await ask(list, origin)).allowed, origin).toBeUndefined();
    expect((await ask(["*"], "https://c.example")).allowed).toBe("*");
  });
});

describe("/metrics", () => {
  test("default: durations by route pattern, problems by code, what is under way; ids make no series", async () => {
    const { app } = await start();
    for (let n = 0; n < 300; n++) await app.inject(`/v1/decisions/${word(n)}`);
    await app.inject("/v1/runs");
    for (const url of ["/a", "/b", "/c"]) await app.inject(url);
    await app.inject({ method: "PROPFIND", url: "/v1/runs" });
    const { body, headers } = await app.inject("/metrics");
    expect(headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    const value = (series: string) =>
      Number(
        body
          .split("\n")
          .find((line) => line.startsWith(series))
          ?.split(" ")[1],
      );
    const counted = 'ballast_api_request_duration_seconds_count{method="GET",';
    expect(value(`${counted}route="/v1/decisions/:hash",status="404"}`)).toBe(300);
    expect(value(`${counted}route="/v1/runs",status="200"}`)).toBe(1);
    expect(value(`${counted}route="unknown",status="404"}`)).toBe(3);
    expect(value('ballast_api_problems_total{code="DECISION_NOT_FOUND"}')).toBe(300);
    expect(value('ballast_api_problems_total{code="ROUTE_NOT_FOUND"}')).toBeGreaterThanOrEqual(3);
    expect(value("ballast_api_in_flight_requests")).toBe(0);
    expect(value("ballast_api_resident_memory_bytes")).toBeGreaterThan(1e7);
    expect(value("ballast_api_stream_clients")).toBe(0);
    expect(body.match(/_count\{/g)!.length).toBeLessThan(6);
    await app.close();
  });

  test("behaviour: two services in one process count apart; open streams are shown where there are any", async () => {
    const [one, two] = [await start(), await start()];
    one.app.decorate("streamClients", () => 7);
    await one.app.inject("/v1/runs");
    expect((await two.app.inject("/metrics")).body).not.toContain('route="/v1/runs"');
    expect((await one.app.inject("/metrics")).body).toContain("ballast_api_stream_clients 7\n");
    await Promise.all([one.app.close(), two.app.close()]);
  });
});

describe("/ready", () => {
  const unreadable = new Proxy({} as ApiOptions["journal"], {
    get: () => () => {
      throw new JournalUnusableError("/srv/secret", "x");
    },
  });
  test.each<[string, Partial<ApiOptions>, string | undefined]>([
    ["all is well", { folder: "/tmp", feed: { ...openMemoryFeed(), isHealthy: () => true } }, undefined],
    ["the journal cannot be read", { journal: unreadable }, "isJournalReadable"],
    ["the feed is ill", { feed: { ...openMemoryFeed(), isHealthy: () => false } }, "isFeedHealthy"],
    ["the disk is full", { folder: "/proc" }, "hasDiskSpace"],
    ["the folder is gone", { folder: "/nowhere" }, "hasDiskSpace"],
  ])("behaviour: %s", async (_, options, failing) => {
    const { app } = await start(options);
    const { statusCode, headers, body, json } = await app.inject("/ready");
    expect(statusCode).toBe(failing === undefined ? 200 : 503);
    expect(headers["cache-control"]).toBe("no-store");
    const { isReady, checks } = json();
    expect(isReady).toBe(failing === undefined);
    expect(Object.keys(checks).filter((name) => !checks[name])).toEqual(
      failing === undefined ? [] : [failing],
    );
    expect(body).not.toContain("secret");
    await app.close();
  });
});
