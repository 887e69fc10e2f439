import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openJournal } from "@ballast/agent";
import { createKey } from "@ballast/api";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { openBacktestJobs } from "../src/backtests/jobs.ts";
import type { BacktestLimits } from "../src/backtests/limits.ts";
import { openQueuedBacktests } from "../src/backtests/queued.ts";
import { startBacktestWorker } from "../src/backtests/queueWorker.ts";
import { isOver, LONG, newBars, SHORT, serveJobs, toClient } from "./backtest-service.ts";
import { expectRefused, newFolder, type Running, run, start } from "./child.ts";
import { hasRedis, type RedisServer, startRedis } from "./redis.ts";

if (!hasRedis) console.log("redis-server is not installed: backtests over a queue are left out");
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** What an embedded service makes of the two requests: figures and each policy's record, as text. */
const expected = new Map<unknown, { readonly policies: unknown; readonly records: readonly string[] }>();
let bars: string;
const artefacts = newFolder();

async function redis(keeps = false): Promise<RedisServer> {
  const server = await startRedis(undefined, keeps);
  closing.push(server.stop);
  return server;
}

/** One of several services on a Redis; each reads the same keys. */
async function serve(url: string, limits: Partial<BacktestLimits> = {}, keys?: string) {
  const options = { url, dataSets: { hourly: bars }, artefacts, limits, clock: Date.now };
  const jobs = await openQueuedBacktests({ ...options, log() {} });
  const api = await serveJobs(jobs, newFolder(), keys);
  closing.push(async () => {
    await api.close();
    await jobs.close();
  });
  return api;
}

/** A machine that runs backtests, in a folder of its own unless it shares one. */
function worker(url: string, folder = newFolder()): Running {
  const args = ["worker", "--threads", "0", "--data", `hourly=${bars}`, "--retry-after", "2"];
  const started = start(folder, args, { BALLAST_REDIS: url });
  closing.push(() => started.child.kill("SIGKILL"));
  return started;
}

type Client = Awaited<ReturnType<typeof serve>>;
async function outcomeOf(api: Client, id: string) {
  const { state, result, links } = await api.until(id, isOver);
  expect(state).toBe("done");
  const records = Object.values<string>(links.records).map(async (link) => (await api.get(link)).text);
  return { policies: result.policies, records: await Promise.all(records) };
}

