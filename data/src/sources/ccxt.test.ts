import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import {
  type ExchangeSetup,
  type Fault,
  type ServedExchange,
  serveExchange,
} from "../../test/exchange-server.ts";
import type { RawSeries } from "../market.ts";
import { type BarStore, openBarStore } from "../store.ts";
import { HOUR_MS, unixMillis } from "../units.ts";
import {
  type CcxtOptions,
  ccxtSource,
  NoBarsError,
  UnknownSymbolError,
  UnsupportedIntervalError,
} from "./ccxt.ts";
import {
  closestNames,
  ExchangeRefusedError,
  ExchangeUnavailableError,
  NoNetworkError,
  RateLimitedError,
  UnknownExchangeError,
} from "./ccxt-client.ts";
import { syntheticSource } from "./synthetic.ts";

const START = unixMillis(Date.UTC(2022, 0, 1));
const at = (hour: number) => unixMillis(START + hour * HOUR_MS);
const PAGE = 100;
const simulated = (
  await syntheticSource({ seed: 4, hours: 1000, start: START, assets: ["BTC", "ETH"] }).load({})
).series;

const base = mkdtempSync(join(tmpdir(), "ballast-ccxt-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const open: (ServedExchange | BarStore)[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
let folders = 0;
async function newStore(folder = join(base, String(folders++))): Promise<BarStore> {
  const store = await openBarStore(folder);
  open.push(store);
  return store;
}

async function serve(setup: Partial<ExchangeSetup> = {}): Promise<ServedExchange> {
  const server = await serveExchange({
    series: simulated,
    intervalMs: HOUR_MS,
    now: at(1000),
    pageRows: PAGE,
    ...setup,
  });
  open.push(server);
  return server;
}

/** The real client of Binance, led to the loopback server; pauses are noted instead of waited. */
function sourceOf(server: { url: string }, more: Partial<CcxtOptions> = {}, pauses: number[] = []) {
  return ccxtSource({
    exchange: "binance",
    clock: () => at(2000),
    timeoutMs: 400,
    client: { urls: { api: { public: `${server.url}/api/v3` } }, rateLimit: 1 },
    sleep: async (ms) => {
      pauses.push(ms);
    },
    ...more,
  });
}

const slice = ({ asset, time, bars }: RawSeries, from: number, to: number): RawSeries => ({
  asset,
  quote: "USDT",
  time: time.slice(from, to),
  bars: {
    open: bars.open.slice(from, to),
    high: bars.high.slice(from, to),
    low: bars.low.slice(from, to),
    close: bars.close.slice(from, to),
    volume: bars.volume.slice(from, to),
  },
});

test("default: all pages of all assets arrive in order, and progress ends at the whole", async () => {
  const server = await serve();
  const seen: { done: number; total?: number | undefined }[] = [];
  const market = await sourceOf(server).load({
    assets: ["BTC", "ETH"],
    from: at(0),
    to: at(750),
    onProgress: (progress) => seen.push(progress),
  });
  expect(market.series).toEqual(simulated.map((series) => slice(series, 0, 750)));
  expect(market.name).toBe("binance-usdt-1h");
  expect(server.requests.length).toBe(16);
  expect(seen.at(-1)).toEqual({
    done: 1500,
    total: 1500,
    label: "ETH/USDT 1h from 2022-01-01T00:00:00Z up to 2022-02-01T06:00:00Z",
  });
  expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).toSorted((a, b) => a - b));
});

test("behaviour: all active markets, and the last 30 days, where nothing is said", async () => {
  const market = await sourceOf(await serve()).load({});
  expect(market.series.map(({ asset }) => asset)).toEqual(["BTC", "ETH"]);
  expect(market.series[0]!.time.length).toBe(720);
  expect(market.series[0]!.time.at(-1)).toBe(at(999));
});

test("behaviour: a bar that is still open is neither delivered nor stored, by the earlier of two clocks", async () => {
  for (const [exchangeNow, ourNow] of [
    [at(500) + HOUR_MS / 2, at(900)],
    [at(900), at(500) + HOUR_MS / 2],
  ] as const) {
    const store = await newStore();
    const source = sourceOf(await serve({ now: exchangeNow }), { store, clock: () => unixMillis(ourNow) });
    const market = await source.load({ assets: ["BTC"], from: at(0) });
    expect(market.series[0]!.time.at(-1)).toBe(at(499));
    expect(
      await store.lastTime({ exchange: "binance", quote: "USDT", asset: "BTC", intervalMs: HOUR_MS }),
    ).toBe(at(499));
  }
});

