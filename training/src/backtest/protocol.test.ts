import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commonElasticity, heightOf, interpolateLogs } from "./frontier.ts";
import {
  type Contender,
  LedgerCorruptError,
  openScoreLedger,
  RepeatedWindowError,
  runProtocol,
  type ScoreLedger,
  TunedOnScoredError,
  toExpandingFolds,
  UnequalBudgetError,
  type Window,
} from "./protocol.ts";

const forgetful: ScoreLedger = { count: () => 1 };
const seen: string[] = [];
const contender = (name: string, trials: number): Contender<number, string> => ({
  name,
  tune(window, spend) {
    for (let i = 0; i < trials; i++) spend();
    seen.push(`${name} tunes ${window.from}-${window.to}`);
    return window.to;
  },
  score(window, setting) {
    seen.push(`${name} scores ${window.from}-${window.to}`);
    return `${setting}:${window.to}`;
  },
});
const protocol = { folds: toExpandingFolds(10, 110, 40, 3), budget: 4, data: "test", ledger: forgetful };

describe("runProtocol", () => {
  it("default: tunes on everything before, scores what comes next once, and rolls on", () => {
    expect(protocol.folds).toEqual([
      { tune: { from: 10, to: 50 }, score: { from: 50, to: 70 } },
      { tune: { from: 10, to: 70 }, score: { from: 70, to: 90 } },
      { tune: { from: 10, to: 90 }, score: { from: 90, to: 110 } },
    ]);
    seen.length = 0;
    const results = runProtocol({ ...protocol, folds: protocol.folds.slice(0, 2) }, [
      contender("a", 4),
      contender("b", 4),
    ]);
    expect(results.map((fold) => fold.map(({ score }) => score))).toEqual([
      ["50:70", "50:70"],
      ["70:90", "70:90"],
    ]);
    expect(seen.slice(0, 4)).toEqual(["a tunes 10-50", "b tunes 10-50", "a scores 50-70", "b scores 50-70"]);
  });
  it.each<[string, Window, Window]>([
    ["the same bars", { from: 0, to: 10 }, { from: 0, to: 10 }],
    ["one bar in common", { from: 0, to: 11 }, { from: 10, to: 20 }],
    ["later bars", { from: 20, to: 30 }, { from: 0, to: 10 }],
    ["no bars", { from: 5, to: 5 }, { from: 10, to: 20 }],
  ])("error: refuses to tune on what it scores: %s", (_, tune, score) => {
    seen.length = 0;
    const folds = [...protocol.folds.slice(0, 1), { tune, score }];
    expect(() => runProtocol({ ...protocol, folds }, [contender("a", 4)])).toThrow(TunedOnScoredError);
    expect(seen).toEqual([]);
  });
  it("error: a window scored twice, and budgets that differ", () => {
    const fold = protocol.folds[0]!;
    expect(() => runProtocol({ ...protocol, folds: [fold, fold] }, [contender("a", 4)])).toThrow(
      RepeatedWindowError,
    );
    for (const trials of [3, 5]) {
      expect(() => runProtocol(protocol, [contender("a", 4), contender("b", trials)])).toThrow(
        UnequalBudgetError,
      );
    }
  });
});

describe("openScoreLedger", () => {
  it("behaviour: counts on from run to run, each window of each data set by itself", () => {
    const folder = mkdtempSync(join(tmpdir(), "ballast-ledger-"));
    const file = join(folder, "deeper", "ledger.jsonl");
    try {
      const window = { from: 1, to: 2 };
      expect([1, 2].map(() => openScoreLedger(file).count("a", window))).toEqual([1, 2]);
      const ledger = openScoreLedger(file);
      expect(ledger.count("a", window)).toBe(3);
      expect(ledger.count("a", window)).toBe(4);
      expect(ledger.count("b", window)).toBe(1);
      expect(ledger.count("a", { from: 1, to: 3 })).toBe(1);
      writeFileSync(file, '["a",1,2]\nnot json\n');
      expect(() => openScoreLedger(file)).toThrow(LedgerCorruptError);
      expect(() => openScoreLedger(file)).toThrow(/Line 2/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("frontiers", () => {
  const law = (a: number, b: number, xs: readonly number[]) => xs.map((x) => ({ x, y: a * x ** b }));
  it("default: reads a power law anywhere, and compares two of them", () => {
    const points = law(2, -1.5, [1, 2, 4, 8]);
    for (const [i, y] of interpolateLogs(points, [0.5, 3, 16]).entries()) {
      expect(y).toBeCloseTo(2 * [0.5, 3, 16][i]! ** -1.5, 10);
    }
    // Heights compare laws wherever their points lie, once the elasticity is known.
    const [own, other] = [law(1.5, -2, [1, 2, 4]), law(2, -2, [3, 5, 9])];
    expect(commonElasticity([own, other], 0, 5)).toBeCloseTo(2, 10);
    expect(heightOf(own, 2) / heightOf(other, 2)).toBeCloseTo(0.75, 10);
    expect(commonElasticity([law(1, -9, [1, 2])], 0, 5)).toBe(5);
    expect(commonElasticity([[{ x: 1, y: 0 }]], 0.5, 5)).toBe(0.5);
  });
  it("error: one point is no frontier", () => {
    expect(() => interpolateLogs(law(1, 1, [1]), [1])).toThrow(/frontier points/);
  });
});
