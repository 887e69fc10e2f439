import { Type } from "typebox";
import type { TablePage } from "../plugins/formats.ts";
import { nullable, quantiles } from "../schemas.ts";
import { type Cell, type Column, type ColumnSpec, type Kind, type Table, toTable } from "../tables/table.ts";

/** `time("at", "Bar close", "2022-10-11T00:00:00Z")`: a column's name, meaning and an example. */
const of =
  (kind: Kind) =>
  (name: string, description: string, example: number | string | boolean): ColumnSpec => ({
    name,
    kind,
    description,
    example,
  });
export const column = {
  time: of("time"),
  number: of("number"),
  text: of("text"),
  digits: of("digits"),
  flag: of("flag"),
};
export const orNull = (spec: ColumnSpec): ColumnSpec => ({ ...spec, isNullable: true });

const BY_KIND = {
  time: { type: "string", format: "date-time" },
  number: { type: "number" },
  text: { type: "string" },
  digits: { type: "string", pattern: "^-?[0-9]+$" },
  flag: { type: "boolean" },
} as const;

const cell = ({ kind, description, example, isNullable }: ColumnSpec) => {
  const { type, ...rest } = BY_KIND[kind];
  return Type.Unsafe<Cell>({
    ...rest,
    type: isNullable ? [type, "null"] : type,
    description,
    examples: [example],
  });
};
const propertiesOf = (specs: readonly ColumnSpec[]) =>
  Object.fromEntries(specs.map((spec) => [spec.name, cell(spec)]));

const nextCursor = nullable(
  Type.String({ description: "Null on the last page", examples: ["MTY2MDA0MjgwMDAwMC4xMg"] }),
);

/** A page whose items are the rows of a table. */
export const tablePage = (specs: readonly ColumnSpec[]) =>
  Type.Unsafe<TablePage>(Type.Object({ items: Type.Array(Type.Object(propertiesOf(specs))), nextCursor }));

export interface QuantileRow {
  readonly levels: readonly number[];
  readonly quantiles: readonly number[];
  readonly [name: string]: Cell | readonly number[];
}

/** The same with quantiles in each row: two arrays in JSON, a column a level in a table. */
export const quantilePage = (specs: readonly ColumnSpec[], what: string) =>
  Type.Unsafe<{ items: QuantileRow[]; nextCursor: string | null }>(
    Type.Object({
      items: Type.Array(
        Type.Object({
          ...propertiesOf(specs),
          levels: Type.Array(Type.Number(), {
            description: "Levels of the quantiles, ascending, in (0, 1); columns q0.05, … in a table",
            examples: [[0.05, 0.95]],
          }),
          quantiles: quantiles(what),
        }),
      ),
      nextCursor,
    }),
  );

/** Times of rows are ISO 8601; quantiles become the columns `q0.05`, … of all levels there are. */
export function toQuantileTable(specs: readonly ColumnSpec[], rows: readonly QuantileRow[]): Table {
  const parsed = rows.map((row) => {
    const times = specs
      .filter(({ kind }) => kind === "time")
      .map(({ name }) => [name, Date.parse(`${row[name]}`)]);
    return { ...row, ...Object.fromEntries(times) } as Readonly<Record<string, Cell>>;
  });
  const { columns } = toTable(specs, parsed);
  const levels = [...new Set(rows.flatMap((row) => row.levels))].sort((x, y) => x - y);
  const spread = levels.map((level): Column => {
    const values = Float64Array.from(rows, (row) => row.quantiles[row.levels.indexOf(level)] ?? Number.NaN);
    return { name: `q${level}`, kind: "number", values };
  });
  return { rows: rows.length, columns: [...columns, ...spread] };
}
