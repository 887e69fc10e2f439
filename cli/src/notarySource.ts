import { statSync } from "node:fs";
import {
  ccxtSource,
  DAY_MS,
  fileSource,
  isBarStore,
  type MarketSource,
  openBarStore,
  type Snapshot,
  storeSource,
  toMarket,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import { NoBarsFolderError } from "./market.ts";

export interface SourceChoice {
  readonly bars?: string;
  readonly exchange: string;
  readonly exchangeUrl?: string;
  readonly quote: string;
  readonly store: string;
}

/** Bars of one's own, to look up what somebody else says of a market. */
export interface OwnSource {
  /** In words: `files in ./bars`, `binance`. */
  readonly name: string;
  /** The snapshot of the same time, interval, assets and number of bars. Errors: those of the source, and of `toMarket`. */
  observe(proposed: Snapshot, signal: AbortSignal): Promise<Snapshot>;
  close(): void;
}

/** Gaps at the beginning are filled from what came before. */
const BEFORE_MS = DAY_MS;

async function openSource(
  choice: SourceChoice,
  clock: () => UnixMillis,
): Promise<MarketSource & { close(): void }> {
  const { bars, exchange, exchangeUrl: url, quote } = choice;
  if (bars !== undefined) {
    if (!statSync(bars, { throwIfNoEntry: false })?.isDirectory()) throw new NoBarsFolderError(bars);
    return { ...((await isBarStore(bars)) ? storeSource(bars) : fileSource(bars)), close() {} };
  }
  const store = await openBarStore(choice.store);
  return { ...ccxtSource({ exchange, url, quote, store, clock }), close: () => store.close() };
}

/** Files where `bars` is given, else an exchange or a mirror of it, as `ballast agent` has them. */
export async function openOwnSource(choice: SourceChoice, clock: () => UnixMillis): Promise<OwnSource> {
  const source = await openSource(choice, clock);
  return {
    name: choice.bars === undefined ? choice.exchange : `files in ${choice.bars}`,
    close: () => source.close(),
    async observe({ at, intervalMs, assets, bars }, signal) {
      const lookback = bars[0]!.close.length;
      const from = unixMillis(Math.max(0, at - lookback * intervalMs - BEFORE_MS));
      const raw = await source.load({ assets, intervalMs, from, to: at, signal });
      const { market } = toMarket(raw, { now: at, assets });
      return market.past(at).snapshot(lookback);
    },
  };
}
