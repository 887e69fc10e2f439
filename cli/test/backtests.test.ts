import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openJournal } from "@ballast/agent";
import { createKey } from "@ballast/api";
import { type BacktestFile, readBacktestFile } from "@ballast/training";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { openBacktestJobs } from "../src/backtests/jobs.ts";
import type { BacktestLimits } from "../src/backtests/limits.ts";
import { HOURS, isOver, LONG, newBars, SHORT, START, serveJobs, toClient } from "./backtest-service.ts";
import { expectRefused, lastJson, newFolder, run, start } from "./child.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let bars: string;
/** One that begins nothing, for all that is refused before. */
let idle: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  bars = await newBars();
  idle = await serve(newFolder(), { running: 0 });
  closing.pop();
});
afterAll(() => idle.close());

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(
  folder = newFolder(),
  limits: Partial<BacktestLimits> = {},
  backtests = join(folder, "backtests"),
) {
  const log: string[] = [];
  const artefacts = join(folder, "artefacts");
  const jobs = await openBacktestJobs({
    folder: backtests,
    dataSets: { hourly: bars },
    artefacts,
    limits,
    clock: Date.now,
    log: (line) => log.push(line),
  });
  const api = await serveJobs(jobs, folder);
  const close = async () => {
    await api.close();
    await jobs.close();
  };
  closing.push(close);
  return { ...api, folder, log, close, jobs };
}

it("default: a backtest is submitted, watched and read, with the figures of `ballast backtest`", async () => {
  const api = await serve();
  const submitted = await api.post(SHORT);
  expect(submitted.status).toBe(202);
  const { links, owner } = submitted.body;
  expect(owner).toMatch(/^key:[0-9a-f]{16}$/);
  const seen = await (await api.watch(links.events))();
  expect(seen.at(-1).state).toBe("done");
  const shares = seen.map(({ progress: { done } }) => done);
  expect(new Set(shares).size).toBeGreaterThan(2);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  // 3 days of 24 bars and the first, for each of two policies.
  expect(seen.at(-1).progress).toEqual({ step: "", done: 146, total: 146 });

  const { body } = await api.get(links.self);
  expect(body).toMatchObject({ state: "done", error: null, request: SHORT });
  expect(body.result.policies.map(({ name }: { name: string }) => name)).toEqual(["threshold", "weekly"]);

  const twin = newFolder();
  const config = { ...SHORT, data: { bars }, out: "out" };
  writeFileSync(join(twin, "backtest.yaml"), JSON.stringify(config));
  const { runs } = lastJson(await run(twin, ["backtest", "--config", "backtest.yaml", "--json"]));
  for (const [i, policy] of body.result.policies.entries())
    expect(policy.decisionsDigest).toBe(runs[i].decisionsDigest);
  const twins = JSON.parse(readFileSync(join(twin, "out", "compare.json"), "utf8"));
  expect(body.result.policies[1].metrics).toEqual(twins.policies[1].metrics);
  expect(body.result.headline).toBe(twins.headline);

  const record = await api.get(body.links.records.weekly);
  expect(record.text).toBe(readFileSync(join(twin, "out", "weekly", "record.json"), "utf8"));
  const report = await fetch(`${api.url}${body.links.report}`);
  expect(report.headers.get("content-security-policy")).toContain("sandbox");
  expect(await report.text()).toMatch(/^<!doctype html>/i);
  expect((await api.ask("DELETE", links.self)).body).toMatchObject({ status: 409, code: "BACKTEST_OVER" });
});

it("behaviour: what data sets there are, and pages of backtests that stay as more are submitted", async () => {
  const api = await serve(newFolder(), { running: 0 });
  const { body: sets } = await api.get("/v1/backtests/data-sets");
  expect(sets.items).toEqual([
    {
      name: "hourly",
      assets: ["BTC", "ETH", "SOL"],
      from: "2023-01-01T00:00:00.000Z",
      until: new Date(START + HOURS * 3_600_000).toISOString(),
      intervalMs: 3_600_000,
    },
  ]);
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) ids.unshift((await api.post(LONG)).body.id);
  const first = (await api.get("/v1/backtests?limit=2")).body;
  expect(first.items.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
  await api.post(LONG);
  const second = (await api.get(`/v1/backtests?limit=2&cursor=${first.nextCursor}`)).body;
  expect(second).toMatchObject({ items: [{ id: ids[2] }], nextCursor: null });
});

