import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApi, type Settings } from "../src/index.ts";
import { listenOn } from "../src/server.ts";
import { ARTEFACTS, startFixture } from "./fixture.ts";
import type { Seen } from "./load-client.ts";

/** What a request costs: a second of the processor serves 125 of them. */
const WORK_MS = 8;
const CAPACITY = 1_000 / WORK_MS;
const SECONDS = 2;
const MAX_WAIT_MS = 100;

let fixture: Awaited<ReturnType<typeof startFixture>>;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

async function serve(settings: Partial<Settings>) {
  const app = await createApi({
    journal: fixture.journal,
    artefacts: ARTEFACTS,
    logger: false,
    settings: { ratePerAddress: 0, ...settings },
  });
  app.get("/v1/test", () => {
    const end = performance.now() + WORK_MS;
    while (performance.now() < end);
    return { done: true };
  });
  return listenOn(app, { port: 0 });
}

async function load(url: string, perSecond: number): Promise<Seen[]> {
  const workerData = { url: `${url}/v1/test`, perSecond, seconds: SECONDS };
  const worker = new Worker(new URL("./load-client.ts", import.meta.url), { workerData });
  const [seen] = await once(worker, "message");
  await worker.terminate();
  return seen;
}
const slowest = (seen: readonly Seen[]) => Math.max(...seen.map(({ ms }) => ms));
const p99 = (seen: readonly Seen[]) =>
  seen.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(seen.length * 0.99)]!;

test("behaviour: under four times the load it can serve it refuses quickly what it cannot, serves the rest in time, and recovers", async () => {
  const api = await serve({ maxWaitMs: MAX_WAIT_MS });
  const seen = await load(api.url, 4 * CAPACITY);
  const quiet = performance.now();
  const after = await fetch(`${api.url}/v1/test`);
  expect(after.status).toBe(200);
  expect(performance.now() - quiet).toBeLessThan(500);
  await api.close();

  // The same load where nobody is refused: the queue grows as long as the load lasts, 2 s of it take 8.
  const patient = await serve({ maxWaitMs: 60_000, maxInFlight: 65_535 });
  const waited = await load(patient.url, 4 * CAPACITY);
  await patient.close();

  const served = seen.filter(({ status }) => status === 200);
  const refused = seen.filter(({ status }) => status === 503);
  process.stderr.write(
    `load ×4: ${served.length} served, p99 ${p99(served).toFixed(0)} ms; ${refused.length} refused, p99 ` +
      `${p99(refused).toFixed(0)} ms; without shedding the slowest took ${slowest(waited).toFixed(0)} ms\n`,
  );
  expect(seen).toHaveLength(4 * CAPACITY * SECONDS);
  expect(served.length + refused.length).toBe(seen.length);
  // It goes on working, for a quarter of what it could alone on the machine at least.
  expect(served.length).toBeGreaterThan((CAPACITY * SECONDS) / 4);
  expect(refused.length).toBeGreaterThan(seen.length / 4);
  expect(new Set(refused.map(({ retryAfter }) => retryAfter))).toEqual(new Set(["1"]));

  expect(slowest(seen)).toBeLessThan(slowest(waited) / 3);
  expect(p99(refused)).toBeLessThan(10 * MAX_WAIT_MS);
});
