/**
 * A process of its own that appends to a store: `node store-writer.ts <folder> <asset> <seed> <batches>`. Prints
 * `ack <n>` once batch n, of BATCH bars, is acknowledged, so that a test can kill it at any moment and know what must be there.
 */
import { fileURLToPath } from "node:url";
import { seededRandom } from "../src/random.ts";
import type { BarSeries } from "../src/store.ts";
import { openBarStore } from "../src/store.ts";
import { HOUR_MS } from "../src/units.ts";

export const BATCH = 50;
export const START = Date.UTC(2022, 0, 20);

/** Batch n of bars, the same in the test and in the process. */
export function batch(seed: number, n: number): BarSeries {
  const random = seededRandom(seed, `batch ${n}`);
  const column = () => Float64Array.from({ length: BATCH }, () => 1 + random.uniform());
  return {
    time: Float64Array.from({ length: BATCH }, (_, i) => START + (n * BATCH + i) * HOUR_MS),
    bars: { open: column(), high: column(), low: column(), close: column(), volume: column() },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, asset, seed, batches] = process.argv.slice(2) as [string, string, string, string];
  const store = await openBarStore(folder, { lockWaitMs: 30_000 });
  for (let n = 0; n < Number(batches); n++) {
    await store.append(
      { exchange: "test", quote: "USDT", asset, intervalMs: HOUR_MS },
      batch(Number(seed), n),
    );
    process.stdout.write(`ack ${n}\n`);
  }
  store.close();
}
