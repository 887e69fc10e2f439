import { open } from "node:fs/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  type FileContent,
  MalformedFileError,
  NO_ZONE_NOTE,
  TruncatedFileError,
  tableToContent,
} from "./columns.ts";

const MAGIC = "PAR1";

/** Parquet with named columns, read in process by DuckDB. Timestamps without a zone are UTC. */
export const readParquet = async (path: string, pair: string): Promise<FileContent> => {
  await refuseUnlessWhole(path);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const described = await connection.runAndReadAll("DESCRIBE SELECT * FROM read_parquet($1)", [path]);
    const columns = described.getRows().map((row) => ({ name: String(row[0]), type: String(row[1]) }));
    const selected = columns.map(({ name, type }) => toSelect(name, type)).join(", ");
    const reader = await connection.runAndReadAll(`SELECT ${selected} FROM read_parquet($1)`, [path]);
    const cells = reader.getColumns();
    const names = columns.map(({ name }) => name);
    const content = tableToContent(path, pair, names, reader.currentRowCount, (c, row) => cells[c]![row]);
    const hasNaiveTime = columns.some(({ type }) => isTime(type) && !type.endsWith("TIME ZONE"));
    return hasNaiveTime ? { ...content, notes: [...content.notes, NO_ZONE_NOTE] } : content;
  } catch (error) {
    if (error instanceof MalformedFileError) throw error;
    throw new MalformedFileError(
      path,
      `cannot be read as Parquet (${(error as Error).message.split("\n")[0]})`,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};

const isTime = (type: string): boolean => type.startsWith("TIMESTAMP") || type === "DATE";
const isNumber = (type: string): boolean => /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE)$/.test(type);

/** Times as epoch ms and numbers as doubles already in the query; text, and decimals lest a digit is lost, as text. */
const toSelect = (name: string, type: string): string => {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  if (isTime(type))
    return `epoch_ms(${type.endsWith("TIME ZONE") ? quoted : `${quoted}::TIMESTAMP`})::DOUBLE`;
  return isNumber(type) ? `${quoted}::DOUBLE` : `${quoted}::VARCHAR`;
};

const refuseUnlessWhole = async (path: string): Promise<void> => {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const at = async (position: number): Promise<string> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, position);
      return buffer.toString("latin1", 0, bytesRead);
    };
    if ((await at(0)) !== MAGIC) throw new MalformedFileError(path, "is not a Parquet file");
    if (size < 3 * MAGIC.length || (await at(size - MAGIC.length)) !== MAGIC)
      throw new TruncatedFileError(path, size);
  } finally {
    await file.close();
  }
};