const FAULTS: readonly Fault[] = [
  { kind: "status", status: 429, retryAfter: 7 },
  { kind: "status", status: 429 },
  { kind: "status", status: 418, retryAfter: 60 },
  { kind: "status", status: 500 },
  { kind: "status", status: 503 },
  { kind: "hang" },
  { kind: "stall" },
  { kind: "cut" },
  { kind: "truncated" },
  { kind: "garbage" },
  { kind: "previous" },
  { kind: "empty" },
  { kind: "shuffled" },
];

const nameOf = (fault: Fault) => Object.values(fault).join(" ");
test.each(FAULTS.map((fault) => [nameOf(fault), fault] as const))(
  "behaviour: the bars are whole in spite of: %s",
  async (_, fault) => {
    // Requests 5 and 6 fail in a row.
    const server = await serve({ faults: { 0: fault, 3: fault, 5: fault, 6: fault } });
    const pauses: number[] = [];
    const market = await sourceOf(server, {}, pauses).load({ assets: ["ETH"], from: at(0), to: at(700) });
    expect(market.series[0]).toEqual(slice(simulated[1]!, 0, 700));
    if (fault.kind !== "shuffled") expect(pauses.length).toBeGreaterThanOrEqual(3);
  },
);

test("behaviour: every fault in one run, with a store, and the result is what was served", async () => {
  const faults = Object.fromEntries(FAULTS.map((fault, i) => [2 * i + 1, fault]));
  const server = await serve({ pageRows: 50, faults });
  const store = await newStore();
  const market = await sourceOf(server, { store }).load({ assets: ["BTC", "ETH"], from: at(0), to: at(900) });
  expect(server.requests.length).toBeGreaterThan(2 * FAULTS.length);
  expect(market.series).toEqual(simulated.map((series) => slice(series, 0, 900)));
});

test("behaviour: pauses grow, and Retry-After is honoured in seconds and as a date", async () => {
  const failing = (n: number, fault: Fault) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [i, fault]));
  const pausesAfter = async (faults: Record<number, Fault>) => {
    const pauses: number[] = [];
    await sourceOf(await serve({ faults }), {}, pauses).load({ assets: ["BTC"], from: at(0), to: at(50) });
    return pauses;
  };
  const growing = await pausesAfter(failing(5, { kind: "status", status: 503 }));
  for (const [i, pause] of growing.entries()) {
    expect(pause).toBeGreaterThanOrEqual(250 * 2 ** i);
    expect(pause).toBeLessThan(500 * 2 ** i);
  }
  expect(growing.length).toBe(5);
  expect(await pausesAfter(failing(1, { kind: "status", status: 429, retryAfter: 7 }))).toEqual([7000]);
  const date = new Date(at(2000) + 9000).toUTCString();
  expect(await pausesAfter(failing(1, { kind: "status", status: 429, retryAfter: date }))).toEqual([9000]);
});

test("behaviour: an outage of the exchange is passed over, however long, and stays a gap", async () => {
  const series = simulated.map((one) => {
    const [early, late] = [slice(one, 0, 130), slice(one, 480, 1000)];
    return { ...one, time: Float64Array.from([...early.time, ...late.time]), bars: join2(early, late) };
  });
  const market = await sourceOf(await serve({ series, pageRows: 1000 })).load({
    assets: ["BTC"],
    from: at(0),
  });
  expect(market.series[0]!.time).toEqual(series[0]!.time);
  expect(market.series[0]!.bars).toEqual(series[0]!.bars);
});
const join2 = (a: RawSeries, b: RawSeries): RawSeries["bars"] => {
  const column = (name: keyof RawSeries["bars"]) => Float64Array.from([...a.bars[name], ...b.bars[name]]);
  return {
    open: column("open"),
    high: column("high"),
    low: column("low"),
    close: column("close"),
    volume: column("volume"),
  };
};

test("behaviour: an asset that was listed later starts later, one that has no bars is noted", async () => {
  const series = [slice(simulated[0]!, 300, 1000), slice(simulated[1]!, 0, 0)];
  const market = await sourceOf(await serve({ series })).load({
    assets: ["BTC", "ETH"],
    from: at(0),
    to: at(900),
  });
  expect(market.series.map(({ asset }) => asset)).toEqual(["BTC"]);
  expect(market.series[0]!.time[0]).toBe(at(300));
  expect(market.notes).toEqual(["binance has no bars of ETH/USDT in this time"]);
});

