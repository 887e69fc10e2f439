import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BallastError } from "@ballast/data";

/** What a Uniswap v3 pool did, minute by minute: equal columns. */
export interface PoolMinutes {
  readonly openTick: Float64Array;
  readonly closeTick: Float64Array;
  /** Net flow of token1 from the traders into the pool, smallest units, fees included. */
  readonly netAmount1: Float64Array;
  /** In range at the minute's end. */
  readonly liquidity: Float64Array;
}

export class BadPoolMinutesError extends BallastError {
  readonly code = "BAD_POOL_MINUTES";
  constructor(where: string, what: string) {
    super(
      `${where} ${what}. Give a folder of CSV files with the columns openTick, closeTick, netAmount1 and currentLiquidity.`,
    );
  }
}

/** Reads every CSV of a folder in the order of names. Throws BadPoolMinutesError. */
export async function readPoolMinutes(folder: string): Promise<PoolMinutes> {
  const entries = await readdir(folder).catch((error: Error) => {
    throw new BadPoolMinutesError(folder, `cannot be read (${error.message})`);
  });
  const names = entries.filter((name) => name.endsWith(".csv")).sort();
  if (names.length === 0) throw new BadPoolMinutesError(folder, "holds no CSV file");
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return parsePoolMinutes(texts.map((text, i) => [names[i]!, text] as const));
}

export function parsePoolMinutes(files: readonly (readonly [string, string])[]): PoolMinutes {
  const rows: number[][] = [];
  for (const [name, text] of files) {
    const [header = "", ...lines] = text.trim().split(/\r?\n/);
    const names = header.split(",");
    const at = ["openTick", "closeTick", "netAmount1", "currentLiquidity"].map((column) => {
      const index = names.indexOf(column);
      if (index < 0) throw new BadPoolMinutesError(name, `has no column ${column}`);
      return index;
    });
    for (const [i, line] of lines.entries()) {
      const cells = line.split(",");
      const row = at.map((index) => (cells[index]?.trim() ? Number(cells[index]) : Number.NaN));
      // Amounts beyond 2^53 lose digits here that no estimate needs.
      if (!row.every(Number.isFinite) || !(row[3]! > 0))
        throw new BadPoolMinutesError(name, `has ${JSON.stringify(line)} on line ${i + 2}`);
      rows.push(row);
    }
  }
  if (rows.length === 0)
    throw new BadPoolMinutesError(files.map(([name]) => name).join(", "), "hold no minute");
  const column = (k: number) => Float64Array.from(rows, (row) => row[k]!);
  return { openTick: column(0), closeTick: column(1), netAmount1: column(2), liquidity: column(3) };
}

const rootOf = (tick: number) => 1.0001 ** (tick / 2);

/** Virtual reserve of token0 in its smallest units, L/√p, ascending: half of what a pool of full range holds. */
export const toReserves = ({ closeTick, liquidity }: PoolMinutes): Float64Array =>
  liquidity.map((l, t) => l / rootOf(closeTick[t]!)).sort();

/** A tick is a basis point; below ten of them a minute's whole ticks say too little of how far the price went. */
const LEAST_TICKS = 10;

/**
 * What flowed into the pool over what its liquidity says for the way of its price, L·Δ√p (v3 white paper, eq. 6.14),
 * minute by minute where the price went ten ticks or more; ascending. One but for fees, whole ticks, and liquidity that
 * changed on the way.
 */
export function toFlowRatios({ openTick, closeTick, netAmount1, liquidity }: PoolMinutes): Float64Array {
  const ratios: number[] = [];
  for (const [t, close] of closeTick.entries()) {
    const open = openTick[t]!;
    if (Math.abs(close - open) < LEAST_TICKS) continue;
    ratios.push(netAmount1[t]! / (liquidity[t]! * (rootOf(close) - rootOf(open))));
  }
  return Float64Array.from(ratios).sort();
}
