import type { BarColumns, Exogenous, Snapshot } from "@ballast/data";
import { seededRandom, unixMillis } from "@ballast/data";
import { lookbackBars } from "./features.ts";

/** A seeded random market of `assets` at one moment, for tests of this package. */
export function randomSnapshot(options: {
  readonly seed: number;
  readonly assets: number;
  readonly intervalMs?: number;
  readonly extraBars?: number;
  readonly at?: number;
  readonly exogenous?: readonly Exogenous[];
}): Snapshot {
  const intervalMs = options.intervalMs ?? 3_600_000;
  const length = lookbackBars(intervalMs) + (options.extraBars ?? 0);
  const random = seededRandom(options.seed);
  const bars = Array.from({ length: options.assets }, (): BarColumns => {
    const column = () => new Float64Array(length);
    const out = { open: column(), high: column(), low: column(), close: column(), volume: column() };
    let price = 100 * random.exponential() + 1;
    for (let i = 0; i < length; i++) {
      out.open[i] = price;
      price *= Math.exp(0.01 * random.normal());
      out.close[i] = price;
      out.high[i] = Math.max(out.open[i]!, price) * Math.exp(0.005 * random.exponential());
      out.low[i] = Math.min(out.open[i]!, price) * Math.exp(-0.005 * random.exponential());
      out.volume[i] = 10 * random.exponential();
    }
    return out;
  });
  return {
    at: unixMillis(options.at ?? Date.UTC(2022, 4, 11, 13)),
    intervalMs,
    assets: bars.map((_, i) => `A${i}`),
    bars,
    exogenous: options.exogenous ?? [],
    root: "0x00",
  };
}
