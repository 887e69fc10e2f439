/** A column; what is absent or not finite is NaN in numbers and times, else null. */
export type Column =
  /** Times are ms since 1970. */
  | { readonly name: string; readonly kind: "number" | "time"; readonly values: Float64Array }
  /** Digits are decimal integers too wide for a double: text in every format, but never taken for a formula. */
  | { readonly name: string; readonly kind: "text" | "digits"; readonly values: readonly (string | null)[] }
  | { readonly name: string; readonly kind: "flag"; readonly values: readonly (boolean | null)[] };

export type Kind = Column["kind"];

/** Columns of equal length. */
export interface Table {
  readonly rows: number;
  readonly columns: readonly Column[];
}

export type Cell = number | string | boolean | null | undefined;

/** What a column is, apart from its values; the schema of a row and its table are both made from it. */
export interface ColumnSpec {
  readonly name: string;
  readonly kind: Kind;
  readonly description: string;
  readonly example: number | string | boolean;
  readonly isNullable?: boolean;
}

/** Rows as columns; a row's property is looked up by the column's name. */
export function toTable<T extends { readonly name: string; readonly kind: Kind }>(
  specs: readonly T[],
  rows: readonly Readonly<Record<string, Cell>>[],
): Table {
  const columns = specs.map(({ name, kind }): Column => {
    switch (kind) {
      case "number":
      case "time":
        return { name, kind, values: Float64Array.from(rows, (row) => (row[name] as number) ?? Number.NaN) };
      case "flag":
        return { name, kind, values: rows.map((row) => (row[name] as boolean) ?? null) };
      default:
        return { name, kind, values: rows.map((row) => (row[name] as string) ?? null) };
    }
  });
  return { rows: rows.length, columns };
}
