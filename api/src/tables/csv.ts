import type { Column, Table } from "./table.ts";
import { ByteWriter } from "./writer.ts";

const [COMMA, QUOTE, CR, LF, APOSTROPHE] = [0x2c, 0x22, 0x0d, 0x0a, 0x27];
/** What a spreadsheet takes for the start of a formula or of a command. */
const FORMULA = new Set(Array.from("=+-@\t\r\n", (char) => char.charCodeAt(0)));

const writer = new ByteWriter();

/**
 * RFC 4180 with a header and CRLF, in UTF-8: times ISO 8601 in UTC, what is absent or not finite empty. Text that a
 * spreadsheet would run as a formula gets an apostrophe in front (OWASP, CSV injection); numbers stay numbers.
 */
export function toCsv({ columns, rows }: Table): Buffer {
  writer.reset();
  columns.forEach(({ name }, i) => {
    if (i > 0) writer.byte(COMMA);
    writeText(name);
  });
  endLine();
  const cells = columns.map(toCellWriter);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < cells.length; i++) {
      if (i > 0) writer.byte(COMMA);
      cells[i]!(row);
    }
    endLine();
  }
  return writer.take();
}

function endLine(): void {
  writer.byte(CR);
  writer.byte(LF);
}

function toCellWriter({ kind, values }: Column): (row: number) => void {
  switch (kind) {
    case "number":
      return (row) => {
        if (Number.isFinite(values[row])) writer.number(values[row]!);
      };
    case "time":
      return (row) => {
        if (Number.isFinite(values[row])) writer.time(values[row]!);
      };
    case "flag":
      return (row) => writer.text(values[row] === null ? "" : String(values[row]));
    case "digits":
      return (row) => writer.text(values[row] ?? "");
    case "text":
      return (row) => writeText(values[row] ?? "");
  }
}

function writeText(text: string): void {
  const isFormula = FORMULA.has(text.charCodeAt(0));
  if (!isFormula && !hasSpecial(text)) {
    writer.text(text);
    return;
  }
  writer.byte(QUOTE);
  if (isFormula) writer.byte(APOSTROPHE);
  writer.text(text.replaceAll('"', '""'));
  writer.byte(QUOTE);
}

function hasSpecial(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE || code === COMMA || code === CR || code === LF) return true;
  }
  return false;
}
