import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BallastError, canonicalJson, type Hex } from "@ballast/data";
import type { TrialResult } from "../jobs/trial.ts";

export class SweepChangedError extends BallastError {
  readonly code = "SWEEP_CHANGED";
  readonly path: string;
  readonly changed: readonly string[];
  constructor(path: string, changed: readonly string[]) {
    super(
      `${path} belongs to a sweep with another ${changed.join(", ")}. ` +
        "Choose another folder with --out, or give the options it was begun with.",
    );
    this.path = path;
    this.changed = changed;
  }
}

export class SweepJournalError extends BallastError {
  readonly code = "SWEEP_JOURNAL";
  readonly path: string;
  constructor(path: string, cause: Error) {
    super(
      `${path} cannot be used (${cause.message}). Check that its disk has room and its folder is writable, ` +
        "or choose another with --out.",
      { cause },
    );
    this.path = path;
  }
}

/** Results of finished trials by the key of the trial; each is on the disk when `record` returns. */
export interface SweepJournal {
  find(key: Hex): TrialResult | undefined;
  /** Throws SweepJournalError. */
  record(key: Hex, result: TrialResult): void;
  close(): void;
}

/**
 * Opens or creates the journal of a sweep, an SQLite file. `identity` is all that two runs must share for one
 * to go on with the results of the other. Throws SweepChangedError with the names that differ, and
 * SweepJournalError.
 */
export function openSweepJournal(path: string, identity: Readonly<Record<string, unknown>>): SweepJournal {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw error instanceof BallastError ? error : new SweepJournalError(path, error as Error);
    }
  };
  const fields = Object.entries(identity).map(([name, value]) => [name, canonicalJson(value)] as const);
  return guarded(() => {
    mkdirSync(dirname(path), { recursive: true });
    const db = new DatabaseSync(path, { timeout: 5_000 });
    try {
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      db.exec(
        "CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;" +
          "CREATE TABLE IF NOT EXISTS trial (key TEXT PRIMARY KEY, result TEXT NOT NULL) STRICT",
      );
      const keep = db.prepare("INSERT OR IGNORE INTO identity VALUES (?, ?)");
      for (const [name, value] of fields) keep.run(name, value);
      const kept = new Map(
        db
          .prepare("SELECT name, value FROM identity")
          .all()
          .map(({ name, value }) => [name, value]),
      );
      const changed = fields.filter(([name, value]) => kept.get(name) !== value).map(([name]) => name);
      if (changed.length > 0) throw new SweepChangedError(path, changed);
    } catch (error) {
      db.close();
      throw error;
    }
    const select = db.prepare("SELECT result FROM trial WHERE key = ?");
    const insert = db.prepare("INSERT OR IGNORE INTO trial VALUES (?, ?)");
    return {
      find: (key) =>
        guarded(() => {
          const row = select.get(key);
          return row === undefined ? undefined : (JSON.parse(row.result as string) as TrialResult);
        }),
      record: (key, result) => guarded(() => void insert.run(key, canonicalJson({ loss: result.loss }))),
      close: () => db.close(),
    };
  });
}
