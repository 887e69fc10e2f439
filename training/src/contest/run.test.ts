import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareFrontiers, poolFolds } from "../backtest/comparison.ts";
import { budgetOf, toContender } from "../backtest/contest.ts";
import { FAMILIES } from "../backtest/families.ts";
import { openScoreLedger, runProtocol, UnequalBudgetError } from "../backtest/protocol.ts";
import { DEFAULT_NAV, toVolatility } from "./arenas.ts";
import { loadHours } from "./hours.ts";
import { openKept, openResumedLedger } from "./kept.ts";
import { foldsOf, type Ground, toContestOptions } from "./plan.ts";
import { type ContestRun, runContest } from "./run.ts";
import { type Tuning, tuneFamilies } from "./tuning.ts";
import { toMainnet } from "./venues.ts";

const PLAN = { shapes: 13, starts: 2, earlier: 1, folds: 2 };
const BASKET = { USD: 0.6, ETH: 0.4 };
const folder = mkdtempSync(join(tmpdir(), "ballast-contest-"));
afterAll(() => rmSync(folder, { recursive: true }));

let ground: Ground;
let alone: Tuning[][];
beforeAll(async () => {
  const hours = await loadHours(undefined, undefined, ["ETH"], 2_600);
  const venue = toMainnet(hours, () => {});
  ground = { hours, venue, basket: BASKET, nav: DEFAULT_NAV, volatility: toVolatility(hours, BASKET) };
  alone = await tuneFamilies(ground, PLAN, { threads: 1 });
}, 120_000);

const runOf = (more: Partial<ContestRun> = {}): ContestRun => ({
  data: "test",
  ledger: { count: () => 1 },
  resamples: 20,
  seed: 1,
  threads: 1,
  onScored: () => {},
  ...more,
});

describe("tuneFamilies", () => {
  it("default: every number of threads finds the same settings to the bit, and spends the same trials", {
    timeout: 120_000,
  }, async () => {
    for (const threads of [2, 3]) expect(await tuneFamilies(ground, PLAN, { threads })).toEqual(alone);
    const budget = budgetOf(toContestOptions(ground, PLAN));
    expect(alone.flat().map(({ trials }) => trials)).toEqual(FAMILIES.flatMap(() => [budget, budget]));
  });
  it("behaviour: progress ends at all trials; what is stopped throws the signal's reason and keeps what it had", {
    timeout: 120_000,
  }, async () => {
    for (const threads of [1, 2]) {
      const kept = openKept(join(folder, `stopped-${threads}`), ground, PLAN);
      const stop = new AbortController();
      const reason = new Error("enough");
      const stopped = tuneFamilies(ground, PLAN, {
        threads,
        kept,
        signal: stop.signal,
        onProgress: ({ done, total }) => done > total! / 2 && stop.abort(reason),
      });
      await expect(stopped).rejects.toBe(reason);
      const found = readdirSync(join(folder, `stopped-${threads}`)).length;
      expect(found).toBeGreaterThan(FAMILIES.length / 2);
      const progress: number[] = [];
      const resumed = await tuneFamilies(ground, PLAN, {
        threads,
        kept,
        onProgress: ({ done, total }) => progress.push(done, total!),
      });
      expect(resumed).toEqual(alone);
      expect(progress.at(-2)).toBe(progress.at(-1));
      expect(progress.at(-1)).toBe((2 * FAMILIES.length - found) * alone[0]![0]!.trials);
    }
  });
  it("behaviour: a changed weight, option, price or fee finds nothing that was kept", () => {
    const place = join(folder, "keys");
    const window = foldsOf(ground, PLAN)[0]!.tune;
    const tuning = alone[0]![1]!;
    openKept(place, ground, PLAN).write(window, "threshold", tuning);
    expect(openKept(place, ground, PLAN).read(window, "threshold")).toEqual(tuning);
    expect(openKept(place, ground, PLAN).read(window, "calendar")).toBeUndefined();
    expect(openKept(place, ground, PLAN).read({ ...window, to: window.to - 1 }, "threshold")).toBeUndefined();
    const bumped = (column: Float64Array) => column.with(1_500, column[1_500]! * (1 + 2 ** -52));
    const { hours, venue } = ground;
    const others: Ground[] = [
      { ...ground, basket: { USD: 0.4, ETH: 0.6 } },
      { ...ground, nav: 2e6 },
      { ...ground, hours: { ...hours, close: new Map([["ETH", bumped(hours.close.get("ETH")!)]]) } },
      { ...ground, venue: { ...venue, gasDollars: bumped(venue.gasDollars) } },
    ];
    for (const other of others)
      expect(openKept(place, other, PLAN).read(window, "threshold")).toBeUndefined();
    for (const change of [{ shapes: 12 }, { starts: 1 }, { earlier: 0 }])
      expect(openKept(place, ground, { ...PLAN, ...change }).read(window, "threshold")).toBeUndefined();
    const [file] = readdirSync(place);
    writeFileSync(join(place, file!), '{"trials":65,"tuned":{}}');
    expect(openKept(place, ground, PLAN).read(window, "threshold")).toBeUndefined();
  });
  it("error: what fails in a thread is said", async () => {
    const ruined = { ...ground, nav: -1 };
    await expect(tuneFamilies(ruined, PLAN, { threads: 1 })).rejects.toThrow(/nav/);
    await expect(tuneFamilies(ruined, PLAN, { threads: 2 })).rejects.toThrow(/nav/);
  });
});

