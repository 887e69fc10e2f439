import { ccxtSource, isoTime, openBarStore, type UnixMillis, unixMillis } from "@ballast/data";
import { checkWritable } from "./folders.ts";
import { interruptible } from "./interrupt.ts";
import type { Terminal } from "./terminal.ts";

export interface FetchOptions {
  readonly exchange: string;
  readonly exchangeUrl?: string;
  readonly quote: string;
  readonly assets: string[];
  readonly interval: number;
  readonly from: UnixMillis;
  readonly to?: UnixMillis;
  readonly out: string;
}

export async function runFetch(options: FetchOptions, terminal: Terminal): Promise<void> {
  const { exchange, exchangeUrl, quote, assets, interval, from, out } = options;
  const clock = () => unixMillis(Date.now());
  checkWritable(out, "--out");
  const store = await openBarStore(out);
  try {
    terminal.step(`Fetching ${assets.join(", ")} against ${quote} from ${exchange} since ${isoTime(from)}.`);
    const source = ccxtSource({ exchange, url: exchangeUrl, quote, store, clock });
    const raw = await interruptible(
      "what was fetched is kept, and the next run goes on from there",
      (signal) =>
        terminal.track("fetching", (onProgress) =>
          source.load({ assets, intervalMs: interval, from, to: options.to ?? clock(), signal, onProgress }),
        ),
    );
    for (const note of raw.notes) terminal.say(note);
    for (const { asset, time } of raw.series) {
      terminal.result(
        `${asset}: ${time.length} bars${time.length > 0 ? `, ${isoTime(time[0]!)} to ${isoTime(time.at(-1)!)}` : ""}`,
      );
    }
    terminal.say(`Stored in ${out}.`);
  } finally {
    store.close();
  }
}
