import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { Journal } from "@ballast/agent";
import Fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ARTEFACTS, decidedOf, forecastOf, startFixture, word } from "../../test/fixture.ts";
import { createApi } from "../app.ts";
import { keepAnswers } from "./answers.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
let app: FastifyInstance;
/** Reads of the journal, by method. */
let reads: string[];
beforeEach(async () => {
  fixture = await startFixture();
  reads = [];
  const journal = new Proxy(fixture.journal, {
    get(target, name: keyof Journal) {
      if (name !== "version") reads.push(name);
      return target[name];
    },
  });
  app = await createApi({ journal, artefacts: ARTEFACTS, settings: { ratePerAddress: 0 } });
});
afterEach(async () => {
  await app.close();
  await fixture.close();
});

const URLS = [
  "/v1/forecasts",
  "/v1/decisions?limit=3",
  "/v1/breaches?format=csv",
  "/v1/runs",
  "/v1/snapshots?fields=at",
];

describe("kept answers", () => {
  test.each(URLS)("default: %s is read once, and the same to the last byte and header", async (url) => {
    const first = await app.inject(url);
    reads.length = 0;
    const second = await app.inject(url);
    expect(reads).toEqual([]);
    expect(second.rawPayload.equals(first.rawPayload)).toBe(true);
    const { date: _, "x-request-id": __, ...headers } = second.headers;
    expect(first.headers).toMatchObject(headers);
    expect(Object.keys(second.headers).sort()).toEqual(Object.keys(first.headers).sort());
    const again = await app.inject({ url, headers: { "if-none-match": String(first.headers.etag) } });
    expect([again.statusCode, again.body]).toEqual([304, ""]);
  });

  test("behaviour: anything that is written is seen by the next request", async () => {
    const latest = async () => (await app.inject("/v1/forecasts")).json().items[0].at;
    expect(await latest()).toBe("2022-08-09T11:00:00Z");
    fixture.writer.record("new", decidedOf(12, false), { policy: "new", forecast: forecastOf(12) });
    expect(await latest()).toBe("2022-08-09T12:00:00Z");
  });

  test("behaviour: formats and parameters are kept apart, compressed or not", async () => {
    const json = await app.inject("/v1/decisions?limit=3");
    const csv = await app.inject({ url: "/v1/decisions?limit=3", headers: { accept: "text/csv" } });
    expect(csv.headers["content-type"]).toMatch("text/csv");
    expect((await app.inject("/v1/decisions?limit=3")).body).toBe(json.body);
    const packed = await app.inject({ url: "/v1/decisions?limit=3", headers: { "accept-encoding": "gzip" } });
    expect(packed.headers).toMatchObject({ "content-encoding": "gzip", etag: json.headers.etag });
  });

  test("error: a refusal is not kept", async () => {
    for (let i = 0; i < 2; i++) expect((await app.inject(`/v1/decisions/${word(1)}`)).statusCode).toBe(404);
    expect(reads.filter((name) => name === "get")).toHaveLength(2);
  });

  test("behaviour: more answers than there is room for cost the oldest, and large ones are not kept", async () => {
    const small = Fastify();
    let made = 0;
    keepAnswers(small, { version: () => "1" }, { maxBytes: 1_640_000 });
    small.get<{ Params: { size: number } }>("/:size", { config: { isOfJournal: true } }, ({ params }) => {
      made++;
      return "x".repeat(params.size);
    });
    const isMade = async (url: string) => {
      const before = made;
      await small.inject(url);
      return made > before;
    };
    const urls = Array.from({ length: 17 }, (_, i) => `/50000?${i}`);
    for (const url of urls) expect(await isMade(url)).toBe(true);
    // Sixteen of them fit, and all but the first are there.
    for (const url of urls.slice(1)) expect(await isMade(url)).toBe(false);
    expect(await isMade(urls[0]!)).toBe(true);
    expect([await isMade("/102501"), await isMade("/102501")]).toEqual([true, true]);
  });

  test("behaviour: long URLs and Accept headers take their part of the room", async () => {
    const small = Fastify();
    let made = 0;
    keepAnswers(small, { version: () => "1" }, { maxBytes: 100_000 });
    small.get("/", { config: { isOfJournal: true } }, () => {
      made++;
      return "short";
    });
    const ask = (n: number) =>
      small.inject({ url: `/?${n}${"x".repeat(2_000)}`, headers: { accept: "y".repeat(2_000) } });
    for (let n = 0; n < 100; n++) await ask(n);
    expect(made).toBe(100);
    // Newest first, for what is asked for again makes room for itself.
    for (let n = 99; n >= 0; n--) await ask(n);
    const kept = 200 - made;
    expect(kept).toBeGreaterThan(0);
    expect(kept * 4_000).toBeLessThanOrEqual(100_000);
  });

  test("error: a journal that cannot be asked is asked again by the next request, and nothing kept is sent", async () => {
    const failing = Fastify();
    let isLocked = false;
    const version = () => {
      if (isLocked) throw new Error("locked");
      return "1";
    };
    keepAnswers(failing, { version });
    failing.get("/", { config: { isOfJournal: true } }, () => "kept");
    const url = new URL(await failing.listen({ port: 0, host: "127.0.0.1" }));
    const statuses = async () => {
      const socket = connect(Number(url.port), "127.0.0.1");
      // Two requests in one piece, which one turn of the event loop finds.
      const one = "GET / HTTP/1.1\r\nHost: localhost\r\n";
      socket.end(`${one}\r\n${one}Connection: close\r\n\r\n`);
      return (await text(socket)).match(/(?<=HTTP\/1\.1 )\d+/g);
    };
    expect(await statuses()).toEqual(["200", "200"]);
    isLocked = true;
    expect(await statuses()).toEqual(["500", "500"]);
    await failing.close();
  });

  test("behaviour: what was read while the journal changed is not kept", async () => {
    const moving = Fastify();
    let [version, made] = [0, 0];
    keepAnswers(moving, { version: () => `${version}` });
    moving.get("/", { config: { isOfJournal: true } }, async () => {
      // The journal changes, another request sees it, and only then is this one answered.
      if (made++ === 0) {
        version++;
        await moving.inject("/");
        return "old";
      }
      return "new";
    });
    expect((await moving.inject("/")).body).toBe("old");
    expect((await moving.inject("/")).body).toBe("new");
    expect(made).toBe(2);
  });
});
