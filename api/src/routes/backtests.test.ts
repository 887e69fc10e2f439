import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance, InjectOptions } from "fastify";
import { afterEach, expect, test } from "vitest";
import { ARTEFACTS, startFixture } from "../../test/fixture.ts";
import { createApi } from "../app.ts";
import type { BacktestJob, BacktestJobs } from "../backtest-jobs.ts";
import type { Settings } from "../config.ts";
import { createKey } from "../keys.ts";

const ID = "0".repeat(24);
const JOB: BacktestJob = {
  id: ID,
  owner: "alice",
  state: "running",
  submittedAt: "2024-01-01T00:00:00Z",
  startedAt: "2024-01-01T00:00:01Z",
  endedAt: null,
  progress: { step: "threshold", done: 3, total: 10 },
  error: null,
  request: {},
};
const REQUEST = { data: "hourly", portfolio: { targets: { USDC: 0.5, BTC: 0.5 } } };

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A service over jobs that keep what they are asked for, and one job that is alice's. */
async function serve(caller = { name: "bob", isAdmin: false }, settings: Partial<Settings> = {}) {
  const fixture = await startFixture();
  let job = JOB;
  const submitted: unknown[] = [];
  const listeners = new Set<(job: BacktestJob) => void>();
  const jobs: BacktestJobs = {
    dataSets: async () => [
      { name: "hourly", assets: ["BTC"], from: 0, until: 3_600_000, intervalMs: 3_600_000 },
    ],
    submit: async (request, owner) => {
      submitted.push({ request, owner });
      return { ...JOB, owner, request };
    },
    get: async (id) => (id === ID ? job : undefined),
    list: async () => ({ items: [job], nextCursor: undefined }),
    cancel: async () => {
      job = { ...job, state: "cancelled", endedAt: "2024-01-01T00:00:02Z" };
      for (const listener of listeners) listener(job);
      return job;
    },
    result: async () => undefined,
    read: async () => undefined,
    watch: (_id, listener) => {
      listener(job);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const keys = join(mkdtempSync(join(tmpdir(), "ballast-keys-")), "keys.json");
  const { key } = await createKey(keys, { name: "test", scope: "submit", at: "2024-01-01T00:00:00Z" });
  const app = await createApi({
    journal: fixture.journal,
    artefacts: ARTEFACTS,
    logger: false,
    backtests: jobs,
    submitterOf: () => caller,
    settings: { keys, ...settings },
  });
  withKey(app, key);
  closing.push(async () => {
    await app.close();
    await fixture.close();
  });
  return { app, submitted, listeners };
}
/** Every request of the test carries the key. */
function withKey(app: FastifyInstance, key: string): void {
  const inject = app.inject.bind(app) as (options: InjectOptions) => ReturnType<FastifyInstance["inject"]>;
  app.inject = ((options: InjectOptions | string) => {
    const given = typeof options === "string" ? { url: options } : options;
    return inject({ ...given, headers: { authorization: `Bearer ${key}`, ...given.headers } });
  }) as FastifyInstance["inject"];
}
const post = (app: FastifyInstance, payload: unknown) =>
  app.inject({
    method: "POST",
    url: "/v1/backtests",
    headers: { "content-type": "application/json" },
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  });

test("default: a request goes to the engine as it is, under the caller's name", async () => {
  const { app, submitted } = await serve();
  const answer = await post(app, REQUEST);
  expect(answer.statusCode).toBe(202);
  expect(answer.headers.location).toBe(`/v1/backtests/${ID}`);
  expect(answer.json()).toMatchObject({ owner: "bob", links: { report: null, records: {} } });
  expect(submitted).toEqual([{ request: REQUEST, owner: "bob" }]);
});

test.each([
  ["a path to bars", { ...REQUEST, data: { bars: "/etc" } }, /^data /],
  ["a path for a name", { ...REQUEST, data: "../../etc" }, /^data /],
  ["a place to write to", { ...REQUEST, out: "/tmp/x" }, /^out is no parameter/],
  ["a store of models", { ...REQUEST, artefacts: "/tmp/x" }, /^artefacts is no parameter/],
  ["a model's file", { ...REQUEST, model: "./model.bin" }, /^model /],
  ["a model by a short id", { ...REQUEST, model: "0x12" }, /^model /],
  ["a network to train", { ...REQUEST, model: "network" }, /^model /],
  [
    "a label that climbs",
    { ...REQUEST, policies: [{ name: "threshold", label: ".." }] },
    /^policies\/0\/label /,
  ],
  [
    "a label with a dot",
    { ...REQUEST, policies: [{ name: "threshold", label: "a.b" }] },
    /^policies\/0\/label /,
  ],
  ["null for a number", { ...REQUEST, latency: null }, /^latency /],
  ["text for a number", { ...REQUEST, latency: "1" }, /^latency /],
  ["infinity", '{"portfolio":{"targets":{"USDC":0.5,"BTC":0.5},"nav":1e999}}', /^portfolio\/nav /],
  ["no portfolio", { data: "hourly" }, /portfolio/],
  ["a list", [], /must be object/],
])("error: %s is refused before the engine sees it", async (_what, payload, detail) => {
  const { app, submitted } = await serve();
  const answer = await post(app, payload);
  expect(answer.json()).toMatchObject({ status: 400, code: "INVALID_PARAMETER" });
  expect(answer.json().detail).toMatch(detail);
  expect(submitted).toEqual([]);
});

test("error: a poisoned prototype, a body too large, one that is no JSON, and none", async () => {
  const { app, submitted } = await serve();
  const codeOf = async (payload: string) => (await post(app, payload)).statusCode;
  expect(await codeOf('{"portfolio":{"targets":{}},"__proto__":{"isAdmin":true}}')).toBe(400);
  expect(await codeOf(JSON.stringify({ ...REQUEST, x: "y".repeat(70_000) }))).toBe(413);
  expect(await codeOf("{")).toBe(400);
  expect(await codeOf("")).toBe(400);
  expect(submitted).toEqual([]);
});

test("error: one key's backtest is not another's to cancel", async () => {
  const { app } = await serve();
  const answer = await app.inject({ method: "DELETE", url: `/v1/backtests/${ID}` });
  expect(answer.json()).toMatchObject({ status: 403, code: "NOT_YOURS" });
  expect((await app.inject(`/v1/backtests/${ID}`)).json().state).toBe("running");
});

test.each([
  { name: "alice", isAdmin: false },
  { name: "root", isAdmin: true },
])("behaviour: $name may cancel it, and its events end with that", async (caller) => {
  const { app, listeners } = await serve(caller);
  const events = app.inject(`/v1/backtests/${ID}/events`);
  while (listeners.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const answer = await app.inject({ method: "DELETE", url: `/v1/backtests/${ID}` });
  expect(answer.json()).toMatchObject({ state: "cancelled" });
  const { body, headers } = await events;
  expect(headers["content-type"]).toContain("text/event-stream");
  const states = [...body.matchAll(/^event: backtest\ndata: (.+)$/gm)].map(
    ([, data]) => JSON.parse(data!).state,
  );
  expect(states).toEqual(["running", "cancelled"]);
  expect(listeners.size).toBe(0);
});

test("behaviour: a service that closes ends its event streams", async () => {
  const { app, listeners } = await serve();
  const events = app.inject(`/v1/backtests/${ID}/events`);
  while (listeners.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await app.close();
  expect((await events).body).toMatch(/"state":"running"/);
  expect(listeners.size).toBe(0);
});

test("error: who watches takes no place of a request, and an address may watch so often", async () => {
  const { app, listeners } = await serve(undefined, { maxInFlight: 4 });
  const watch = () => app.inject(`/v1/backtests/${ID}/events`);
  const watching = Array.from({ length: 32 }, watch);
  while (listeners.size < 32) await new Promise((resolve) => setTimeout(resolve, 5));
  expect((await watch()).json()).toMatchObject({ status: 429, code: "TOO_MANY_STREAMS" });
  expect((await app.inject(`/v1/backtests/${ID}`)).statusCode).toBe(200);
  for (const listener of listeners) listener({ ...JOB, state: "done", endedAt: JOB.startedAt });
  await Promise.all(watching);
  const again = watch();
  while (listeners.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const listener of listeners) listener({ ...JOB, state: "done", endedAt: JOB.startedAt });
  expect((await again).statusCode).toBe(200);
});

test("error: unknown ids and what is not there yet", async () => {
  const { app } = await serve();
  const codeOf = async (path: string) => (await app.inject(`/v1/backtests/${path}`)).json().code;
  const other = "1".repeat(24);
  expect(await codeOf(other)).toBe("BACKTEST_NOT_FOUND");
  expect(await codeOf(`${other}/events`)).toBe("BACKTEST_NOT_FOUND");
  expect(await codeOf("../../etc/passwd")).toBe("ROUTE_NOT_FOUND");
  expect(await codeOf("..%2f..%2fetc")).toBe("INVALID_PARAMETER");
  expect(await codeOf(`${ID}/report`)).toBe("REPORT_NOT_FOUND");
  expect(await codeOf(`${ID}/records/threshold`)).toBe("RECORD_NOT_FOUND");
  expect(await codeOf(`${ID}/records/..%2Fjob`)).toBe("INVALID_PARAMETER");
});

test("error: a service without backtests says how to get some", async () => {
  const fixture = await startFixture();
  closing.push(fixture.close);
  for (const path of ["/v1/backtests", `/v1/backtests/${ID}`, "/v1/backtests/data-sets"])
    expect((await fixture.app.inject(path)).json()).toMatchObject({ status: 404, code: "BACKTESTS_OFF" });
  // Who has no key is told so first.
  expect((await post(fixture.app, REQUEST)).json()).toMatchObject({ code: "KEY_REQUIRED" });
});
