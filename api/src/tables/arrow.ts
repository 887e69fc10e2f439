import {
  Table as ArrowTable,
  Bool,
  type Data,
  Float64,
  makeData,
  makeVector,
  TimestampMillisecond,
  tableToIPC,
  Utf8,
} from "apache-arrow";
import type { Column, Table } from "./table.ts";

/** An Arrow IPC stream of one record batch: doubles, UTC timestamps in ms, UTF-8 text (digits too), booleans. */
export function toArrow({ columns }: Table): Buffer {
  const vectors = Object.fromEntries(columns.map((column) => [column.name, makeVector(toData(column))]));
  const bytes = tableToIPC(new ArrowTable(vectors), "stream");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toData(column: Column): Data {
  const { length } = column.values;
  switch (column.kind) {
    case "number": {
      const validity = toValidity(length, (i) => Number.isFinite(column.values[i]));
      return makeData({ type: new Float64(), length, ...validity, data: column.values });
    }
    case "time": {
      const validity = toValidity(length, (i) => Number.isFinite(column.values[i]));
      const data = toInt64(column.values);
      return makeData({ type: new TimestampMillisecond("UTC"), length, ...validity, data });
    }
    case "flag": {
      const validity = toValidity(length, (i) => column.values[i] !== null);
      const { bits } = toBits(length, (i) => column.values[i] === true);
      return makeData({ type: new Bool(), length, ...validity, data: bits });
    }
    default: {
      const validity = toValidity(length, (i) => column.values[i] !== null);
      return makeData({ type: new Utf8(), length, ...validity, ...toUtf8(column.values) });
    }
  }
}

function toBits(length: number, isSet: (i: number) => boolean): { bits: Uint8Array; count: number } {
  const bits = new Uint8Array(Math.ceil(length / 64) * 8);
  let count = 0;
  for (let i = 0; i < length; i++)
    if (isSet(i)) {
      bits[i >> 3]! |= 1 << (i & 7);
      count++;
    }
  return { bits, count };
}

function toValidity(length: number, isValid: (i: number) => boolean) {
  const { bits, count } = toBits(length, isValid);
  return { nullCount: length - count, nullBitmap: count === length ? null : bits };
}

/** Whole doubles as 64-bit integers, by halves: a BigInt each would cost more than all the rest. */
function toInt64(values: Float64Array): BigInt64Array {
  const halves = new Int32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    halves[2 * i] = value % 2 ** 32;
    halves[2 * i + 1] = Math.floor(value / 2 ** 32);
  }
  return new BigInt64Array(halves.buffer);
}

function toUtf8(values: readonly (string | null)[]): { valueOffsets: Int32Array; data: Uint8Array } {
  const valueOffsets = new Int32Array(values.length + 1);
  let size = 0;
  for (const value of values) size += 3 * (value?.length ?? 0);
  const data = Buffer.allocUnsafe(size);
  let at = 0;
  values.forEach((value, i) => {
    if (value !== null) at += data.write(value, at);
    valueOffsets[i + 1] = at;
  });
  return { valueOffsets, data: data.subarray(0, at) };
}
