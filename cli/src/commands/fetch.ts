import { Command } from "commander";
import { toInterval, toList, toTime, toUrl } from "../options.ts";
import { openTerminal } from "../terminal.ts";

export const fetchCommand = (): Command =>
  new Command("fetch")
    .description(
      "Fetches bars from an exchange into the local store; started again, it goes on where it stopped.",
    )
    .option("--exchange <id>", "any exchange ccxt knows", "binance")
    .option(
      "--exchange-url <url>",
      "a mirror or gateway that speaks the exchange's protocol, in place of its own address",
      toUrl,
    )
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
    .action(async (options) => (await import("../fetch.ts")).runFetch(options, openTerminal()));
