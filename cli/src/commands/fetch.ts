import { ccxtSource, isoTime, openBarStore, type UnixMillis, unixMillis } from "@ballast/data";
import { Command } from "commander";
import { toInterval, toList, toTime } from "../options.ts";
import { openTerminal, type Terminal } from "../terminal.ts";

interface FetchOptions {
  readonly exchange: string;
  readonly quote: string;
  readonly assets: string[];
  readonly interval: number;
  readonly from: UnixMillis;
  readonly to?: UnixMillis;
  readonly out: string;
}

export const fetchCommand = (): Command =>
  new Command("fetch")
    .description(
      "Fetches bars from an exchange into the local store; started again, it goes on where it stopped.",
    )
    .option("--exchange <id>", "any exchange ccxt knows", "binance")
    .option("--quote <ticker>", "quote currency", "USDT")
    .requiredOption("--assets <list>", "tickers, as BTC,ETH,SOL", toList)
    .option("--interval <interval>", "length of a bar: 5m, 1h, 1d", toInterval, 3_600_000)
    .requiredOption("--from <time>", "first bar, as 2022-01-01 (UTC)", toTime)
    .option("--to <time>", "first bar no longer wanted; default: now", toTime)
    .option("--out <folder>", "folder of the store", ".ballast/market")
    .addHelpText(
      "after",
      "\nExample:\n  npm run ballast -- fetch --exchange binance --assets BTC,ETH --interval 1h --from 2024-01-01",
    )
    .action((options: FetchOptions) => runFetch(options, openTerminal()));

async function runFetch(options: FetchOptions, terminal: Terminal): Promise<void> {
  const now = unixMillis(Date.now());
  const store = await openBarStore(options.out);
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error("stopped by the user; what was fetched is kept"));
  process.once("SIGINT", onSignal);
  try {
    terminal.step(
      `Fetching ${options.assets.join(", ")} against ${options.quote} from ${options.exchange} since ${isoTime(options.from)}.`,
    );
    const source = ccxtSource({
      exchange: options.exchange,
      quote: options.quote,
      store,
      clock: () => unixMillis(Date.now()),
    });
    const raw = await terminal.track("fetching", (onProgress) =>
      source.load({
        assets: options.assets,
        intervalMs: options.interval,
        from: options.from,
        to: options.to ?? now,
        signal: stop.signal,
        onProgress,
      }),
    );
    for (const note of raw.notes) terminal.say(note);
    for (const { asset, time } of raw.series) {
      terminal.result(
        `${asset}: ${time.length} bars${time.length > 0 ? `, ${isoTime(time[0]!)} to ${isoTime(time.at(-1)!)}` : ""}`,
      );
    }
    terminal.say(`Stored in ${options.out}.`);
  } finally {
    process.off("SIGINT", onSignal);
    store.close();
  }
}
