import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOUR_MS, type Random, seededRandom } from "@ballast/data";

export const RECORDED = {
  start: Date.UTC(2023, 0, 1),
  hours: 1_560,
  feesPerHour: 6,
  assets: ["BTC", "ETH", "LINK"],
} as const;

export interface RecordedMarket {
  /** A folder of hourly bars, and a file of base fees. */
  readonly bars: string;
  readonly gas: string;
  /** The same as numbers: by asset the close of each hour, and by hour its base fees in gwei. */
  readonly closes: ReadonlyMap<string, readonly number[]>;
  readonly fees: readonly (readonly number[])[];
}

/** Raw files of a seeded market and its base fees while `use` runs. What lies after hour `cut` comes of another seed. */
export async function withRecordedMarket<T>(
  use: (market: RecordedMarket) => Promise<T>,
  cut = Number.POSITIVE_INFINITY,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "ballast-recorded-"));
  const gasFolder = await mkdtemp(join(tmpdir(), "ballast-recorded-"));
  try {
    const { start, hours, feesPerHour, assets } = RECORDED;
    const closes = new Map<string, number[]>();
    for (const asset of assets) {
      const at = sourceOf(asset, cut);
      let close = 100;
      // One bar more: the youngest may be open and is left out.
      const rows = Array.from({ length: hours + 1 }, (_, t) => {
        const open = close;
        close *= Math.exp(0.008 * at(t).normal());
        const [high, low] = [1.001 * Math.max(open, close), 0.999 * Math.min(open, close)];
        return [start + t * HOUR_MS, open, high, low, close, 1];
      });
      closes.set(
        asset,
        rows.map((row) => row[4]!),
      );
      await writeFile(join(folder, `${asset}_USD-1h.json`), JSON.stringify(rows));
    }
    const at = sourceOf("gas", cut);
    let level = 0;
    const fees = Array.from({ length: hours }, (_, t) => {
      level = 0.9 * level + 0.3 * at(t).normal();
      const wave = 0.3 * Math.sin((2 * Math.PI * t) / 24);
      return Array.from({ length: feesPerHour }, () => 30 * Math.exp(level + wave + 0.2 * at(t).normal()));
    });
    const lines = fees.flatMap((own, t) =>
      own.map((fee, k) => `${start / 1000 + t * 3_600 + (k + 1) * 590},${fee}`),
    );
    const gas = join(gasFolder, "fees.csv");
    await writeFile(gas, ["unix_seconds,base_fee_gwei", ...lines].join("\n"));
    return await use({ bars: folder, gas, closes, fees });
  } finally {
    await rm(folder, { recursive: true });
    await rm(gasFolder, { recursive: true });
  }
}

function sourceOf(name: string, cut: number): (t: number) => Random {
  const [before, after] = [seededRandom(1, name), seededRandom(2, name)];
  return (t) => (t <= cut ? before : after);
}
