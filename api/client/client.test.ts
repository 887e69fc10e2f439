import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tableFromIPC } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { decidedOf, startFixture } from "../test/fixture.ts";
import { SERIES } from "../test/market-fixture.ts";
import { type Client, createClient, type Item, ProblemError } from "./client.ts";
import { generateSchema, SCHEMA_FILE } from "./generate.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
let baseUrl: string;
let client: Client;
beforeAll(async () => {
  fixture = await startFixture();
  baseUrl = await fixture.app.listen({ port: 0, host: "127.0.0.1" });
  client = createClient(baseUrl);
});
afterAll(() => fixture.close());

test("default: the committed types are those of the service as it is; if not, npm run client -w @ballast/api", async () => {
  expect(readFileSync(SCHEMA_FILE, "utf8")).toBe(await generateSchema());
});

describe("client", () => {
  test("default: an answer with its type, parameters in path and query", async () => {
    const { hash } = decidedOf(5, true);
    const decision = await client.get("/v1/decisions/{hash}", {
      path: { hash },
      query: { run: "predictive" },
    });
    expect(decision.trades[0]?.amountIn).toBe("1180591620717411303424");
    expectTypeOf(decision.stage).toEqualTypeOf<
      "decided" | "signed" | "attested" | "submitted" | "executed" | "rejected" | "abandoned"
    >();
    expectTypeOf<Item<"/v1/bars">["close"]>().toExtend<number | undefined>();
    expect((await client.get("/health")).status).toBe("ok");
  });

  test("behaviour: items of all pages, each once", async () => {
    const closes: unknown[] = [];
    for await (const { close } of client.items("/v1/bars", { query: { asset: "BTC", limit: 1_000 } }))
      closes.push(close);
    expect(closes).toEqual(Array.from(SERIES.BTC.bars.close));
  });

  test("behaviour: other formats come as they are", async () => {
    const response = await client.download("/v1/bars", { query: { asset: "BTC", format: "arrow" } });
    expect(tableFromIPC(new Uint8Array(await response.arrayBuffer())).numRows).toBe(1_000);
  });

  test("behaviour: a key goes with every request", async () => {
    const seen: unknown[] = [];
    const keyed = createClient(baseUrl, {
      key: "k1",
      fetch: async (url, init) => {
        seen.push(new Headers(init?.headers).get("authorization"));
        return fetch(url, init);
      },
    });
    await keyed.get("/v1/runs");
    expect(seen).toEqual(["Bearer k1"]);
  });

  test("error: a problem with its code, status and request id", async () => {
    const failed = await client.get("/v1/bars", { query: { asset: "DOGE" } }).catch((error) => error);
    expect(failed).toBeInstanceOf(ProblemError);
    expect(failed).toMatchObject({ status: 404, code: "BARS_NOT_FOUND", requestId: expect.any(String) });
    expect(failed.message).toContain("/v1/assets");
  });

  test("error: what is no problem document is named as such", async () => {
    const server = createServer((_, response) => response.writeHead(502).end("<h1>Bad Gateway</h1>")).listen(
      0,
      "127.0.0.1",
    );
    await new Promise((resolve) => server.once("listening", resolve));
    const other = createClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await expect(other.get("/v1/runs")).rejects.toMatchObject({ status: 502, code: "NOT_A_PROBLEM" });
    server.close();
  });

  test("error: what the document does not have does not compile", () => {
    // @ts-expect-error No such path.
    void (() => client.get("/v1/nothing"));
    // @ts-expect-error asset is needed.
    void (() => client.get("/v1/bars", { query: { limit: 3 } }));
    // @ts-expect-error format is one of four.
    void (() => client.get("/v1/bars", { query: { asset: "BTC", format: "xlsx" } }));
    // @ts-expect-error A path has its parameters.
    void (() => client.get("/v1/decisions/{hash}"));
  });
});
