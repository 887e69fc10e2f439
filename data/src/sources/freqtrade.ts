import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import {
  barGatherer,
  epochToMillis,
  type FileContent,
  MalformedFileError,
  ROW_FIELDS,
  TruncatedFileError,
} from "./columns.ts";

/** A file's text, unpacked where its name ends in .gz. @throws TruncatedFileError, MalformedFileError */
export const readText = async (path: string): Promise<string> => {
  const bytes = await readFile(path);
  if (!path.endsWith(".gz")) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes).toString("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "Z_BUF_ERROR")
      throw new TruncatedFileError(path, bytes.length);
    throw new MalformedFileError(path, `cannot be unpacked (${(error as Error).message})`);
  }
};

/**
 * freqtrade's JSON, plain or gzipped: one array of `[ms, open, high, low, close, volume]`. Further elements
 * of a row and numbers written as texts are accepted, so that Binance's kline answers are read too.
 */
export const readFreqtradeJson = async (path: string, pair: string): Promise<FileContent> => {
  const text = await readText(path);
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (error) {
    const start = text.trimStart();
    if (start === "" || (start.startsWith("[") && !text.trimEnd().endsWith("]"))) {
      throw new TruncatedFileError(path, Buffer.byteLength(text));
    }
    throw new MalformedFileError(path, `is not JSON (${(error as Error).message})`);
  }
  if (!Array.isArray(rows)) throw new MalformedFileError(path, "is not an array of bars");
  const gatherer = barGatherer(path);
  const into = gatherer.of(pair);
  for (const [i, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length < ROW_FIELDS.length) {
      throw new MalformedFileError(path, `element ${i} is not [ms, open, high, low, close, volume]`);
    }
    for (const [k, field] of ROW_FIELDS.entries()) {
      const cell: unknown = row[k];
      const isNumeric = typeof cell === "number" || (typeof cell === "string" && cell.trim() !== "");
      const value = isNumeric ? Number(cell) : Number.NaN;
      into[field].push(field === "time" ? epochToMillis(value) : value);
    }
  }
  return { series: gatherer.series(), notes: [] };
};
