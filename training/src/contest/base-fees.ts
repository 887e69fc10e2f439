import { readFile } from "node:fs/promises";
import { BallastError, HOUR_MS } from "@ballast/data";

/** Base fees as they became known. */
export interface BaseFees {
  /** Ascending, ms. */
  readonly publishedAt: Float64Array;
  /** Gwei. */
  readonly value: Float64Array;
}

export class BadBaseFeesError extends BallastError {
  readonly code = "BAD_BASE_FEES";
  constructor(file: string, what: string) {
    super(
      `${file} ${what}. Give a CSV with a header, a column of times named hour, date, time or …seconds…, and one named …base_fee….`,
    );
  }
}

/**
 * Reads a CSV of base fees in gwei. A column of hours or dates names the beginning of what a row sums up, which is
 * known when its hour ends; a column of seconds names the moment itself. Text without a zone is UTC. Throws
 * BadBaseFeesError.
 */
export async function readBaseFees(file: string): Promise<BaseFees> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new BadBaseFeesError(file, `cannot be read (${error.message})`);
  });
  return parseBaseFees(file, text);
}

export function parseBaseFees(file: string, text: string): BaseFees {
  const [header = "", ...lines] = text.trim().split(/\r?\n/);
  const names = header.split(",").map((name) => name.trim().toLowerCase());
  const timeAt = names.findIndex((name) => /hour|date|time|seconds/.test(name));
  const feeAt = names.findIndex((name) => name.includes("base_fee"));
  if (timeAt < 0 || feeAt < 0) throw new BadBaseFeesError(file, `has the columns ${names.join(", ")}`);
  const isMoment = names[timeAt]!.includes("seconds");
  const publishedAt = new Float64Array(lines.length);
  const value = new Float64Array(lines.length);
  for (const [i, line] of lines.entries()) {
    const cells = line.split(",");
    const time = isMoment ? Number(cells[timeAt]) * 1000 : parseUtc(cells[timeAt] ?? "") + HOUR_MS;
    const fee = Number(cells[feeAt]);
    const isGood =
      Number.isFinite(time) && fee > 0 && Number.isFinite(fee) && (i === 0 || time >= publishedAt[i - 1]!);
    if (!isGood) throw new BadBaseFeesError(file, `has ${JSON.stringify(line)} on line ${i + 2}`);
    publishedAt[i] = time;
    value[i] = fee;
  }
  return { publishedAt, value };
}

const parseUtc = (text: string): number => {
  const iso = text.trim().replace(" ", "T");
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
};