describe.skipIf(!hasRedis)("backtests that several processes share", () => {
  beforeAll(async () => {
    bars = await newBars();
    const jobs = await openBacktestJobs({
      folder: newFolder(),
      dataSets: { hourly: bars },
      artefacts,
      limits: { running: 2 },
      clock: Date.now,
      log() {},
    });
    const api = await serveJobs(jobs);
    const ids = await Promise.all([SHORT, LONG].map(async (request) => (await api.post(request)).body.id));
    expected.set(SHORT, await outcomeOf(api, ids[0]));
    expected.set(LONG, await outcomeOf(api, ids[1]));
    await api.close();
    await jobs.close();
  });

  it("default: submitted to one, watched and read at another, with the figures of an embedded one", async () => {
    const { url } = await redis();
    const keys = join(newFolder(), "keys.json");
    const [a, b] = [await serve(url, {}, keys), await serve(url, {}, keys)];
    const submitted = await a.post(SHORT);
    expect(submitted).toMatchObject({ status: 202, body: { state: "queued", request: SHORT } });
    const { id, links } = submitted.body;
    expect((await b.get("/v1/backtests")).body.items).toMatchObject([{ id, state: "queued" }]);
    const watched = await b.watch(links.events);
    const only = worker(url);
    const seen = await watched();
    expect(seen.map(({ state }) => state)).toEqual(expect.arrayContaining(["queued", "running", "done"]));
    const shares = seen.map(({ progress }) => progress.done);
    expect(shares).toEqual(shares.toSorted((x, y) => x - y));
    expect(seen.at(-1).progress).toEqual({ step: "", done: 146, total: 146 });
    expect(await outcomeOf(b, id)).toEqual(expected.get(SHORT));
    const report = (await b.get((await b.get(links.self)).body.links.report)).text;
    expect(report).toMatch(/^<!doctype html>/i);
    expect((await toClient(b.url, a.key).ask("DELETE", links.self)).body).toMatchObject({
      status: 409,
      code: "BACKTEST_OVER",
    });
    expect(only.text.stderr).toMatch(new RegExp(`backtest ${id}: done`));
  });

  it("behaviour: one that waits and one that runs are cancelled from another, and the next begins", async () => {
    const { url } = await redis();
    const folder = newFolder();
    const keys = join(folder, "keys.json");
    const [a, b] = [await serve(url, {}, keys), await serve(url)];
    const [first, second, third] = [await a.post(LONG), await a.post(LONG), await a.post(SHORT)];
    worker(url, folder);
    await b.until(first.body.id, ({ progress }) => progress.done > 0);
    // The two have keys of their own.
    const theirs = await b.ask("DELETE", first.body.links.self);
    expect(theirs.body).toMatchObject({ status: 403, code: "NOT_YOURS" });
    const asA = toClient(b.url, a.key);
    expect((await asA.ask("DELETE", first.body.links.self)).status).toBe(401);
    const c = await serve(url, {}, keys);
    const mine = toClient(c.url, a.key);
    for (const { body } of [second, first]) {
      const cancelled = await mine.ask("DELETE", body.links.self);
      expect(cancelled).toMatchObject({ status: 200, body: { state: "cancelled" } });
      expect(cancelled.body.endedAt).not.toBeNull();
    }
    expect(await outcomeOf(b, third.body.id)).toEqual(expected.get(SHORT));
    expect((await b.get(first.body.links.self)).body).toMatchObject({ state: "cancelled", result: null });
    expect((await b.get(second.body.links.self)).body.state).toBe("cancelled");
    expect(readdirSync(join(folder, ".ballast/backtests/queue"))).toEqual([]);
  });

  it("behaviour: a backtest of a worker that is stopped or killed goes on in its folder, or begins anew, to the same figures", async () => {
    const { url } = await redis();
    const api = await serve(url);
    const folder = newFolder();
    const { id } = (await api.post(LONG)).body;
    const stopped = worker(url, folder);
    await api.until(id, ({ progress }) => progress.done > 0);
    stopped.child.kill("SIGTERM");
    expect((await stopped.ended).status).toBe(0);
    expect((await api.get(`/v1/backtests/${id}`)).body).toMatchObject({ state: "queued", endedAt: null });
    const first = worker(url, folder);
    await first.until("stderr", new RegExp(`backtest ${id}: begins`));
    await api.until(id, ({ progress }) => progress.done > 100);
    first.child.kill("SIGKILL");
    const left = join(folder, ".ballast/backtests/queue", id, "run/threshold");
    const hasCheckpoint = () =>
      existsSync(left) && readdirSync(left).some((name) => name.startsWith("bars-0"));
    while (!hasCheckpoint()) await sleep(50);
    const second = worker(url, folder);
    await second.until("stderr", new RegExp(`backtest ${id}: begins`));
    // Less than there was: it goes on, and the one with a folder of its own cannot.
    const resumed = await api.until(id, ({ progress }) => progress.done > 0);
    expect(resumed.progress.done).toBeGreaterThan(100);
    second.child.kill("SIGKILL");
    const third = worker(url);
    expect(await outcomeOf(api, id)).toEqual(expected.get(LONG));
    expect(third.text.stderr).toMatch(new RegExp(`backtest ${id}: begins`));
  });

  it("error: without Redis nothing is taken, with one code; when it is back nothing is lost", async () => {
    const server = await redis(true);
    const [a, b] = [await serve(server.url), await serve(server.url)];
    const { id, links } = (await a.post(SHORT)).body;
    const watched = await b.watch(links.events);
    const comeBack = await server.kill();
    for (const [method, path, body] of [
      ["POST", "/v1/backtests", SHORT],
      ["GET", "/v1/backtests", undefined],
      ["GET", links.self, undefined],
      ["DELETE", links.self, undefined],
      ["GET", links.events, undefined],
    ] as const)
      expect((await a.ask(method, path, body)).body).toMatchObject({
        status: 503,
        code: "BACKTESTS_UNAVAILABLE",
        detail: expect.not.stringContaining("127.0.0.1"),
      });
    expect((await a.get("/health")).status).toBe(200);
    await comeBack();
    while ((await b.get("/v1/backtests")).status !== 200) await sleep(50);
    expect((await b.get("/v1/backtests")).body.items).toMatchObject([{ id, state: "queued" }]);
    worker(server.url);
    expect((await watched()).at(-1).state).toBe("done");
    expect(await outcomeOf(b, id)).toEqual(expected.get(SHORT));
  });

  it("behaviour: Redis that goes while one runs costs nothing of it", async () => {
    const server = await redis(true);
    const api = await serve(server.url);
    const { id } = (await api.post(SHORT)).body;
    const only = worker(server.url);
    await only.until("stderr", new RegExp(`backtest ${id}: begins`));
    const comeBack = await server.kill();
    await only.until("stderr", /is gone; waiting for it/);
    await comeBack();
    while ((await api.get("/v1/backtests")).status !== 200) await sleep(50);
    expect(await outcomeOf(api, id)).toEqual(expected.get(SHORT));
  });

  it("error: what waits is bounded for all processes together, and cancelling makes room", async () => {
    const { url } = await redis();
    const keys = join(newFolder(), "keys.json");
    const limits = { queuedPerOwner: 3, queued: 5, kept: 2 };
    const [a, b] = [await serve(url, limits, keys), await serve(url, limits, keys)];
    const asA = toClient(b.url, a.key);
    // All at once, at both.
    const answers = await Promise.all([a, asA, a, asA, a, asA].map(({ post }) => post(SHORT)));
    const taken = answers.filter(({ status }) => status === 202);
    expect(taken.length).toBe(3);
    for (const { status, body } of answers)
      if (status !== 202) expect(body).toMatchObject({ status: 429, code: "BACKTEST_QUEUE_FULL" });
    expect((await b.post(SHORT)).status).toBe(202);
    expect((await b.post(SHORT)).status).toBe(202);
    const full = (await b.post(SHORT)).body;
    expect(full).toMatchObject({ code: "BACKTEST_QUEUE_FULL", detail: /5 backtests of all keys/ });
    // More than are kept once they are over.
    for (const { body } of taken) expect((await a.ask("DELETE", body.links.self)).status).toBe(200);
    expect((await a.post(SHORT)).status).toBe(202);
    const { items } = (await a.get("/v1/backtests")).body;
    expect(items.map(({ state }: { state: string }) => state).sort()).toEqual([
      ...Array(2).fill("cancelled"),
      ...Array(3).fill("queued"),
    ]);
    const page = (await b.get("/v1/backtests?limit=2")).body;
    const rest = (await a.get(`/v1/backtests?limit=50&cursor=${page.nextCursor}`)).body;
    expect([...page.items, ...rest.items]).toEqual(items);
  });

  it("error: results that are too large, and those beyond what all may take", async () => {
    const { url } = await redis();
    const api = await serve(url);
    const log: string[] = [];
    const run = async (limits: Partial<BacktestLimits>) => {
      const folder = newFolder();
      const options = { url, folder, dataSets: { hourly: bars }, artefacts, count: 1 };
      const one = await startBacktestWorker({ ...options, limits, log: (line) => log.push(line) });
      const ended = await api.until((await api.post(SHORT)).body.id, isOver);
      await one.close();
      return ended;
    };
    const large = await run({ resultMb: 0.001 });
    expect(large).toMatchObject({ state: "failed", error: { code: "BACKTEST_RESULT_TOO_LARGE" } });
    const first = await run({});
    const second = await run({ keptMb: 0 });
    expect([first.state, second.state]).toEqual(["done", "done"]);
    expect((await api.get(first.links.self)).body.code).toBe("BACKTEST_NOT_FOUND");
    expect((await api.get(second.links.self)).body.result).not.toBeNull();
  });

  it("default: `ballast serve --redis` shares what it is sent with another that runs none itself", async () => {
    const { url: redisUrl } = await redis();
    const home = newFolder();
    openJournal(join(home, "agent.sqlite")).close();
    const keys = join(home, ".ballast/api/keys.json");
    mkdirSync(join(home, ".ballast/api"), { recursive: true });
    const { key } = await createKey(keys, { name: "test", scope: "submit", at: "2023-01-01T00:00:00Z" });
    const args = ["serve", "--journal", "agent.sqlite", "--data", `hourly=${bars}`, "--port", "0"];
    const env = { BALLAST_REDIS: redisUrl };
    const [front, other] = [start(home, [...args, "--backtest-workers", "0"], env), start(home, args, env)];
    const refused = Promise.all([
      run(home, ["worker", "--threads", "0"], env),
      run(home, ["worker", "--threads", "0", "--data", "hourly=missing"], env),
    ]);
    const clientOf = async (server: Running) => {
      const [, url = ""] = await server.until("stderr", /(http:\/\/127\.0\.0\.1:\d+)/);
      return toClient(url, key);
    };
    const [a, b] = [await clientOf(front), await clientOf(other)];
    const { id } = (await a.post(SHORT)).body;
    expect(await outcomeOf(a as Client, id)).toEqual(expected.get(SHORT));
    const { id: long } = (await b.post(LONG)).body;
    await a.until(long, ({ progress }) => progress.done > 0);
    other.child.kill("SIGTERM");
    expect((await other.ended).status).toBe(0);
    expect((await a.get(`/v1/backtests/${long}`)).body.state).toBe("queued");
    front.child.kill("SIGTERM");
    expect((await front.ended).status).toBe(0);
    const [nothing, missing] = await refused;
    expectRefused(nothing, /NOTHING_TO_RUN/);
    expectRefused(missing, /missing/);
  });
});
