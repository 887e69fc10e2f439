import type { Column, Table } from "./table.ts";
import { ByteWriter } from "./writer.ts";

const QUOTE = 0x22;
const writer = new ByteWriter();

/** `{"items":[{…},…],"nextCursor":…}`: one object a row, times ISO 8601, what is absent or not finite null. */
export function toJsonPage({ columns, rows }: Table, nextCursor: string | null): Buffer {
  writer.reset();
  writer.text('{"items":[');
  const keys = columns.map(({ name }, i) => `${i === 0 ? "" : ","}${JSON.stringify(name)}:`);
  const cells = columns.map(toCellWriter);
  for (let row = 0; row < rows; row++) {
    writer.text(row === 0 ? "{" : ",{");
    for (let i = 0; i < cells.length; i++) {
      writer.text(keys[i]!);
      cells[i]!(row);
    }
    writer.text("}");
  }
  writer.text(`],"nextCursor":${JSON.stringify(nextCursor)}}`);
  return writer.take();
}

function toCellWriter({ kind, values }: Column): (row: number) => void {
  switch (kind) {
    case "number":
      return (row) => (Number.isFinite(values[row]) ? writer.number(values[row]!) : writer.text("null"));
    case "time":
      return (row) => {
        if (!Number.isFinite(values[row])) {
          writer.text("null");
          return;
        }
        writer.byte(QUOTE);
        writer.time(values[row]!);
        writer.byte(QUOTE);
      };
    default:
      return (row) => writer.text(JSON.stringify(values[row]));
  }
}
