import { statSync } from "node:fs";
import {
  BallastError,
  ccxtSource,
  describeReport,
  fileSource,
  isBarStore,
  type Market,
  openBarStore,
  parseInterval,
  type RawMarket,
  storeSource,
  type UnixMillis,
  unixMillis,
} from "@ballast/data";
import type { ModelManifest } from "@ballast/model";
import { freeze, type TrainingPlan } from "@ballast/training";
import { interruptible } from "./interrupt.ts";
import { NoBarsFolderError } from "./market.ts";
import type { Terminal } from "./terminal.ts";

export class NothingFetchedError extends BallastError {
  readonly code = "NOTHING_FETCHED";
  readonly folder: string;
  constructor(folder: string) {
    super(
      `${folder} holds no fetched bars. Fetch some with \`ballast fetch\`, or give --bars a folder of files.`,
    );
    this.folder = folder;
  }
}

/** What of a source a data set takes. */
export type DataChoice = Pick<TrainingPlan, "data" | "assets" | "until"> & {
  readonly from?: string | undefined;
};

/** Fetches what a plan that names an exchange asks for into its store; for others it does nothing. */
export async function fetchPlanned(
  { data, assets, from, until }: DataChoice,
  terminal: Terminal,
): Promise<void> {
  const { exchange, url, store, quote = "USDT", interval = "1h" } = data;
  if (exchange === undefined) return;
  const clock = () => unixMillis(Date.now());
  const kept = await openBarStore(store!);
  try {
    terminal.step(`Fetching ${assets!.join(", ")} against ${quote} from ${exchange} since ${from}.`);
    const request = {
      assets: assets!,
      intervalMs: parseInterval(interval),
      from: toMillis(from!),
      // A bar at `until` shows that the one before it was complete.
      to:
        until === undefined
          ? clock()
          : unixMillis(Math.min(clock(), toMillis(until) + parseInterval(interval))),
    };
    const raw = await interruptible(
      "what was fetched is kept, and the next run goes on from there",
      (signal) =>
        terminal.track("fetching", (onProgress) =>
          ccxtSource({ exchange, url, quote, store: kept, clock }).load({ ...request, signal, onProgress }),
        ),
    );
    for (const note of raw.notes) terminal.say(note);
  } finally {
    kept.close();
  }
}

/**
 * Reads a plan's data set anew from the disk, cut to its range. Says what was found where `isFirst`. Errors:
 * NoBarsFolderError, NothingFetchedError and those of sources and quality control.
 * @param now The present; no bar may be younger.
 */
export async function readDataset(
  choice: DataChoice,
  now: UnixMillis,
  terminal: Terminal,
  isFirst: boolean,
): Promise<Market> {
  const { assets, until } = choice;
  const say = isFirst ? terminal : undefined;
  const { market, report } = freeze(await readRaw(choice, terminal, isFirst), {
    now,
    assets,
    ...(until !== undefined && { until: toMillis(until) }),
  });
  for (const note of describeReport(report)) say?.say(note);
  return market;
}

/** As the source has it, nothing repaired. Errors: NoBarsFolderError, NothingFetchedError and those of sources. */
export async function readRaw(
  { data, assets, from }: Omit<DataChoice, "until">,
  terminal: Terminal,
  isFirst: boolean,
): Promise<RawMarket> {
  const request = { assets, ...(from !== undefined && { from: toMillis(from) }) };
  const say = isFirst ? terminal : undefined;
  if (data.bars !== undefined) {
    const folder = data.bars;
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new NoBarsFolderError(folder);
    say?.step(`Reading recorded bars from ${folder}.`);
    const source = (await isBarStore(folder)) ? storeSource(folder) : fileSource(folder);
    return terminal.track("reading bars", (onProgress) => source.load({ ...request, onProgress }));
  }
  const folder = data.store!;
  if (!(await isBarStore(folder))) throw new NothingFetchedError(folder);
  say?.step(`Reading the bars stored in ${folder}.`);
  const { exchange, quote, interval } = data;
  const intervalMs = interval === undefined ? undefined : parseInterval(interval);
  return storeSource(folder, { exchange, quote }).load({ ...request, intervalMs });
}

/** Of a time as a training file writes it, which is ISO 8601 in UTC. */
export const toMillis = (time: string): UnixMillis => unixMillis(Date.parse(time));

/**
 * The data set in a manifest's range, out of another source. The root alone says whether it is the same one.
 * Errors: those of `readDataset`.
 */
export async function readSameDataset(
  manifest: ModelManifest,
  data: DataChoice["data"],
  terminal: Terminal,
): Promise<Market> {
  const { assets, from, until, root } = manifest.dataset;
  // The manifest vouches for its last bar: at that moment it was closed.
  const now = toMillis(until);
  const read = (since: string | undefined, isFirst: boolean) =>
    readDataset({ data, assets: [...assets], from: since, until }, now, terminal, isFirst);
  const market = await read(from, true);
  if (market.hash === root) return market;
  // Where its first bar was filled from an earlier one, that one is needed too.
  const whole = await read(undefined, false);
  return whole.hash === root ? whole : market;
}
