import {
  BOOLEAN,
  DOUBLE,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBValue,
  VARCHAR,
} from "@duckdb/node-api";
import { replaceFile } from "./durable-file.ts";

/** One column; null where there is no value. Times are ms since 1970 and become UTC timestamps. */
export type ParquetColumn =
  | { readonly name: string; readonly kind: "number" | "time"; readonly values: readonly (number | null)[] }
  | { readonly name: string; readonly kind: "text"; readonly values: readonly (string | null)[] }
  | { readonly name: string; readonly kind: "flag"; readonly values: readonly (boolean | null)[] };

const CHUNK_ROWS = 2048;
const TYPES = { number: DOUBLE, time: DOUBLE, text: VARCHAR, flag: BOOLEAN };
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Writes a Parquet file, whole or not at all; any reader of Parquet can use it. Columns have equal lengths. Errors:
 * DiskFullError.
 */
export async function writeParquet(path: string, columns: readonly ParquetColumn[]): Promise<void> {
  const database = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    temp_directory: "",
  });
  const connection = await database.connect();
  try {
    const typed = columns.map(({ name, kind }) => `${quoted(name)} ${TYPES[kind]}`);
    await connection.run(`CREATE TABLE file (${typed.join(", ")})`);
    const appender = await connection.createAppender("file");
    const rows = columns[0]?.values.length ?? 0;
    for (let from = 0; from < rows; from += CHUNK_ROWS) {
      const to = Math.min(rows, from + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create(
        columns.map(({ kind }) => TYPES[kind]),
        to - from,
      );
      chunk.setColumns(columns.map(({ values }) => values.slice(from, to) as DuckDBValue[]));
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
    const selected = columns.map(({ name, kind }) =>
      kind === "time" ? `epoch_ms(${quoted(name)}::BIGINT) AS ${quoted(name)}` : quoted(name),
    );
    await replaceFile(path, async (temporary) => {
      await connection.run(
        `COPY (SELECT ${selected.join(", ")} FROM file) TO ${literal(temporary)} (FORMAT parquet, COMPRESSION zstd)`,
      );
    });
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}
