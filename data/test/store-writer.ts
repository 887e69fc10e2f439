/**
 * A process of its own that appends to a store: `node store-writer.ts <folder> <asset> <seed> <batches> <batch size> <interval ms>`. Prints
 * `ack <n>` once batch n is acknowledged, so that a test can kill it at any moment and know what must be there.
 */
import { fileURLToPath } from "node:url";
import { seededRandom } from "../src/random.ts";
import type { BarSeries } from "../src/store.ts";
import { openBarStore } from "../src/store.ts";

export const START = Date.UTC(2022, 0, 20);

/** Batch n of bars, the same in the test and in the process. */
export function batch(seed: number, n: number, size: number, intervalMs: number): BarSeries {
  const random = seededRandom(seed, `batch ${n}`);
  const column = () => Float64Array.from({ length: size }, () => 1 + random.uniform());
  return {
    time: Float64Array.from({ length: size }, (_, i) => START + (n * size + i) * intervalMs),
    bars: { open: column(), high: column(), low: column(), close: column(), volume: column() },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, asset, ...numbers] = process.argv.slice(2) as [string, string, ...string[]];
  const [seed, batches, size, intervalMs] = numbers.map(Number) as [number, number, number, number];
  const store = await openBarStore(folder, { lockWaitMs: 30_000 });
  for (let n = 0; n < batches; n++) {
    await store.append(
      { exchange: "test", quote: "USDT", asset, intervalMs },
      batch(seed, n, size, intervalMs),
    );
    process.stdout.write(`ack ${n}\n`);
  }
  store.close();
}
