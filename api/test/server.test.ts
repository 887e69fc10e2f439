import { afterAll, beforeAll, expect, test } from "vitest";
import { createApi, listenOn, startApi } from "../src/index.ts";
import { ARTEFACTS, decidedOf, forecastOf, startFixture } from "./fixture.ts";
import { exchange } from "./sockets.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

const options = () => ({
  journal: fixture.journal,
  artefacts: ARTEFACTS,
  logger: false,
  port: 0,
});

test("default: serves on the loopback address until it is closed", async () => {
  const api = await startApi(options());
  expect(api.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const response = await fetch(`${api.url}/v1/decisions?limit=2`);
  expect(response.status).toBe(200);
  expect(((await response.json()) as { items: unknown[] }).items).toHaveLength(2);
  await api.close();
  await expect(fetch(`${api.url}/health`)).rejects.toThrow();
});

test("behaviour: serves what another connection goes on writing", async () => {
  const api = await startApi(options());
  const decided = decidedOf(30, false);
  const read = () => fetch(`${api.url}/v1/decisions/${decided.hash}`);
  expect((await read()).status).toBe(404);
  fixture.writer.record("predictive", decided, { policy: "predictive", forecast: forecastOf(30) });
  const response = await read();
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ hash: decided.hash, stage: "decided" });
  await api.close();
});

test("error: a busy port is named with the remedy", async () => {
  const first = await startApi(options());
  const port = Number(new URL(first.url).port);
  await expect(startApi({ ...options(), port })).rejects.toMatchObject({
    code: "PORT_BUSY",
    port,
    message: expect.stringMatching(new RegExp(`${port}.*--port`)),
  });
  await first.close();
});

test("error: an address of another machine", async () => {
  await expect(startApi({ ...options(), host: "192.0.2.1" })).rejects.toMatchObject({
    code: "ADDRESS_UNAVAILABLE",
    host: "192.0.2.1",
  });
});

test("error: a request with too large a head is refused", async () => {
  const api = await startApi(options());
  const response = await fetch(`${api.url}/v1/decisions?run=${"x".repeat(10_000)}`);
  expect(response.status).toBe(431);
  await api.close();
});

test("behaviour: told to stop it finishes what is under way within its bound, refuses what comes, and cuts what hangs", async () => {
  const app = await createApi({ ...options(), settings: { ratePerAddress: 0 } });
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  app.get("/v1/slow", async () => {
    await wait(300);
    return { done: true };
  });
  app.get("/v1/stuck", () => new Promise(() => {}));
  const api = await listenOn(app, { port: 0, shutdownMs: 800 });
  const port = Number(new URL(api.url).port);
  const slow = fetch(`${api.url}/v1/slow`);
  const stuck = fetch(`${api.url}/v1/stuck`).then(
    () => "answered",
    () => "cut",
  );
  // A request under way keeps its connection, on which another one comes.
  const second = exchange(
    port,
    ["GET /v1/slow HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /v1/runs HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    { pauseMs: 150, quietMs: 1_000 },
  );
  await wait(100);
  const started = performance.now();
  const closed = api.close().then(() => performance.now() - started);
  expect(await (await slow).json()).toEqual({ done: true });
  const { text } = await second;
  expect(text).toContain('{"done":true}');
  expect(text).toMatch(/503 Service Unavailable[\s\S]*SHUTTING_DOWN/);
  expect(await stuck).toBe("cut");
  const took = await closed;
  expect(took).toBeGreaterThan(700);
  expect(took).toBeLessThan(2_500);
  await expect(fetch(`${api.url}/health`)).rejects.toThrow();
});
