import { statSync } from "node:fs";
import {
  BallastError,
  ccxtSource,
  DAY_MS,
  describeReport,
  fileSource,
  HOUR_MS,
  isBarStore,
  isoTime,
  type Market,
  type MarketSource,
  NoNetworkError,
  type RawMarket,
  storeSource,
  syntheticSource,
  toMarket,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import type { Terminal } from "./terminal.ts";

/** Where a command takes its market from: a folder, an exchange, or neither. */
export interface MarketChoice {
  readonly bars?: string | undefined;
  readonly exchange?: string | undefined;
  readonly exchangeUrl?: string | undefined;
  readonly assets?: readonly string[] | undefined;
  readonly seed: number;
  /** Hours that will be replayed on top. */
  readonly hours: number;
  readonly now: UnixMillis;
}

export interface ChosenMarket {
  readonly market: Market;
  /** As the source has it, nothing repaired, and how `market` was made of it. */
  readonly raw: RawMarket;
  readonly options: { readonly now: UnixMillis; readonly assets?: readonly string[] };
  readonly notes: readonly string[];
}

const DEFAULT_EXCHANGE = "binance";
const DEFAULT_ASSETS = ["BTC", "ETH", "SOL", "LINK"];
/** How long an exchange may take to give a sign of life. */
const NO_NETWORK_AFTER_MS = 6_000;
/** Two years: as much history as a model needs, and no more than two cores train on in a minute. */
const SYNTHETIC_HISTORY_DAYS = 730;
/** What a public exchange gives in a few dozen requests. */
const LIVE_HISTORY_DAYS = 180;

export class NoBarsFolderError extends BallastError {
  readonly code = "NO_BARS_FOLDER";
  readonly folder: string;
  constructor(folder: string) {
    super(`There is no folder ${folder}. Give --bars a folder with one file of bars per asset.`);
    this.folder = folder;
  }
}

/** Loads, checks and repairs a market, saying in plain lines what was found. */
export async function loadMarket(choice: MarketChoice, terminal: Terminal): Promise<ChosenMarket> {
  const { raw, now } = await loadRaw(choice, terminal);
  const isFolder = choice.bars !== undefined;
  const options = { now, ...(isFolder && choice.assets && { assets: choice.assets }) };
  const { market, report } = toMarket(raw, options);
  const notes = describeReport(report);
  for (const note of notes) terminal.say(note);
  return { market, raw, options, notes };
}

/** The bars as their source has them, and the moment up to which they can be complete. */
async function loadRaw(
  choice: MarketChoice,
  terminal: Terminal,
): Promise<{ readonly raw: RawMarket; readonly now: UnixMillis }> {
  const { bars, exchange, assets, seed, now } = choice;
  if (bars !== undefined) {
    if (!statSync(bars, { throwIfNoEntry: false })?.isDirectory()) throw new NoBarsFolderError(bars);
    terminal.step(`Reading recorded bars from ${bars}.`);
    const source = await sourceOf(bars);
    const raw = await terminal.track("reading bars", (onProgress) => source.load({ assets, onProgress }));
    return { raw, now };
  }
  if (exchange !== undefined) {
    terminal.step(`Fetching hourly bars from ${exchange}.`);
    return { raw: await fetchRaw(choice, exchange, terminal), now };
  }
  terminal.step(`Asking ${DEFAULT_EXCHANGE} for live hourly bars.`);
  try {
    return { raw: await fetchRaw(choice, DEFAULT_EXCHANGE, terminal), now };
  } catch (error) {
    if (!(error instanceof NoNetworkError)) throw error;
    terminal.say(`No network to ${DEFAULT_EXCHANGE}: using the synthetic market with seed ${seed} instead.`);
  }
  const hours = SYNTHETIC_HISTORY_DAYS * 24 + choice.hours;
  const source = syntheticSource({ seed, hours, start: SYNTHETIC_START, assets });
  const raw = await terminal.track("simulating a market", (onProgress) => source.load({ onProgress }));
  return { raw, now: unixMillis(SYNTHETIC_START + hours * HOUR_MS) };
}

/** A folder is a store that `ballast fetch` keeps, or a collection of files. */
const sourceOf = async (folder: string): Promise<MarketSource> =>
  (await isBarStore(folder)) ? storeSource(folder) : fileSource(folder);

/** Fixed, so that the same seed is the same market whatever the day. */
const SYNTHETIC_START = unixMillis(Date.UTC(2022, 0, 1));

function fetchRaw(choice: MarketChoice, exchange: string, terminal: Terminal): Promise<RawMarket> {
  const to = unixMillis(Math.floor(choice.now / HOUR_MS) * HOUR_MS);
  const from = unixMillis(to - LIVE_HISTORY_DAYS * DAY_MS - choice.hours * HOUR_MS);
  return terminal.track(`fetching since ${isoTime(from)}`, (onProgress) =>
    ccxtSource({
      exchange,
      url: choice.exchangeUrl,
      noNetworkAfterMs: NO_NETWORK_AFTER_MS,
      clock: () => unixMillis(Date.now()),
    }).load({
      assets: choice.assets ?? DEFAULT_ASSETS,
      intervalMs: HOUR_MS,
      from,
      to,
      onProgress,
    }),
  );
}
