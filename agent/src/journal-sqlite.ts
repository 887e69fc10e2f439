import { createHash } from "node:crypto";
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { ACTION } from "@ballast/attest";
import { type Hex, unixMillis } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import {
  type Context,
  type Journal,
  JournalConflictError,
  JournalCursorError,
  type JournalEntry,
  JournalTransitionError,
  JournalUnknownDecisionError,
  type Json,
  NEXT_STAGES,
  type Page,
  type PageQuery,
  type RunSummary,
  STAGES,
  type Stage,
  type StageFacts,
} from "./journal.ts";
import { openChanges } from "./journal-changes.ts";
import { inTransaction, type JournalFileOptions, openJournalFile, toJournalError } from "./journal-file.ts";
import { fromTaggedJson, toTaggedJson } from "./tagged-json.ts";
import type { Decided, Execution } from "./types.ts";

type Row = Record<string, SQLOutputValue>;

const SELECT =
  "SELECT d.*, f.body AS forecast_body FROM decision d LEFT JOIN forecast f ON f.id = d.forecast";

/**
 * Opens the journal at `path`, creating it for writing. One writer at a time, readers beside it. A step is
 * written with one fsync and survives the end of the process and of the machine. Errors: those of
 * journal-file.ts.
 */
export function openJournal(path: string, options: JournalFileOptions = {}): Journal {
  const { db, close } = openJournalFile(path, options);
  const guarded =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      try {
        return call(...args);
      } catch (error) {
        throw toJournalError(error, path);
      }
    };

  const addRun = db.prepare("INSERT INTO run (name) VALUES (?) ON CONFLICT DO NOTHING");
  const addForecast = db.prepare(
    "INSERT INTO forecast (digest, at, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const addDecision = db.prepare(
    `INSERT INTO decision (run, hash, at, action, stage, policy, body, forecast)
     VALUES (?, ?, ?, ?, 'decided', ?, ?, (SELECT id FROM forecast WHERE digest = ?))`,
  );
  const setStage = db.prepare(
    `UPDATE decision SET stage = :stage,
       offchain_attestation = coalesce(:offchainAttestation, offchain_attestation),
       offchain_uid = coalesce(:offchainUid, offchain_uid), uid = coalesce(:uid, uid),
       tx_hash = coalesce(:txHash, tx_hash), execution = coalesce(:execution, execution),
       rejection = coalesce(:rejection, rejection)
     WHERE run = :run AND hash = :hash`,
  );
  const byRunAndHash = db.prepare(`${SELECT} WHERE d.run = ? AND d.hash = ?`);
  const idOf = db.prepare("SELECT id, tx_hash FROM decision WHERE run = ? AND hash = ?");
  const byHash = db.prepare(`${SELECT} WHERE d.hash = ? ORDER BY d.id DESC LIMIT 1`);
  const byUid = db.prepare(`${SELECT} WHERE d.uid = ?1 OR d.offchain_uid = ?1 ORDER BY d.id DESC LIMIT 1`);
  const lastOfRun = db.prepare(`${SELECT} WHERE d.run = ? ORDER BY d.id DESC LIMIT 1`);
  const unfinishedOfRun = db.prepare(
    `${SELECT} WHERE d.run = ? AND d.action = ${ACTION.rebalance}
     AND d.stage IN ('decided', 'signed', 'attested', 'submitted') ORDER BY d.id`,
  );
  const newestForecast = db.prepare("SELECT body FROM forecast ORDER BY at DESC, id DESC LIMIT 1");
  const putMeta = db.prepare(
    "INSERT INTO run_meta (run, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  const metaOfRun = db.prepare("SELECT key, value FROM run_meta WHERE run = ?");
  const countsOfRuns = db.prepare(
    `SELECT r.name AS run, d.action, d.stage, count(d.id) AS n, min(d.at) AS first, max(d.at) AS last
     FROM run r LEFT JOIN decision d ON d.run = r.name GROUP BY r.id, d.action, d.stage ORDER BY r.id`,
  );

  // Counts what others committed, and what this connection changed.
  const written = db.prepare(
    "SELECT data_version || '.' || total_changes() AS version FROM pragma_data_version",
  );
  const log = openChanges(db, toStoredEntry);

  const find = (run: string, hash: Hex): JournalEntry | undefined => toEntry(byRunAndHash.get(run, hash));

  /** @returns the new decision's row id; undefined where it was known */
  function insert(run: string, decided: Decided, context: Context): SQLInputValue | undefined {
    const { policy, forecast, market, inputs } = context;
    const { decision, hash } = decided;
    const at = unixMillis(Number(decision.decidedAt) * 1000);
    const known = find(run, hash);
    if (known !== undefined) {
      const { decision, trades, reason, numbers, weights, breachProbability, isBreached } = decided;
      const given = {
        decision,
        trades,
        reason,
        numbers,
        weights,
        breachProbability,
        isBreached,
        policy,
        forecast,
      };
      const stored = Object.fromEntries(
        Object.keys(given).map((key) => [key, known[key as keyof JournalEntry]]),
      );
      if (!isDeepStrictEqual(plain(given), stored)) throw new JournalConflictError(hash, "decided");
      return undefined;
    }
    const { hash: _, ...rest } = decided;
    const body = { ...rest, market, inputs };
    let digest: string | null = null;
    if (forecast !== undefined) {
      const text = toTaggedJson(forecast);
      digest = createHash("sha256").update(text).digest("hex");
      const { changes, lastInsertRowid } = addForecast.run(digest, forecast.at, text);
      if (changes > 0) log.note({ forecast: lastInsertRowid });
    }
    addRun.run(run);
    return addDecision.run(run, hash, at, decision.action, policy, toTaggedJson(body), digest)
      .lastInsertRowid;
  }

  function update<S extends keyof StageFacts>(run: string, hash: Hex, stage: S, facts: StageFacts[S]): void {
    const known = find(run, hash);
    if (known === undefined) throw new JournalUnknownDecisionError(hash, run);
    const stored = Object.fromEntries(
      Object.keys(facts).map((key) => [key, known[key as keyof JournalEntry]]),
    );
    const isReached =
      stage === "abandoned" ? known.stage === stage : !Object.values(stored).includes(undefined);
    if (isReached && isDeepStrictEqual(plain(facts), stored)) return;
    const isHold = known.decision.action === ACTION.hold;
    if (!NEXT_STAGES[known.stage].includes(stage) || (isHold && stage === "submitted")) {
      if (isReached) throw new JournalConflictError(hash, stage);
      throw new JournalTransitionError(hash, known.stage, stage);
    }
    const all: { [key: string]: unknown } = { ...facts };
    const text = (key: string) => (all[key] as string | undefined) ?? null;
    const json = (key: string) => (all[key] === undefined ? null : toTaggedJson(all[key]));
    setStage.run({
      run,
      hash,
      stage,
      offchainAttestation: text("offchainAttestation"),
      offchainUid: text("offchainUid"),
      uid: text("uid"),
      txHash: text("txHash"),
      execution: json("execution"),
      rejection: json("rejection"),
    });
    const { id, tx_hash: txHash } = idOf.get(run, hash)!;
    log.note({ decision: id!, stage, ...(txHash !== null && { txHash: txHash as Hex }) });
  }

  /** Pages of a SELECT over table alias `t` by (at, id), which never changes for a row. */
  function page<T>(
    select: string,
    t: string,
    query: PageQuery,
    equal: Row,
    toItem: (row: Row) => T,
  ): Page<T> {
    const [before, direction] = query.order === "oldest" ? [">", "ASC"] : ["<", "DESC"];
    const where = ["TRUE"];
    const values: SQLInputValue[] = [];
    const add = (condition: string, ...given: SQLInputValue[]) => {
      where.push(condition);
      values.push(...given);
    };
    for (const [column, value] of Object.entries(equal)) add(`${t}.${column} = ?`, value as SQLInputValue);
    if (query.from !== undefined) add(`${t}.at >= ?`, query.from);
    if (query.to !== undefined) add(`${t}.at < ?`, query.to);
    if (query.cursor !== undefined) add(`(${t}.at, ${t}.id) ${before} (?, ?)`, ...readCursor(query.cursor));
    const rows = db
      .prepare(
        `${select} WHERE ${where.join(" AND ")} ORDER BY ${t}.at ${direction}, ${t}.id ${direction} LIMIT ?`,
      )
      .all(...values, query.limit + 1);
    const items = rows.slice(0, query.limit);
    const end = rows.length > query.limit ? items.at(-1) : undefined;
    return { items: items.map(toItem), nextCursor: end && toCursor(end) };
  }

  const meta = (run: string) =>
    Object.fromEntries(
      metaOfRun.all(run).map(({ key, value }) => [String(key), JSON.parse(String(value)) as Json]),
    );

  return {
    record: guarded((run, decided, context) =>
      inTransaction(db, () => {
        const decision = insert(run, decided, context);
        if (decision !== undefined) log.note({ decision, stage: "decided" });
      }),
    ),
    recordSigned: guarded((run, decided, context, facts) =>
      inTransaction(db, () => {
        insert(run, decided, context);
        update(run, decided.hash, "signed", facts);
      }),
    ),
    advance: guarded((run, hash, stage, facts) => inTransaction(db, () => update(run, hash, stage, facts))),
    unfinished: guarded((run) => unfinishedOfRun.all(run).map(toStoredEntry)),
    last: guarded((run) => toEntry(lastOfRun.get(run))),
    list: guarded((query) => {
      const { run, action, stage } = query;
      const equal = {
        ...(run !== undefined && { run }),
        ...(action !== undefined && { action: ACTION[action] }),
        ...(stage !== undefined && { stage }),
      };
      return page(SELECT, "d", query, equal, toStoredEntry);
    }),
    get: guarded((hash, run) => (run === undefined ? toEntry(byHash.get(hash)) : find(run, hash))),
    getByUid: guarded((uid) => toEntry(byUid.get(uid))),
    forecasts: guarded((query) => page("SELECT f.* FROM forecast f", "f", query, {}, toForecast)),
    latestForecast: guarded(() => {
      const row = newestForecast.get();
      return row && toForecast(row);
    }),
    setMeta: guarded((run, key, value) =>
      inTransaction(db, () => {
        addRun.run(run);
        putMeta.run(run, key, JSON.stringify(value));
      }),
    ),
    meta: guarded(meta),
    runs: guarded(() => toSummaries(countsOfRuns.all(), meta)),
    changes: guarded(log.after),
    lastChange: guarded(log.last),
    version: guarded(() => String(written.get()?.version)),
    close,
  };
}