it("behaviour: one that runs and one that waits are cancelled, and the next begins", async () => {
  const api = await serve();
  const [a, b, c] = [(await api.post(LONG)).body, (await api.post(LONG)).body, (await api.post(SHORT)).body];
  await api.until(a.id, ({ progress }) => progress.done > 0);
  expect((await api.get(b.links.self)).body.state).toBe("queued");
  for (const { links } of [b, a]) {
    const { status, body } = await api.ask("DELETE", links.self);
    expect({ status, state: body.state }).toEqual({ status: 200, state: "cancelled" });
  }
  expect(existsSync(join(api.folder, "backtests", a.id, "run"))).toBe(false);
  expect((await api.until(c.id, isOver)).state).toBe("done");
});

it("behaviour: what is submitted at once is run at once, as far as it may", async () => {
  const api = await serve(newFolder(), { running: 2 });
  const all = await Promise.all([SHORT, SHORT, SHORT].map(api.post));
  const states = async () =>
    (await api.get("/v1/backtests")).body.items.map(({ state }: { state: string }) => state).sort();
  expect(await states()).toEqual(["queued", "running", "running"]);
  const ended = await Promise.all(all.map(({ body }) => api.until(body.id, isOver)));
  expect(ended.map(({ state, error }) => [state, error])).toEqual(Array(3).fill(["done", null]));
  closing.pop();
  await api.close();
  for (const { id } of ended)
    expect(JSON.parse(readFileSync(join(api.folder, "backtests", id, "job.json"), "utf8")).state).toBe(
      "done",
    );
});

it("behaviour: a service that stops leaves a checkpoint; the next one goes on from it to the same record", async () => {
  const folder = newFolder();
  const first = await serve(folder);
  const { id } = (await first.post(LONG)).body;
  const { id: next } = (await first.post(SHORT)).body;
  await first.until(id, ({ progress }) => progress.done > 100);
  closing.pop();
  await first.close();
  const kept = join(folder, "backtests", id);
  expect(JSON.parse(readFileSync(join(kept, "job.json"), "utf8"))).toMatchObject({
    state: "queued",
    endedAt: null,
  });
  const checkpoints = () =>
    readdirSync(join(kept, "run", "threshold")).filter((name) => name.startsWith("bars-0"));
  expect(checkpoints().length).toBeGreaterThan(0);

  const second = await serve(folder, { running: 2 });
  const again = (await second.post(LONG)).body;
  const whole = await second.until(id, isOver);
  expect(whole.state).toBe("done");
  expect((await second.until(next, isOver)).state).toBe("done");
  const { result } = await second.until(again.id, isOver);
  expect(whole.result.policies).toEqual(result.policies);
});

it("error: another process has the folder", async () => {
  await expect(serve(idle.folder)).rejects.toMatchObject({ code: "STORE_BUSY" });
});

