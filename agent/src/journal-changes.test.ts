import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ACTION } from "@ballast/attest";
import { type Hex, unixMillis } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Journal, type JournalEntry, NEXT_STAGES, type Stage, type StageFacts } from "./journal.ts";
import { openJournal } from "./journal-sqlite.ts";
import type { Decided } from "./types.ts";

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;
const T0 = 1_660_000_000;

const forecastOf = (n: number): Forecast => ({
  modelId: word(7),
  at: unixMillis((T0 + n * 3_600) * 1_000),
  horizonsHours: [1],
  assets: ["BTC"],
  variance: [[1e-5 * (n + 1)]],
  correlation: [[1]],
  breachCalibration: { a: 0, b: 1 },
});
const decidedOf = (n: number): Decided => ({
  hash: word(1_000 + n),
  decision: {
    chainId: 1n,
    vault: "0x09",
    sequence: BigInt(n),
    action: ACTION.rebalance,
    reason: 2,
    decidedAt: BigInt(T0 + n * 3_600),
    expiresAt: BigInt(T0 + n * 3_600 + 900),
    inputRoot: word(2),
    stateHash: word(3),
    modelId: word(7),
    forecastHash: word(4),
    policyId: word(5),
    breachPpm: 1,
    holding: 0,
    tradesHash: word(6),
  },
  trades: [],
  reason: "breach-forecast",
  numbers: {},
  breachProbability: 0.1,
  weights: [1],
  isBreached: false,
});
const factsOf = (salt: number): StageFacts & { readonly decided: object } => ({
  decided: {},
  signed: { offchainAttestation: `{"salt":${salt}}`, offchainUid: word(salt + 1) },
  attested: { uid: word(salt + 2) },
  submitted: { txHash: word(salt + 3) },
  executed: {
    execution: {
      txHash: word(salt + 3),
      blockNumber: salt,
      minedAt: 1n,
      navBefore: 1n as never,
      navAfter: 1n as never,
      gasUsed: 1n,
      gasPrice: 1n,
      amountsOut: [],
    },
  },
  rejected: { rejection: { code: "X", message: `${salt}` } },
  abandoned: {},
});

let folder: string;
let path: string;
let journal: Journal;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "changes-"));
  path = join(folder, "journal.sqlite");
  journal = openJournal(path);
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

/** Draws what to do next; what a reader saw of it right after is what the log must say later. */
function play(seeds: readonly number[]): (Forecast | JournalEntry)[] {
  const seen: (Forecast | JournalEntry)[] = [];
  const stages: Stage[] = [];
  const forecasts = new Set<number>();
  for (const [salt, seed] of seeds.entries()) {
    const at = seed % (stages.length + 2);
    if (at >= stages.length) {
      const n = stages.length;
      const kept = seed % 3;
      if (!forecasts.has(kept)) seen.push(forecastOf(kept));
      forecasts.add(kept);
      const context = { policy: "p", forecast: forecastOf(kept) };
      const isSigned = seed % 2 === 0;
      if (isSigned) journal.recordSigned("r", decidedOf(n), context, factsOf(10 * salt).signed);
      else journal.record("r", decidedOf(n), context);
      stages.push(isSigned ? "signed" : "decided");
      seen.push(journal.get(word(1_000 + n))!);
      journal.record("r", decidedOf(n), context); // Repeated, it is no change.
      continue;
    }
    const next = NEXT_STAGES[stages[at]!];
    const stage = next[seed % Math.max(1, next.length)] as keyof StageFacts | undefined;
    if (stage === undefined) continue;
    journal.advance("r", word(1_000 + at), stage, factsOf(10 * salt)[stage]);
    journal.advance("r", word(1_000 + at), stage, factsOf(10 * salt)[stage]);
    stages[at] = stage;
    seen.push(journal.get(word(1_000 + at))!);
  }
  return seen;
}

test("default: each change once, in order, as it was then and not as it is now", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000), { minLength: 1, maxLength: 40 }), (seeds) => {
      const seen = play(seeds);
      const changes = journal.changes(0, 1_000);
      expect(changes.map(({ forecast, entry }) => forecast ?? entry)).toStrictEqual(seen);
      expect(changes.map(({ sequence }) => sequence)).toEqual(seen.map((_, i) => i + 1));
      const middle = Math.floor(seen.length / 2);
      expect(journal.changes(middle, 2)).toStrictEqual(changes.slice(middle, middle + 2));
      expect(journal.lastChange("all")).toStrictEqual(changes.at(-1));
      expect(journal.lastChange("forecasts")).toStrictEqual(changes.findLast(({ forecast }) => forecast));
      expect(journal.lastChange("decisions")).toStrictEqual(changes.findLast(({ entry }) => entry));
      expect(journal.lastChange("new decisions")).toStrictEqual(
        changes.findLast(({ entry, isNew }) => entry && isNew),
      );
      expect(changes.filter(({ entry, isNew }) => entry && isNew).map(({ entry }) => entry!.hash)).toEqual([
        ...new Set(changes.flatMap(({ entry }) => entry?.hash ?? [])),
      ]);
      journal.close();
      rmSync(path);
      journal = openJournal(path);
    }),
    { seed: 6, numRuns: 40 },
  );
});

test("behaviour: the version moves with each write of whatever process, and with nothing else", () => {
  const reader = openJournal(path, { readOnly: true });
  const before = [journal.version(), reader.version()];
  expect([journal.version(), reader.version()]).toEqual(before);
  journal.record("r", decidedOf(0), { policy: "p", forecast: undefined });
  const after = [journal.version(), reader.version()];
  expect(after[0]).not.toBe(before[0]);
  expect(after[1]).not.toBe(before[1]);
  reader.list({ limit: 10 });
  expect(reader.version()).toBe(after[1]);
  reader.close();
});

test("behaviour: a journal of the first schema has no changes until it is opened for writing", () => {
  play([5, 8, 3, 2, 9, 4]);
  const stored = journal.list({ limit: 99, order: "oldest" }).items;
  journal.close();
  const db = new DatabaseSync(path);
  db.exec("DROP TABLE change; PRAGMA user_version = 1");
  db.close();
  const reader = openJournal(path, { readOnly: true });
  expect([reader.changes(0, 9), reader.lastChange("all")]).toEqual([[], undefined]);
  journal = openJournal(path);
  const found = reader.changes(0, 99).flatMap(({ entry }) => entry ?? []);
  expect(found).toStrictEqual(stored);
  reader.close();
});
