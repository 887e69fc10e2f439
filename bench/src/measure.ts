/** What all benchmarks share: how a thing is timed beside its peer, and how the result is shown. */

/** One line of a benchmark's result. */
export interface Row {
  /** Lower case with the unit at its end: `forecast_latency_us`. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly better: "less" | "more";
  /** What stands beside it, measured in the same run. */
  readonly peer: string;
  readonly peerValue: number;
  /** First and third quartile of the value's samples; absent for what does not vary, such as gas. */
  readonly quartiles?: readonly [number, number] | undefined;
  /** 95 % confidence interval of the value, where it is an estimate. */
  readonly interval?: readonly [number, number] | undefined;
}

/** One thing to time. `run` gets the number of its call, so that it can vary its input. */
export interface Subject {
  readonly run: (call: number) => unknown;
  /** Done before each sample and not timed: a state put back. */
  readonly prepare?: (() => Promise<void>) | undefined;
  /** Calls timed together as one sample: many for what takes under a microsecond. 1 where absent. */
  readonly callsPerSample?: number | undefined;
}

export interface Plan {
  /** Samples of each subject that are thrown away, at least 0. */
  readonly warmUp: number;
  /** Samples of each subject that count, at least 1. */
  readonly samples: number;
}

/** Keeps results alive, so that no compiler can leave out the work whose result nobody reads. */
let sink: unknown;

/**
 * Times several subjects side by side: one sample of each in turn, the order reversed every other round, so that
 * whatever slows the machine down meets all of them. A subject that returns no promise is timed without an await.
 * @returns per subject, milliseconds per call of each sample
 */
export async function measureInterleaved<Names extends string>(
  subjects: Readonly<Record<Names, Subject>>,
  { warmUp, samples }: Plan,
): Promise<Record<Names, Float64Array>> {
  const named = Object.entries<Subject>(subjects);
  const times = new Map(named.map(([name]) => [name, new Float64Array(samples)]));
  const calls = new Map(named.map(([name]) => [name, 0]));
  for (let round = -warmUp; round < samples; round++) {
    for (const [name, { run, prepare, callsPerSample = 1 }] of round % 2 === 0 ? named : named.toReversed()) {
      await prepare?.();
      const first = calls.get(name)!;
      const start = performance.now();
      for (let call = first; call < first + callsPerSample; call++) {
        sink = run(call);
        if (sink instanceof Promise) sink = await sink;
      }
      const elapsed = performance.now() - start;
      calls.set(name, first + callsPerSample);
      if (round >= 0) times.get(name)![round] = elapsed / callsPerSample;
    }
  }
  return Object.fromEntries(times) as Record<Names, Float64Array>;
}

/**
 * Quantile by linear interpolation of the order statistics (Hyndman and Fan 1996, type 7).
 * @param share 0..1; 0.5 is the median
 * @returns NaN of an empty sample
 */
export function quantile(sample: Float64Array, share: number): number {
  const sorted = sample.toSorted();
  const at = (sorted.length - 1) * share;
  const below = Math.floor(at);
  const low = sorted[below] ?? Number.NaN;
  return low + (at - below) * ((sorted[below + 1] ?? low) - low);
}

/** Milliseconds to units of something: `toRow(…, (ms) => ms * 1000)` for microseconds. */
export type Scale = (milliseconds: number) => number;
export const toMicroseconds: Scale = (milliseconds) => milliseconds * 1000;
export const toMilliseconds: Scale = (milliseconds) => milliseconds;

/** A row of two samples of times, both by their medians. */
export function toTimedRow(
  row: Pick<Row, "name" | "unit" | "better" | "peer">,
  own: Float64Array,
  peer: Float64Array,
  scale: Scale,
): Row {
  const ends = [scale(quantile(own, 0.25)), scale(quantile(own, 0.75))] as const;
  return {
    ...row,
    value: scale(quantile(own, 0.5)),
    peerValue: scale(quantile(peer, 0.5)),
    quartiles: [Math.min(...ends), Math.max(...ends)],
  };
}

/** Value over peer: below 1 is better where less is, above 1 where more is. */
export const ratioOf = ({ value, peerValue }: Row): number => value / peerValue;

/** One line: an array of `{name, value, unit, peer, peerValue, ratio}`, and `interval` where there is one. */
export const toJson = (rows: readonly Row[]): string =>
  JSON.stringify(
    rows.map((row) => {
      const { name, value, unit, peer, peerValue, interval } = row;
      return { name, value, unit, peer, peerValue, ratio: ratioOf(row), ...(interval && { interval }) };
    }),
  );

const number = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString("en-US")
    : value.toPrecision(3);

const toInterval = ([low, high]: readonly [number, number]): string => `95 % ${number(low)}–${number(high)}`;

/** A table for people, numbers to the right. */
export function toTable(rows: readonly Row[]): string {
  const header = ["what", "value", "quartiles", "unit", "peer's", "ratio", "better", "peer"];
  const isText = [true, false, false, true, false, false, true, true];
  const lines = rows.map((row) => [
    row.name,
    number(row.value),
    row.interval === undefined ? (row.quartiles?.map(number).join("–") ?? "exact") : toInterval(row.interval),
    row.unit,
    number(row.peerValue),
    ratioOf(row).toFixed(3),
    row.better,
    row.peer,
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...lines.map((cells) => cells[i]!.length)));
  const toLine = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (isText[i] ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [toLine(header), widths.map((width) => "-".repeat(width)).join("  "), ...lines.map(toLine)].join(
    "\n",
  );
}
