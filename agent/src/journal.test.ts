import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { ACTION } from "@ballast/attest";
import { type Hex, unixMillis, wad } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Journal, JournalEntry } from "./journal.ts";
import { openJournal } from "./journal-sqlite.ts";
import { fromTaggedJson, toTaggedJson } from "./tagged-json.ts";
import type { Decided } from "./types.ts";

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;
const address = (n: number): Hex => `0x${n.toString(16).padStart(40, "0")}`;
const T0 = 1_660_000_000;
const atOf = (n: number) => unixMillis((T0 + n * 3_600) * 1_000);

const forecastOf = (n: number): Forecast => ({
  modelId: word(7),
  at: atOf(n),
  horizonsHours: [1, 4],
  assets: ["BTC", "ETH"],
  variance: [
    [1e-5, 4e-5 * (n + 1)],
    [2e-5, 8e-5],
  ],
  correlation: [
    [1, 0.8],
    [0.8, 1],
  ],
  breachCalibration: { a: -0.1, b: 0.9 },
});

const decidedOf = (n: number, action: keyof typeof ACTION = "hold"): Decided => ({
  hash: word(1_000 + n),
  decision: {
    chainId: 31_337n,
    vault: address(9),
    sequence: 2n ** 63n + BigInt(n),
    action: ACTION[action],
    reason: 0,
    decidedAt: BigInt(T0 + n * 3_600),
    expiresAt: BigInt(T0 + n * 3_600 + 900),
    inputRoot: word(2),
    stateHash: word(3),
    modelId: word(7),
    forecastHash: word(4),
    policyId: word(5),
    breachPpm: 12_345,
    holding: 0,
    tradesHash: word(6),
  },
  trades:
    action === "hold"
      ? []
      : [
          {
            venue: address(3),
            tokenIn: address(1),
            tokenOut: address(2),
            amountIn: 2n ** 70n,
            minAmountOut: 1n,
            route: "0x0001f4",
          },
        ],
  reason: "inside-band",
  numbers: { breachProbability: 0.012345, hoursToBreach: Number.POSITIVE_INFINITY, $cost: -0 },
  breachProbability: 0.012345,
  weights: [0.3, 0.7],
  isBreached: false,
});

const context = (n: number) => ({ policy: "predictive", forecast: forecastOf(n) });
const signature = (n: number) => ({ offchainAttestation: `{"n":${n}}`, offchainUid: word(2_000 + n) });
const execution = {
  txHash: word(77),
  blockNumber: 3,
  minedAt: 1_620_000_012n,
  navBefore: wad(10n ** 24n),
  navAfter: wad(10n ** 24n - 10n ** 20n),
  gasUsed: 210_000n,
  gasPrice: 10n ** 18n,
  amountsOut: [5n],
};

let folder: string;
let path: string;
let journal: Journal;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "journal-"));
  path = join(folder, "journal.sqlite");
  journal = openJournal(path);
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

const reopen = () => {
  journal.close();
  journal = openJournal(path);
};

