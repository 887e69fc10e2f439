import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOUR_MS, seededRandom } from "@ballast/data";
import type { BacktestRecord } from "@ballast/training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CompareRunsOptions, findRecords, runCompare, toTable } from "./compareRuns.ts";
import type { Terminal } from "./terminal.ts";

const BARS = 24 * 30;
const folder = mkdtempSync(join(tmpdir(), "compare-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Half dollars, half of a random walk, set back to target every so many hours at a price. */
function toRecord(name: string, every: number, seed = 1): BacktestRecord {
  const random = seededRandom(seed);
  const at = Array.from({ length: BARS }, (_, t) => t * HOUR_MS);
  const price = [1];
  for (let t = 1; t < BARS; t++) price.push(price[t - 1]! * Math.exp(0.01 * random.normal()));
  const [value, mix, weight]: [number[], number[], number[]] = [[1000], [1000], [0.5]];
  const trades: BacktestRecord["trades"][number][] = [];
  let units = 500;
  let cash = 500;
  for (let t = 1; t < BARS; t++) {
    const worth = cash + units * price[t]!;
    weight.push((units * price[t]!) / worth);
    mix.push(mix[t - 1]! * (0.5 + (0.5 * price[t]!) / price[t - 1]!));
    const moved = Math.abs(weight[t]! - 0.5) * worth;
    const paid = t % every === 0 ? moved * 0.002 + 0.05 : 0;
    if (paid > 0) {
      cash = (worth - paid) / 2;
      units = cash / price[t]!;
      trades.push({
        ...{ decidedAt: at[t]!, executedAt: at[t]!, reason: "breach", numbers: {}, decisionHash: "0x" },
        ...{ weightsBefore: [1 - weight[t]!, weight[t]!], weightsAfter: [0.5, 0.5], soldDollars: moved },
        costs: { fee: moved * 0.002, spread: 0, impact: 0, mev: 0, gas: 0.05, attestationGas: 0 },
        ...{ shortfall: paid, gasGwei: 10 },
      });
    }
    value.push(cash + units * price[t]!);
  }
  const ones = at.map(() => 1);
  return {
    ...{ format: "ballast-backtest/1", name, policy: { name: "calendar", parameters: { every }, id: "0x" } },
    market: { hash: "0x", from: 0, to: at.at(-1)!, barMs: HOUR_MS },
    ...{ assets: ["USD", "A"], targets: [0.5, 0.5], bands: [0.02, 0.02], nav: 1000 },
    bars: {
      ...{ at, value, mix, weights: [weight.map((w) => 1 - w), weight], prices: [ones, price] },
      ...{ gasGwei: at.map((_, t) => 10 + (t % 24)), breachProbability: at.map(() => null) },
    },
    ...{ trades, decisionsDigest: "0x", models: [], notes: [] },
  };
}

function write(path: string, record: unknown): string {
  mkdirSync(join(folder, path), { recursive: true });
  const file = join(folder, path, "record.json");
  writeFileSync(file, JSON.stringify(record));
  return file;
}

async function compare(paths: readonly string[], given: Partial<CompareRunsOptions> = {}) {
  const said: string[] = [];
  const results: string[] = [];
  const terminal: Terminal = {
    say: (line) => void said.push(line),
    step: (line) => void said.push(line),
    result: (text) => void results.push(text),
    track: (_, work) => work(() => {}),
  };
  const out = join(folder, "out");
  await runCompare(paths, { resamples: 100, seed: 1, out, ...given }, terminal);
  return { said, results, out };
}

describe("ballast compare", () => {
  beforeAll(() => {
    write("run/daily", toRecord("daily", 24));
    write("run/half", toRecord("half-daily", 12));
  });

  it("default: a folder of runs gives a table, a page, JSON and Parquet", async () => {
    const { results, out } = await compare([join(folder, "run")]);
    expect(results).toHaveLength(1);
    const table = results[0]!;
    expect(table).toMatch(/^daily +[\d.]+ .* baseline$/m);
    expect(table).toMatch(/^half-daily +.*[\d.]+ \([\d.]+ to [\d.]+\) p [\d.<]/m);
    const json = JSON.parse(readFileSync(join(out, "compare.json"), "utf8"));
    expect(table.split("\n")[0]).toBe(json.headline);
    expect(json.policies.map(({ name }: { name: string }) => name)).toEqual(["daily", "half-daily"]);
    // 29 looks at hours 24 to 696 of 719.
    expect(json.policies[0].trades).toBe(29);
    expect(json.policies[0].metrics.trades.estimate).toBeCloseTo((29 / (BARS - 1)) * 8760, 9);
    expect(json.policies[0].versus).toBeNull();
    expect(readFileSync(join(out, "compare.html"), "utf8")).toContain(json.headline);
    expect(statSync(join(out, "compare.parquet")).size).toBeGreaterThan(1000);
  });

  it("behaviour: --json is one line on stdout, with the baseline that was asked for; the table goes beside it", async () => {
    const paths = [
      join(folder, "run/daily"),
      join(folder, "run/half/record.json"),
      join(folder, "run/daily"),
    ];
    const { said, results } = await compare(paths, { json: true, baseline: "half-daily" });
    expect(results).toHaveLength(1);
    expect(results[0]).not.toContain("\n");
    const { baseline, policies } = JSON.parse(results[0]!);
    expect(baseline).toBe("half-daily");
    expect(policies).toHaveLength(2);
    expect(policies[0].versus.cost.p).toBeLessThan(0.05);
    expect(said.join("\n")).toMatch(/^half-daily .* baseline$/m);
  });

  it("behaviour: the table shortens a long name and shows what is not defined as a dash", () => {
    const policy = { name: "n".repeat(50), metrics: new Proxy({}, { get: () => ({ estimate: null }) }) };
    const [, row] = toTable({ policies: [policy], baseline: "x" } as never);
    expect(row).toMatch(/^n{27}… +–.*–$/);
  });

  it.each([
    ["a path that is not there", () => "nowhere", "NO_RECORD", /nowhere does not exist/],
    [
      "a folder without a record",
      () => {
        mkdirSync(join(folder, "empty"), { recursive: true });
        return join(folder, "empty");
      },
      "NO_RECORD",
      /has no record\.json, nor has a folder in it/,
    ],
    [
      "a record of something else",
      () => write("demo", { runs: [] }),
      "BAD_RECORD",
      /demo\/record\.json: format is missing/,
    ],
    [
      "a broken column",
      () => {
        const record = toRecord("broken", 24);
        return write("broken", { ...record, bars: { ...record.bars, value: [1] } });
      },
      "BAD_RECORD",
      /broken\/record\.json: bars\.value has 1 entries where bars\.at has 720/,
    ],
    [
      "another market",
      () =>
        write("other", { ...toRecord("other", 24), market: { ...toRecord("x", 24).market, hash: "0x2" } }),
      "NOT_COMPARABLE",
      /market\.hash is 0x in daily and 0x2 in other/,
    ],
    ["the same name", () => write("twice", toRecord("daily", 5)), "RECORD_NAMES", /"daily"/],
  ])("error: %s", async (_, make, code, message) => {
    const out = join(folder, "none");
    const comparing = compare([join(folder, "run"), make()], { out });
    await expect(comparing).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(existsSync(out)).toBe(false);
  });

  it("behaviour: a folder's own record comes before those of the folders in it", () => {
    const own = write("both", {});
    write("both/inner", {});
    expect(findRecords(join(folder, "both"))).toEqual([own]);
    expect(findRecords(join(folder, "run"))).toEqual(
      ["daily", "half"].map((name) => join(folder, "run", name, "record.json")),
    );
  });
});
