import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ARTEFACTS, startFixture } from "../../test/fixture.ts";
import { createApi } from "../app.ts";
import type { Settings } from "../config.ts";
import { createKey, revokeKey, SCOPES, type Scope } from "../keys.ts";

const AT = "2022-08-09T00:00:00Z";
let fixture: Awaited<ReturnType<typeof startFixture>>;
let folder: string;
let keys: string;
let audit: string;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "access-"));
  keys = join(folder, "keys.json");
  audit = join(folder, "audit.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A service with a route of each scope, whose handlers leave a mark. */
async function start(settings: Partial<Settings> = {}) {
  const app = await createApi({
    journal: fixture.journal,
    artefacts: ARTEFACTS,
    logger: false,
    settings: { keys, audit, publicReads: false, ...settings },
  });
  const done: string[] = [];
  for (const scope of SCOPES)
    app.post(`/v1/test/${scope}`, { config: { scope } }, ({ caller }) => {
      done.push(caller.id);
      return { caller: caller.id };
    });
  const ask = async (url: string, key?: string, method: "GET" | "POST" = "GET") => {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}`, "x-request-id": "r-1" };
    const { statusCode, headers: sent, body } = await app.inject({ method, url, headers });
    return {
      status: statusCode,
      headers: sent,
      body,
      code: body.startsWith("{") ? JSON.parse(body).code : undefined,
    };
  };
  return { app, ask, done };
}
const make = async (scope: Scope) => (await createKey(keys, { name: scope, scope, at: AT })).key;

describe("access", () => {
  test("default: each scope may do its own and what those before it may", async () => {
    const made = { read: await make("read"), submit: await make("submit"), admin: await make("admin") };
    const { app, ask, done } = await start();
    for (const has of SCOPES) {
      for (const needed of SCOPES) {
        const may = SCOPES.indexOf(has) >= SCOPES.indexOf(needed);
        const { status, code } = await ask(`/v1/test/${needed}`, made[has], "POST");
        expect([status, code], `${has} ${needed}`).toEqual(may ? [200, undefined] : [403, "SCOPE_TOO_SMALL"]);
      }
      expect((await ask("/v1/decisions", made[has])).status).toBe(200);
    }
    expect(done).toHaveLength(6);
    expect(new Set(done.map((id) => id.slice(0, 4)))).toEqual(new Set(["key:"]));
    await app.close();
  });

  test("behaviour: where reads are public they need no key; submitting always does", async () => {
    const { app, ask } = await start({ publicReads: true });
    expect((await ask("/v1/decisions")).status).toBe(200);
    expect((await ask("/v1/test/read", undefined, "POST")).body).toBe('{"caller":"address:127.0.0.1"}');
    expect(await ask("/v1/test/submit", undefined, "POST")).toMatchObject({
      status: 401,
      code: "KEY_REQUIRED",
    });
    await app.close();
  });

  test("error: no key, a wrong one, a revoked one; nothing of the key is in the answer", async () => {
    const key = await make("admin");
    const { record } = await createKey(keys, { name: "old", scope: "admin", at: AT });
    const { app, ask } = await start();
    expect(await ask("/v1/decisions")).toMatchObject({
      status: 401,
      code: "KEY_REQUIRED",
      headers: { "www-authenticate": "Bearer", "content-type": "application/problem+json; charset=utf-8" },
    });
    const forged = `${key.slice(0, -2)}${key.endsWith("AA") ? "BB" : "AA"}`;
    for (const wrong of [forged, "x", "", record.id, record.sha256, `${key}x`]) {
      const { status, code, body } = await ask("/v1/decisions", wrong);
      expect([status, code]).toEqual([401, "KEY_UNKNOWN"]);
      if (wrong.length > 1) expect(body).not.toContain(wrong);
    }
    for (const authorization of ["", "Basic eDp5", key, "Bearer"])
      expect((await app.inject({ url: "/v1/decisions", headers: { authorization } })).statusCode).toBe(401);
    await app.close();

    await revokeKey(keys, key.slice(8, 24), AT);
    const after = await start({ publicReads: true });
    // Even where none is needed: whoever sends a key counts on it.
    expect(await after.ask("/v1/decisions", key)).toMatchObject({ status: 401, code: "KEY_REVOKED" });
    await after.app.close();
  });

  test("behaviour: pages, health and readiness need none; metrics only where they are public", async () => {
    const key = await make("read");
    const { app, ask } = await start();
    for (const page of ["/docs", "/openapi.json", "/health", "/ready"])
      expect((await ask(page)).status, page).toBe(200);
    // Without a dashboard the page leads on to the routes.
    expect((await ask("/")).status).toBe(302);
    expect((await ask("/v1/nothing")).code).toBe("ROUTE_NOT_FOUND");
    expect((await ask("/metrics")).code).toBe("KEY_REQUIRED");
    expect((await ask("/metrics", key)).status).toBe(200);
    await app.close();
    const local = await start({ publicReads: true });
    expect((await local.ask("/metrics")).code).toBe("KEY_REQUIRED");
    await local.app.close();
    const open = await start({ publicMetrics: true });
    expect((await open.ask("/metrics")).status).toBe(200);
    await open.app.close();
  });

  test("behaviour: a route that says nothing is closed to whoever would change something", async () => {
    const key = await make("submit");
    const { app, ask } = await start({ publicReads: true });
    app.post("/v1/test/unsaid", () => ({}));
    app.post("/unsaid", () => ({}));
    for (const path of ["/v1/test/unsaid", "/unsaid"])
      expect((await ask(path, undefined, "POST")).code).toBe("KEY_REQUIRED");
    expect((await ask("/v1/test/unsaid", key, "POST")).status).toBe(200);
    expect((await ask("/nothing", undefined, "POST")).code).toBe("ROUTE_NOT_FOUND");
    await app.close();
  });

  test("behaviour: an admin's action is in the audit log before and after, by the key's id", async () => {
    const key = await make("admin");
    const { app, ask } = await start();
    await ask("/v1/test/admin?token=secret", key, "POST");
    await ask("/v1/test/submit", key, "POST");
    const text = readFileSync(audit, "utf8");
    expect(statSync(audit).mode & 0o777).toBe(0o600);
    const line = {
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      requestId: "r-1",
      action: "POST /v1/test/admin",
      path: "/v1/test/admin",
      keyId: key.slice(8, 24),
      address: "127.0.0.1",
    };
    const lines = text
      .trimEnd()
      .split("\n")
      .map((json) => JSON.parse(json));
    expect(lines).toEqual([
      { ...line, status: null },
      { ...line, status: 200 },
    ]);
    expect(text).not.toMatch(/secret|ballast_/);
    await app.close();
  });

  test.each([
    ["/dev/full", "DISK_FULL"],
    ["/dev/null/audit.jsonl", "AUDIT_UNWRITABLE"],
  ])("error: what cannot be audited, for %s, is not done: 503 %s", async (path, code) => {
    const key = await make("admin");
    const { app, ask, done } = await start({ audit: path });
    const answer = await ask("/v1/test/admin", key, "POST");
    expect(answer).toMatchObject({ status: 503, code, headers: { "retry-after": "60" } });
    expect(answer.body).not.toContain("/dev");
    expect(done).toEqual([]);
    expect((await ask("/v1/test/submit", key, "POST")).status).toBe(200);
    await app.close();
  });

  test("error: a file of keys that is damaged ends the start, and later a request with a key alone", async () => {
    mkdirSync(keys);
    await expect(start()).rejects.toMatchObject({ code: "KEYS_EXPOSED" });
    rmSync(keys, { recursive: true });
    const key = await make("read");
    const { app, ask } = await start({ publicReads: true });
    writeFileSync(keys, "{}");
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect(await ask("/v1/decisions", key)).toMatchObject({ status: 503, code: "KEYS_UNREADABLE" });
    expect((await ask("/v1/decisions")).status).toBe(200);
    await app.close();
  });
});
