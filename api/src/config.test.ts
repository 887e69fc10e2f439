import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLoopback, SETTINGS, type Settings, toSettings } from "./config.ts";

describe("settings", () => {
  test("default: every setting has one, and reading is public on a loopback address alone", () => {
    const settings = toSettings();
    expect(settings).toMatchObject({
      host: "127.0.0.1",
      port: 8_787,
      publicReads: true,
      publicMetrics: false,
    });
    const missing = SETTINGS.filter(({ name }) => settings[name] === undefined).map(({ name }) => name);
    expect(missing).toEqual(["redis"]);
    expect(toSettings({ host: "0.0.0.0" }).publicReads).toBe(false);
    expect(toSettings({ host: "0.0.0.0", publicReads: true }).publicReads).toBe(true);
    expect(toSettings({ publicReads: "false" }).publicReads).toBe(false);
  });

  test("behaviour: an option goes before the environment, which goes before the default", () => {
    const environment = {
      BALLAST_API_PORT: "1",
      BALLAST_API_CORS: "https://a.example, https://b.example",
      HOME: "/",
    };
    expect(toSettings({}, environment)).toMatchObject({
      port: 1,
      cors: ["https://a.example", "https://b.example"],
    });
    expect(toSettings({ port: "2" }, environment).port).toBe(2);
    expect(toSettings({ port: undefined }, { BALLAST_API_PORT: "" }).port).toBe(8_787);
  });

  test.each([
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["localhost", true],
    ["0.0.0.0", false],
    ["::", false],
    ["127.0.0.1.example", false],
    ["10.0.0.1", false],
  ])("behaviour: whether %s is this machine alone: %s", (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  test.each<[Record<string, unknown>, Record<string, string>, string, RegExp]>([
    [
      {},
      { BALLAST_API_PROT: "1" },
      "BALLAST_API_PROT",
      /is no setting of the API\. There are .*BALLAST_API_PORT/,
    ],
    [{ prot: 1 }, {}, "prot", /is no setting/],
    [{ __proto__: null, constructor: 1 }, {}, "constructor", /is no setting/],
    [{}, { BALLAST_API_PORT: "65536" }, "BALLAST_API_PORT", /^"65536".*give a whole number from 0 to 65535/],
    [{ port: "-1" }, {}, "--port", /^"-1" does not do for --port/],
    [{ port: 1.5 }, {}, "--port", /^1\.5/],
    [{ port: "0x10" }, {}, "--port", /^"0x10"/],
    [{ publicReads: "yes" }, {}, "--public-reads", /give true or false/],
    [{ logLevel: "loud" }, {}, "--log-level", /silent, fatal/],
    [{ cors: "lab.example" }, {}, "--cors", /origins such as https/],
    [{ trustProxy: "true" }, {}, "--trust-proxy", /addresses or ranges/],
    [{ maxWaitMs: "1" }, {}, "--max-wait-ms", /from 10 to 60000/],
  ])("error: %j %j", (options, environment, setting, message) => {
    expect(() => toSettings(options, environment)).toThrow(
      expect.objectContaining({ code: "API_SETTING", setting, message: expect.stringMatching(message) }),
    );
  });

  test("error: the address of Redis is not shown, for it may hold a password", () => {
    expect(() => toSettings({}, { BALLAST_API_REDIS: "http://:hunter2@x" })).toThrow(
      /^what it holds does not do for BALLAST_API_REDIS; give an address such as redis:/,
    );
    expect(toSettings({ redis: "redis://:hunter2@x:6379" }).redis).toBe("redis://:hunter2@x:6379");
  });

  test("behaviour: whatever text a variable holds, it is taken within its range or refused with a code", () => {
    fc.assert(
      fc.property(fc.constantFrom(...SETTINGS), fc.string({ maxLength: 20 }), ({ variable, name }, text) => {
        let settings: Settings;
        try {
          settings = toSettings({}, { [variable]: text });
        } catch (error) {
          expect(error).toMatchObject({ code: "API_SETTING", setting: variable });
          return;
        }
        const value = settings[name];
        if (typeof value === "number" && text !== "") expect(value).toBe(Number(text));
        expect(toSettings({ [name]: value })[name]).toEqual(value);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  test("default: docs/operator.md has exactly these settings, with their defaults", () => {
    const text = readFileSync(new URL("../../docs/operator.md", import.meta.url), "utf8");
    const rows = text.split("\n").filter((line) => line.startsWith("| `BALLAST_API_"));
    const shown = (value: unknown) =>
      Array.isArray(value) ? "none" : typeof value === "string" ? `\`${value}\`` : String(value);
    expect(rows).toEqual(
      SETTINGS.map(
        ({ variable, option, description, takes, default: fallback, otherwise }) =>
          `| \`${variable}\` | \`${option}\` | ${description} | ${takes} | ${otherwise ?? shown(fallback)} |`,
      ),
    );
  });
});
