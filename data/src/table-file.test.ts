import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, describe, expect, it } from "vitest";
import { writeParquet } from "./table-file.ts";

const folder = mkdtempSync(join(tmpdir(), "table-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function read(path: string) {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const reader = await connection.runAndReadAll("SELECT * FROM read_parquet($1)", [path]);
  return { names: reader.columnNames(), types: reader.columnTypes().map(String), rows: reader.getRows() };
}

describe("writeParquet", () => {
  it("default: any reader finds the names, types, numbers and nulls again", async () => {
    const path = join(folder, "it's.parquet");
    await writeParquet(path, { policy: [null, 'a "b"'], "the estimate": [0.1, null], p: [null, null] });
    expect(await read(path)).toEqual({
      names: ["policy", "the estimate", "p"],
      types: ["VARCHAR", "DOUBLE", "DOUBLE"],
      rows: [
        [null, 0.1, null],
        ['a "b"', null, null],
      ],
    });
  });

  it("behaviour: more rows than a chunk, and the file before is replaced whole", async () => {
    const path = join(folder, "many.parquet");
    await writeParquet(path, { x: [1] });
    const x = Array.from({ length: 5000 }, (_, i) => i / 7);
    await writeParquet(path, { x });
    expect((await read(path)).rows).toEqual(x.map((value) => [value]));
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("error: a place that cannot be written to: the error says so, and no part is left behind", async () => {
    writeFileSync(join(folder, "file"), "");
    const before = readdirSync(folder);
    await expect(writeParquet(join(folder, "file", "x.parquet"), { x: [1] })).rejects.toThrow(
      /ENOTDIR|EEXIST/,
    );
    expect(readdirSync(folder)).toEqual(before);
  });
});
