import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toArrow } from "./arrow.ts";
import { toCsv } from "./csv.ts";
import { toJsonPage } from "./json.ts";
import { toParquet } from "./parquet.ts";
import type { Table } from "./table.ts";

// The engine that data writes Parquet with: here it only reads, as a researcher's would.
const requireFromData = createRequire(new URL("../../../data/src/index.ts", import.meta.url));
const { DuckDBInstance } = requireFromData("@duckdb/node-api") as {
  DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<Connection> }> };
};
interface Connection {
  runAndReadAll(sql: string): Promise<{ columnNames(): string[]; getRows(): unknown[][] }>;
}

const SEED = { seed: 6, numRuns: 300 };
const AT = Date.UTC(2022, 9, 11);
const TABLE: Table = {
  rows: 3,
  columns: [
    { name: "time", kind: "time", values: Float64Array.of(AT, AT + 1, Number.NaN) },
    { name: "asset", kind: "text", values: ["BTC", 'say "x", y\nz ünï', null] },
    { name: "close", kind: "number", values: Float64Array.of(19_123.45, -1e-7, Number.POSITIVE_INFINITY) },
    { name: "nav", kind: "digits", values: ["-100000000000000000000", "1", null] },
    { name: "isIn", kind: "flag", values: [true, null, false] },
  ],
};
const ROWS = [
  [AT, "BTC", 19_123.45, "-100000000000000000000", true],
  [AT + 1, 'say "x", y\nz ünï', -1e-7, "1", null],
  [null, null, null, null, false],
];

/** Text of one number column, one of text, or one of times. */
const numbers = (values: number[]): Table => ({
  rows: values.length,
  columns: [{ name: "x", kind: "number", values: Float64Array.from(values) }],
});
const texts = (values: string[]): Table => ({
  rows: values.length,
  columns: [
    { name: "x", kind: "text", values },
    { name: "end", kind: "number", values: new Float64Array(values.length) },
  ],
});