it.each([
  ["a data set there is not", { ...SHORT, data: "minutely" }, 400, "UNKNOWN_DATA_SET", /minutely.*hourly/],
  ["a path for a data set", { ...SHORT, data: "/etc" }, 400, "INVALID_PARAMETER", /^data/],
  ["a path in an object", { ...SHORT, data: { bars: "/etc" } }, 400, "INVALID_PARAMETER", /^data/],
  [
    "a label that climbs",
    { ...SHORT, policies: [{ name: "threshold", label: "../../x" }] },
    400,
    "INVALID_PARAMETER",
    /label/,
  ],
  ["a model's file", { ...SHORT, model: "/etc/passwd" }, 400, "INVALID_PARAMETER", /^model/],
  ["no champion", { ...SHORT, model: "champion" }, 400, "BAD_BACKTEST", /\/v1\/models/],
  ["an unknown policy", { ...SHORT, policies: [{ name: "magic" }] }, 400, "BAD_BACKTEST", /magic/],
  [
    "an unknown parameter",
    { ...SHORT, policies: [{ name: "predictive", parameters: { actAtt: 1 } }] },
    400,
    "BAD_BACKTEST",
    /actAtt/,
  ],
  [
    "weights that are not one",
    { ...SHORT, portfolio: { targets: { USDC: 0.5, BTC: 0.4 } } },
    400,
    "BAD_BACKTEST",
    /0\.9/,
  ],
  [
    "an asset without bars",
    { ...SHORT, portfolio: { targets: { USDC: 0.5, DOGE: 0.5 } } },
    400,
    "BAD_BACKTEST",
    /DOGE/,
  ],
  [
    "a period before the data",
    { ...SHORT, from: "2020-01-01", until: "2020-02-01" },
    400,
    "BAD_BACKTEST",
    /2023-01-01/,
  ],
  [
    "a period that ends before it begins",
    { ...SHORT, from: "2023-03-01" },
    400,
    "BAD_BACKTEST",
    /from is not before/,
  ],
])("error: %s is refused when it is submitted", async (_what, request, status, code, detail) => {
  const answer = await idle.post(request);
  expect(answer.body).toMatchObject({ status, code, detail: expect.stringMatching(detail) });
  expect(answer.text).not.toContain(idle.folder);
  expect((await idle.get("/v1/backtests")).body.items).toEqual([]);
});

it("error: too large a backtest, and too many of them", async () => {
  const api = await serve(newFolder(), { mostSteps: 5_000, queuedPerOwner: 2 });
  // 2,280 bars of two assets are 4,560 steps for one policy.
  const { policies: _, ...one } = LONG;
  const large = await api.post(LONG);
  expect(large.body).toMatchObject({ status: 413, code: "BACKTEST_TOO_LARGE" });
  expect(large.body.detail).toMatch(/2280 bars × 2 assets × 2 policies are 9120, and at most 5000/);
  // One runs, two wait.
  for (let n = 0; n < 3; n++) expect((await api.post(one)).status).toBe(202);
  expect((await api.post(one)).body).toMatchObject({ status: 429, code: "BACKTEST_QUEUE_FULL" });
});

it("error: what the engine refuses later is told without places, what takes too long is ended", async () => {
  const api = await serve();
  // The first snapshot needs a month of bars.
  const early = (await api.post({ ...SHORT, from: "2023-01-02" })).body;
  const failed = await api.until(early.id, isOver);
  expect(failed).toMatchObject({ state: "failed", result: null, links: { report: null, records: {} } });
  expect(failed.error.code).toMatch(/^[A-Z_]+$/);
  expect(failed.error.detail).not.toContain("/tmp");
  const hasty = await serve(newFolder(), { mostSeconds: 1 });
  const slow = (await hasty.post(LONG)).body;
  expect((await hasty.until(slow.id, isOver)).error.code).toBe("BACKTEST_TOO_SLOW");
});

it("error: a process that runs out of memory fails alone, and the log says so", async () => {
  const api = await serve(newFolder(), { memoryMb: 12 });
  const { id } = (await api.post(SHORT)).body;
  expect(await api.until(id, isOver)).toMatchObject({ state: "failed", error: { code: "BACKTEST_DIED" } });
  expect(api.log.join("\n")).toContain(`backtest ${id} ended without a word`);
  expect((await api.get("/health")).status).toBe(200);
});

it("error: a body that is nested as deep as it may be long is refused like any other", async () => {
  const api = await serve();
  const nested = (open: string, close: string, depth: number) =>
    `${open.repeat(depth)}1${close.repeat(depth)}`;
  const deep = [nested("[", "]", 25_000), nested('{"a":', "}", 8_000)];
  const send = async (body: string) => {
    const response = await fetch(`${api.url}/v1/backtests`, {
      method: "POST",
      headers: { authorization: `Bearer ${api.key}`, "content-type": "application/json" },
      body,
    });
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    expect(detail.length).toBeLessThan(1_000);
    return [response.status, code];
  };
  for (const bomb of deep) {
    const bodies = [
      bomb,
      `{"portfolio":${bomb}}`,
      `{"portfolio":{"targets":{"BTC":${bomb}}}}`,
      JSON.stringify({ ...SHORT, policies: ["?"] }).replace('"?"', bomb),
      JSON.stringify({ ...SHORT, policies: [{ name: "threshold", parameters: { size: "?" } }] }).replace(
        '"?"',
        bomb,
      ),
      JSON.stringify({ ...SHORT, halts: "?" }).replace('"?"', bomb),
    ];
    for (const body of bodies)
      expect(await send(body), body.slice(0, 200)).toEqual([
        400,
        expect.stringMatching(/^(INVALID_PARAMETER|BAD_BACKTEST)$/),
      ]);
  }
  expect((await api.get("/health")).status).toBe(200);
});

