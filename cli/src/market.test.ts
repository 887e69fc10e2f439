import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOUR_MS, openBarStore, syntheticSource, unixMillis } from "@ballast/data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadMarket } from "./market.ts";
import { openTerminal } from "./terminal.ts";

const START = Date.UTC(2023, 0, 1);
const HOURS = 300;
const now = unixMillis(START + (HOURS + 1) * HOUR_MS);
const folder = mkdtempSync(join(tmpdir(), "ballast-market-"));
afterAll(() => rmSync(folder, { recursive: true }));

let written = "";
const terminal = openTerminal({
  stdout: { write: () => true },
  stderr: Object.assign(Object.create(process.stderr), {
    write: (text: string) => (written += text),
    isTTY: false,
  }),
});

beforeAll(async () => {
  const assets = ["BTC", "ETH", "SOL"];
  const { series } = await syntheticSource({ seed: 1, hours: HOURS, start: unixMillis(START), assets }).load(
    {},
  );
  mkdirSync(join(folder, "files"));
  const store = await openBarStore(join(folder, "store"));
  for (const { asset, time, bars } of series) {
    const columns = [bars.open, bars.high, bars.low, bars.close, bars.volume];
    const rows = Array.from(time, (at, i) => [at, ...columns.map((column) => column[i])]);
    writeFileSync(join(folder, "files", `${asset}_USDT-1h.json`), JSON.stringify(rows));
    await store.append({ exchange: "binance", quote: "USDT", asset, intervalMs: HOUR_MS }, { time, bars });
  }
  store.close();
});

const load = (bars: string, assets?: string[]) =>
  loadMarket({ bars, assets, seed: 1, hours: 24, now }, terminal);

describe("loadMarket", () => {
  it("default: files and a store of the same bars are the same market, hour for hour", async () => {
    const files = await load(join(folder, "files"));
    const store = await load(join(folder, "store"));
    expect(files.market.assets).toEqual(["BTC", "ETH", "SOL"]);
    const close = (market: typeof files.market) => {
      const past = market.past(unixMillis(START + 250 * HOUR_MS));
      return market.assets.map((_, asset) => [...past.bars(asset, 250).close]);
    };
    expect(close(store.market)).toEqual(close(files.market));
  });

  it("behaviour: only the assets asked for, and what was found in the bars is said", async () => {
    written = "";
    const { market, notes } = await load(join(folder, "files"), ["SOL", "BTC"]);
    expect(market.assets).toEqual(["BTC", "SOL"]);
    expect(notes[0]).toMatch(/bars of 60 min for each of 2 assets/);
    for (const note of notes) expect(written).toContain(`   ${note}\n`);
  });

  it("error: no folder, and a file instead of one", async () => {
    for (const path of [join(folder, "none"), join(folder, "files", "BTC_USDT-1h.json")])
      await expect(load(path)).rejects.toMatchObject({ code: "NO_BARS_FOLDER", folder: path });
  });
});
