import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { writeParquet } from "./parquet-file.ts";

const read = async (path: string) => {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const reader = await connection.runAndReadAll(
    'SELECT * REPLACE (epoch_ms("at")::DOUBLE AS "at") FROM read_parquet($1)',
    [path],
  );
  return { names: reader.columnNames(), rows: reader.getRows() };
};

describe("writeParquet", () => {
  it("default: every number, text, time and absence comes back, over more rows than one chunk", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "ballast-parquet-")), "new", "it's.parquet");
    const count = 5000;
    const times = Array.from({ length: count }, (_, i) => Date.UTC(2024, 0, 1) + 3_600_000 * i);
    const numbers = times.map((_, i) => (i % 7 === 0 ? null : Math.sin(i) * 10 ** (i % 300)));
    const texts = times.map((_, i) => (i % 11 === 0 ? null : `row "${i}", ünïcode`));
    const flags = times.map((_, i) => (i % 3 === 0 ? null : i % 2 === 0));
    await writeParquet(path, [
      { name: "at", kind: "time", values: times },
      { name: 'a "quoted" name', kind: "number", values: numbers },
      { name: "text", kind: "text", values: texts },
      { name: "flag", kind: "flag", values: flags },
    ]);
    const { names, rows } = await read(path);
    expect(names).toEqual(["at", 'a "quoted" name', "text", "flag"]);
    expect(rows).toEqual(times.map((at, i) => [at, numbers[i], texts[i], flags[i]]));
  });

  it("behaviour: no rows are a file without rows", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "ballast-parquet-")), "none.parquet");
    await writeParquet(path, [{ name: "at", kind: "time", values: [] }]);
    expect((await read(path)).rows).toEqual([]);
  });
});
