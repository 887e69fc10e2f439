import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { gzipSync } from "node:zlib";
import { JournalFullError, openJournal } from "@ballast/agent";
import { Type } from "typebox";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createApi, type Settings } from "../src/index.ts";
import { listenOn } from "../src/server.ts";
import { ARTEFACTS, decidedOf, startFixture, word } from "./fixture.ts";
import { exchange } from "./sockets.ts";

const TIMEOUT_MS = 400;
let fixture: Awaited<ReturnType<typeof startFixture>>;
let served: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  fixture = await startFixture();
  served = await serve();
});
afterAll(async () => {
  await served.close();
  await fixture.close();
});

/** A service on loopback, with a route that takes any JSON and says how much it understood. */
async function serve(settings: Partial<Settings> = {}, journal = fixture.journal) {
  const app = await createApi({
    journal,
    artefacts: ARTEFACTS,
    logger: false,
    settings: { ratePerAddress: 0, requestTimeoutMs: TIMEOUT_MS, ...settings },
  });
  const body = Type.Object({ config: Type.Optional(Type.Unknown()), size: Type.Optional(Type.Number()) });
  app.post("/v1/test", { config: { scope: "public" }, schema: { body } }, ({ body }) => ({
    keys: Object.keys(body as object),
    isAdmin: (body as { isAdmin?: boolean }).isAdmin ?? false,
  }));
  const { url, close } = await listenOn(app, { port: 0, shutdownMs: 500 });
  const port = Number(new URL(url).port);
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(url + path, { signal: AbortSignal.timeout(5_000), ...init });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, code: codeOf(text) };
  };
  const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
    get("/v1/test", {
      method: "POST",
      body: payload as string,
      headers: { "content-type": "application/json", ...headers },
    });
  return { app, url, port, close, get, post };
}
function codeOf(text: string): string | undefined {
  try {
    return JSON.parse(text).code;
  } catch {
    return undefined;
  }
}
const isAlive = async () => expect((await served.get("/v1/runs")).status).toBe(200);
afterEach(async () => {
  await isAlive();
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

describe("slow clients", () => {
  const drip = (text: string) => [text, ...Array.from({ length: 60 }, (_, n) => `x-${n}: 1\r\n`)];

  test("error: heads that never end get a 408 and no more, and nobody else waits for them", async () => {
    const slow = Array.from({ length: 40 }, () =>
      exchange(served.port, drip("GET /v1/runs HTTP/1.1\r\nHost: localhost\r\n"), { pauseMs: 50 }),
    );
    const started = performance.now();
    await isAlive();
    expect(performance.now() - started).toBeLessThan(1_000);
    for (const { status, body, isClosed, ms } of await Promise.all(slow)) {
      expect([status, codeOf(body), isClosed]).toEqual([408, "REQUEST_TIMEOUT", true]);
      expect(ms).toBeLessThan(TIMEOUT_MS + 2_000);
    }
  });

  test("error: nor bodies that never end", async () => {
    const head =
      "POST /v1/test HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n";
    const slow = Array.from({ length: 20 }, () => exchange(served.port, drip(head), { pauseMs: 50 }));
    for (const { status, isClosed, ms } of await Promise.all(slow)) {
      expect([status, isClosed]).toEqual([408, true]);
      expect(ms).toBeLessThan(TIMEOUT_MS + 2_000);
    }
  });

  test("error: nor bodies for what does not exist, which take no place of a request", async () => {
    const small = await serve({ maxInFlight: 2, requestTimeoutMs: 5_000 });
    const half =
      "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    const sockets: Socket[] = [];
    for (let n = 0; n < 8; n++) {
      const socket = connect(small.port, "127.0.0.1", () => socket.write(half)).on("error", () => {});
      const [answer] = await once(socket, "data", { signal: AbortSignal.timeout(2_000) });
      expect(String(answer)).toMatch(/^HTTP\/1\.1 404 [\s\S]*ROUTE_NOT_FOUND/);
      sockets.push(socket);
    }
    expect((await small.get("/v1/runs")).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await small.close();
  });

  test("error: connections beyond the bound are closed, and taken again when others leave", async () => {
    const small = await serve({ maxConnections: 5, requestTimeoutMs: 60_000 });
    const sockets: Socket[] = [];
    for (let n = 0; n < 5; n++) {
      const socket = connect(small.port, "127.0.0.1").on("error", () => {});
      await new Promise((resolve) => socket.once("connect", resolve));
      sockets.push(socket);
    }
    const ask = () =>
      exchange(small.port, ["GET /v1/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]);
    expect(await ask()).toMatchObject({ status: 0, isClosed: true });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await ask()).status).toBe(200);
    await small.close();
  });
});

describe("heads and methods", () => {
  const head = (...lines: string[]) => `${lines.join("\r\n")}\r\n\r\n`;
  const GET = "GET /v1/runs HTTP/1.1";
  const json = "Content-Type: application/json";
  test.each<[string, string | Buffer, number[], string | undefined]>([
    ["one huge header", head(GET, "Host: localhost", `X: ${"x".repeat(20_000)}`), [431], "HEADERS_TOO_LARGE"],
    [
      "many headers",
      head(GET, "Host: localhost", ...Array.from({ length: 3_000 }, (_, n) => `a${n}: 1`)),
      [431],
      "HEADERS_TOO_LARGE",
    ],
    [
      "a huge path",
      head(`GET /${"x".repeat(20_000)} HTTP/1.1`, "Host: localhost"),
      [431],
      "HEADERS_TOO_LARGE",
    ],
    ["no host", head(GET), [400], undefined],
    ["no HTTP", "hello\r\n\r\n", [400], "MALFORMED_REQUEST"],
    ["a TLS hello", Buffer.from("16030100f0010000ec0303", "hex"), [400], "MALFORMED_REQUEST"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400], "MALFORMED_REQUEST"],
    ["a null in a header", head(GET, "Host: localhost", "X: a\0b"), [400], "MALFORMED_REQUEST"],
    [
      "a bare line feed and a folded header",
      "GET / HTTP/1.1\nHost: localhost\n folded\n\n",
      [400],
      "MALFORMED_REQUEST",
    ],
    [
      "two lengths",
      head("POST /v1/test HTTP/1.1", "Host: localhost", json, "Content-Length: 2", "Content-Length: 3"),
      [400],
      "MALFORMED_REQUEST",
    ],
    [
      "a length beside chunks",
      head(
        "POST /v1/test HTTP/1.1",
        "Host: localhost",
        json,
        "Content-Length: 2",
        "Transfer-Encoding: chunked",
      ),
      [400],
      "MALFORMED_REQUEST",
    ],
    [
      "a negative length",
      head("POST /v1/test HTTP/1.1", "Host: localhost", json, "Content-Length: -1"),
      [400],
      "MALFORMED_REQUEST",
    ],
    [
      "an endless chunk",
      `${head("POST /v1/test HTTP/1.1", "Host: localhost", json, "Transfer-Encoding: chunked")}FFFFFFFFFFFFFFFFF\r\n`,
      [400],
      "MALFORMED_REQUEST",
    ],
    ["an odd expectation", head(GET, "Host: localhost", "Expect: gold"), [417], undefined],
    ["TRACE", head("TRACE /v1/runs HTTP/1.1", "Host: localhost", "Cookie: secret"), [404], "ROUTE_NOT_FOUND"],
    ["PROPFIND", head("PROPFIND /v1/runs HTTP/1.1", "Host: localhost"), [404], "ROUTE_NOT_FOUND"],
    ["lower case", head("get /v1/runs HTTP/1.1", "Host: localhost"), [400], "MALFORMED_REQUEST"],
    ["an unknown method", head("FROB /v1/runs HTTP/1.1", "Host: localhost"), [400], "MALFORMED_REQUEST"],
    [
      "a method in a header",
      head(GET, "Host: localhost", "X-HTTP-Method-Override: DELETE"),
      [200],
      undefined,
    ],
    [
      "an upgrade nobody offers",
      head(GET, "Host: localhost", "Connection: Upgrade", "Upgrade: h2c"),
      [200],
      undefined,
    ],
    ["CONNECT", head("CONNECT evil.example:443 HTTP/1.1", "Host: localhost"), [0, 404], undefined],
  ])("error: %s", async (_, bytes, statuses, code) => {
    const { status, body, text, ms, head } = await exchange(served.port, [bytes]);
    expect(statuses).toContain(status);
    if (code !== undefined) {
      expect(codeOf(body)).toBe(code);
      expect(head).toMatch(/content-type: application\/problem\+json/i);
    }
    expect(text).not.toMatch(/secret|node_modules| at |\.ts/);
    expect(ms).toBeLessThan(2_500);
  });

  test("behaviour: a thousand requests down one pipe are answered in their order", async () => {
    const pipeline = Array.from({ length: 1_000 }, (_, n) =>
      head(`GET /v1/nothing/${n} HTTP/1.1`, "Host: localhost", ...(n === 999 ? ["Connection: close"] : [])),
    ).join("");
    const { text, isClosed } = await exchange(served.port, [pipeline], {
      patienceMs: 20_000,
      quietMs: 5_000,
    });
    const answered = [...text.matchAll(/GET \/v1\/nothing\/(\d+)\./g)].map((match) => Number(match[1]));
    const shed = [...text.matchAll(/"OVERLOADED"/g)].length;
    expect(answered).toEqual(answered.toSorted((a, b) => a - b));
    // Where the machine is slow the last of them may be shed, which closes the connection.
    if (shed === 0) expect(answered).toHaveLength(1_000);
    expect(isClosed).toBe(true);
  });
});

describe("paths", () => {
  test.each([
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/docs/static/../../../../../../etc/passwd",
    "/docs/static/%2e%2e%2f%2e%2e%2f%2e%2e%2fpackage.json",
    "/docs/static/..%2f..%2fpackage.json",
    "/docs/static/..%5c..%5cpackage.json",
    "/docs/static/%252e%252e%252fpackage.json",
    "/docs/static/%c0%ae%c0%ae/package.json",
    "/docs/static/....//....//package.json",
    "/docs/static/.env",
    "/docs/static/index.html%00.css",
    "/docs/static//etc/passwd",
    "/v1/models/..%2f..%2fjournal.sqlite",
    "/v1/models/%00",
    "/v1/decisions/%00%0d%0aSet-Cookie:%20a=b",
    "/v1/decisions/%E0%A4%A",
    "/v1/%u002e%u002e/runs",
    "//evil.example/",
    "//evil.example/docs/static",
    "/docs/static//evil.example/%2e%2e",
    "http://evil.example/../etc/passwd",
    "/v1/runs;x=1",
    "/v1/runs#x",
    "\\..\\etc\\passwd",
    "/.git/config",
    "/__proto__",
    "/constructor",
  ])("error: %s leads nowhere", async (path) => {
    const { status, text, head } = await exchange(served.port, [
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    ]);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(text).not.toMatch(/root:|"private"|SQLite format/);
    expect(head).not.toMatch(/^(location|set-cookie):/im);
  });
});

describe("bodies", () => {
  test.each<[string, string | Buffer, Record<string, string>, number, string | undefined]>([
    ["arrays of arrays", `{"config":${"[".repeat(30_000)}${"]".repeat(30_000)}}`, {}, 200, undefined],
    ["objects in objects", `{"config":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`, {}, 200, undefined],
    ["arrays that never close", "[".repeat(60_000), {}, 400, "MALFORMED_JSON"],
    ["too much", `{"config":"${"x".repeat(1_000_000)}"}`, {}, 413, "BODY_TOO_LARGE"],
    ["an infinite number", '{"size":1e999}', {}, 400, "INVALID_PARAMETER"],
    ["a number of many digits", `{"size":${"9".repeat(60_000)}}`, {}, 400, "INVALID_PARAMETER"],
    ["a body that is no object", '"text"', {}, 400, "INVALID_PARAMETER"],
    ["null", "null", {}, 400, "INVALID_PARAMETER"],
    ["nothing", "", {}, 400, "MALFORMED_JSON"],
    ["half a text", '{"config":"\\ud800', {}, 400, "MALFORMED_JSON"],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}, 400, "MALFORMED_JSON"],
    ["a byte order mark and a script", "\ufeff<script>", {}, 400, "MALFORMED_JSON"],
    ["a zip bomb", gzipSync(Buffer.alloc(10_000_000)), { "content-encoding": "gzip" }, 400, "MALFORMED_JSON"],
    ["XML", "<!DOCTYPE x>", { "content-type": "application/xml" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
    [
      "a form",
      "size=1",
      { "content-type": "application/x-www-form-urlencoded" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    ["__proto__", '{"__proto__":{"polluted":1,"isAdmin":true}}', {}, 400, "MALFORMED_JSON"],
    ["__proto__, escaped", '{"\\u005f_proto__":{"polluted":1}}', {}, 400, "MALFORMED_JSON"],
    ["__proto__, deep", '{"config":{"a":[{"__proto__":{"polluted":1}}]}}', {}, 400, "MALFORMED_JSON"],
    ["constructor.prototype", '{"constructor":{"prototype":{"polluted":1}}}', {}, 400, "MALFORMED_JSON"],
  ])("error: %s", async (_, payload, headers, status, code) => {
    const started = performance.now();
    const answer = await served.post(payload, headers);
    expect([answer.status, answer.code], answer.text.slice(0, 300)).toEqual([status, code]);
    expect(answer.text.length).toBeLessThan(2_000);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("queries", () => {
  const many = Array.from({ length: 1_500 }, (_, n) => `${n}=`).join("&");
  test.each([
    "/v1/decisions?__proto__[polluted]=1",
    "/v1/decisions?__proto__.polluted=1",
    "/v1/decisions?constructor[prototype][polluted]=1",
    "/v1/decisions?__proto__=1",
    "/v1/decisions?hasOwnProperty=1",
    "/v1/decisions?limit[]=1",
    "/v1/decisions?limit[$gt]=1",
    "/v1/decisions?limit=1&limit=2",
    "/v1/decisions?limit=1e2147483647",
    "/v1/decisions?limit=Infinity",
    "/v1/decisions?limit=-0",
    "/v1/decisions?limit=%00",
    "/v1/decisions?from=-1",
    "/v1/decisions?from=99999999999999999999",
    "/v1/decisions?cursor=0",
    "/v1/decisions?cursor=-1.-1",
    "/v1/decisions?cursor=9007199254740993.9007199254740993",
    "/v1/decisions?cursor=NaN.NaN",
    "/v1/decisions?cursor=1%27%20OR%201=1--",
    "/v1/forecasts?cursor=%F0%9F%92%A9",
    "/v1/forecasts?cursor=1e309.1",
    "/v1/decisions/0x",
    `/v1/decisions/${word(1)}0`,
    `/v1/decisions/${word(1).slice(0, -1)}%0a`,
    `/v1/attestations/${"0x".repeat(30)}`,
    `/v1/decisions?${many}`,
  ])("error: %s is refused with a code", async (path) => {
    const { status, code } = await served.get(path);
    expect(status).toBe(400);
    expect(code).toMatch(/^(INVALID_PARAMETER|JOURNAL_CURSOR)$/);
  });
});

test.each(["9999999999999999.9999999999999999", "-9999999999999999.0", "0.0"])(
  "behaviour: the cursor of %s, which no page gave, leads to a page all the same",
  async (position) => {
    const cursor = Buffer.from(position).toString("base64url");
    for (const list of ["decisions", "forecasts"])
      expect((await served.get(`/v1/${list}?cursor=${cursor}`)).status).toBe(200);
  },
);

describe("exported text", () => {
  const formula = '=HYPERLINK("http://evil.example","a")';
  beforeAll(() => {
    fixture.writer.record(formula, decidedOf(40, false), { policy: "@SUM(A1)", forecast: undefined });
  });
  const rowsOf = async (format: string) => {
    const { status, text } = await served.get(
      `/v1/decisions?run=${encodeURIComponent(formula)}&format=${format}&fields=run,policy`,
    );
    expect(status).toBe(200);
    return text;
  };

  test("error: a name that a spreadsheet would run is text in CSV, and as it is elsewhere", async () => {
    expect(await rowsOf("csv")).toBe(
      'run,policy\r\n"\'=HYPERLINK(""http://evil.example"",""a"")","\'@SUM(A1)"\r\n',
    );
    expect(JSON.parse(await rowsOf("json")).items).toEqual([{ run: formula, policy: "@SUM(A1)" }]);
  });
});

describe("a journal that fails", () => {
  test("error: one that another process has to itself is a 503 JOURNAL_LOCKED, until it lets go", async () => {
    const own = await startFixture();
    await own.app.close();
    own.journal.close();
    own.writer.close();
    // Out of write-ahead mode, in which a reader hardly ever meets a lock.
    const other = new DatabaseSync(own.path);
    other.exec("PRAGMA journal_mode = DELETE");
    const journal = openJournal(own.path, { readOnly: true });
    const service = await serve({}, journal);
    expect((await service.get("/v1/runs")).status).toBe(200);
    other.exec("BEGIN EXCLUSIVE");
    const started = performance.now();
    const locked = await service.get("/v1/runs");
    expect(performance.now() - started).toBeLessThan(1_500);
    expect([locked.status, locked.code, locked.headers.get("retry-after")]).toEqual([
      503,
      "JOURNAL_LOCKED",
      "1",
    ]);
    expect(locked.text).not.toContain(own.path);
    expect((await service.get("/ready")).status).toBe(503);
    other.exec("ROLLBACK");
    expect((await service.get("/v1/runs")).status).toBe(200);
    expect((await service.get("/ready")).status).toBe(200);
    other.close();
    await service.close();
    await own.close().catch(() => {});
  });

  test("error: a full disk is a 503 JOURNAL_FULL that names no path", async () => {
    const full = new Proxy(fixture.journal, {
      get: () => () => {
        throw new JournalFullError("/srv/ballast/journal.sqlite");
      },
    });
    const service = await serve({}, full);
    for (const path of ["/v1/runs", "/v1/decisions", "/v1/forecasts", `/v1/decisions/${word(1)}`]) {
      const { status, code, headers, text } = await service.get(path);
      expect([status, code, headers.get("retry-after")]).toEqual([503, "JOURNAL_FULL", "60"]);
      expect(text).not.toContain("/srv");
    }
    await service.close();
  });
});
