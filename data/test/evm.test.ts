import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { connectEvm, evmProvider, RpcRefusedError, RpcUnreachableError } from "../src/index.ts";

describe("connectEvm", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  const SECRET = "0123456789abcdef0123456789abcdef";
  /** A node that gives one answer to everything. */
  const serve = async (status: number, body: string): Promise<{ url: string; requests: () => number }> => {
    let count = 0;
    server = createServer((_, response) => {
      count += 1;
      response.writeHead(status, { "content-type": "application/json" }).end(body);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server?.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/v3/${SECRET}?key=${SECRET}`, requests: () => count };
  };
  const connect = (url: string) =>
    connectEvm({
      provider: evmProvider(url, 1),
      chainId: 1,
      attempts: 2,
      retryDelayMs: 1,
      timeoutMs: 500,
    }).catch((error: unknown) => error as Error);

  test("error: a dead node, without the key in its URL", async () => {
    const { url } = await serve(200, "");
    server?.close();
    await new Promise((resolve) => server?.once("close", resolve));
    const error = await connect(url);
    expect(error).toBeInstanceOf(RpcUnreachableError);
    expect(error).toMatchObject({ code: "RPC_UNREACHABLE", method: "eth_chainId", attempts: 2 });
    expect(JSON.stringify(error) + (error as Error).stack).not.toContain(SECRET);
  });

  test.each([
    ["401 with the URL in its text", 401, `no access: http://x/${SECRET}`],
    ["429", 429, "{}"],
    ["503", 503, "busy"],
    ["a truncated body", 200, '{"jsonrpc":"2.0","id":1,"res'],
    ["a web page", 200, "<html>"],
    [
      "a rate limit as JSON-RPC",
      200,
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"rate limit"}}',
    ],
  ])("error: %s is tried again and then given up, without the key", async (_, status, body) => {
    const { url, requests } = await serve(status, body);
    const error = await connect(url);
    expect(error).toBeInstanceOf(RpcUnreachableError);
    expect(requests()).toBe(2);
    expect(JSON.stringify(error) + (error as Error).stack).not.toContain(SECRET);
  });

  test("error: a node that never answers", async () => {
    server = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => server?.once("listening", resolve));
    const error = await connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.closeAllConnections();
    expect(error).toBeInstanceOf(RpcUnreachableError);
  });

  test("error: a refusal is not tried again, and its words come without the key", async () => {
    const refusal = `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"plan of ${SECRET} lacks archive"}}`;
    const { url, requests } = await serve(200, refusal);
    const error = await connect(url);
    expect(error).toBeInstanceOf(RpcRefusedError);
    expect(requests()).toBe(1);
    expect((error as Error).message).toContain("plan of … lacks archive");
  });
});
