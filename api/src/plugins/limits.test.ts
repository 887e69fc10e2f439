import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ARTEFACTS, startFixture } from "../../test/fixture.ts";
import { createApi } from "../app.ts";
import type { Settings } from "../config.ts";
import { createKey } from "../keys.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
let folder: string;
let key: string;
beforeAll(async () => {
  fixture = await startFixture();
  folder = mkdtempSync(join(tmpdir(), "limits-"));
  ({ key } = await createKey(join(folder, "keys.json"), { name: "lab", scope: "read", at: "2022-08-09" }));
});
afterAll(async () => {
  await fixture.close();
  rmSync(folder, { recursive: true });
});

const start = (settings: Partial<Settings>) =>
  createApi({
    journal: fixture.journal,
    artefacts: ARTEFACTS,
    logger: false,
    settings: { keys: join(folder, "keys.json"), ratePerAddress: 3, ratePerKey: 5, ...settings },
  });
type Api = Awaited<ReturnType<typeof start>>;
const statuses = async (app: Api, count: number, request: object = {}) => {
  const found: number[] = [];
  for (let n = 0; n < count; n++) found.push((await app.inject({ url: "/v1/runs", ...request })).statusCode);
  return found;
};
const withKey = () => ({ headers: { authorization: `Bearer ${key}` } });

describe("rates", () => {
  test("default: so many a minute from an address, more with a key, each counted apart", async () => {
    const app = await start({});
    expect(await statuses(app, 5)).toEqual([200, 200, 200, 429, 429]);
    expect(await statuses(app, 6, withKey())).toEqual([200, 200, 200, 200, 200, 429]);
    expect(await statuses(app, 1, { remoteAddress: "10.0.0.1" })).toEqual([200]);
    const refused = await app.inject("/v1/runs");
    expect(refused.json()).toMatchObject({ status: 429, code: "RATE_LIMITED" });
    const wait = Number(refused.headers["retry-after"]);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60);
    await app.close();
  });

  test("behaviour: what is refused and what does not exist counts as well; wrong keys count by address", async () => {
    const app = await start({});
    expect(await statuses(app, 1, { url: "/v1/nothing" })).toEqual([404]);
    expect(await statuses(app, 1, { url: "/v1/runs?x=1" })).toEqual([400]);
    const wrong = (n: number) => ({ headers: { authorization: `Bearer wrong-${n}` } });
    expect(await statuses(app, 1, wrong(1))).toEqual([401]);
    expect(await statuses(app, 1, wrong(2))).toEqual([429]);
    await app.close();
  });

  test("behaviour: an address cannot be made up, unless by a proxy that is trusted; a /64 is one subscriber", async () => {
    const forwarded = (ip: string) => ({ headers: { "x-forwarded-for": ip } });
    const plain = await start({});
    for (let n = 0; n < 3; n++) await statuses(plain, 1, forwarded(`10.0.0.${n}`));
    expect(await statuses(plain, 1, forwarded("10.0.0.9"))).toEqual([429]);
    await plain.close();
    const proxied = await start({ trustProxy: ["127.0.0.1"] });
    expect(await statuses(proxied, 4, forwarded("10.0.0.1"))).toEqual([200, 200, 200, 429]);
    expect(await statuses(proxied, 1, forwarded("10.0.0.2"))).toEqual([200]);
    const sixes = [];
    for (let n = 1; n <= 4; n++) sixes.push(...(await statuses(proxied, 1, forwarded(`2001:db8:0:1::${n}`))));
    expect(sixes).toEqual([200, 200, 200, 429]);
    expect(await statuses(proxied, 1, forwarded("2001:db8:0:2::1"))).toEqual([200]);
    await proxied.close();
  });

  test("behaviour: 0 is no limit", async () => {
    const app = await start({ ratePerAddress: 0 });
    expect(new Set(await statuses(app, 20))).toEqual(new Set([200]));
    await app.close();
  });
});

const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis) process.stderr.write("left out: rates counted in Redis, for there is no redis-server here\n");

describe.runIf(hasRedis)("rates in Redis", () => {
  let server: ChildProcess;
  let port: number;
  const launch = async () => {
    server = spawn("redis-server", ["--port", String(port), "--save", "", "--bind", "127.0.0.1"]);
    for await (const text of server.stdout!) if (String(text).includes("Ready to accept")) return;
  };
  beforeAll(async () => {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    port = (probe.address() as { port: number }).port;
    probe.close();
    await launch();
  });
  const stop = async () => {
    server.kill("SIGKILL");
    await once(server, "exit");
  };
  afterAll(stop);

  test("default: processes count together; without Redis each for itself; and together again", async () => {
    const redis = `redis://127.0.0.1:${port}`;
    const [one, two] = [await start({ redis }), await start({ redis })];
    const until = async (app: Api, isDone: (statuses: number[]) => boolean, ip: string) => {
      for (let n = 0; n < 100; n++) {
        if (isDone(await statuses(app, 4, { remoteAddress: `${ip}.${n}` }))) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect.fail("it never came");
    };
    await until(one, (found) => found[3] === 429, "10.1.0");
    await until(two, (found) => found[3] === 429, "10.2.0");
    const remoteAddress = "10.0.0.1";
    expect(await statuses(one, 2, { remoteAddress })).toEqual([200, 200]);
    expect(await statuses(two, 2, { remoteAddress })).toEqual([200, 429]);
    expect(await statuses(one, 1, { remoteAddress })).toEqual([429]);

    await stop();
    const started = Date.now();
    expect(await statuses(one, 4, { remoteAddress: "10.0.0.2" })).toEqual([200, 200, 200, 429]);
    expect(await statuses(two, 1, { remoteAddress: "10.0.0.2" })).toEqual([200]);
    expect(Date.now() - started).toBeLessThan(2_500);

    await launch();
    for (let n = 0, areTogether = false; !areTogether; n++) {
      const shared = { remoteAddress: `10.3.0.${n}` };
      const [, , third] = [
        await statuses(one, 2, shared),
        await statuses(two, 1, shared),
        await statuses(two, 1, shared),
      ];
      areTogether = third[0] === 429;
      expect(n).toBeLessThan(100);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await Promise.all([one.close(), two.close()]);
  });
});
