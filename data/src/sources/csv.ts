import type { Exogenous } from "../market.ts";
import {
  barGatherer,
  type FileContent,
  findColumns,
  MalformedFileError,
  NO_ZONE_NOTE,
  ROW_FIELDS,
  TruncatedFileError,
  textToMillis,
} from "./columns.ts";
import { readText } from "./freqtrade.ts";

/*
 * A strict splitter of our own rather than a parser that guesses: DuckDB's read_csv sniffs types, date order
 * and headers, and would turn 10/11/2022 into one of two days without a word. Market data has no quoted
 * line breaks, so a line is a row; quotes around a cell are taken off.
 */
interface CsvTable {
  readonly names: readonly string[];
  /** Visits each row's cells; `line` counts from 1 as editors do. */
  readonly forEachRow: (visit: (cells: readonly string[], line: number) => void) => void;
}

/** Binance's public data without its header; the first six of twelve columns, which some exports keep alone. */
const BINANCE_COLUMNS = ["open_time", "open", "high", "low", "close", "volume"];
const BINANCE_WIDTH = 12;

const toTable = (path: string, text: string): CsvTable => {
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const firstEnd = body.indexOf("\n");
  const first = (firstEnd < 0 ? body : body.slice(0, firstEnd)).trim();
  if (first === "") throw new TruncatedFileError(path, 0);
  const delimiter = [",", ";", "\t"].find((candidate) => first.includes(candidate)) ?? ",";
  const split = (line: string): string[] => {
    const cells = line.split(delimiter);
    return line.includes('"') ? cells.map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")) : cells;
  };
  const head = split(first);
  const hasHeader = !/^\d/.test(head[0]!);
  if (!hasHeader && head.length !== BINANCE_WIDTH && head.length !== BINANCE_COLUMNS.length) {
    const expected = `${BINANCE_WIDTH} (Binance's) or ${BINANCE_COLUMNS.length} columns are expected`;
    throw new MalformedFileError(path, `has no header and ${head.length} columns, where ${expected}`);
  }
  return {
    names: hasHeader ? head : BINANCE_COLUMNS,
    forEachRow(visit) {
      let line = 0;
      for (let from = 0; from < body.length; ) {
        const end = body.indexOf("\n", from);
        const to = end < 0 ? body.length : end;
        line++;
        const row = body.slice(from, body[to - 1] === "\r" ? to - 1 : to);
        from = to + 1;
        if ((hasHeader && line === 1) || row.trim() === "") continue;
        const cells = split(row);
        if (cells.length !== head.length) {
          if (end < 0 && cells.length < head.length)
            throw new TruncatedFileError(path, Buffer.byteLength(text));
          throw new MalformedFileError(
            path,
            `line ${line} has ${cells.length} columns instead of ${head.length}`,
          );
        }
        visit(cells, line);
      }
    },
  };
};

const toNumber = (path: string, line: number, name: string, cell: string): number => {
  const text = cell.trim();
  const value = Number(text);
  if (text === "" || /^(nan|null)$/i.test(text)) return Number.NaN;
  if (Number.isNaN(value))
    throw new MalformedFileError(path, `line ${line}: ${name} is ${JSON.stringify(text)}, not a number`);
  return value;
};

const toTime = (path: string, line: number, cell: string, notes: Set<string>): number => {
  const parsed = textToMillis(cell);
  if (parsed === undefined) {
    const what = `line ${line}: ${JSON.stringify(cell)} is neither ISO 8601 nor epoch seconds, ms or µs`;
    throw new MalformedFileError(path, what);
  }
  if (!parsed.hasZone) notes.add(NO_ZONE_NOTE);
  return parsed.ms;
};

/**
 * CSV of bars: Binance's public data with or without header, or named columns (a time, open, high, low,
 * close, volume, perhaps a ticker). Delimited by comma, semicolon or tab; perhaps gzipped.
 */
export const readCsv = async (path: string, pair: string): Promise<FileContent> => {
  const table = toTable(path, await readText(path));
  const columns = findColumns(path, table.names);
  const gatherer = barGatherer(path);
  const notes = new Set<string>();
  table.forEachRow((cells, line) => {
    const into = gatherer.of(columns.ticker === undefined ? pair : cells[columns.ticker]!);
    for (const field of ROW_FIELDS) {
      const cell = cells[columns[field]]!;
      into[field].push(
        field === "time" ? toTime(path, line, cell, notes) : toNumber(path, line, field, cell),
      );
    }
  });
  return { series: gatherer.series(), notes: [...notes] };
};

/** `exogenous-<name>.csv`: columns `published_at` and `value`, and perhaps `unit`, taken from the first row. */
export const readExogenousCsv = async (
  path: string,
  name: string,
): Promise<{ series: Exogenous; notes: readonly string[] }> => {
  const table = toTable(path, await readText(path));
  const names = table.names.map((column) => column.trim().toLowerCase());
  const [time, value, unit] = ["published_at", "value", "unit"].map((column) => names.indexOf(column)) as [
    number,
    number,
    number,
  ];
  if (time < 0 || value < 0) {
    throw new MalformedFileError(path, `needs the columns published_at and value, has ${names.join(", ")}`);
  }
  const notes = new Set<string>();
  const publishedAt: number[] = [];
  const values: number[] = [];
  let unitText = "";
  table.forEachRow((cells, line) => {
    publishedAt.push(toTime(path, line, cells[time]!, notes));
    values.push(toNumber(path, line, "value", cells[value]!));
    if (unitText === "" && unit >= 0) unitText = cells[unit]!.trim();
  });
  return {
    series: {
      name,
      unit: unitText,
      publishedAt: Float64Array.from(publishedAt),
      value: Float64Array.from(values),
    },
    notes: [...notes],
  };
};