describe("resuming with a store", () => {
  test("behaviour: only what is missing is asked for, at both ends", async () => {
    const store = await newStore();
    const first = await serve();
    await sourceOf(first, { store }).load({ assets: ["BTC"], from: at(200), to: at(400) });
    expect(first.requests).toEqual([`BTCUSDT ${at(200)}`, `BTCUSDT ${at(300)}`]);

    const second = await serve();
    const market = await sourceOf(second, { store }).load({ assets: ["BTC"], from: at(150), to: at(550) });
    expect(second.requests).toEqual([`BTCUSDT ${at(150)}`, `BTCUSDT ${at(400)}`, `BTCUSDT ${at(500)}`]);
    expect(market.series).toEqual([slice(simulated[0]!, 150, 550)]);

    const third = await serve();
    await sourceOf(third, { store }).load({ assets: ["BTC"], from: at(150), to: at(550) });
    expect(third.requests).toEqual([]);
  });

  test("behaviour: an aborted fetch keeps the pages it had, and the next one asks for the others alone", async () => {
    const store = await newStore();
    const stop = new AbortController();
    const first = await serve();
    const attempt = sourceOf(first, { store }).load({
      assets: ["BTC"],
      from: at(0),
      to: at(1000),
      signal: stop.signal,
      onProgress: ({ done }) => {
        if (done >= 400) stop.abort(new Error("stopped by the user"));
      },
    });
    await expect(attempt).rejects.toThrow("stopped by the user");
    expect(first.requests.length).toBe(4);
    const second = await serve();
    const market = await sourceOf(second, { store }).load({ assets: ["BTC"], from: at(0), to: at(1000) });
    expect(second.requests).toEqual([4, 5, 6, 7, 8, 9].map((page) => `BTCUSDT ${at(100 * page)}`));
    expect(market.series).toEqual([slice(simulated[0]!, 0, 1000)]);
  });

  test("behaviour: an abort ends a request that hangs", async () => {
    const stop = new AbortController();
    const server = await serve({ faults: { 1: { kind: "hang" } } });
    const attempt = sourceOf(server, { timeoutMs: 60_000 }).load({
      assets: ["BTC"],
      from: at(0),
      signal: stop.signal,
    });
    while (server.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort(new Error("enough"));
    await expect(attempt).rejects.toThrow("enough");
  });

  test("behaviour: a killed fetch loses nothing acknowledged, and the next one completes it", async () => {
    const server = await serve({ pageRows: 20, delayMs: 5 });
    const folder = join(base, String(folders++));
    const script = fileURLToPath(new URL("../../test/fetcher.ts", import.meta.url));
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [script, server.url, folder, String(at(0)), String(at(1000))], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const before = acknowledged;
      for await (const data of child.stdout) {
        acknowledged = Math.max(acknowledged, ...String(data).trim().split("\n").map(Number));
        if (acknowledged >= before + 200 && child.exitCode === null) child.kill("SIGKILL");
      }
      const store = await newStore(folder);
      const { series } = await store.read({ intervalMs: HOUR_MS });
      expect(series[0]!.time.length).toBeGreaterThanOrEqual(acknowledged);
      expect(series[0]).toEqual(slice(simulated[0]!, 0, series[0]!.time.length));
    }
    expect(acknowledged).toBeGreaterThanOrEqual(600);
    expect(acknowledged).toBeLessThan(1000);
    const asked = server.requests.length;
    const market = await sourceOf(server, { store: await newStore(folder) }).load({
      assets: ["BTC"],
      from: at(0),
      to: at(1000),
    });
    expect(market.series).toEqual([slice(simulated[0]!, 0, 1000)]);
    expect(server.requests.length - asked).toBeLessThanOrEqual((1000 - acknowledged) / 20);
  }, 60_000);
});

test("error: an exchange that does not exist is answered with the closest names", async () => {
  const attempt = ccxtSource({ exchange: "binanse", clock: () => START }).load({ assets: ["BTC"] });
  await expect(attempt).rejects.toThrow(UnknownExchangeError);
  await expect(attempt).rejects.toThrow('no exchange "binanse". The closest names are binance');
  for (const name of ["__proto__", "Exchange", "exchanges", ""])
    await expect(ccxtSource({ exchange: name, clock: () => START }).load({})).rejects.toThrow(
      UnknownExchangeError,
    );
  expect(closestNames("krakn", ["binance", "kraken", "krakenfutures"], 1)).toEqual(["kraken"]);
});

