import { Command } from "commander";
import { toWhole } from "../options.ts";
import { openTerminal } from "../terminal.ts";

export const compareCommand = (): Command =>
  new Command("compare")
    .description(
      "Sets backtests of one market side by side, with intervals and paired p-values: a table, a page with charts, JSON and Parquet.",
    )
    .argument(
      "<records...>",
      "record.json files of `ballast backtest`, or folders that have one, themselves or each folder in them",
    )
    .option(
      "--baseline <name>",
      "the policy that the others are set against; default: the first threshold, else the first one",
    )
    .option("--resamples <n>", "of the bootstrap", toWhole(100, 100_000), 2000)
    .option("--seed <n>", "of the bootstrap", toWhole(0), 1)
    .option("--out <folder>", "where compare.html, compare.json and compare.parquet go", ".ballast/compare")
    .option("--json", "all figures as one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run ballast -- compare .ballast/backtest/run-0003\n" +
        "  npm run ballast -- compare threshold/record.json predictive/record.json --baseline threshold --out ./report\n" +
        "  npm run ballast -- compare .ballast/backtest/run-0003 --json | jq '.policies[] | {name, costRatio}'",
    )
    .action(async (records, options) =>
      (await import("../compareRuns.ts")).runCompare(records, options, openTerminal()),
    );