it("error: on a full disk a backtest is refused until there is room, and nothing of it is kept", async (context) => {
  const disk = newFolder();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { encoding: "utf8" });
  if (mounted.status !== 0) {
    console.log(
      `left out: no full disk can be made here: ${mounted.stderr?.trim() || mounted.error?.message}`,
    );
    return context.skip("no full disk can be made here");
  }
  closing.push(async () => void spawnSync("umount", ["-l", disk]));
  const backtests = join(disk, "backtests");
  const api = await serve(newFolder(), { running: 0 }, backtests);
  const before = readdirSync(backtests);
  const filler = join(disk, "filler");
  spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k"]);
  const { status, body } = await api.post(SHORT);
  expect([status, body.code]).toEqual([503, "DISK_FULL"]);
  expect(body.detail).toMatch(/no disk space left; nothing was changed/);
  expect(body.detail).not.toContain(disk);
  expect(readdirSync(backtests)).toEqual(before);
  expect((await api.get("/v1/backtests")).body.items).toEqual([]);
  rmSync(filler);
  expect((await api.post(SHORT)).status).toBe(202);
});

it("behaviour: a folder that holds no backtest is left alone and said", async () => {
  const folder = newFolder();
  const broken = join(folder, "backtests", "f".repeat(24));
  mkdirSync(broken, { recursive: true });
  writeFileSync(join(broken, "job.json"), "{");
  const api = await serve(folder);
  expect((await api.get("/v1/backtests")).body.items).toEqual([]);
  expect(api.log.join("\n")).toContain("left alone");
  expect(readFileSync(join(broken, "job.json"), "utf8")).toBe("{");
});

it("behaviour: over HTTP every setting of docs/backtest.yaml is taken that names no place", async () => {
  const path = fileURLToPath(new URL("../../docs/backtest.yaml", import.meta.url));
  const { data, artefacts, out, checkpointBars, journal, retraining, costs, ...file }: BacktestFile =
    readBacktestFile(readFileSync(path, "utf8"), path);
  expect({ data, artefacts, out, checkpointBars, journal }).toEqual({
    data: { bars: "./bars" },
    artefacts: ".ballast/artefacts",
    out: ".ballast/backtest",
    checkpointBars: 1000,
    journal: false,
  });
  const { backend: _, ...fitted } = retraining!;
  const answer = await idle.post({ ...file, retraining: fitted, costs });
  // All of it is understood; these bars have no LINK.
  expect(answer.body).toMatchObject({ code: "BAD_BACKTEST", detail: expect.stringMatching(/LINK/) });
});