describe("runContest", () => {
  it("default: says what the plain protocol says, family by family", { timeout: 120_000 }, async () => {
    const scores = await runContest(ground, PLAN, runOf({ threads: 2 }));
    const options = toContestOptions(ground, PLAN);
    const plain = runProtocol(
      {
        folds: foldsOf(ground, PLAN),
        budget: budgetOf(options),
        data: "test",
        ledger: { count: () => 1 },
      },
      FAMILIES.map((family) => toContender(family, options)),
    );
    const objective = "cost-at-tracking-error";
    const poolOf = (name: string) =>
      poolFolds(
        plain.map((fold) => fold[FAMILIES.findIndex((family) => family.name === name)]!.score),
        objective,
      );
    for (const { name } of FAMILIES) {
      expect(scores.pooled(objective, name)).toEqual(poolOf(name));
      expect(scores.ratio(objective, name, "threshold")).toEqual(
        compareFrontiers(poolOf(name), poolOf("threshold"), {
          ...{ objective, meanBlock: 5, resamples: 20, seed: 1 },
        }),
      );
    }
    const toThreshold = FAMILIES.filter(({ kind }) => kind === "reactive").map(({ name }) => ({
      name,
      ratio: scores.ratio(objective, name, "threshold", 1).estimate,
    }));
    expect(scores.best[objective]).toBe(toThreshold.sort((a, b) => a.ratio - b.ratio)[0]!.name);
  });
  it("behaviour: a run that goes on counts a window once, another run again", {
    timeout: 120_000,
  }, async () => {
    const kept = openKept(join(folder, "counted"), ground, PLAN);
    const file = join(folder, "scored-windows.jsonl");
    const open = (one = kept) => openResumedLedger(openScoreLedger(file), join(folder, "scoring.json"), one);
    const times: number[] = [];
    const onScored = (_: unknown, count: number) => {
      times.push(count);
      if (times.length === 2) throw new Error("killed");
    };
    await expect(runContest(ground, PLAN, runOf({ kept, ledger: open(), onScored }))).rejects.toThrow(
      "killed",
    );
    const resumed = open();
    await runContest(ground, PLAN, runOf({ kept, ledger: resumed, onScored }));
    expect(times).toEqual([1, 1, 1, 1]);
    // Other settings on the same window are another look at it.
    open({ ...kept, identity: "other" }).count("test", foldsOf(ground, PLAN)[0]!.score);
    resumed.finish();
    await runContest(ground, PLAN, runOf({ kept, ledger: open(), onScored }));
    expect(times.slice(4)).toEqual([3, 2]);
  });
  it("error: refuses windows too short for their starts before it tunes, and a kept setting of another budget", async () => {
    let told = 0;
    const onProgress = () => told++;
    await expect(runContest(ground, { ...PLAN, folds: 99 }, runOf({ onProgress }))).rejects.toThrow(
      "There are 8 hours of each of 99 scored windows to tune and score on; 72 are needed.",
    );
    expect(told).toBe(0);
    const kept = openKept(join(folder, "counted"), ground, PLAN);
    const cheated = {
      ...kept,
      read: (...place: Parameters<typeof kept.read>) => ({ ...kept.read(...place)!, trials: 64 }),
    };
    await expect(runContest(ground, PLAN, runOf({ kept: cheated }))).rejects.toThrow(UnequalBudgetError);
  });
});
