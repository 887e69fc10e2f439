import { DOUBLE, DuckDBDataChunk, DuckDBInstance, VARCHAR } from "@duckdb/node-api";
import { replaceFile } from "./durable-file.ts";

/** A column of texts or of numbers, by its name; null where there is none. */
export type TableColumns = Readonly<Record<string, readonly (string | number | null)[]>>;

const CHUNK_ROWS = 2048;

/**
 * Writes columns of equal length as a Parquet file (zstd), the old one staying until the new one is whole: VARCHAR where
 * a column's first value that is not null is a text, else DOUBLE. NaN is kept. Errors: DiskFullError, and whatever the
 * folder's file system says.
 */
export async function writeParquet(path: string, columns: TableColumns): Promise<void> {
  const names = Object.keys(columns);
  const types = names.map((name) => (isText(columns[name]!) ? VARCHAR : DOUBLE));
  const rows = columns[names[0]!]?.length ?? 0;
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    temp_directory: "",
  });
  const connection = await instance.connect();
  try {
    const declared = names.map((name, c) => `${quoted(name)} ${types[c]}`).join(", ");
    await connection.run(`CREATE TABLE rows (${declared})`);
    const appender = await connection.createAppender("rows");
    for (let from = 0; from < rows; from += CHUNK_ROWS) {
      const to = Math.min(rows, from + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create(types, to - from);
      chunk.setColumns(names.map((name) => columns[name]!.slice(from, to)));
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
    await replaceFile(path, async (temporary) => {
      await connection.run(
        `COPY rows TO '${temporary.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
      );
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const isText = (values: readonly (string | number | null)[]): boolean =>
  typeof values.find((value) => value !== null) === "string";
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
