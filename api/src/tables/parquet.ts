import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ParquetColumn, writeParquet } from "@ballast/data";
import type { Column, Table } from "./table.ts";

let last: Promise<unknown> = Promise.resolve();

/** A Parquet file's bytes. One is made at a time, so that many who ask at once cannot take all memory. */
export function toParquet(table: Table): Promise<Buffer> {
  const made = last.then(
    () => makeParquet(table),
    () => makeParquet(table),
  );
  last = made;
  return made;
}

async function makeParquet({ columns }: Table): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "ballast-table-"));
  try {
    const path = join(folder, "table.parquet");
    await writeParquet(path, columns.map(toParquetColumn));
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function toParquetColumn(column: Column): ParquetColumn {
  const { name } = column;
  switch (column.kind) {
    case "number":
    case "time": {
      const values = Array.from(column.values, (value) => (Number.isFinite(value) ? value : null));
      return { name, kind: column.kind, values };
    }
    case "flag":
      return { name, kind: "flag", values: column.values };
    default:
      return { name, kind: "text", values: column.values };
  }
}
