import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { HOUR_MS, openBarStore, syntheticSource, unixMillis } from "@ballast/data";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { newFolder, type Running, run, start, writeBars } from "./child.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.log("left out: there is no python3 here, so that docs/researcher.md was not run");

const BLOCK = /^```(\w*)\n(.*?)^```$/gms;
const text = readFileSync(new URL("../../docs/researcher.md", import.meta.url), "utf8");
const blocks = [...text.matchAll(BLOCK)].map(([, language, code = ""]) => ({ language, code }));
const cells = blocks.filter(({ language }) => language === "python").map(({ code }) => code);

/** The folder of a researcher: recorded bars, the demo's run over them, and a key of the service. */
const home = newFolder();
const REPLAYED_HOURS = 240;
const DAYS = 250;

describe.skipIf(!hasPython)("docs/researcher.md", () => {
  let served: Running;
  let printed: string;
  beforeAll(async () => {
    const source = syntheticSource({ seed: 3, hours: DAYS * 24, start: unixMillis(Date.UTC(2023, 0, 1)) });
    const { series, exogenous } = await source.load({});
    const bars = writeBars(join(home, "bars"), series);
    for (const { name, publishedAt, value } of exogenous) {
      const rows = Array.from(value, (one, i) => `${publishedAt[i]},${one}\n`);
      writeFileSync(join(bars, `exogenous-${name}.csv`), `published_at,value\n${rows.join("")}`);
    }
    const store = await openBarStore(join(home, ".ballast/market"));
    for (const { asset, time, bars: columns } of series)
      await store.append(
        { exchange: "binance", asset, quote: "USDT", intervalMs: HOUR_MS },
        { time, bars: columns },
      );
    store.close();
    const demo = await run(home, ["demo", "--bars", "bars", "--hours", String(REPLAYED_HOURS), "--json"]);
    expect(demo.status, demo.stderr).toBe(0);
    const made = await run(home, ["keys", "create", "--name", "notebook", "--scope", "submit"]);
    served = start(home, ["serve", "--port", "0", "--data", "hourly=./bars"]);
    const [, url = ""] = await served.until("stderr", /(http:\S+)\/health\n/);
    writeFileSync(join(home, "notebook.py"), cells.join("\n").replace("http://127.0.0.1:8787", url));
    const env = { ...process.env, BALLAST_KEY: made.stdout.trim() };
    const notebook = await promisify(execFile)("python3", ["notebook.py"], { cwd: home, env });
    expect(notebook.stderr).toBe("");
    printed = notebook.stdout;
  });
  afterAll(async () => {
    served?.child.kill("SIGINT");
    await served?.ended;
  });

  it("default: its forecasts are scored, and its costs and outlook are shown as the document has them", () => {
    const [, forecasts, ownForecast] =
      /^QLIKE over (\d+) forecasts: model \d+\.\d{3}, EWMA (\d+\.\d{3})$/m.exec(printed) ?? [];
    // One forecast an hour; the last day has no outcome yet.
    expect(Number(forecasts)).toBeGreaterThan(REPLAYED_HOURS - 26);
    expect(Number(ownForecast)).toBeGreaterThan(0);
    const shape = (line: string) => line.replaceAll(/-?\d+(\.\d+)?/g, "#").replaceAll(/ +/g, " ");
    const shown =
      blocks
        .find(({ code }) => code.startsWith("base_fee_gwei"))
        ?.code.trimEnd()
        .split("\n") ?? [];
    expect(shown).toHaveLength(4);
    const lines = printed.split("\n").map(shape);
    for (const line of shown) expect(lines).toContain(shape(line));
  });

  it("default: its backtest is run to the end", () => {
    expect(printed).toMatch(/^done .*\bpredictive\b/m);
  });

  it("default: its file of evidence is verified, as the document says, from the market to the trades", async () => {
    expect(printed).toMatch(/^ballast-evidence\/2 of 0x[0-9a-f]{64}$/m);
    const command = blocks.find(({ code }) => code.includes("-- verify"))?.code.trim() ?? "";
    const verified = await run(home, command.replace("npm run ballast -- ", "").split(" "));
    expect(verified.status, verified.stdout).toBe(0);
    for (const link of ["data", "dataset-root", "network", "score", "forecast", "policy"])
      expect(verified.stdout).toMatch(new RegExp(`^ +pass +${link}: `, "m"));
    expect(verified.stdout).not.toContain("FAIL");
  });
});
