import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { BallastError } from "@ballast/data";

/** `Ball` in ASCII: tells a journal from any other SQLite file. */
const APPLICATION_ID = 0x42616c6c;

/** Entry i lifts a journal from schema i to i + 1. Append only: journals of every age must still open. */
const MIGRATIONS = [
  `
  CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE run_meta (
    run TEXT NOT NULL REFERENCES run (name),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE forecast (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX forecast_at ON forecast (at, id);
  CREATE TABLE decision (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES run (name),
    hash TEXT NOT NULL,
    at INTEGER NOT NULL,
    action INTEGER NOT NULL,
    stage TEXT NOT NULL,
    policy TEXT NOT NULL,
    body TEXT NOT NULL,
    forecast INTEGER REFERENCES forecast (id),
    offchain_attestation TEXT,
    offchain_uid TEXT,
    uid TEXT,
    tx_hash TEXT,
    execution TEXT,
    rejection TEXT,
    UNIQUE (run, hash)
  ) STRICT;
  CREATE INDEX decision_at ON decision (at, id);
  CREATE INDEX decision_run_at ON decision (run, at, id);
  CREATE INDEX decision_unfinished ON decision (run, id)
    WHERE action = 1 AND stage IN ('decided', 'signed', 'attested', 'submitted');
  CREATE INDEX decision_hash ON decision (hash);
  CREATE INDEX decision_offchain_uid ON decision (offchain_uid) WHERE offchain_uid IS NOT NULL;
  CREATE INDEX decision_uid ON decision (uid) WHERE uid IS NOT NULL;
  `,
  // What happened, in order: a row of decision has its latest stage alone.
  `
  CREATE TABLE change (
    id INTEGER PRIMARY KEY,
    forecast INTEGER REFERENCES forecast (id),
    decision INTEGER REFERENCES decision (id),
    stage TEXT,
    tx_hash TEXT
  ) STRICT;
  CREATE INDEX change_decision ON change (decision, id) WHERE decision IS NOT NULL;
  CREATE INDEX change_forecast ON change (forecast) WHERE forecast IS NOT NULL;
  INSERT INTO change (forecast) SELECT id FROM forecast ORDER BY id;
  INSERT INTO change (decision, stage, tx_hash) SELECT id, stage, tx_hash FROM decision ORDER BY id;
  `,
] as const;

export class JournalMissingError extends BallastError {
  readonly code = "JOURNAL_MISSING";
  readonly path: string;
  constructor(path: string) {
    super(`no journal at ${path}; run the agent or the demo first, or give the path of an existing journal`);
    this.path = path;
  }
}

export class JournalLockedError extends BallastError {
  readonly code = "JOURNAL_LOCKED";
  readonly path: string;
  constructor(path: string) {
    super(
      `another process writes to the journal ${path}; stop it first, or use another journal file ` +
        "(two writers could execute one decision twice)",
    );
    this.path = path;
  }
}

export class JournalNewerError extends BallastError {
  readonly code = "JOURNAL_NEWER";
  readonly path: string;
  readonly version: number;
  constructor(path: string, version: number) {
    super(
      `the journal ${path} has schema ${version}, this Ballast knows schemas up to ${MIGRATIONS.length}; ` +
        "update Ballast, or use another journal file",
    );
    this.path = path;
    this.version = version;
  }
}

export class JournalCorruptError extends BallastError {
  readonly code = "JOURNAL_CORRUPT";
  readonly path: string;
  constructor(path: string, detail: string) {
    super(
      `${path} is not an intact Ballast journal (${detail}); restore it from a copy, or move it away and ` +
        "start a new one (what was executed can be read back from the chain)",
    );
    this.path = path;
  }
}

export class JournalFullError extends BallastError {
  readonly code = "JOURNAL_FULL";
  readonly path: string;
  constructor(path: string) {
    super(`no room left to write the journal ${path}; free disk space, then start again: nothing is lost`);
    this.path = path;
  }
}

