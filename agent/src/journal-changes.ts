import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import type { Hex } from "@ballast/data";
import type { Forecast } from "@ballast/model";
import type { Change, Journal, JournalEntry, Stage } from "./journal.ts";
import { fromTaggedJson } from "./tagged-json.ts";

type Row = Record<string, SQLOutputValue>;

/** Facts that a decision has not had at a stage, by column; at stages that are not here it has all there ever are. */
const NOT_YET: Partial<Readonly<Record<Stage, readonly string[]>>> = {
  decided: ["offchain_attestation", "offchain_uid", "uid", "execution", "rejection"],
  signed: ["uid", "execution", "rejection"],
  attested: ["execution", "rejection"],
  submitted: ["execution", "rejection"],
};

const CHANGES = `SELECT d.*, c.id AS sequence, c.stage AS stage_then, c.tx_hash AS tx_hash_then, c.forecast AS new_forecast,
  f.body AS forecast_body, f.digest AS forecast_digest,
  NOT EXISTS (SELECT 1 FROM change p WHERE p.decision = c.decision AND p.id < c.id) AS is_new
  FROM change c LEFT JOIN decision d ON d.id = c.decision
  LEFT JOIN forecast f ON f.id = coalesce(c.forecast, d.forecast)`;
const LAST_CHANGE = {
  all: "(SELECT max(id) FROM change)",
  forecasts: "(SELECT max(id) FROM change WHERE forecast = (SELECT max(id) FROM forecast))",
  decisions: "(SELECT max(id) FROM change WHERE decision IS NOT NULL)",
  "new decisions": "(SELECT min(id) FROM change WHERE decision = (SELECT max(id) FROM decision))",
};

/** The log of what happened, in the order it did. */
export interface Changes {
  /** Within the transaction that writes the change itself. */
  note(change: {
    readonly forecast?: SQLInputValue;
    readonly decision?: SQLInputValue;
    readonly stage?: Stage;
    readonly txHash?: Hex;
  }): void;
  readonly after: Journal["changes"];
  readonly last: Journal["lastChange"];
}

/** @param toEntry a decision's row, as it is read back */
export function openChanges(db: DatabaseSync, toEntry: (row: Row) => JournalEntry): Changes {
  const hasLog = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'change'");
  /** Prepared when first asked for: a journal of an older schema, opened for reading, has no log. */
  function lazily(sql: string): () => StatementSync | undefined {
    let statement: StatementSync | undefined;
    return () => {
      if (statement === undefined && hasLog.get() !== undefined) statement = db.prepare(sql);
      return statement;
    };
  }
  const add = lazily(
    "INSERT INTO change (forecast, decision, stage, tx_hash) VALUES (:forecast, :decision, :stage, :txHash)",
  );
  const select = lazily(`${CHANGES} WHERE c.id > ? ORDER BY c.id LIMIT ?`);
  const newest = Object.fromEntries(
    Object.entries(LAST_CHANGE).map(([of, id]) => [of, lazily(`${CHANGES} WHERE c.id = ${id}`)]),
  );

  function toChange(row: Row): Change {
    const sequence = Number(row.sequence);
    if (row.new_forecast !== null) {
      const forecast = fromTaggedJson(String(row.forecast_body)) as Forecast;
      return { sequence, digest: String(row.forecast_digest), forecast, isNew: true };
    }
    const stage = row.stage_then as Stage;
    const hidden = Object.fromEntries((NOT_YET[stage] ?? []).map((column) => [column, null]));
    const entry = toEntry({ ...row, ...hidden, stage, tx_hash: row.tx_hash_then ?? null });
    return { sequence, digest: entry.hash.slice(2), entry, isNew: row.is_new === 1 };
  }

  return {
    note({ forecast = null, decision = null, stage = null, txHash = null }) {
      add()!.run({ forecast, decision, stage, txHash });
    },
    after: (sequence, limit) => (select()?.all(sequence, limit) ?? []).map(toChange),
    last(of) {
      const row = newest[of]!()?.get();
      return row && toChange(row);
    },
  };
}
