import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildDashboard, createApi } from "../src/index.ts";
import { ARTEFACTS, startFixture } from "./fixture.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
let app: FastifyInstance;
let folder: string;
beforeAll(async () => {
  fixture = await startFixture();
  folder = await buildDashboard();
  app = await createApi({
    journal: fixture.journal,
    artefacts: ARTEFACTS,
    dashboard: folder,
    logger: false,
  });
});
afterAll(async () => {
  await app.close();
  await fixture.close();
});

const get = (url: string, headers = {}) => app.inject({ method: "GET", url, headers });
const assetsOf = (page: string) =>
  [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => `/${path}`);

test("default: the page is asked for again, its hashed assets are kept for a year, nothing inline may run", async () => {
  const page = await get("/");
  expect(page.statusCode).toBe(200);
  expect(page.headers["content-type"]).toMatch("text/html");
  expect(page.headers["cache-control"]).toBe("no-cache");
  const policy = String(page.headers["content-security-policy"]);
  expect(policy).toMatch(/^default-src 'none';script-src 'self';style-src 'self';/);
  expect(policy).not.toContain("unsafe");
  expect(page.body).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
  const assets = assetsOf(page.body);
  expect(assets.length).toBeGreaterThanOrEqual(3);
  for (const path of assets) {
    const asset = await get(path);
    expect(asset.statusCode, path).toBe(200);
    expect(asset.headers["cache-control"], path).toBe("public, max-age=31536000, immutable");
    expect(path).toMatch(/^\/assets\/[\w-]+-[\w-]{8}\.(js|css|svg)$/);
  }
});

test.each(["br", "gzip"])("default: compressed by %s for who asks for it", async (encoding) => {
  const [plain] = [await get("/")];
  const [script] = assetsOf(plain.body).filter((path) => path.endsWith(".js"));
  const small = await get(script!, { "accept-encoding": encoding });
  const large = await get(script!, { "accept-encoding": "identity" });
  expect(small.headers["content-encoding"]).toBe(encoding);
  expect(small.rawPayload.length).toBeLessThan(large.rawPayload.length / 2);
});

test("behaviour: the routes of the API are where they were, and what is not there is a problem", async () => {
  expect((await get("/v1/runs")).statusCode).toBe(200);
  expect((await get("/v1")).headers["content-type"]).toMatch("text/html");
  for (const path of ["/assets/none.js", "/assets/", "/..%2f..%2fpackage.json", "/none"])
    expect((await get(path)).json(), path).toMatchObject({ status: 404, code: "ROUTE_NOT_FOUND" });
  const document = (await get("/openapi.json")).json();
  expect(Object.keys(document.paths)).not.toContain("/");
});

test("behaviour: what is fresh is not built again, and what is older than its sources is", async () => {
  const own = join(mkdtempSync(join(tmpdir(), "dashboard-")), "dist");
  await buildDashboard(own);
  const index = join(own, "index.html");
  const before = (await stat(index)).mtimeMs;
  expect(await buildDashboard(own)).toBe(own);
  expect((await stat(index)).mtimeMs).toBe(before);
  await utimes(index, 0, 0);
  // Two at once, as two services that start together.
  await Promise.all([buildDashboard(own), buildDashboard(own)]);
  expect((await stat(index)).mtimeMs).toBeGreaterThan(1e12);
  expect(readdirSync(own)).toEqual(["assets", "index.html", "index.html.br", "index.html.gz"]);
  expect(readdirSync(dirname(own))).toEqual(["dist"]);
  rmSync(dirname(own), { recursive: true });
});
