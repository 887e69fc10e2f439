import { statSync } from "node:fs";
import {
  BallastError,
  ccxtSource,
  DAY_MS,
  describeReport,
  fileSource,
  HOUR_MS,
  isoTime,
  type Market,
  type RawMarket,
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
  readonly assets?: readonly string[] | undefined;
  readonly seed: number;
  /** Days of history wanted before the replay. */
  readonly historyDays: number;
  /** Hours that will be replayed on top. */
  readonly hours: number;
  readonly now: UnixMillis;
}

export interface ChosenMarket {
  readonly market: Market;
  readonly notes: readonly string[];
}

const DEFAULT_EXCHANGE = "binance";
const DEFAULT_ASSETS = ["BTC", "ETH", "SOL", "LINK"];
/** How long the default exchange may take to give a sign of life before the synthetic market is used. */
const PATIENCE_MS = 6_000;

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
  const raw = await loadRaw(choice, terminal);
  const { market, report } = toMarket(raw, {
    now: choice.now,
    ...(choice.assets === undefined || choice.bars === undefined ? {} : { assets: choice.assets }),
  });
  const notes = describeReport(report);
  for (const note of notes) terminal.say(note);
  return { market, notes };
}

async function loadRaw(choice: MarketChoice, terminal: Terminal): Promise<RawMarket> {
  if (choice.bars !== undefined) {
    if (!statSync(choice.bars, { throwIfNoEntry: false })?.isDirectory())
      throw new NoBarsFolderError(choice.bars);
    terminal.step(`Reading recorded bars from ${choice.bars}.`);
    return terminal.track("reading bars", (onProgress) =>
      fileSource(choice.bars as string).load({ assets: choice.assets, onProgress }),
    );
  }
  if (choice.exchange !== undefined) {
    terminal.step(`Fetching hourly bars from ${choice.exchange}.`);
    return fetchRaw(choice, choice.exchange, terminal);
  }
  terminal.step(`Asking ${DEFAULT_EXCHANGE} for live hourly bars.`);
  try {
    return await fetchRaw(choice, DEFAULT_EXCHANGE, terminal, AbortSignal.timeout(PATIENCE_MS));
  } catch (error) {
    if (
      !(error instanceof BallastError) &&
      (error as Error).name !== "TimeoutError" &&
      (error as Error).name !== "AbortError"
    )
      throw error;
    terminal.say(
      `No network to ${DEFAULT_EXCHANGE}: using the synthetic market with seed ${choice.seed} instead.`,
    );
  }
  return terminal.track("making the market", (onProgress) =>
    syntheticSource({
      seed: choice.seed,
      hours: choice.historyDays * 24 + choice.hours,
      start: SYNTHETIC_START,
      ...(choice.assets === undefined ? {} : { assets: choice.assets }),
    }).load({ onProgress }),
  );
}

/** Fixed, so that the same seed is the same market whatever the day. */
const SYNTHETIC_START = unixMillis(Date.UTC(2022, 0, 1));

function fetchRaw(
  choice: MarketChoice,
  exchange: string,
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<RawMarket> {
  const to = unixMillis(Math.floor(choice.now / HOUR_MS) * HOUR_MS);
  const from = unixMillis(to - choice.historyDays * DAY_MS - choice.hours * HOUR_MS);
  return terminal.track(`fetching since ${isoTime(from)}`, (onProgress) =>
    ccxtSource({ exchange, clock: () => unixMillis(Date.now()) }).load({
      assets: choice.assets ?? DEFAULT_ASSETS,
      intervalMs: HOUR_MS,
      from,
      to,
      signal,
      onProgress,
    }),
  );
}
