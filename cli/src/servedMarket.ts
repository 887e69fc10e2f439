import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bars, Snapshots } from "@ballast/api";
import { type BarStore, snapshotFromBytes, unixMillis } from "@ballast/data";

/** A store of bars as the API reads it. */
export const servedBars = (store: BarStore): Bars => ({
  async list() {
    const keys = await store.list();
    const series = await Promise.all(
      keys.map(async (key) => {
        const [to, first] = await Promise.all([
          store.lastTime(key),
          store.read({ ...key, assets: [key.asset], limit: 1 }),
        ]);
        const from = first.series[0]?.time[0];
        return from === undefined || to === undefined ? undefined : { ...key, from, to };
      }),
    );
    return series.filter((one) => one !== undefined);
  },
  async read({ asset, intervalMs, exchange, quote, from, to, limit }) {
    const { series } = await store.read({
      assets: [asset],
      intervalMs,
      exchange,
      quote,
      limit,
      from: from === undefined ? undefined : unixMillis(from),
      to: to === undefined ? undefined : unixMillis(to),
    });
    if (series[0] !== undefined) return series[0];
    const isKnown = (await store.list()).some(
      (key) =>
        key.asset === asset &&
        key.intervalMs === intervalMs &&
        (exchange === undefined || key.exchange === exchange) &&
        (quote === undefined || key.quote === quote),
    );
    const none = new Float64Array(0);
    return isKnown
      ? { time: none, bars: { open: none, high: none, low: none, close: none, volume: none } }
      : undefined;
  },
});

/** The folder where `keepSnapshot` leaves them. */
export const servedSnapshots = (folder: string): Snapshots => ({
  async get(root) {
    try {
      return snapshotFromBytes(await readFile(join(folder, `${root}.snapshot`)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  },
});