export class JournalUnusableError extends BallastError {
  readonly code = "JOURNAL_UNUSABLE";
  readonly path: string;
  constructor(path: string, detail: string) {
    super(
      `cannot use the journal ${path} (${detail}); check that its folder exists, is writable and healthy`,
    );
    this.path = path;
  }
}

export interface JournalFile {
  readonly db: DatabaseSync;
  close(): void;
}

export interface JournalFileOptions {
  /** Reads beside a writer in another process; creates and changes nothing. */
  readonly readOnly?: boolean | undefined;
  /** Quota: a write that would let the file grow beyond it fails with `JOURNAL_FULL`. */
  readonly maxBytes?: number | undefined;
}

/** Opens and, for writing, creates or migrates the file. Every failure is one of the errors above. */
export function openJournalFile(path: string, options: JournalFileOptions): JournalFile {
  const readOnly = options.readOnly ?? false;
  if (readOnly && !existsSync(path)) throw new JournalMissingError(path);
  const opened: DatabaseSync[] = [];
  const close = () => {
    for (const db of opened.splice(0).reverse()) db.close();
  };
  try {
    // The writer's lock lies in a file of its own: SQLite frees it however the process ends, and readers
    // of the journal never meet it. A lock on the journal itself would stop them.
    if (!readOnly) {
      const lock = new DatabaseSync(`${path}-lock`);
      opened.push(lock);
      lock.exec("BEGIN EXCLUSIVE");
    }
    // A reader waits inside an event loop that serves others, and in write-ahead mode hardly ever.
    const timeout = readOnly ? 250 : 2_000;
    const db = new DatabaseSync(path, { readOnly, timeout, enableForeignKeyConstraints: true });
    opened.push(db);
    const version = readVersion(db, path);
    if (readOnly) {
      if (version === 0) throw new JournalMissingError(path);
    } else {
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      migrate(db, version);
      if (options.maxBytes !== undefined) {
        const pageSize = Number(db.prepare("PRAGMA page_size").get()?.page_size);
        db.exec(`PRAGMA max_page_count = ${Math.floor(options.maxBytes / pageSize)}`);
      }
    }
    return { db, close };
  } catch (error) {
    close();
    throw toJournalError(error, path);
  }
}

function readVersion(db: DatabaseSync, path: string): number {
  const pragma = (name: string) => Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
  const version = pragma("user_version");
  const isEmpty = db.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (!isEmpty && pragma("application_id") !== APPLICATION_ID) {
    throw new JournalCorruptError(path, "an SQLite file of another application");
  }
  if (version > MIGRATIONS.length) throw new JournalNewerError(path, version);
  return version;
}

function migrate(db: DatabaseSync, version: number): void {
  if (version === MIGRATIONS.length) return;
  inTransaction(db, () => {
    for (const step of MIGRATIONS.slice(version)) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

/** Commits what `write` did, all of it or nothing; on return it is on the disk. */
export function inTransaction<T>(db: DatabaseSync, write: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = write();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk may already have rolled it back.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** SQLite's primary result codes, https://sqlite.org/rescode.html; the extended ones add higher bits. */
const SQLITE = {
  perm: 3,
  busy: 5,
  locked: 6,
  readonly: 8,
  ioerr: 10,
  corrupt: 11,
  full: 13,
  cantopen: 14,
  notadb: 26,
};

/** The typed form of a failure of SQLite or of a stored row; anything else comes back as it was. */
export function toJournalError(error: unknown, path: string): unknown {
  if (error instanceof SyntaxError) return new JournalCorruptError(path, "a row cannot be read");
  if (!(error instanceof Error && "errcode" in error && typeof error.errcode === "number")) return error;
  switch (error.errcode & 0xff) {
    case SQLITE.busy:
    case SQLITE.locked:
      return new JournalLockedError(path);
    case SQLITE.full:
      return new JournalFullError(path);
    case SQLITE.corrupt:
    case SQLITE.notadb:
      return new JournalCorruptError(path, error.message);
    case SQLITE.perm:
    case SQLITE.readonly:
    case SQLITE.ioerr:
    case SQLITE.cantopen:
      return new JournalUnusableError(path, error.message);
    default:
      return error;
  }
}
