import { Command } from "commander";
import { toList, toUrl, toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";
import { redisOption } from "./redis.ts";

export const demoCommand = (): Command =>
  new Command("demo")
    .description(
      "The whole way of a decision on a local chain: train, replay, decide, attest, rebalance, compare, report.",
    )
    .option(
      "--bars <folder>",
      "recorded bars, one file an asset (freqtrade, Binance CSV, CSV, Parquet, Feather)",
    )
    .option("--exchange <id>", "live public data of any exchange ccxt knows")
    .option(
      "--exchange-url <url>",
      "a mirror or gateway that speaks the exchange's protocol, in place of its own address",
      toUrl,
    )
    .option("--assets <list>", "what the vault holds beside USDC; default: the three most traded", toList)
    .option(
      "--policy <name>",
      "the policy beside the plain threshold: any that `ballast policies` lists",
      "predictive",
    )
    .option("--policy-set <settings>", "its parameters: key=value,key=value, or a JSON file of them")
    .option("--hours <n>", "hours to replay", toWhole(24, 20_000), 720)
    .option("--seed <n>", "seed of the synthetic market and of the training", toWhole(1, 2 ** 31 - 1), 1)
    .option("--out <folder>", "where runs and their reports go", ".ballast/demo")
    .option("--serve", "stay up afterwards with the API over this run")
    .option("--port <n>", "port of the API with --serve", toWhole(0, 65_535), 8787)
    .addOption(redisOption("to publish the replay to"))
    .option("--json", "end with one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run demo\n  npm run demo -- --bars ./bars --assets BTC,ETH --hours 1000\n  npm run demo -- --exchange kraken --serve\n" +
        "  npm run demo -- --policy calendar-threshold --policy-set everyHours=24,size=0.8",
    )
    .action(async (options) => (await import("../demo.ts")).runDemo(options, openTerminal()));