/** Without properties that are undefined, as it will be read back; `forecast: undefined` stays. */
const plain = (value: object): unknown =>
  Object.fromEntries(
    Object.entries(value).map(([key, v]) => [key, v === undefined ? v : fromTaggedJson(toTaggedJson(v))]),
  );

const toForecast = (row: Row): Forecast => fromTaggedJson(String(row.body)) as Forecast;

const toEntry = (row: Row | undefined): JournalEntry | undefined => row && toStoredEntry(row);

function toStoredEntry(row: Row): JournalEntry {
  const text = <T extends string>(value: SQLOutputValue | undefined) => (value ?? undefined) as T | undefined;
  const json = (value: SQLOutputValue | undefined) =>
    value == null ? undefined : fromTaggedJson(String(value));
  return {
    ...(fromTaggedJson(String(row.body)) as Omit<Decided, "hash"> & Pick<Context, "market" | "inputs">),
    run: row.run as string,
    hash: row.hash as Hex,
    at: unixMillis(row.at as number),
    stage: row.stage as Stage,
    policy: row.policy as string,
    forecast: json(row.forecast_body) as Forecast | undefined,
    offchainAttestation: text(row.offchain_attestation),
    offchainUid: text<Hex>(row.offchain_uid),
    uid: text<Hex>(row.uid),
    txHash: text<Hex>(row.tx_hash),
    execution: json(row.execution) as Execution | undefined,
    rejection: json(row.rejection) as JournalEntry["rejection"],
  };
}

