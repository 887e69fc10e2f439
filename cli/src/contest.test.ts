import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOUR_MS, seededRandom } from "@ballast/data";
import type { ContestReport } from "@ballast/training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ContestCommandOptions, runContestCommand } from "./contest.ts";
import type { Terminal } from "./terminal.ts";

const HOURS = 1_900;
const START = Date.UTC(2022, 0, 1);
const folder = mkdtempSync(join(tmpdir(), "contest-"));
afterAll(() => rmSync(folder, { recursive: true }));

function writeBars(name: string, hours: number): string {
  const place = join(folder, name);
  mkdirSync(place);
  for (const asset of ["BTC", "ETH"]) {
    const random = seededRandom(1, asset);
    let close = 100;
    const rows = Array.from({ length: hours + 1 }, (_, t) => {
      const open = close;
      close *= Math.exp(0.008 * random.normal());
      return [
        START + t * HOUR_MS,
        open,
        Math.max(open, close) * 1.001,
        Math.min(open, close) * 0.999,
        close,
        1,
      ];
    });
    writeFileSync(join(place, `${asset}_USD-1h.json`), JSON.stringify(rows));
  }
  return place;
}

const said: string[] = [];
const results: string[] = [];
const terminal: Terminal = {
  say: (line) => said.push(line),
  step: (line) => said.push(line),
  result: (text) => results.push(text),
  track: (_, work) => work(() => {}),
};
let options: ContestCommandOptions;
beforeAll(() => {
  options = {
    ...{ bars: writeBars("bars", HOURS), basket: "USD=0.4,BTC=0.3,ETH=0.3", nav: 1e6, venue: "rollup" },
    ...{ shapes: 2, folds: 2, resamples: 100, seed: 1, threads: 1 },
    ...{ out: join(folder, "out"), ledger: join(folder, "ledger.jsonl") },
  };
});
const run = async (more: Partial<ContestCommandOptions> = {}): Promise<string> => {
  await runContestCommand({ ...options, ...more }, terminal);
  return results.at(-1)!;
};

describe("ballast contest", () => {
  it("default: a table of every family, and three files that say the same", { timeout: 60_000 }, async () => {
    const table = await run();
    expect(table).toMatch(/^At equal tracking error the predictive family pays [\d.]+ % (less|more)/);
    expect(table).toMatch(/^predictive +[\d.]+ \([\d.]+ to [\d.]+\)/m);
    expect(
      table.match(/^scored 2022-\d\d-\d\dT\d\d:00 to 2022-\d\d-\d\dT\d\d:00, by now once$/gm),
    ).toHaveLength(2);
    const report: ContestReport = JSON.parse(readFileSync(join(options.out, "contest.json"), "utf8"));
    const { estimate } = report.families.find(({ name }) => name === "predictive")!.costToThreshold!;
    expect(table).toMatch(new RegExp(`^predictive +${estimate.toFixed(3)} `, "m"));
    expect(report.folds.at(-1)!.scored.to).toBe(new Date(START + HOURS * HOUR_MS).toISOString());
    expect(readFileSync(join(options.out, "contest.html"), "utf8")).toContain(
      "How often each window has been scored",
    );
    expect(statSync(join(options.out, "contest.parquet")).size).toBeGreaterThan(1_000);
  });
  it("behaviour: run again, it says the same but for how often it has looked", {
    timeout: 60_000,
  }, async () => {
    const first: ContestReport = JSON.parse(readFileSync(join(options.out, "contest.json"), "utf8"));
    const again: ContestReport = JSON.parse(
      await run({ json: true, basket: "eth=0.3,BTC=0.3,USD=0.4", threads: 2, out: join(folder, "other") }),
    );
    expect(again.families).toEqual(first.families);
    expect(again.folds.map(({ timesScored }) => timesScored)).toEqual([2, 2]);
  });
  it.each<[string, Partial<ContestCommandOptions>, string, RegExp]>([
    ["weights that do not sum to one", { basket: "USD=0.4,BTC=0.3" }, "WEIGHTS_NOT_ONE", /sum to 0\.7\./],
    [
      "an asset without bars",
      { basket: "USD=0.5,DOGE=0.5" },
      "UNKNOWN_ASSET",
      /no bars of DOGE; .* BTC, ETH/,
    ],
    ["no basket", { basket: "BTC" }, "BAD_BASKET", /Write it as USD=0\.4/],
    ["mainnet without base fees", { venue: "mainnet" }, "NO_BASE_FEES", /--gas file/],
    ["windows too short", { folds: 50 }, "TOO_SHORT", /each of 50 scored windows/],
    [
      "a file of base fees that is none",
      { gas: "/nowhere.csv" },
      "BAD_BASE_FEES",
      /nowhere\.csv cannot be read/,
    ],
  ])("error: %s", async (_, more, code, message) => {
    const before = readFileSync(options.ledger, "utf8");
    await expect(run(more)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(readFileSync(options.ledger, "utf8")).toBe(before);
  });
  it("error: bars too short to tune and score on", async () => {
    await expect(run({ bars: writeBars("short", 1_050) })).rejects.toMatchObject({ code: "TOO_SHORT" });
  });
});