describe("stages", () => {
  test("default: a rebalance passes every stage, and is read back as it was written", () => {
    const decided = decidedOf(0, "rebalance");
    journal.record("predictive", decided, context(0));
    journal.advance("predictive", decided.hash, "signed", signature(0));
    journal.advance("predictive", decided.hash, "attested", { uid: word(55) });
    journal.advance("predictive", decided.hash, "submitted", { txHash: word(77) });
    journal.advance("predictive", decided.hash, "executed", { execution });
    reopen();
    expect(journal.get(decided.hash)).toStrictEqual({
      ...decided,
      ...signature(0),
      run: "predictive",
      at: atOf(0),
      stage: "executed",
      policy: "predictive",
      forecast: forecastOf(0),
      uid: word(55),
      txHash: word(77),
      execution,
      rejection: undefined,
    } satisfies JournalEntry);
    expect(Object.is(journal.get(decided.hash)?.numbers.$cost, -0)).toBe(true);
  });

  test("behaviour: repeating any step with the same content changes nothing, even after later steps", () => {
    const decided = decidedOf(0, "rebalance");
    const { hash } = decided;
    const steps = [
      () => journal.record("r", decided, context(0)),
      () => journal.advance("r", hash, "signed", signature(0)),
      () => journal.advance("r", hash, "attested", { uid: word(55) }),
      () => journal.advance("r", hash, "submitted", { txHash: word(77) }),
      () => journal.advance("r", hash, "rejected", { rejection: { code: "X", message: "no" } }),
    ];
    for (const [i, step] of steps.entries()) {
      step();
      const before = journal.get(hash);
      for (const earlier of steps.slice(0, i + 1)) earlier();
      expect(journal.get(hash)).toStrictEqual(before);
    }
    expect(journal.runs()[0]?.rebalances).toBe(1);
  });

  test("error: the same decision with other content, or the same stage with other facts", () => {
    const decided = decidedOf(0, "rebalance");
    const conflict = expect.objectContaining({ code: "JOURNAL_CONFLICT", hash: decided.hash });
    journal.recordSigned("r", decided, context(0), signature(0));
    expect(() => journal.record("r", decided, { ...context(0), policy: "other" })).toThrow(conflict);
    expect(() => journal.record("r", decided, context(1))).toThrow(conflict);
    expect(() => journal.record("r", { ...decided, trades: [] }, context(0))).toThrow(conflict);
    expect(() => journal.advance("r", decided.hash, "signed", signature(1))).toThrow(conflict);
    journal.advance("r", decided.hash, "attested", { uid: word(55) });
    expect(() => journal.advance("r", decided.hash, "attested", { uid: word(56) })).toThrow(conflict);
  });

  test("behaviour: a submitted transaction may be replaced by another", () => {
    const { hash } = decidedOf(0, "rebalance");
    journal.recordSigned("r", decidedOf(0, "rebalance"), context(0), signature(0));
    journal.advance("r", hash, "attested", { uid: word(55) });
    journal.advance("r", hash, "submitted", { txHash: word(1) });
    journal.advance("r", hash, "submitted", { txHash: word(2) });
    expect(journal.get(hash)?.txHash).toBe(word(2));
  });

  const facts = {
    signed: signature(0),
    attested: { uid: word(55) },
    submitted: { txHash: word(77) },
    executed: { execution },
    rejected: { rejection: { code: "X", message: "no" } },
    abandoned: {},
  } as const;
  const leadTo = {
    decided: [],
    signed: ["signed"],
    attested: ["signed", "attested"],
    submitted: ["signed", "attested", "submitted"],
    executed: ["signed", "attested", "submitted", "executed"],
    rejected: ["signed", "rejected"],
    abandoned: ["abandoned"],
  } as const;
  // Rows: from; columns: whether it may become signed, attested, submitted, executed, rejected, abandoned.
  test.each([
    ["decided", "rebalance", [1, 0, 0, 0, 0, 1]],
    ["signed", "rebalance", [1, 1, 1, 0, 1, 1]],
    ["attested", "rebalance", [1, 1, 1, 0, 1, 1]],
    ["submitted", "rebalance", [1, 1, 1, 1, 1, 1]],
    ["executed", "rebalance", [1, 1, 1, 1, 0, 0]],
    ["rejected", "rebalance", [1, 0, 0, 0, 1, 0]],
    ["abandoned", "rebalance", [0, 0, 0, 0, 0, 1]],
    ["attested", "hold", [1, 1, 0, 0, 1, 1]],
  ] as const)("error: from %s a %s moves only where the state machine allows", (from, action, allowed) => {
    for (const [i, to] of (
      ["signed", "attested", "submitted", "executed", "rejected", "abandoned"] as const
    ).entries()) {
      const decided = decidedOf(i, action);
      journal.record("r", decided, context(i));
      for (const stage of leadTo[from]) journal.advance("r", decided.hash, stage, facts[stage]);
      const before = journal.get(decided.hash);
      const move = () => journal.advance("r", decided.hash, to, facts[to]);
      if (allowed[i] === 1) expect(move).not.toThrow();
      else {
        expect(move).toThrow(expect.objectContaining({ code: "JOURNAL_TRANSITION", from, to }));
        expect(journal.get(decided.hash)).toStrictEqual(before);
      }
    }
  });

  test("error: a later stage of a decision that was never recorded, or of another run", () => {
    journal.recordSigned("r", decidedOf(0), context(0), signature(0));
    expect(() => journal.advance("other", decidedOf(0).hash, "attested", { uid: word(1) })).toThrow(
      expect.objectContaining({ code: "JOURNAL_UNKNOWN_DECISION", run: "other" }),
    );
  });

  test("behaviour: recordSigned is one commit: when the signature cannot be written, the decision is not either", () => {
    journal.recordSigned("r", decidedOf(0), context(0), signature(0));
    const bad = { ...signature(1), offchainUid: Symbol() as unknown as Hex };
    expect(() => journal.recordSigned("r", decidedOf(1), context(1), bad)).toThrow();
    expect(journal.get(decidedOf(1).hash)).toBeUndefined();
    expect(journal.forecasts({ limit: 10 }).items).toHaveLength(1);
  });
});