/** RFC 4180 read in the dullest way, character by character. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let [row, cell, isQuoted]: [string[], string, boolean] = [[], "", false];
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (isQuoted) {
      if (char !== '"') cell += char;
      else if (text[i + 1] === '"') cell += text[++i];
      else isQuoted = false;
    } else if (char === '"') isQuoted = true;
    else if (char === ",") {
      row.push(cell);
      cell = "";
    } else if (char === "\r" && text[i + 1] === "\n") {
      i++;
      rows.push([...row, cell]);
      [row, cell] = [[], ""];
    } else cell += char;
  }
  expect([row, cell, isQuoted]).toEqual([[], "", false]);
  return rows;
}

async function queryFile(name: string, bytes: Buffer, sql: (path: string) => string) {
  const folder = mkdtempSync(join(tmpdir(), "ballast-tables-"));
  try {
    writeFileSync(join(folder, name), bytes);
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    return await connection.runAndReadAll(sql(join(folder, name)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const SELECTED = '* REPLACE (epoch_ms("time")::DOUBLE AS "time")';

describe("CSV", () => {
  test("default: header, ISO times, quotes doubled, what is absent or not finite empty", () => {
    expect(toCsv(TABLE).toString()).toBe(
      [
        "time,asset,close,nav,isIn",
        "2022-10-11T00:00:00Z,BTC,19123.45,-100000000000000000000,true",
        '2022-10-11T00:00:00.001Z,"say ""x"", y\nz ünï",-1e-7,1,',
        ",,,,false",
        "",
      ].join("\r\n"),
    );
  });

  test("default: DuckDB reads times, numbers and text without being told", async () => {
    const csv = toCsv({ ...TABLE, columns: TABLE.columns.filter(({ name }) => name !== "nav") });
    const read = await queryFile("t.csv", csv, (path) => `SELECT ${SELECTED} FROM read_csv('${path}')`);
    expect(read.columnNames()).toEqual(["time", "asset", "close", "isIn"]);
    expect(read.getRows()).toEqual(ROWS.map(([time, asset, close, _, isIn]) => [time, asset, close, isIn]));
  });

  test("behaviour: every double is written as ECMAScript prints it", () => {
    const decimal = fc
      .tuple(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), fc.integer({ min: 0, max: 12 }))
      .map(([digits, places]) => digits / 10 ** places);
    const any = fc.oneof(decimal, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 50 }), (values) => {
        const lines = toCsv(numbers(values)).toString().split("\r\n");
        expect(lines).toEqual(["x", ...values.map(String), ""]);
      }),
      { ...SEED, examples: [[[0, -0, 1e-6, 9.9e-7, 999_999_999.999_999, 1e15, 1e21, 5e-324, 0.1 + 0.2]]] },
    );
  });

  test("behaviour: every time is written as ECMAScript prints it, without empty milliseconds", () => {
    const time = fc.integer({ min: -8.64e15, max: 8.64e15 });
    fc.assert(
      fc.property(fc.array(fc.oneof(time, fc.date({ noInvalidDate: true }).map(Number))), (values) => {
        const columns = [{ name: "x", kind: "time" as const, values: Float64Array.from(values) }];
        const lines = toCsv({ rows: values.length, columns }).toString().split("\r\n");
        const expected = values.map((ms) => new Date(ms).toISOString());
        // Out of the years 0 to 9999 the form with six digits keeps its milliseconds.
        expect(lines.slice(1, -1)).toEqual(
          expected.map((iso) => (iso.length === 24 ? iso.replace(".000Z", "Z") : iso)),
        );
      }),
      SEED,
    );
  });

  test("behaviour: any text comes back, but for an apostrophe before what could run as a formula", () => {
    const awkward = fc.string({ unit: fc.constantFrom(..."=+-@\t\r\n,\"'a ü😀"), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(fc.oneof(awkward, fc.string({ unit: "binary" }))), (values) => {
        const cells = readCsv(toCsv(texts(values)).toString());
        const whole = values.map((value) => value.toWellFormed());
        expect(cells).toEqual([
          ["x", "end"],
          ...whole.map((value) => ["=+-@\t\r\n".includes(value[0] ?? "a") ? `'${value}` : value, "0"]),
        ]);
      }),
      SEED,
    );
  });

  test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=cmd|"/c calc"!A1'])(
    "behaviour: %j cannot run in a spreadsheet",
    (text) => {
      const line = toCsv(texts([text])).toString();
      expect(line).toContain(`\r\n"'${text.replaceAll('"', '""')}"`);
    },
  );
});

describe("JSON", () => {
  test("behaviour: a page is what JSON.stringify would make of its rows", () => {
    const rows = ROWS.map(([time, asset, close, nav, isIn]) => ({
      time: time === null ? null : new Date(time as number).toISOString().replace(".000Z", "Z"),
      asset,
      close,
      nav,
      isIn,
    }));
    expect(toJsonPage(TABLE, "a").toString()).toBe(JSON.stringify({ items: rows, nextCursor: "a" }));
    const none = { rows: 0, columns: TABLE.columns };
    expect(toJsonPage(none, null).toString()).toBe('{"items":[],"nextCursor":null}');
  });
});

describe("Arrow and Parquet", () => {
  test("default: an Arrow stream has the types and every value", () => {
    const table = tableFromIPC(toArrow(TABLE));
    expect(table.schema.fields.map(({ type }) => String(type))).toEqual([
      "Timestamp<MILLISECOND, UTC>",
      "Utf8",
      "Float64",
      "Utf8",
      "Bool",
    ]);
    const rows = table.toArray().map((row) => TABLE.columns.map(({ name }) => row[name]));
    expect(rows).toEqual(ROWS);
  });

  test("behaviour: times before 1970 and text of any length survive Arrow", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -8e15, max: 8e15 }), fc.string({ unit: "binary" }))),
        (rows) => {
          const table = tableFromIPC(
            toArrow({
              rows: rows.length,
              columns: [
                { name: "at", kind: "time", values: Float64Array.from(rows, ([at]) => at) },
                { name: "text", kind: "text", values: rows.map(([, text]) => text) },
              ],
            }),
          );
          expect(table.toArray().map(({ at, text }) => [at, text])).toEqual(
            rows.map(([at, text]) => [at, text.toWellFormed()]),
          );
        },
      ),
      SEED,
    );
  });

  test("default: DuckDB reads the Parquet file, types and all; many at once are each whole", async () => {
    const files = await Promise.all([toParquet(TABLE), toParquet({ ...TABLE, columns: TABLE.columns })]);
    for (const bytes of files) {
      const read = await queryFile("t.parquet", bytes, (path) => `SELECT ${SELECTED} FROM '${path}'`);
      expect(read.getRows()).toEqual(ROWS);
    }
  });
});
