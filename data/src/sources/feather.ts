/// <reference path="./lz4js.d.ts" />
import { readFile } from "node:fs/promises";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CompressionType, compressionRegistry, DataType, tableFromIPC, type Vector } from "apache-arrow";
import lz4 from "lz4js";
import {
  type FileContent,
  MalformedFileError,
  NO_ZONE_NOTE,
  TruncatedFileError,
  tableToContent,
} from "./columns.ts";

// Feather files of pandas and freqtrade have LZ4-compressed buffers, for which Arrow wants to be given a codec.
compressionRegistry.set(CompressionType.LZ4_FRAME, { encode: lz4.compress, decode: lz4.decompress });
compressionRegistry.set(CompressionType.ZSTD, { encode: zstdCompressSync, decode: zstdDecompressSync });

const MAGIC = "ARROW1";

/** freqtrade's Feather (Arrow IPC file): named columns, `date` a timestamp, epoch number or ISO text. */
export const readFeather = async (path: string, pair: string): Promise<FileContent> => {
  const bytes = await readFile(path);
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw new MalformedFileError(path, "is not an Arrow IPC file (Feather version 2)");
  }
  if (bytes.toString("latin1", bytes.length - MAGIC.length) !== MAGIC || bytes.length < 2 * MAGIC.length) {
    throw new TruncatedFileError(path, bytes.length);
  }
  let columns: { name: string; vector: Vector }[];
  let rows: number;
  try {
    const table = tableFromIPC(bytes);
    rows = table.numRows;
    columns = table.schema.fields.map((field, i) => ({ name: field.name, vector: table.getChildAt(i)! }));
  } catch (error) {
    throw new MalformedFileError(path, `cannot be read as Arrow (${(error as Error).message})`);
  }
  const cells = columns.map(({ vector }) => toCells(vector));
  const content = tableToContent(
    path,
    pair,
    columns.map(({ name }) => name),
    rows,
    (c, row) => cells[c]!(row),
  );
  const hasNaiveTime = columns.some(
    ({ vector }) => DataType.isTimestamp(vector.type) && !vector.type.timezone,
  );
  return hasNaiveTime ? { ...content, notes: [...content.notes, NO_ZONE_NOTE] } : content;
};

/** Arrow hands timestamps out as ms already, whatever their unit; only whole columns of doubles are faster flat. */
const toCells = (vector: Vector): ((row: number) => unknown) => {
  if (DataType.isTimestamp(vector.type)) {
    return (row) => {
      const ms: number | null = vector.get(row);
      return ms === null ? null : new Date(ms);
    };
  }
  if (DataType.isFloat(vector.type) && vector.nullCount === 0) {
    const flat = vector.toArray();
    return (row) => flat[row];
  }
  return (row) => {
    const value: unknown = vector.get(row);
    return typeof value === "bigint" ? Number(value) : value;
  };
};