describe("queries", () => {
  const fill = () => {
    for (let n = 0; n < 25; n++) {
      journal.recordSigned(
        "predictive",
        decidedOf(n, n % 5 === 0 ? "rebalance" : "hold"),
        context(n),
        signature(n),
      );
    }
    for (let n = 0; n < 10; n++) {
      journal.record("threshold", decidedOf(n), { policy: "threshold", forecast: undefined });
    }
  };
  const pagesOf = <T>(
    read: (cursor: string | undefined) => { items: readonly T[]; nextCursor: string | undefined },
  ) => {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page = read(cursor);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return items;
  };

  test("default: two runs share a journal and are told apart", () => {
    fill();
    expect(journal.last("predictive")?.hash).toBe(decidedOf(24).hash);
    expect(journal.last("threshold")?.hash).toBe(decidedOf(9).hash);
    expect(journal.last("nobody")).toBeUndefined();
    expect(journal.get(decidedOf(3).hash)?.run).toBe("threshold");
    expect(journal.get(decidedOf(3).hash, "predictive")?.stage).toBe("signed");
    expect(journal.getByUid(word(2_003))?.run).toBe("predictive");
    journal.advance("predictive", decidedOf(5).hash, "attested", { uid: word(55) });
    expect(journal.getByUid(word(55))?.hash).toBe(decidedOf(5).hash);
    expect(journal.getByUid(word(56))).toBeUndefined();
    journal.setMeta("threshold", "summary", { decisions: 10, costBps: [1.5, null] });
    expect(journal.runs().map(({ run, holds, rebalances }) => [run, holds, rebalances])).toEqual([
      ["predictive", 20, 5],
      ["threshold", 10, 0],
    ]);
    expect(journal.runs()[1]).toMatchObject({
      meta: { summary: { decisions: 10, costBps: [1.5, null] } },
      stages: { decided: 10, signed: 0 },
      from: atOf(0),
      to: atOf(9),
    });
  });

  test("default: unfinished rebalances in the order they were recorded; holds are never unfinished", () => {
    fill();
    journal.advance("predictive", decidedOf(5, "rebalance").hash, "abandoned", {});
    expect(journal.unfinished("predictive").map(({ hash }) => hash)).toEqual(
      [0, 10, 15, 20].map((n) => decidedOf(n).hash),
    );
    expect(journal.unfinished("threshold")).toEqual([]);
  });

  test.each(["newest", "oldest"] as const)(
    "behaviour: pages, %s first, hold every row once for any page size",
    (order) => {
      fill();
      const everything = journal.list({ limit: 1_000, order }).items;
      expect(everything).toHaveLength(35);
      const times = everything.map(({ at }) => (order === "newest" ? -at : at));
      expect(times).toEqual([...times].sort((a, b) => a - b));
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 40 }), (limit) => {
          expect(pagesOf((cursor) => journal.list({ limit, order, cursor }))).toStrictEqual(everything);
        }),
        { seed: 1, numRuns: 15 },
      );
    },
  );

  test("behaviour: rows added between two pages do not shift the pages", () => {
    fill();
    const first = journal.list({ run: "predictive", limit: 10 });
    for (let n = 25; n < 30; n++) journal.record("predictive", decidedOf(n), context(n));
    const rest = pagesOf((cursor) =>
      journal.list({ run: "predictive", limit: 10, cursor: cursor ?? first.nextCursor }),
    );
    expect([...first.items, ...rest].map(({ at }) => at)).toEqual(
      Array.from({ length: 25 }, (_, i) => atOf(24 - i)),
    );
  });

  test("behaviour: filters agree with filtering in memory", () => {
    fill();
    const everything = journal.list({ limit: 1_000 }).items;
    fc.assert(
      fc.property(
        fc.record(
          {
            run: fc.constantFrom("predictive", "threshold", "nobody"),
            action: fc.constantFrom("hold", "rebalance"),
            stage: fc.constantFrom("decided", "signed", "executed"),
            from: fc.integer({ min: -1, max: 26 }).map(atOf),
            to: fc.integer({ min: -1, max: 26 }).map(atOf),
          },
          { requiredKeys: [] },
        ),
        (query) => {
          const twin = everything.filter(
            (entry) =>
              (query.run === undefined || entry.run === query.run) &&
              (query.action === undefined || entry.decision.action === ACTION[query.action]) &&
              (query.stage === undefined || entry.stage === query.stage) &&
              (query.from === undefined || entry.at >= query.from) &&
              (query.to === undefined || entry.at < query.to),
          );
          expect(journal.list({ ...query, limit: 1_000 }).items).toStrictEqual(twin);
        },
      ),
      { seed: 2, numRuns: 60 },
    );
  });

  test("default: each forecast once, though two runs recorded it", () => {
    fill();
    journal.record("third", decidedOf(40), context(24));
    expect(pagesOf((cursor) => journal.forecasts({ limit: 4, cursor }))).toStrictEqual(
      Array.from({ length: 25 }, (_, i) => forecastOf(24 - i)),
    );
    expect(journal.latestForecast()).toStrictEqual(forecastOf(24));
    expect(journal.forecasts({ limit: 9, from: atOf(3), to: atOf(5), order: "oldest" }).items).toStrictEqual([
      forecastOf(3),
      forecastOf(4),
    ]);
  });

  test.each(["", "x", "MTIz", "1.2", "'; DROP TABLE decision; --"])("error: cursor %j", (cursor) => {
    expect(() => journal.list({ limit: 1, cursor })).toThrow(
      expect.objectContaining({ code: "JOURNAL_CURSOR" }),
    );
  });
});

