import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ARTEFACTS, startFixture } from "../../test/fixture.ts";
import { createApi } from "../app.ts";
import type { Settings } from "../config.ts";

let fixture: Awaited<ReturnType<typeof startFixture>>;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

async function statusOf(host: string, settings: Partial<Settings> = {}, url = "/v1/forecasts") {
  const app = await createApi({ journal: fixture.journal, artefacts: ARTEFACTS, settings });
  const response = await app.inject({ url, headers: { host } });
  await app.close();
  return response;
}

describe("hosts", () => {
  test.each([
    "127.0.0.1:8787",
    "localhost",
    "LOCALHOST:1",
    "127.9.9.9:80",
    "[::1]:8787",
    "lab.localhost:8787",
  ])("default: %s is this machine", async (host) => {
    expect((await statusOf(host)).statusCode).toBe(200);
  });

  test.each([
    "evil.example",
    "evil.example:8787",
    "localhost.evil.example",
    "127.0.0.1.evil.example:8787",
    "192.0.2.1",
    "[2001:db8::1]:8787",
    "evil.example@localhost",
    "x".repeat(5_000),
  ])("error: %s, which some page may have pointed at this machine, is refused", async (host) => {
    const response = await statusOf(host);
    expect(response.statusCode).toBe(421);
    expect(response.json()).toMatchObject({ code: "HOST_REFUSED" });
    expect(response.json().detail).toMatch(/--hosts/);
    expect(response.json().detail.length).toBeLessThan(250);
    expect(response.headers["x-content-type-options"]).toBe("nosniff");
  });

  test("behaviour: kept answers and pages are guarded as well", async () => {
    const app = await createApi({ journal: fixture.journal, artefacts: ARTEFACTS });
    expect((await app.inject("/v1/forecasts")).statusCode).toBe(200);
    for (const url of ["/v1/forecasts", "/docs", "/health", "/"])
      expect((await app.inject({ url, headers: { host: "evil.example" } })).statusCode, url).toBe(421);
    await app.close();
  });

  test("behaviour: hosts that are named are answered for, and no others; * means any", async () => {
    const hosts = ["ballast.example"];
    expect((await statusOf("ballast.example:443", { hosts })).statusCode).toBe(200);
    expect((await statusOf("localhost", { hosts })).statusCode).toBe(200);
    expect((await statusOf("evil.example", { hosts })).statusCode).toBe(421);
    expect((await statusOf("evil.example", { hosts: ["*"] })).statusCode).toBe(200);
  });

  test("behaviour: where it is no loopback address, or reading needs a key, any host will do", async () => {
    expect((await statusOf("evil.example", { host: "0.0.0.0", publicReads: true })).statusCode).toBe(200);
    expect((await statusOf("evil.example", { publicReads: false }, "/health")).statusCode).toBe(200);
  });
});
