import { expect, test } from "vitest";
import { serveFixture } from "../../test/ask.ts";
import { word } from "../../test/fixture.ts";

const { get } = serveFixture();

test("default: runs side by side", async () => {
  const { body } = await get("/v1/runs");
  expect(body.items).toMatchObject([
    {
      run: "predictive",
      holds: 11,
      rebalances: 1,
      stages: { executed: 1, signed: 11 },
      meta: { market: { name: "synthetic", hash: word(8) } },
    },
    {
      run: "threshold",
      holds: 3,
      rebalances: 0,
      from: "2022-08-09T20:00:00Z",
      to: "2022-08-09T22:00:00Z",
      meta: {},
    },
  ]);
});

test("default: health, index and reference pages", async () => {
  expect((await get("/health")).body).toStrictEqual({
    status: "ok",
    version: "0.1.0",
    journal: { isReady: true, lastForecastAt: "2022-08-09T11:00:00Z" },
  });
  expect((await get("/")).headers.location).toBe("/v1");
  const index = await get("/v1");
  expect(index.headers["content-type"]).toMatch("text/html");
  const links = [...index.text.matchAll(/href="([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(links.length).toBeGreaterThan(5);
  for (const link of links) expect((await get(link)).status, link).toBe(link === "/" ? 302 : 200);
  const docs = await get("/docs");
  expect(docs.headers["content-security-policy"]).toContain("default-src 'self'");
  expect(docs.headers["content-security-policy"]).not.toContain("upgrade-insecure-requests");
  const scripts = [...docs.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(scripts.length).toBeGreaterThan(2);
  for (const script of scripts) {
    expect(script).not.toMatch(/^https?:/); // Works offline.
    expect((await get(new URL(script, "http://x/docs/").pathname)).status, script).toBe(200);
  }
});