describe("file", () => {
  test("behaviour: a reader sees what another process has committed, and cannot write", () => {
    const reader = openJournal(path, { readOnly: true });
    journal.recordSigned("r", decidedOf(0), context(0), signature(0));
    expect(reader.last("r")?.stage).toBe("signed");
    expect(() => reader.setMeta("r", "k", 1)).toThrow(expect.objectContaining({ code: "JOURNAL_UNUSABLE" }));
    reader.close();
  });

  test("behaviour: the version changes with every write, of whichever process, and with nothing else", () => {
    const reader = openJournal(path, { readOnly: true });
    const versions = () => [reader.version(), journal.version()] as const;
    let before = versions();
    for (const write of [
      () => journal.recordSigned("r", decidedOf(0), context(0), signature(0)),
      () => journal.setMeta("r", "k", 1),
      () => journal.setMeta("r", "k", 2),
    ]) {
      reader.list({ limit: 5 });
      expect(versions()).toEqual(before);
      write();
      const after = versions();
      expect(after[0]).not.toBe(before[0]);
      expect(after[1]).not.toBe(before[1]);
      before = after;
    }
    reader.close();
  });

  test("behaviour: read after its writer is gone", () => {
    journal.recordSigned("r", decidedOf(0), context(0), signature(0));
    journal.close();
    const reader = openJournal(path, { readOnly: true });
    expect(reader.last("r")?.hash).toBe(decidedOf(0).hash);
    reader.close();
    journal = openJournal(path);
  });

  test("error: a second writer", () => {
    expect(() => openJournal(path)).toThrow(expect.objectContaining({ code: "JOURNAL_LOCKED", path }));
  });

  test("error: another program holds the file", () => {
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    expect(() => journal.record("r", decidedOf(0), context(0))).toThrow(
      expect.objectContaining({ code: "JOURNAL_LOCKED" }),
    );
    other.close();
    journal.record("r", decidedOf(0), context(0));
  });

  test("error: no file to read", () => {
    const missing = join(folder, "missing.sqlite");
    expect(() => openJournal(missing, { readOnly: true })).toThrow(
      expect.objectContaining({ code: "JOURNAL_MISSING", path: missing }),
    );
  });

  test("error: a folder that does not exist", () => {
    expect(() => openJournal(join(folder, "none", "journal.sqlite"))).toThrow(
      expect.objectContaining({ code: "JOURNAL_UNUSABLE" }),
    );
  });

  test("error: a schema of a later version", () => {
    journal.close();
    const db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    for (const readOnly of [true, false]) {
      expect(() => openJournal(path, { readOnly })).toThrow(
        expect.objectContaining({ code: "JOURNAL_NEWER", version: 99 }),
      );
    }
    journal = openJournal(join(folder, "other.sqlite"));
  });

  test("error: a file that is no journal", () => {
    const text = join(folder, "text");
    writeFileSync(text, "time,open,high,low,close\n".repeat(100));
    const foreign = join(folder, "foreign.sqlite");
    const db = new DatabaseSync(foreign);
    db.exec("CREATE TABLE t (a)");
    db.close();
    for (const file of [text, foreign]) {
      for (const readOnly of [true, false]) {
        expect(() => openJournal(file, { readOnly })).toThrow(
          expect.objectContaining({ code: "JOURNAL_CORRUPT" }),
        );
      }
    }
  });

  test("error: a row that was tampered with", () => {
    journal.record("r", decidedOf(0), context(0));
    journal.close();
    const db = new DatabaseSync(path);
    db.exec("UPDATE decision SET body = substr(body, 1, 50)");
    db.close();
    journal = openJournal(path);
    expect(() => journal.last("r")).toThrow(expect.objectContaining({ code: "JOURNAL_CORRUPT" }));
  });

  test("error: no room left; what was written before is intact and writing goes on once there is room", () => {
    journal.close();
    journal = openJournal(path, { maxBytes: 128 * 1024 });
    let n = 0;
    const writeAll = () => {
      for (; n < 10_000; n++) journal.recordSigned("r", decidedOf(n), context(n), signature(n));
    };
    expect(writeAll).toThrow(expect.objectContaining({ code: "JOURNAL_FULL", path }));
    expect(n).toBeGreaterThan(5);
    expect(journal.list({ limit: 10_000 }).items).toHaveLength(n);
    reopen();
    journal.recordSigned("r", decidedOf(n), context(n), signature(n));
    expect(journal.list({ limit: 10_000 }).items).toHaveLength(n + 1);
  });

  test("behaviour: killed in the middle of writing, it opens with every acknowledged step", async () => {
    journal.close();
    const writer = spawn(process.execPath, [join(import.meta.dirname, "../test/journal-writer.ts"), path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: writer.stdout })) {
      if (acknowledged.push(line) === 200) writer.kill("SIGKILL");
    }
    if (writer.exitCode === null && writer.signalCode === null) await once(writer, "exit");
    expect(writer.signalCode).toBe("SIGKILL");
    journal = openJournal(path);
    expect(acknowledged.length).toBeGreaterThanOrEqual(200);
    const reached = new Map(acknowledged.map((line) => line.split(" ") as [Hex, string]));
    const order = ["decided", "signed", "attested", "submitted", "executed"];
    for (const [hash, stage] of reached) {
      expect(order.indexOf(journal.get(hash)?.stage ?? "")).toBeGreaterThanOrEqual(order.indexOf(stage));
    }
  });
});

describe("tagged JSON", () => {
  test("behaviour: every value comes back as it was", () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.bigInt(),
        fc.double(),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(
          fc.oneof(fc.constantFrom("$bigint", "$number", "$$bigint", "__proto__", "toJSON"), fc.string()),
          tie("value"),
          {
            maxKeys: 4,
            noNullPrototype: true,
          },
        ),
      ),
    })).value;
    fc.assert(
      fc.property(value, (v) => {
        expect(fromTaggedJson(toTaggedJson(v))).toStrictEqual(v);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  test("default: readable", () => {
    expect(toTaggedJson({ amount: 2n ** 64n, rate: Number.NaN, $x: 1 })).toBe(
      '{"amount":{"$bigint":"18446744073709551616"},"rate":{"$number":"NaN"},"$$x":1}',
    );
  });
});