it("behaviour: whatever a request holds, it is taken or refused with a problem, and never a 5xx", async () => {
  const api = await serve(newFolder(), { running: 0, queuedPerOwner: 1_000, queued: 1_000 });
  const whole = {
    ...SHORT,
    model: "linear",
    latency: 1,
    vault: { cooldownSeconds: 3_000, maxTurnover: 0.5, minScore: 10 },
    costs: {
      kind: "pool",
      reserve: 5e7,
      route: { kind: "public", tolerance: 0.003, attackDollars: 20 },
      assets: { BTC: { fee: 0.003 } },
    },
    gas: { tipGwei: 1 },
    retraining: { everyDays: 5, training: { maxRows: 2_000 } },
    halts: [{ from: "2023-02-11", until: "2023-02-12" }],
    policies: [{ name: "predictive", label: "a", parameters: { actAt: 0.2, horizonHours: 12 } }],
  };
  expect((await api.post(whole)).status).toBe(202);
  const odd = fc.oneof(
    fc.constantFrom<unknown>(
      0,
      -1,
      1e308,
      1e-308,
      0.5,
      "",
      "..",
      "threshold",
      "calendar",
      "DOGE",
      "2023-02-15",
      0.35,
      2,
      40,
      "__proto__",
      "2023-02-31",
      "9999-99-99",
      null,
      true,
      [],
      {},
    ),
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.jsonValue({ maxDepth: 4 }),
  );
  /** Somewhere in the request, something else, or one key more. */
  const mutated = fc
    .tuple(
      fc.array(fc.nat(7), { minLength: 1, maxLength: 5 }),
      odd,
      fc.option(fc.constantFrom("out", "constructor", "x")),
    )
    .map(([path, value, more]) => {
      const copy = structuredClone(whole) as Record<string, unknown>;
      let at: Record<string, unknown> = copy;
      for (const [depth, step] of path.entries()) {
        const keys = Object.keys(at);
        const key = keys[step % keys.length]!;
        const next = at[key];
        if (depth === path.length - 1 || typeof next !== "object" || next === null) {
          at[more ?? key] = value;
          break;
        }
        at = next as Record<string, unknown>;
      }
      return copy;
    });
  /** Of the right form, and seldom of the right sum. */
  const targeted = fc
    .dictionary(fc.constantFrom("USDC", "BTC", "ETH", "DOGE"), fc.constantFrom(0.25, 0.5, 0.75), {
      minKeys: 1,
    })
    .map((targets) => ({ ...whole, portfolio: { targets } }));
  const codes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        { weight: 4, arbitrary: mutated },
        { weight: 1, arbitrary: targeted },
        { weight: 1, arbitrary: fc.jsonValue() },
      ),
      async (request) => {
        const { status, body, text } = await api.post(request);
        codes.set(String(body?.code ?? status), (codes.get(String(body?.code ?? status)) ?? 0) + 1);
        expect(status, `${JSON.stringify(request)} ${text}`).toBeLessThan(500);
        if (status !== 202) expect(body).toMatchObject({ status, code: expect.any(String) });
      },
    ),
    { seed: 6, numRuns: 600 },
  );
  // The mutations reach both the schema and the engine's own rules.
  expect(codes.get("INVALID_PARAMETER")).toBeGreaterThan(50);
  expect(codes.get("BAD_BACKTEST")).toBeGreaterThan(5);
  expect(codes.get("202")).toBeGreaterThan(5);
});

it("default: `ballast serve --data` runs what it is sent, and ends in an orderly way on SIGTERM", async () => {
  const home = newFolder();
  openJournal(join(home, "agent.sqlite")).close();
  const args = ["serve", "--journal", "agent.sqlite", "--data", `hourly=${bars}`, "--port", "0"];
  const keys = join(home, ".ballast/api/keys.json");
  mkdirSync(join(home, ".ballast/api"), { recursive: true });
  const { key } = await createKey(keys, { name: "test", scope: "submit", at: "2023-01-01T00:00:00Z" });
  const refused = Promise.all([
    run(home, [...args.slice(0, -4), "--data", "hourly=missing"]),
    run(home, [...args, "--data", "hourly=x"]),
    run(home, [...args, "--backtest-workers", "0"]),
  ]);
  const server = start(home, args);
  const [url] = await server.until("stderr", /http:\/\/127\.0\.0\.1:\d+/);
  const api = toClient(url!.replace(/\/$/, ""), key);
  const { body: short } = await api.post(SHORT);
  expect((await api.until(short.id, isOver)).state).toBe("done");
  const { id } = (await api.post(LONG)).body;
  const kept = () => JSON.parse(readFileSync(join(home, ".ballast/backtests", id, "job.json"), "utf8")).state;
  while (kept() !== "running") await sleep(20);
  server.child.kill("SIGTERM");
  const { status } = await server.ended;
  expect([status, kept()]).toEqual([0, "queued"]);
  const [missing, twice, workless] = await refused;
  expectRefused(missing, /missing/);
  expectRefused(twice, /named twice/, 2);
  expectRefused(workless, /NO_WORKERS/);
});