function toSummaries(
  counts: readonly Row[],
  meta: (run: string) => Readonly<Record<string, Json>>,
): RunSummary[] {
  return [...new Set(counts.map((row) => String(row.run)))].map((run) => {
    const rows = counts.filter((row) => row.run === run && row.stage !== null);
    const total = (matches: (row: Row) => boolean) =>
      rows.filter(matches).reduce((sum, row) => sum + Number(row.n), 0);
    const time = (ms: number) => (rows.length === 0 ? undefined : unixMillis(ms));
    return {
      run,
      meta: meta(run),
      holds: total((row) => row.action === ACTION.hold),
      rebalances: total((row) => row.action === ACTION.rebalance),
      stages: Object.fromEntries(
        STAGES.map((stage) => [stage, total((row) => row.stage === stage)]),
      ) as Record<Stage, number>,
      from: time(Math.min(...rows.map((row) => Number(row.first)))),
      to: time(Math.max(...rows.map((row) => Number(row.last)))),
    };
  });
}

const toCursor = (row: Row): string => Buffer.from(`${row.at}.${row.id}`).toString("base64url");

function readCursor(cursor: string): [number, number] {
  const match = /^(-?\d{1,16})\.(\d{1,16})$/.exec(Buffer.from(cursor, "base64url").toString("latin1"));
  if (match === null) throw new JournalCursorError(cursor);
  return [Number(match[1]), Number(match[2])];
}