test("error: without a network it is said at once, and by the deadline where nothing answers", async () => {
  // A port nobody listens on: bound for a moment, then given back.
  const gone = await serveExchange({ series: [], intervalMs: HOUR_MS, now: 0 });
  await gone.close();
  const refused = sourceOf(gone).load({ assets: ["BTC"] });
  await expect(refused).rejects.toThrow(NoNetworkError);
  await expect(refused).rejects.toMatchObject({ code: "NO_NETWORK", exchange: "binance" });

  const silent = await import("node:net").then(({ createServer }) => createServer(() => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
  const unanswered = sourceOf({ url }, { timeoutMs: 60_000, noNetworkAfterMs: 150 }).load({
    assets: ["BTC"],
  });
  await expect(unanswered).rejects.toThrow("no answer within 150 ms");
  silent.close();
});

test("error: an exchange that keeps failing is given up, and what it sent is kept", async () => {
  const faults = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [i + 3, { kind: "cut" } as const]));
  const store = await newStore();
  const attempt = sourceOf(await serve({ faults }), { store, retries: 2 }).load({
    assets: ["BTC"],
    from: at(0),
  });
  await expect(attempt).rejects.toThrow(ExchangeUnavailableError);
  await expect(attempt).rejects.toMatchObject({ attempts: 3 });
  await expect(attempt).rejects.toThrow("bars of BTC/USDT from 2022-01-13T12:00:00Z");
  expect((await store.read({ intervalMs: HOUR_MS })).series[0]!.time.length).toBe(300);
});

test("error: a ban longer than we wait is named with its length", async () => {
  const server = await serve({ faults: { 1: { kind: "status", status: 418, retryAfter: 3600 } } });
  const attempt = sourceOf(server).load({ assets: ["BTC"], from: at(0) });
  await expect(attempt).rejects.toThrow(RateLimitedError);
  await expect(attempt).rejects.toMatchObject({ retryAfterSeconds: 3600 });
});

test.each([400, 403, 451])("error: a refusal with status %i is not repeated", async (status) => {
  const server = await serve({ faults: { 0: { kind: "status", status } } });
  await expect(sourceOf(server).load({ assets: ["BTC"], from: at(0) })).rejects.toThrow(ExchangeRefusedError);
  expect(server.requests.length).toBe(1);
});

test("error: an unknown asset, interval or empty time is named with what there is", async () => {
  const server = await serve();
  const symbol = sourceOf(server).load({ assets: ["BTX"], from: at(0) });
  await expect(symbol).rejects.toThrow(UnknownSymbolError);
  await expect(symbol).rejects.toThrow("BTX/USDT. The closest names are BTC/USDT");
  const interval = sourceOf(server).load({ assets: ["BTC"], intervalMs: 7 * 60_000 });
  await expect(interval).rejects.toThrow(UnsupportedIntervalError);
  await expect(interval).rejects.toThrow("no bars of 7m. Use one of");
  const future = sourceOf(server).load({ assets: ["BTC"], from: at(5000), to: at(6000) });
  await expect(future).rejects.toThrow(NoBarsError);
});

const recorded = process.env.BALLAST_TEST_DATA;
if (!recorded) console.log("left out: fetching recorded bars, because BALLAST_TEST_DATA is not set");
test.skipIf(!recorded)(
  "behaviour: recorded bars of four years, outages and all, arrive as they are",
  async () => {
    const rows = JSON.parse(
      readFileSync(join(recorded!, "binance-spot-1h", "BTC_USDT-1h.json"), "utf8"),
    ) as number[][];
    const column = (index: number) => Float64Array.from(rows, (row) => row[index]!);
    const bars = { open: column(1), high: column(2), low: column(3), close: column(4), volume: column(5) };
    const btc: RawSeries = { asset: "BTC", quote: "USDT", time: column(0), bars };
    const now = btc.time.at(-1)!;
    const server = await serve({
      series: [btc],
      now,
      pageRows: 1000,
      faults: { 2: { kind: "cut" }, 9: { kind: "previous" } },
    });
    const store = await newStore();
    const market = await sourceOf(server, { store, timeoutMs: 10_000, clock: () => unixMillis(now) }).load({
      assets: ["BTC"],
      from: unixMillis(btc.time[0]!),
    });
    expect(market.series[0]).toEqual(slice(btc, 0, rows.length - 1));
  },
  60_000,
);
