import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { syntheticSource, unixMillis } from "@ballast/data";
import { describe, expect, it, vi } from "vitest";
import { BALLAST, expectRefused, newFolder, run } from "./child.ts";
import { serveKlines } from "./exchange.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe("--help", () => {
  const commands = [
    "demo",
    "fetch",
    "train",
    "backtest",
    "compare",
    "agent",
    "keeper",
    "notary",
    "serve",
    "verify",
    "doctor",
  ];
  it("default: names every command, and each shows an example", async () => {
    const { status, stdout } = await run(newFolder(), ["--help"]);
    expect(status).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
    const helps = await Promise.all(commands.map((command) => run(newFolder(), [command, "--help"])));
    for (const [i, { status, stdout, stderr }] of helps.entries()) {
      expect(stdout).toMatch(/^Examples?:\n {2}/m);
      expect(stdout).toMatch(new RegExp(`npm run (ballast -- )?${commands[i]}\\b`));
      expect([status, stderr]).toEqual([0, ""]);
    }
  });

  it("error: misuse has status 2, a line that names it, and starts nothing", async () => {
    const cwd = newFolder();
    const table = [
      [["dmeo"], /unknown command 'dmeo'[\s\S]*demo/],
      [["demo", "--hour", "48"], /unknown option '--hour'[\s\S]*--hours/],
      [["demo", "--hours", "12"], /"12" is not a whole number from 24 to 20000/],
      [["demo", "--hours", "1e3"], /"1e3" is not a whole number/],
      [["demo", "--assets", "BTC,,ETH"], /"BTC,,ETH" has an empty item/],
      [["demo", "--assets", "BTC,ETH,btc"], /names BTC twice/],
      [["demo", "--exchange-url", "ftp://host"], /"ftp:\/\/host" is no address/],
      [["demo", "bars"], /too many arguments/],
      [["fetch", "--assets", "BTC", "--from", "yesterday"], /"yesterday" is no time/],
      [["fetch", "--assets", "BTC", "--from", "2024-01-01", "--interval", "1w"], /"1w" is no interval/],
      [["fetch", "--from", "2024-01-01"], /required option '--assets <list>'/],
      [["train", "--backend", "gpu"], /Allowed choices are tfjs-node, wasm, cpu/],
      [["compare"], /missing required argument 'records'/],
      [["verify"], /missing required argument/],
    ] as const;
    await Promise.all(table.map(async ([args, message]) => expectRefused(await run(cwd, args), message, 2)));
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe("fetch", () => {
  it("default: stores what the exchange has, and asks for nothing twice", async () => {
    const cwd = newFolder();
    const start = unixMillis(Date.UTC(2024, 0, 1));
    const { series } = await syntheticSource({ seed: 1, hours: 1_500, start, assets: ["BTC"] }).load({});
    const exchange = await serveKlines(series[0]!);
    try {
      const args = ["fetch", "--exchange-url", exchange.url, "--assets", "btc", "--from", "2024-01-01"];
      const to = ["--to", "2024-02-01"];
      const first = await run(cwd, [...args, ...to]);
      expect(first.stdout).toBe("BTC: 744 bars, 2024-01-01T00:00:00Z to 2024-01-31T23:00:00Z\n");
      expect(first.stderr).toMatch(
        /Fetching BTC against USDT from binance[\s\S]*Stored in \.ballast\/market\./,
      );
      expect(first.status).toBe(0);
      const pages = () => exchange.asked.filter((path) => path.endsWith("/klines")).length;
      const before = pages();
      expect(before).toBeGreaterThan(0);
      expect((await run(cwd, [...args, ...to])).stdout).toBe(first.stdout);
      expect(pages()).toBe(before);
    } finally {
      exchange.close();
    }
  });
});

describe("doctor", () => {
  it("default: finds what the main job needs on this machine, and leaves nothing behind", async () => {
    const cwd = newFolder();
    const [human, machine] = await Promise.all([run(cwd, ["doctor"]), run(cwd, ["doctor", "--json"])]);
    expect([human.status, machine.status]).toEqual([0, 0]);
    expect(human.stdout).toMatch(/^ok +Node: /m);
    expect(human.stdout).toMatch(/^ok +local chain \(anvil\): starts and answers$/m);
    const findings: { what: string; state: string; remedy?: string }[] = JSON.parse(machine.stdout);
    expect(findings.filter(({ state }) => state === "missing")).toEqual([]);
    for (const { state, remedy } of findings) if (state !== "ok") expect(remedy).toBeTruthy();
    expect(machine.stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(existsSync(join(cwd, ".ballast"))).toBe(false);
  });
});

describe("an old Node", () => {
  /** Nodes on this machine besides the project's own. */
  const old = (process.env.PATH ?? "")
    .split(":")
    .concat("/usr/bin", "/usr/local/bin")
    .map((folder) => join(folder, "node"))
    .filter((path) => existsSync(path))
    .map((path) => ({ path, version: spawnSync(path, ["--version"], { encoding: "utf8" }).stdout.trim() }))
    .find(({ version }) => /^v(1\d|2[01])\./.test(version));
  if (old === undefined)
    console.log("No Node before 22 is on this machine: the start on a real one is left out.");

  it.skipIf(old === undefined)("error: a real one says in one line what to do", () => {
    const { status, stdout, stderr } = spawnSync(old!.path, [BALLAST, "demo", "--hours", "48"], {
      encoding: "utf8",
    });
    const message = `Ballast needs Node 22.18 or newer and this is ${old!.version.slice(1)}. Run it through npm, which brings its own: npm run ballast -- demo --hours 48\n`;
    expect([status, stdout, stderr]).toEqual([1, "", message]);
  });

  it("error: so does this Node when it is told that it is 22.17", () => {
    const cwd = newFolder();
    const preload = join(cwd, "old.mjs");
    writeFileSync(
      preload,
      'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "22.17.1" } });',
    );
    const args = ["--import", pathToFileURL(preload).href, BALLAST];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", cwd });
    expect(stderr).toMatch(/^Ballast needs Node 22\.18 or newer and this is 22\.17\.1\. .*-- --help\n$/);
    expect(status).toBe(1);
  });
});
