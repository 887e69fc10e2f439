import { afterAll, beforeAll, expect, test } from "vitest";
import { ARTEFACTS, startFixture, word } from "../../test/fixture.ts";
import { createApi } from "../app.ts";
import type { Settings } from "../config.ts";
import { safeHeadersOf } from "./safe-headers.ts";

const POLICY = { "default-src": ["'none'"], "frame-ancestors": ["'none'"] };
const ORIGINS = ["https://a.example", "https://b.example"];

let fixture: Awaited<ReturnType<typeof startFixture>>;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

const start = (settings: Partial<Settings> = {}) =>
  createApi({
    journal: fixture.journal,
    artefacts: ARTEFACTS,
    logger: false,
    settings: { ratePerAddress: 0, cors: ORIGINS, ...settings },
  });

/** A service whose only place is taken by a request that never ends. */
async function startFull() {
  const app = await start({ maxInFlight: 1 });
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  app.get("/v1/test", async () => {
    await held;
    return {};
  });
  const taken = app.inject("/v1/test").then(() => undefined);
  const end = () => {
    release();
    return taken;
  };
  return { app, end };
}

test.each([
  ["what nobody asked for", 404, "/v1/nothing", {}],
  ["a wrong parameter", 400, "/v1/runs?x=1", {}],
  ["no such decision", 404, `/v1/decisions/${word(1)}`, {}],
  ["no URL", 400, "/v1/decisions/%zz", {}],
  ["a segment that is too long", 414, `/v1/decisions/${"a".repeat(200)}`, {}],
  ["a read without a key", 401, "/v1/runs", { publicReads: false }],
  ["models without a key", 401, "/v1/models", { publicReads: false }],
] as const)("error: %s is refused with every safe header (%i)", async (_, status, url, settings) => {
  const app = await start(settings);
  const { statusCode, headers } = await app.inject(url);
  expect(statusCode).toBe(status);
  expect(headers).toMatchObject({
    ...safeHeadersOf(POLICY),
    "content-type": "application/problem+json; charset=utf-8",
    "x-request-id": expect.any(String),
  });
  await app.close();
});

test.each(["/v1/models", "/v1/runs", "/v1/nothing", "/v1/backtests"])(
  "error: %s of a service that is full is refused with every safe header, and a page of another origin may read it",
  async (url) => {
    const { app, end } = await startFull();
    const { statusCode, headers } = await app.inject({ url, headers: { origin: "https://a.example" } });
    expect(statusCode).toBe(503);
    expect(headers).toMatchObject({
      ...safeHeadersOf(POLICY),
      "content-type": "application/problem+json; charset=utf-8",
      "retry-after": "1",
      "access-control-allow-origin": "https://a.example",
    });
    await end();
    await app.close();
  },
);

test("error: a rate that is exceeded, of a route whose answers are kept and of another", async () => {
  const app = await start({ ratePerAddress: 1 });
  await app.inject("/v1/models");
  for (const url of ["/v1/models", "/v1/runs"]) {
    const { statusCode, headers } = await app.inject(url);
    expect(statusCode).toBe(429);
    expect(headers).toMatchObject({ ...safeHeadersOf(POLICY), "ratelimit-remaining": "0" });
  }
  await app.close();
});

test.each(["/v1/decisions", "/v1/runs", "/v1/models", "/v1/forecasts?format=csv"])(
  "behaviour: %s says that it depends on the origin, at first and when it is kept",
  async (url) => {
    const app = await start();
    for (const origin of [...ORIGINS, ...ORIGINS]) {
      const { headers } = await app.inject({ url, headers: { origin } });
      expect(headers["access-control-allow-origin"]).toBe(origin);
      expect(headers.vary).toMatch(/\borigin\b/i);
    }
    await app.close();
  },
);
