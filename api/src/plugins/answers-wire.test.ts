import { request as httpRequest } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decidedOf, forecastOf, startFixture } from "../../test/fixture.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
let url: string;
beforeAll(async () => {
  fixture = await startFixture();
  url = await fixture.app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(() => fixture.close());

const unpack = (bytes: Buffer, encoding: string | undefined): Buffer =>
  encoding === "br" ? brotliDecompressSync(bytes) : encoding === "gzip" ? gunzipSync(bytes) : bytes;

/** Asks for no compression, as fetch cannot, unless told to. */
const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    httpRequest(`${url}${path}`, { headers, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const body = unpack(Buffer.concat(chunks), response.headers["content-encoding"]).toString();
        resolve({ status: response.statusCode!, headers: response.headers, body });
      });
    })
      .on("error", reject)
      .end();
  });
/** What each request has of its own is left out. */
const withoutDate = ({ headers, ...rest }: Awaited<ReturnType<typeof ask>>) => {
  const others = Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => name !== "date" && name !== "x-request-id" && !name.startsWith("x-ratelimit"),
    ),
  );
  return { ...rest, headers: others };
};

test.each([
  "/v1/forecasts",
  "/v1/forecasts?from=0&asset=BTC&limit=5",
  "/v1/decisions?limit=2",
  `/v1/decisions/${decidedOf(5, true).hash}`,
  "/v1/runs",
])("default: %s is answered again with the same bytes and headers", async (path) => {
  const first = withoutDate(await ask(path));
  const compressible = withoutDate(await ask(path, { "accept-encoding": "identity" }));
  expect(first.status).toBe(200);
  for (let n = 0; n < 3; n++) expect(withoutDate(await ask(path))).toEqual(first);
  expect(compressible).toEqual(first);
  expect(first.headers).toMatchObject({ "x-content-type-options": "nosniff", "cache-control": "no-cache" });
  const etag = String(first.headers.etag);
  expect(await ask(path, { "if-none-match": etag })).toMatchObject({ status: 304, body: "" });
  expect((await ask(path, { "if-none-match": '"other"' })).body).toBe(first.body);
  expect(await ask(path, {}, "HEAD")).toMatchObject({ status: 200, body: "" });
});

test("behaviour: a kept answer has every header that helmet sets elsewhere, the first as the next", async () => {
  const elsewhere = Object.entries((await ask("/health")).headers).filter(
    ([name]) =>
      /^(x-|cross-|content-security|origin-|referrer-)/.test(name) && !/^x-(request-id|ratelimit)/.test(name),
  );
  expect(elsewhere.length).toBeGreaterThan(8);
  for (let n = 0; n < 3; n++)
    expect((await ask("/v1/forecasts?limit=3")).headers).toMatchObject(Object.fromEntries(elsewhere));
});

test("behaviour: what another connection writes is in the next answer", async () => {
  const before = await ask("/v1/forecasts");
  expect(await ask("/v1/forecasts")).toMatchObject({ body: before.body });
  fixture.writer.record("later", decidedOf(90, false), { policy: "p", forecast: forecastOf(90) });
  const after = await ask("/v1/forecasts");
  expect(JSON.parse(after.body).items[0].at).not.toBe(JSON.parse(before.body).items[0].at);
  expect(after.headers.etag).not.toBe(before.headers.etag);
});

test("behaviour: a refusal is not kept, and other URLs have their own answers", async () => {
  expect((await ask("/v1/forecasts?limit=0")).status).toBe(400);
  expect((await ask("/v1/forecasts?limit=0")).status).toBe(400);
  const [one, two] = [await ask("/v1/decisions?limit=1"), await ask("/v1/decisions?limit=2")];
  expect([JSON.parse(one.body).items.length, JSON.parse(two.body).items.length]).toEqual([1, 2]);
  for (let n = 0; n < 600; n++) await fixture.app.inject(`/v1/decisions?limit=${1 + (n % 50)}&from=${n}`);
  expect((await ask("/v1/decisions?limit=1")).body).toBe(one.body);
});

test.each([
  ["gzip", "gzip"],
  ["gzip, deflate, br, zstd", "br"],
  ["br;q=0.5, gzip;q=0.9", "gzip"],
  ["identity", undefined],
  ["gzip;q=0", undefined],
  ["deflate", undefined],
])(
  "behaviour: a kept answer is compressed as %j wants it, the same as one that is not kept",
  async (accepted, encoding) => {
    const path = `/v1/decisions?limit=9&from=${accepted.length}`;
    const wanted = { "accept-encoding": accepted };
    const first = withoutDate(await ask(path, wanted));
    expect(first.headers["content-encoding"]).toBe(encoding);
    const plain = await ask(path);
    expect(first.body).toBe(plain.body);
    // Those that come while it is compressed, and those after it.
    for (const kept of [
      ...(await Promise.all([ask(path, wanted), ask(path, wanted)])),
      await ask(path, wanted),
    ]) {
      const { "content-length": length, ...headers } = withoutDate(kept).headers;
      expect(kept.body).toBe(plain.body);
      const { "content-length": _, "transfer-encoding": __, ...before } = first.headers;
      expect(headers).toEqual(before);
      if (encoding !== undefined) expect(Number(length)).toBeLessThan(plain.body.length);
    }
    const etag = String(first.headers.etag);
    expect(await ask(path, { ...wanted, "if-none-match": etag })).toMatchObject({ status: 304, body: "" });
    const plainAgain = await ask(path, { ...wanted, "x-no-compression": "1" });
    expect(plainAgain.headers["content-encoding"]).toBeUndefined();
    expect(plainAgain.body).toBe(plain.body);
  },
);
