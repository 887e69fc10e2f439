import { Command } from "commander";
import { toList, toTime } from "../options.ts";
import { openTerminal } from "../terminal.ts";

export const backtestCommand = (): Command =>
  new Command("backtest")
    .description(
      "Runs policies through recorded bars as an agent would have: forecast, decision, latency, costs; started again, it goes on.",
    )
    .option("--config <file>", "YAML with any of the settings; see docs/backtest.yaml")
    .option("--bars <folder>", "recorded bars, one file an asset")
    .option(
      "--assets <list>",
      "hold these and the base asset at equal weights, instead of the file's",
      toList,
    )
    .option("--from <time>", "first bar close to decide at; default: the earliest possible", toTime)
    .option("--until <time>", "last bar close to decide at; default: the market's end", toTime)
    .option(
      "--policy <name>",
      "only this policy of the file, by its label, or any other by its name; may be repeated",
      (name, all: string[] = []) => [...all, name],
    )
    .option("--model <which>", "none, linear, network, a model's id, champion, or a model's file")
    .option("--out <folder>", "records and checkpoints; the same folder goes on; default: .ballast/backtest")
    .option("--json", "what was run, as one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  npm run ballast -- backtest --config docs/backtest.yaml\n" +
        "  npm run ballast -- backtest --bars ./bars --assets BTC,ETH,SOL --policy threshold --policy predictive --model linear",
    )
    .action(async (options) => (await import("../backtest.ts")).runBacktests(options, openTerminal()));
